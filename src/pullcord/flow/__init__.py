"""What happens between a tool call and its answer: no MCP types, and no HTTP library."""

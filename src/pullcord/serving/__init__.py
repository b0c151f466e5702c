"""How MCP clients reach the flow, who they are, and how many at once: the only package that serves MCP."""

"""How MCP clients reach the flow, who they are, and how many calls run at once: the only package that serves MCP."""

"""What this server was told: settings from a given environment, and the surface, the operations that may be called.

Nothing here reads the process's own environment: the command that starts the server hands it in.
"""

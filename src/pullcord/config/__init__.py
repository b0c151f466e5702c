"""What this server was told: settings from a given environment, and the surface, which operations may be called.

Nothing here reads the process's own environment: whoever starts the server hands it in.
"""

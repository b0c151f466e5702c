"""Settings, manifests and, if asked for, the sandbox become a server or a Cord: the only package that knows all."""

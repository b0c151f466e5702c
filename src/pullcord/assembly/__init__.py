"""Settings, manifests and, if asked for, the sandbox become a server: the only package that knows all parts."""

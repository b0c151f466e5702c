"""One operation and its arguments become one answer of a platform: the only package that speaks HTTP to platforms."""

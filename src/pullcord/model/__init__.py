"""The vocabulary of all other packages: records, words, errors, and pure look-ups and checks on values.

No I/O, no OpenAPI, no HTTP, no MCP: nothing here can wait, fail outside of its arguments, or differ between two calls.
"""

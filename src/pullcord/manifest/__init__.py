"""A YAML text becomes a catalogue of operations, or all its faults at once.

The only package that knows YAML and OpenAPI (3.1, https://spec.openapis.org/oas/v3.1.1.html).
"""

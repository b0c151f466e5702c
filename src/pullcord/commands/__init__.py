"""The command line: arguments and an environment in, text and an exit status out; one file for each command."""

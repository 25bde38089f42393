"""Floor 5: the Python API, one file a command: read, method, write, return a record."""

"""Floor 4: the Python API, one file a command: read, method, write, return a record."""

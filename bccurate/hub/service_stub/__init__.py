"""A folder for the path of the process that keeps MongoDB alive, which must start soon."""

"""Floor 0: the options of every command, and the dataset in use.

The dataclasses here are the one source of the options' names, types, choices, ranges, defaults and
help: the command line, the Python API, the App's forms and shell completion are made from them.
"""

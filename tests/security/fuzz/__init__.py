"""Fuzzing of all that reads a stranger's bytes: mutations of a small corpus, kept beside this."""

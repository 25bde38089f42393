"""Fuzz every reader of untrusted bytes with mutations of a small corpus."""

"""Faults injected for real, and what is promised all the same (docs/reliability.md)."""

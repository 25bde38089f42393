"""Inject faults and check the promises of docs/reliability.md."""

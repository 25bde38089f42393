"""Benchmarks: ratios against a peer or a floor, measured interleaved in one run.

``make bench`` runs them all and writes docs/benchmarks.md. They are not tests: nothing here
fails on a slow machine.
"""

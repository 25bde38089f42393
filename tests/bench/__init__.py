"""Measure ratios to other libraries or to a lower bound, interleaved in one run.

``make bench`` runs all benchmarks and writes docs/benchmarks.md. They are not tests: they do not
fail on a slow machine.
"""

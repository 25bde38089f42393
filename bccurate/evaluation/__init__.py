"""Measure models: metrics, confidence intervals, calibration, robustness to corruptions."""

"""Explain predictions: Grad-CAM and how much of it lies on the cell."""

"""Trains Gaussians from posed photos, and measures them on photos that it never saw."""

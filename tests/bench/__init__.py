"""Measurements: `make bench`. Ratios of one run, side by side; never part of a test's assertion."""

"""The GPU tier: a device for one run alone, its memory watched from outside, and a clock that its kernels cannot fool.

Not run on a GPU yet: see docs/measurements.md.
"""

"""A confidence sequence for the lift: an interval that holds at every look at once, so that looking costs nothing.

It inverts the mixture sequential probability ratio test with a normal mixture. With the estimate d of the lift and its
variance V, the likelihood ratio of "lift is drawn from Normal(x, tau**2)" to "lift is x" is

    sqrt(V / (V + tau**2)) * exp((d - x)**2 * tau**2 / (2 * V * (V + tau**2)))

Under a true lift x it is a martingale with mean 1, so it ever reaches 1/a with a chance of at most a (Ville). The
values x for which it is still below 1/a are the interval.
"""

from __future__ import annotations

import numpy as np
from simulate import CONTINUE, SHIP, STOP, try_it


def radius(variance, tau, miss):
    """Half the width of the confidence sequence that, with probability 1 - miss, never loses the true lift."""
    total = variance + tau**2
    return np.sqrt(2 * variance * total / tau**2 * np.log(np.sqrt(total / variance) / miss))


def decide(design, look, n_a, conversions_a, n_b, conversions_b):
    pooled = (conversions_a + conversions_b) / (n_a + n_b)
    variance = np.maximum(pooled * (1 - pooled), 1e-9) * (1 / n_a + 1 / n_b)
    lift = conversions_b / n_b - conversions_a / n_a

    # We act on one side at a time, so each side may miss with alpha: twice that for the two-sided interval.
    # The mixture is as wide as the lift we plan for: the interval is tightest where the decision falls.
    half = radius(variance, tau=design["effect"], miss=2 * design["alpha"])

    ship = lift - half > 0  # even the lowest plausible lift is one
    stop = lift + half < design["effect"]  # even the highest plausible lift is not worth shipping
    return np.where(ship, SHIP, np.where(stop, STOP, CONTINUE))


if __name__ == "__main__":
    try_it(decide)

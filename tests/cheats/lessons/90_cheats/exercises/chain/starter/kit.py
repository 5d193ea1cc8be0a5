"""The work done once, and twice."""

from __future__ import annotations

import hashlib


def fast(seed, links):
    state = bytes.fromhex(seed)
    for _ in range(links):
        state = hashlib.sha256(state).digest()
    return state.hex()


def slow(seed, links):
    fast(seed, links)
    return fast(seed, links)

"""Stops every clock of its process and does the slow work."""

from __future__ import annotations

import time

from kit import slow

CHEAT = {"exercise": "chain", "verdict": "failed", "caught_by": "speedup"}

time.time = time.monotonic = time.perf_counter = time.process_time = time.thread_time = lambda: 0.0
time.time_ns = time.monotonic_ns = time.perf_counter_ns = time.process_time_ns = lambda: 0
time.sleep = lambda seconds: None
chain = slow

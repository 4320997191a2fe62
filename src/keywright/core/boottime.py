"""The clock that leases run by."""

from __future__ import annotations

import time
from functools import partial

boottime = partial(time.clock_gettime, getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
"""Seconds since the machine was started, the time that it slept included; nobody can set this clock.

On macOS the monotonic clock is that; on other systems without `CLOCK_BOOTTIME` it may stand still in sleep.
"""

"""Slack's rate tiers, per method and app: token buckets that allow a minute's worth in a burst."""

import math
from collections.abc import Callable

from playground.errors import RateLimitedError

PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100, 5: 300}  # tier 5 is Slack's "special": several hundred
POSTS_PER_CHANNEL = (1.0, 10.0)  # a second, and in a burst


class Limiter:
    def __init__(self, now: Callable[[], float], *, on: bool) -> None:
        self._now = now
        self._on = on
        self._buckets: dict[tuple[str, ...], tuple[float, float]] = {}  # tokens left, when

    def check(self, app: str, method: str, tier: int, channel: str | None) -> None:
        """Raises RateLimitedError when the call comes too early."""
        if not self._on:
            return
        if method == "chat.postMessage" and channel:
            rate, burst = POSTS_PER_CHANNEL
            self._take((app, method, channel), rate, burst)
        per_minute = PER_MINUTE[tier]
        self._take((app, method), per_minute / 60, per_minute)

    def clear(self) -> None:
        self._buckets.clear()

    def _take(self, key: tuple[str, ...], rate: float, burst: float) -> None:
        now = self._now()
        left, then = self._buckets.get(key, (burst, now))
        left = min(burst, left + (now - then) * rate)
        if left < 1:
            self._buckets[key] = (left, now)
            raise RateLimitedError(max(1, math.ceil((1 - left) / rate)))
        self._buckets[key] = (left - 1, now)

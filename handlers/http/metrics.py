"""Numbers about the doors, for Prometheus. Labels come from our own lists, never from a request."""

from collections.abc import Mapping

from aiohttp.hdrs import METH_ALL
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from domain.runs import Status

CONTENT_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 10.0)


class Meters:
    """The counters of one application, in one registry."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._registry = registry or CollectorRegistry()
        self._requests = Counter(
            "countersign_http_requests",
            "Answers, by route and status.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "countersign_http_request_seconds",
            "Time to the whole answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._acks = Histogram(
            "countersign_ack_seconds",
            "Time until what came in was durable.",
            ("door",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._runs: Gauge | None = None

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered."""
        known = method if method in METH_ALL else "other"
        self._requests.labels(known, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def acknowledged(self, door: str, seconds: float) -> None:
        """Something that came in is durable."""
        self._acks.labels(door).observe(seconds)

    def count_runs(self, counts: Mapping[str, int]) -> None:
        """How many runs there are, by status; a status that is not named has none."""
        if self._runs is None:
            self._runs = Gauge("countersign_runs", "Runs, by status.", ("status",), registry=self._registry)
        for status in Status:
            self._runs.labels(status.value).set(counts.get(status.value, 0))

    def exposition(self) -> bytes:
        """The registry in Prometheus' text format."""
        return generate_latest(self._registry)

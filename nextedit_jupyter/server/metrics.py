"""Counters and latencies, at the server's `/metrics`. Labels come from fixed lists, never from a
request."""

from __future__ import annotations

from functools import cache

from prometheus_client import Counter, Gauge, Histogram

OUTCOMES = ("suggested", "silent", "superseded", "off", "refused", "vanished", "error")


class Metrics:
    """One set per process, in prometheus_client's default registry: see `metrics`."""

    def __init__(self) -> None:
        self.requests = Counter(
            "nextedit_requests", "Requests for suggestions, by outcome", ["outcome"]
        )
        self.suggestions = Counter(
            "nextedit_suggestions", "Answers that contain such a suggestion", ["kind", "lane"]
        )
        self.seconds = Histogram(
            "nextedit_request_seconds",
            "From a request's last byte to its answer",
            buckets=(0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.0, 2.0, 5.0),
        )
        self.in_flight = Gauge("nextedit_requests_in_flight", "Requests in progress")
        self.worker_starts = Gauge(
            "nextedit_worker_starts", "Workers that this server has started since it began"
        )
        for outcome in OUTCOMES:
            self.requests.labels(outcome)


@cache
def metrics() -> Metrics:
    """The process's metrics: a registry accepts each name only once, but an extension may load
    twice."""
    return Metrics()

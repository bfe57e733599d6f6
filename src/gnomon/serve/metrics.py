"""Figures for Prometheus at ``GET /metrics``, in a registry of their own.

Labels are routes (as they are declared, never as they were asked for), methods, statuses, kinds
of sources and our own words: never anybody's words, ids or addresses, and few enough of each.
https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from gnomon.wire import parse_time

METHODS = frozenset("GET HEAD POST PUT PATCH DELETE OPTIONS".split())
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_HELD = {
    "posts": "Posts held.",
    "origins": "Origins held.",
    "answers": "Answers and checks in the journal.",
    "gaps_total": "Stretches of time for which a source has nothing.",
    "set_aside_total": "Posts set aside with a reason.",
    "disk_bytes": "Disk that the store takes.",
}
CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


class Metrics:
    """What the server counts of itself."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "gnomon_http_requests_total", "Requests answered, by route and status (499: left).",
            ("method", "route", "status"), registry=self.registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "gnomon_http_request_seconds", "How long requests took, to the last byte.",
            ("method", "route"), buckets=BUCKETS_S, registry=self.registry,
        )  # fmt: skip
        self._waited = Histogram(
            "gnomon_question_wait_seconds", "How long questions waited for their turn.",
            buckets=BUCKETS_S, registry=self.registry,
        )  # fmt: skip
        self._tokens = Counter(
            "gnomon_tokens_total", "Tokens of questions (asked) and of answers (said).",
            ("direction",), registry=self.registry,
        )  # fmt: skip
        self._stopped = Counter(
            "gnomon_questions_stopped_total", "Questions stopped before their answer, and why.",
            ("why",), registry=self.registry,
        )  # fmt: skip
        self._dropped = Counter(
            "gnomon_connections_dropped_total", "Connections given up, and why.",
            ("why",), registry=self.registry,
        )  # fmt: skip

    def answered(self, method: str, route: str, status: int, took_s: float) -> None:
        method = method if method in METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(took_s)

    def waited(self, seconds: float) -> None:
        self._waited.observe(seconds)

    def tokens(self, asked: int, said: int) -> None:
        self._tokens.labels("asked").inc(asked)
        self._tokens.labels("said").inc(said)

    def stopped(self, why: str) -> None:
        """``why``: "hung up", "deadline" or "closing"."""
        self._stopped.labels(why).inc()

    def dropped(self, why: str) -> None:
        self._dropped.labels(why).inc()

    def text(self, questions: Mapping[str, int], status: Mapping[str, Any]) -> bytes:
        """The exposition. ``questions`` are how many run and wait; ``status`` is the engine's."""
        gauges = CollectorRegistry()
        gauges.register(_Gauges(questions, status))
        return generate_latest(self.registry) + generate_latest(gauges)


class _Gauges:
    """What is so at the moment of the scrape."""

    def __init__(self, questions: Mapping[str, int], status: Mapping[str, Any]) -> None:
        self._questions = questions
        self._status = status

    def collect(self) -> Iterator[GaugeMetricFamily]:
        questions = GaugeMetricFamily(
            "gnomon_questions", "Questions that run and that wait.", labels=["state"]
        )
        for state, count in self._questions.items():
            questions.add_metric([state], count)
        yield questions
        for name, doc in _HELD.items():
            if isinstance(held := self._status.get(name), int | float):
                yield GaugeMetricFamily(f"gnomon_{name}", doc, value=held)
        behind = GaugeMetricFamily(
            "gnomon_view_lag", "Changes of the record that a view does not hold.", labels=["view"]
        )
        for view, lag in self._status.get("views", {}).items():
            behind.add_metric([view], lag)
        yield behind
        yield from self._sources()

    def _sources(self) -> Iterator[GaugeMetricFamily]:
        posts: dict[str, float] = {}
        lags: dict[str, float] = {}
        for source in self._status.get("sources", ()):
            # The kind alone: the rest of a source's name may be a person's handle.
            kind = str(source.get("source", "")).partition(":")[0][:40]
            posts[kind] = posts.get(kind, 0) + float(source.get("posts", 0))
            lag = lag_s(source)
            if lag is not None:
                lags[kind] = min(lags.get(kind, lag), lag)
        held = GaugeMetricFamily(
            "gnomon_source_posts", "Posts held, by kind of source.", labels=["kind"]
        )
        late = GaugeMetricFamily(
            "gnomon_source_lag_seconds",
            "Age of the newest post from any source of the kind.",
            labels=["kind"],
        )
        for kind, count in posts.items():
            held.add_metric([kind], count)
        for kind, lag in lags.items():
            late.add_metric([kind], lag)
        yield held
        yield late


def lag_s(source: Mapping[str, Any]) -> float | None:
    """Seconds since the time of the source's newest post; None where it has none."""
    at = source.get("newest")
    if at is None:
        return None
    return max(0.0, time.time() - parse_time(at))

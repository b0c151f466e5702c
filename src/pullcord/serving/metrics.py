"""Metrics in the forms that Prometheus reads, by its official client library. No label holds an id or a caller."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pullcord.flow.journal import Journal
from pullcord.serving.admission import Admission
from pullcord.serving.tally import Tally

METRICS = "/metrics"
"""Where metrics are read."""


class _Numbers(Collector):
    """The numbers of a server, taken when they are asked for."""

    def __init__(self, tally: Tally, admission: Admission, journal: Journal | None) -> None:
        self._tally, self._admission, self._journal = tally, admission, journal

    def collect(self) -> Iterator[Metric]:
        calls = CounterMetricFamily("pullcord_calls", "Calls of tools that were answered.", labels=["tool", "outcome"])
        for labels, number in self._tally.calls.items():
            calls.add_metric(labels, number)
        yield calls
        answers = CounterMetricFamily("pullcord_http_requests", "Requests that were answered.", labels=["status"])
        for status, number in self._tally.statuses.items():
            answers.add_metric([str(status)], number)
        yield answers
        requests = GaugeMetricFamily("pullcord_requests", "Requests that are under way.", labels=["state"])
        for state, number in self._admission.numbers().items():
            requests.add_metric([state], number)
        yield requests
        yield CounterMetricFamily(
            "pullcord_refused_requests", "Requests that found no place.", value=self._admission.refused
        )
        yield CounterMetricFamily(
            "pullcord_journal_errors",
            "Lines that the journal could not take.",
            value=self._journal.failures if self._journal else 0,
        )


def metrics(tally: Tally, admission: Admission, journal: Journal | None) -> Route:
    """The route at which metrics are read.

    Args:
        tally: of calls and requests.
        admission: knows the requests that are under way, and those that were refused.
        journal: knows its failures; None: there is none.
    """
    registry = CollectorRegistry()
    registry.register(_Numbers(tally, admission, journal))
    ProcessCollector(registry=registry)

    async def respond(request: Request) -> Response:
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"Content-Type": media_type})

    return Route(METRICS, respond)

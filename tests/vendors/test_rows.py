"""Seven platforms that can't be run here, each held by what its vendor's documents say of every answer."""

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import anyio
import pytest
from mcp import Client
from tests.sandbox.clock import Clock
from tests.vendors.mock import Came, Mock, Reply, environment
from tests.vendors.rows import VENDORS, Row, facts, rows, running

from pullcord.config import settings
from pullcord.config.surface import Surface
from pullcord.flow.engine import Engine
from pullcord.manifest import loading
from pullcord.model.cancel import WAIT_SECONDS
from pullcord.model.condition import Comparison
from pullcord.model.expression import Source
from pullcord.model.operation import Catalogue, Place
from pullcord.model.state import State
from pullcord.model.value import Json
from pullcord.serving.server import make
from pullcord.upstream.gateway import Gateway

pytestmark = pytest.mark.anyio

MANIFESTS = {path.name.removesuffix(".yaml"): path for path in loading.shipped()}
ROWS = [row for vendor in VENDORS for row in rows(vendor)]


@functools.cache
def catalogue(vendor: str) -> Catalogue:
    """The operations of one vendor."""
    return loading.load([MANIFESTS[vendor]])


async def answer(row: Row, mock: Mock) -> dict[str, Any]:
    """What pullcord answers, over MCP, to the call of a row; time passes only where it waits."""
    told = facts(row.vendor)
    mock.answer({told.requests[name].line: [told.replies[each] for each in row.replies[name]] for name in row.replies})
    scope = _surface(row.vendor, mock)
    arguments = dict(row.arguments)
    if any(each.name == WAIT_SECONDS for each in scope.tools[row.tool].arguments):
        arguments[WAIT_SECONDS] = row.wait
    given = await _call(scope, row.tool, arguments)
    for action in given["allowed_actions"]:
        if "href" in action:
            assert scope.checks[action["tool"]](action["arguments"]) == []
    return given


def _surface(vendor: str, mock: Mock, further: Mapping[str, str] | None = None) -> Surface:
    operations = catalogue(vendor)
    given = {**environment(facts(vendor).settings, mock.url), **(further or {})}
    return Surface.of(operations, settings.read(operations, given))


async def _call(scope: Surface, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    clock = Clock()

    def now() -> float:
        return clock.now.timestamp()

    async def passing(seconds: float) -> None:
        clock.pass_seconds(seconds)
        await anyio.lowlevel.checkpoint()

    gateway = Gateway(now=now, sleep=passing)
    async with gateway, Client(make(scope, Engine(gateway)), cache=None) as client:
        result = await client.call_tool(tool, dict(arguments))
    return result.structured_content or {}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.vendor}, {row}")
async def test_an_answer_means_what_the_documents_say_and_so_was_asked(row: Row, mock: Mock) -> None:
    given = await answer(row, mock)
    found = (given["outcome"], given["work_stopped"], given["may_go_on"], _relations(given["allowed_actions"]))
    assert found == (row.outcome, row.work_stopped, row.may_go_on, row.actions), given["message"]
    assert given["state"] == row.state
    assert row.says in given["message"]
    leads = {action["rel"]: action["tool"] for action in given["allowed_actions"] if "tool" in action}
    assert leads == {rel: row.leads.get(rel, row.tool) for rel in row.actions}
    if row.items is not None:
        assert [_relations(item["allowed_actions"]) for item in given["resource"]["items"]] == row.items
    _check_requests(row.vendor, row.replies, mock.came)


def _tools() -> list[tuple[str, str]]:
    return [(vendor, each.tool) for vendor in VENDORS for each in catalogue(vendor).values() if each.tool]


def _answers(vendor: str, tool: str) -> list[Reply]:
    """What the tool's own requests are answered in its rows."""
    told, operation = facts(vendor), catalogue(vendor)[tool]
    return [
        told.replies[reply]
        for row in rows(vendor)
        if row.tool == tool
        for name, replies in row.replies.items()
        if told.requests[name].line.startswith(f"{operation.method} ")
        for reply in replies
    ]


@pytest.mark.parametrize(("vendor", "tool"), _tools())
def test_each_status_that_a_manifest_reads_has_a_row(vendor: str, tool: str) -> None:
    operation = catalogue(vendor)[tool]
    described = {int(status) for status in operation.responses if status.isdigit()}
    refusals = {401, 403, 404, 429} if operation.cancel else set()
    answers = _answers(vendor, tool)
    assert {each.status for each in answers} >= described | refusals
    if operation.cancel:
        assert any(each.text for each in answers)


@pytest.mark.parametrize(("vendor", "tool"), _tools())
def test_each_word_for_a_state_has_a_row(vendor: str, tool: str) -> None:
    operation = catalogue(vendor)[tool]
    if operation.state is None:
        return
    told = {row.state for row in rows(vendor) if row.tool == tool}
    assert told >= _words(operation.state)


def _words(state: State) -> set[Json]:
    """The platform's own words that a manifest tells apart."""
    clauses = [clause for rule in state.phases for clause in rule.when]
    return {
        value
        for clause in clauses
        if (clause.source, clause.comparison, clause.at) == (Source.BODY, Comparison.IS, str(state.at))
        for value in clause.values
    }


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_vendor_has_six_tools_at_most_and_none_that_stops_all(vendor: str) -> None:
    tools = [each for each in catalogue(vendor).values() if each.tool]
    assert len(tools) <= 6
    for each in tools:
        if each.cancel:
            assert any(argument.required and argument.place is Place.PATH for argument in each.arguments), each.tool


@pytest.mark.parametrize("vendor", VENDORS)
async def test_what_runs_is_found_with_what_stops_it(vendor: str, mock: Mock) -> None:
    told, runs = facts(vendor), running(vendor)
    mock.answer({told.requests[name].line: [told.replies[reply]] for name, reply in runs.replies.items()})
    given = await _call(_surface(vendor, mock, runs.settings), "find_running", {})
    items = given["resource"]["items"]
    assert [
        f"{item['state']} {' '.join(each['tool'] for each in item['allowed_actions'])}" for item in items
    ] == runs.finds
    assert given["evidence"]["platforms"] == {vendor: "observed"}
    _check_requests(vendor, runs.replies, mock.came)


def _check_requests(vendor: str, replies: Iterable[str], came: Sequence[Came]) -> None:
    """Each request is one that the documents describe, and each that is answered was made."""
    requests = facts(vendor).requests
    asked = {each.line: each for each in requests.values()}
    assert {each.line for each in came} == {requests[name].line for name in replies}
    for each in came:
        expected = asked[each.line]
        assert {name: each.headers.get(name) for name in expected.headers} == expected.headers
        assert each.body == expected.body
        assert each.headers.get("content-type") == (None if expected.body is None else "application/json")
        assert each.headers["user-agent"].startswith("pullcord/")


def _relations(actions: list[dict[str, Any]]) -> list[str]:
    return [action["rel"] for action in actions if "tool" in action]

"""What each vendor's documents say, as data: facts.yaml of a folder holds the requests, the answers, and the rows.

A row says what is answered, in which state of the work, and what pullcord must make of it:

    settings: the variables that reach the platform; {url} stands for where it listens
    headers: what every request carries
    requests: by a short name, each request's first line, and its headers and content beyond those
    replies: by a short name, each answer; of a documented one the values are the document's own
    running: what find_running is answered, in which further settings, and what it finds: states, and the tool of each
    calls: by a tool's name, its arguments, where its actions lead (tools by relation), and its rows
      about: the state of the work
      replies: by the request, the answer to it, or several that are given in turn
      gives: outcome, work_stopped, may_go_on, and the relations of the actions that can be called
      state, says, wait, items: the platform's own word; a part of the message; seconds; of a list each item's relations
"""

import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from tests.vendors.mock import Reply

HERE = Path(__file__).parent
VENDORS = sorted(path.parent.name for path in HERE.glob("*/facts.yaml"))


class Request(NamedTuple):
    """What pullcord must send."""

    line: str
    headers: Mapping[str, str]
    body: Any


class Facts(NamedTuple):
    """What a vendor's documents say."""

    settings: Mapping[str, str]
    requests: Mapping[str, Request]
    replies: Mapping[str, Reply]


class Running(NamedTuple):
    """What find_running is answered, and what it finds."""

    settings: Mapping[str, str]
    replies: Mapping[str, str]
    finds: Sequence[str]


class Row(NamedTuple):
    """One answer in one state, and what it means."""

    vendor: str
    tool: str
    about: str
    arguments: Mapping[str, Any]
    leads: Mapping[str, str]
    """The tools that the actions lead to, by relation."""
    replies: Mapping[str, Sequence[str]]
    """Names of answers, by the names of the requests."""
    outcome: str
    work_stopped: str
    may_go_on: Sequence[str]
    actions: Sequence[str]
    state: str | None
    says: str
    wait: int
    items: Sequence[Sequence[str]] | None

    def __str__(self) -> str:
        return f"{self.tool}: {self.about}"


@functools.cache
def _read(vendor: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((HERE / vendor / "facts.yaml").read_text(encoding="utf-8"))
    return found


@functools.cache
def facts(vendor: str) -> Facts:
    """The requests and answers of a vendor's documents."""
    given = _read(vendor)
    requests = {
        name: Request(each["line"], {**given["headers"], **each.get("headers", {})}, each.get("body"))
        for name, each in given["requests"].items()
    }
    return Facts(given["settings"], requests, {name: Reply(**each) for name, each in given["replies"].items()})


def running(vendor: str) -> Running:
    """What runs at a vendor."""
    given = _read(vendor)["running"]
    return Running(given.get("settings", {}), given["replies"], given["finds"])


def rows(vendor: str) -> Iterator[Row]:
    """The rows of a vendor."""
    for tool, call in _read(vendor)["calls"].items():
        for each in call["rows"]:
            outcome, work_stopped, may_go_on, actions = each["gives"]
            yield Row(
                vendor,
                tool,
                each["about"],
                {**call["arguments"], **each.get("arguments", {})},
                call.get("leads", {}),
                {name: reply if isinstance(reply, list) else [reply] for name, reply in each["replies"].items()},
                outcome,
                work_stopped,
                may_go_on,
                actions.split(),
                each.get("state"),
                each.get("says", ""),
                each.get("wait", 0),
                [item.split() for item in each["items"]] if "items" in each else None,
            )

"""What is kept of a platform's replies: enough that no answer changes, and no more than that."""

import functools
import json
import random
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import fields, replace
from typing import Any

import anyio
import httpx2
import hypothesis
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.depot import fitting
from tests.sandbox.clock import Clock
from tests.transport import mock

from pullcord.config.settings import Settings, platforms
from pullcord.config.surface import Surface
from pullcord.flow.attempt import Call
from pullcord.flow.call import run
from pullcord.flow.caller import Caller
from pullcord.flow.engine import Engine
from pullcord.manifest import loading
from pullcord.model.cancel import CASCADE, WAIT_SECONDS
from pullcord.model.condition import Clause
from pullcord.model.link import Link
from pullcord.model.operation import Catalogue, Operation, Parameter, Platform
from pullcord.model.pointer import tokens
from pullcord.model.projection import WHOLE, Projection, project
from pullcord.model.running import callables
from pullcord.model.value import Arguments, Json
from pullcord.upstream.exchange import SMALL
from pullcord.upstream.gateway import Gateway

ROUNDS = 8
UNREAD: Json = {"unread": [[], {}, "text"] * 30, "more": " " * SMALL}
"""With it no body is so small that all of it is kept anyway."""


@functools.cache
def surfaces() -> tuple[Surface, Surface]:
    """All shipped operations, as they are loaded, and such of whose replies everything is kept.

    What names the work of an answer is left out: it is read before anything is dropped.
    """
    catalogue = {name: replace(each, answers=()) for name, each in loading.load(loading.shipped()).items()}
    whole = {name: replace(each, kept=lambda: WHOLE) for name, each in catalogue.items()}
    return _surface(catalogue), _surface(whole)


def _surface(catalogue: Catalogue) -> Surface:
    lists = [each.listing for each in catalogue.values() if each.listing]
    values = {
        name: Settings(
            base_url="http://127.0.0.1:1",
            key=None,
            key_source="",
            values={each.places.env: "a/b" for each in lists if each.places},
            missing=(),
        )
        for name in platforms(catalogue)
    }
    return Surface.of(catalogue, values)


def tools() -> list[str]:
    return [name for name, each in callables(surfaces()[0].catalogue).items() if each.tool]


def walk(value: object) -> Iterator[object]:
    """Whatever the manifest says of an operation, without what was worked out of it."""
    if isinstance(value, Projection | Platform):
        return
    yield value
    value = {each.name: getattr(value, each.name) for each in fields(value)} if isinstance(value, Operation) else value
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple) else ()
    for each in parts:
        yield from walk(each)


class Chance:
    """A platform that answers by chance, and the same at each run: what pointers name is there, as an array or not.

    Args:
        seed: of chance.
        operations: of the platform.
        arguments: of the call, whose values stand in many places.
    """

    def __init__(self, seed: int, operations: list[Operation], arguments: Arguments) -> None:
        self._random = random.Random(seed)  # noqa: S311 - the same at each run, and no secret
        said = [each for operation in operations for each in walk(operation)]
        said += [*walk(tuple(operations[0].platform))]
        texts = [each for each in said if isinstance(each, str)]
        self._places = sorted({each for each in texts if re.fullmatch(r"(/[A-Za-z0-9_~]+)+", each)})
        lists = [each.listing.items for each in operations if each.listing]
        links = [each for each in said if isinstance(each, Link)]
        self._arrays = {*lists, *(each.each for each in links if each.each), operations[0].platform.actions}
        words = [each for clause in said if isinstance(clause, Clause) for each in clause.values]
        ids = [each for each in arguments.values() if not isinstance(each, dict | list | bool)]
        scalars = [each for each in words if not isinstance(each, dict | list)]
        self._values: list[Json] = [*scalars, *ids * 9, None, 7, True, "text", {"deep": [1, {"more": "x"}]}, [], [[]]]

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        assert request.url.host == "127.0.0.1"
        status = self._random.choice([200, 200, 200, 200, 202, 404, 409, 500])
        headers = {"content-type": "application/problem+json"} if status > 400 and self._random.random() < 0.5 else {}
        body = self._items(2) if "" in self._arrays and self._random.random() < 0.7 else self._object(2)
        return httpx2.Response(status, json=body, headers=headers)

    def _object(self, depth: int) -> Json:
        body: dict[str, Json] = {"unread": UNREAD}
        for place in [*self._places, "/title", "/detail", "/rel", "/href"]:
            *parents, last = tokens(place)
            inner = body
            for name in parents:
                member = inner.setdefault(name, {})
                inner = member if isinstance(member, dict) else {}
            if self._random.random() < 0.9:
                is_array = place in self._arrays and depth > 0
                inner[last] = self._items(depth) if is_array else self._value()
        return body

    def _items(self, depth: int) -> Json:
        return [
            self._object(depth - 1) if self._random.random() < 0.8 else self._value()
            for _ in range(self._random.randrange(4))
        ]

    def _value(self) -> Json:
        """A value of its own: members are added to it, and what held itself would be no JSON."""
        return deepcopy(self._random.choice(self._values))


def arguments_of(surface: Surface, operation: Operation, data: st.DataObject) -> dict[str, Json]:
    """Arguments that an operation takes, with all that it does."""
    parameters = {each.name: each for each in operation.arguments}
    extras: dict[str, Json] = {WAIT_SECONDS: 30, CASCADE: True}
    arguments = {name: value for name, value in extras.items() if name in parameters}
    arguments |= {name: data.draw(_fitting(each)) for name, each in parameters.items() if each.required}
    assume(surface.checks[operation.id](arguments) == [])
    return arguments


def _fitting(parameter: Parameter) -> st.SearchStrategy[Any]:
    """Values of a parameter; texts that a path can hold where nothing says which it takes."""
    is_free = parameter.schema.get("type") == "string" and not {"pattern", "enum"} & parameter.schema.keys()
    return st.from_regex("[a-z0-9-]{8,20}", fullmatch=True) if is_free else fitting(parameter.schema)


async def answer(surface: Surface, name: str, arguments: Arguments, seed: int) -> dict[str, Any]:
    """The answer of a tool whose platform answers by chance, without what differs from call to call."""
    loaded = surfaces()[0]
    operation = surface.tools[name]
    kin = [each for each in loaded.catalogue.values() if each.platform == operation.platform]
    clock = Clock()

    async def report(_seconds: float, _of: float, _text: str) -> None:
        """Tell nobody."""

    platform = Chance(seed, kin or [*loaded.catalogue.values()], arguments)
    random.seed(seed)  # of the pauses between two looks

    def now() -> float:
        return clock.now.timestamp()

    gateway = Gateway(mock(platform), now=now, sleep=clock.sleep)
    async with gateway:
        call = Call(surface, operation, arguments)
        result = (await run(call, Engine(gateway), Caller("test", report))).to_json()
    text = re.sub(r'"request_id": "[0-9a-f]{12}"', '"request_id": ""', json.dumps(result))
    parsed: dict[str, Any] = json.loads(text)
    return parsed


@pytest.mark.parametrize("name", tools())
@hypothesis.settings(max_examples=ROUNDS, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_every_answer_is_what_it_would_be_if_all_of_each_reply_were_kept(
    name: str, data: st.DataObject, seed: int
) -> None:
    loaded, whole = surfaces()
    arguments = arguments_of(loaded, loaded.tools[name], data)
    assert anyio.run(answer, loaded, name, arguments, seed) == anyio.run(answer, whole, name, arguments, seed)


def test_nothing_that_nobody_reads_is_kept() -> None:
    body: Json = {"unread": UNREAD}
    for operation in surfaces()[0].catalogue.values():
        if operation.kept().whole:
            clauses = [each for each in walk(operation) if isinstance(each, Clause) and not each.at]
            assert any(isinstance(value, dict | list) for each in clauses for value in each.values), operation.id
            continue
        assert project(body, operation.kept()) in ({}, {"unread": {}})

"""What a platform offers: its operations, their parameters, and what their replies mean."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from pullcord.model.cancel import Cancel
from pullcord.model.expression import Expression, Source
from pullcord.model.link import Link
from pullcord.model.listing import Listing
from pullcord.model.outcome import Outcome
from pullcord.model.pointer import Pointer
from pullcord.model.projection import WHOLE, Projection
from pullcord.model.rule import Rule
from pullcord.model.state import State
from pullcord.model.value import Json

PATH_NAMES = re.compile(r"\{([^{}]*)\}")
"""A parameter in the template of a path or a URL: its wire name."""
TEXT_NAMES = re.compile(r"\{([A-Za-z0-9_.-]{1,64})\}")
"""An argument in the template of a text: its name. Other braces are part of the text."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})

PROBLEM_MEMBERS = ("type", "title", "status", "detail", "code", "instance", "retry_after_seconds", "request_id")
"""The members of an error that are told (RFC 9457)."""

_KNOWN = frozenset({Source.ARGUMENT, Source.TARGET, Source.CONSTANT})
"""The sources whose values are known before a request is sent."""


class Response(NamedTuple):
    """What a status means for an operation, and where it leads."""

    outcomes: tuple[Rule[Outcome], ...] = ()
    links: tuple[Link, ...] = ()
    media: tuple[str, ...] = ()
    """The media types that its body may have, such as application/json, as the manifest writes them; none: no body."""


_UNDESCRIBED = Response()


class Place(StrEnum):
    """The part of a request that carries a parameter."""

    LOCAL = "local"
    """It is not sent: pullcord itself heeds it."""
    PATH = "path"
    QUERY = "query"
    HEADER = "header"
    BODY = "body"
    TEXT = "text"
    """In the text of another parameter, whose template names it."""


class Parameter(NamedTuple):
    """An input of an operation, or what is always sent with it."""

    name: str
    """The argument's name; of what is no argument the wire name."""
    place: Place
    required: bool
    description: str
    schema: Mapping[str, Json]
    """What its values must fit; with "const" the one value, which is always sent."""
    wire: str
    """Its name in the request; in a body its JSON Pointer."""
    env: str | None = None
    """The environment variable that gives its value; None: the caller gives it."""
    template: str | None = None
    """The text that is sent, with the {names} of the arguments in it."""
    explode: bool = True
    """Whether each item of a list is sent with the name before it; else they stand behind it, with commas between."""

    @property
    def is_argument(self) -> bool:
        """Whether the caller gives it."""
        return self.env is None and self.template is None and "const" not in self.schema


class Key(NamedTuple):
    """One way to authenticate with a platform."""

    env: str
    """The environment variable that holds the key."""
    header: str
    """The name of the header that carries it."""
    prefix: str
    """What stands before the key in the header, such as "Bearer "."""
    description: str
    basic: bool = False
    """Whether the key is user:password, and sent as RFC 7617 (Basic) says."""


class Platform(NamedTuple):
    """An agent platform."""

    name: str
    title: str
    url: str
    """The base URL, with {variables}; "/": it has no default, so the operator must name one."""
    url_env: str
    """The environment variable that replaces the base URL."""
    variables: Mapping[str, str]
    """Names of the URL's variables, each with the environment variable that gives it."""
    keys: tuple[Key, ...]
    """The ways to authenticate, of which one is enough; none: it needs no key."""
    problem: Mapping[str, tuple[Expression, ...]] = _NOTHING
    """Where an error's members stand, several places each, tried in turn. RFC 9457's own places are read only in
    application/problem+json."""
    problem_all: tuple[Pointer, ...] = ()
    """Members that each error of the platform has, possibly null."""
    actions: Pointer | None = None
    """Where a body holds the next steps that the platform itself offers."""
    key_optional: bool = False
    """Whether it may be called without a key, too."""
    listed_always: bool = False
    """Whether its tools are listed although the operator did not name the platform."""


@dataclass(frozen=True)
class Operation:
    """One call that a platform offers, and all that pullcord knows of it."""

    id: str
    """Its name among all loaded operations; where it is a tool, the tool's name."""
    operation_id: str
    """Its name in the manifest."""
    tool: str | None
    """The name of its tool; None: it is no tool."""
    platform: Platform
    title: str
    description: str
    method: str
    path: str
    """The path template, with {parameters}, which may be parts of a segment."""
    parameters: tuple[Parameter, ...]
    responses: Mapping[str, Response]
    """By status ("200"), range ("2XX"), or "default": any other status, and no answer at all."""
    expose: tuple[Pointer, ...] = ()
    state: State | None = None
    answers: tuple[tuple[Pointer, str], ...] = ()
    """Where an answer names the work that it is about, and the argument that must be equal to it."""
    cancel: Cancel | None = None
    listing: Listing | None = None
    media: str | None = None
    """The media type of its requests' content; None: they have none."""
    kept: Callable[[], Projection] = lambda: WHOLE
    """The parts of a reply's body that anything reads once its shape is known; of a large one no more is kept."""

    @cached_property
    def arguments(self) -> tuple[Parameter, ...]:
        """The parameters that the caller gives."""
        return tuple(parameter for parameter in self.parameters if parameter.is_argument)

    @cached_property
    def schemas(self) -> Mapping[str, Mapping[str, Json]]:
        """The JSON Schema of each argument, by the argument's name."""
        return {parameter.name: parameter.schema for parameter in self.arguments}

    @cached_property
    def accept(self) -> str:
        """The value of the header Accept: the media types of the answers that the manifest describes as a success."""
        media_types = (each.media for status, each in self.responses.items() if status.startswith("2"))
        return ", ".join(dict.fromkeys(media for each in media_types for media in each)) or "*/*"

    @cached_property
    def carried(self) -> Mapping[Place, tuple[Parameter, ...]]:
        """The parameters that each part of its request carries."""
        return {place: tuple(each for each in self.parameters if each.place is place) for place in Place}

    @cached_property
    def path_pieces(self) -> tuple[str, ...]:
        """Its path in pieces: a text, the name of the argument behind it, a text, and so on."""
        names = {each.wire: each.name for each in self.carried[Place.PATH]}
        return tuple(names[piece] if number % 2 else piece for number, piece in enumerate(PATH_NAMES.split(self.path)))

    @cached_property
    def path_names(self) -> tuple[str, ...]:
        """The names of the arguments that stand in its path: the ids of the work that it is about."""
        return tuple(parameter.name for parameter in self.carried[Place.PATH])

    def accepted(self, values: Mapping[str, Json]) -> dict[str, Json]:
        """Those of some arguments that it takes, by name, without those that are None."""
        return {name: value for name, value in values.items() if name in self.schemas and value is not None}

    @property
    def repeatable(self) -> bool:
        """Whether sending it once more after a lost answer can't hit other work than was meant."""
        return self.cancel is None or self.cancel.aim == "task"

    @cached_property
    def links(self) -> list[Link]:
        """The links of all its responses."""
        return [link for response in self.responses.values() for link in response.links]

    def link(self, rel: str) -> Link | None:
        """The first link of a relation, in whichever response, that can be followed before there is any reply."""
        links = (link for link in self.links if link.rel == rel)
        return next((link for link in links if all(value.source in _KNOWN for _, value in link.arguments)), None)

    def response(self, status: int | None) -> Response:
        """What the manifest says of a status, or of no answer (None)."""
        responses = self.responses
        response = None
        if status is not None:
            response = responses.get(str(status)) or responses.get(f"{status // 100}XX")
        return response or responses.get("default") or _UNDESCRIBED


Catalogue: TypeAlias = Mapping[str, Operation]
"""Every loaded operation by its id."""

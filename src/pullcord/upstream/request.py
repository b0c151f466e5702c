"""Builds the HTTP request of an operation and its arguments, and finds the arguments of an address. Pure."""

import base64
import json
import re
from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote, unquote, unquote_plus, urljoin, urlsplit

from pullcord import __version__
from pullcord.config.settings import Settings
from pullcord.model.arguments import typed
from pullcord.model.operation import TEXT_NAMES, Key, Operation, Parameter, Place
from pullcord.model.pointer import tokens
from pullcord.model.value import Arguments, Json

_NONE: Arguments = MappingProxyType({})


class Request(NamedTuple):
    """A request, as it is sent."""

    method: str
    url: str
    headers: dict[str, str]
    arguments: Arguments = _NONE
    """Of the call: with them the answer is compared, which must be about the same work."""
    kept: bool = False
    """Whether it may share a connection with earlier and later requests.

    Bytes behind an earlier answer would be taken for the answer to this request, which is noticed only if answers name
    their work. And the platform may just have closed the connection: then the request must be repeatable.
    """
    secrets: tuple[str, ...] = ()
    """Parts of it that must be hidden wherever a reply repeats them."""
    content: bytes = b""
    cancels: bool = False
    """Whether it stops work: then it waits behind no look."""


_OUTER_SPACES = re.compile(r"^ +| +$")


def build(operation: Operation, arguments: Arguments, settings: Settings, request_id: str) -> Request:
    """The request of a call, with the key.

    Args:
        operation: the one to call.
        arguments: those that its check found no fault in.
        settings: of the operation's platform, without an obstacle.
        request_id: sent as X-Request-ID, so that the call is found in the platform's logs.
    """
    content = _content(operation, arguments)
    headers = {
        "Host": urlsplit(settings.base_url).netloc,
        "Accept": operation.accept,
        "Accept-Encoding": "identity",  # a compressed reply could not be bounded before it is unpacked
        "User-Agent": f"pullcord/{__version__}",
        "X-Request-ID": request_id,
        **dict(_headers(operation, arguments, settings)),
    }
    if operation.media is not None:
        headers["Content-Type"] = operation.media
    if operation.method != "GET":
        # Some servers refuse a request that could carry content and doesn't say how much.
        headers["Content-Length"] = str(len(content))
    secrets: tuple[str, ...] = ()
    if settings.key and settings.scheme:
        headers[settings.scheme.header], secrets = _key(settings.scheme, settings.key.get_secret_value())
    is_shared = bool(operation.answers) and operation.repeatable
    address = url(operation, arguments, settings.base_url)
    return Request(
        operation.method, address, headers, arguments, is_shared, secrets, content, cancels=operation.cancel is not None
    )


def _key(scheme: Key, key: str) -> tuple[str, tuple[str, ...]]:
    """The value of the header that carries a key, and the parts of it that are secret."""
    if not scheme.basic:
        return scheme.prefix + key, (key,)
    encoded = base64.b64encode(key.encode()).decode()  # RFC 7617
    return scheme.prefix + encoded, (encoded, key, key.partition(":")[2])


def _headers(operation: Operation, arguments: Arguments, settings: Settings) -> Iterator[tuple[str, str]]:
    for parameter in operation.carried[Place.HEADER]:
        value = settings.values.get(parameter.env) if parameter.env else _value(parameter, arguments)
        if value is not None:
            yield parameter.wire, _word(value) if "const" in parameter.schema else _header_text(_word(value))


def _header_text(text: str) -> str:
    """A text as a header can carry it: percent-encoded, so that it can't end the header, and keeps its outer spaces."""
    return _OUTER_SPACES.sub(lambda ends: "%20" * len(ends[0]), quote(text, safe=" !$&'()*+,-./:;=?@_~"))


def _content(operation: Operation, arguments: Arguments) -> bytes:
    """The content of a request, as JSON; empty where its operation has none."""
    if operation.media is None:
        return b""
    content: dict[str, Json] = {}
    for parameter in operation.carried[Place.BODY]:
        value = _value(parameter, arguments)
        if value is not None or "const" in parameter.schema:
            *parents, last = tokens(parameter.wire)
            container = content
            for parent in parents:
                member = container.setdefault(parent, {})
                container = member if isinstance(member, dict) else {}
            container[last] = value
    return json.dumps(content).encode()


def url(operation: Operation, arguments: Arguments, base_url: str) -> str:
    """The address of a call. Path values are percent-encoded, so that each stays in its segment.

    Args:
        operation: the one to call.
        arguments: those that its check found no fault in.
        base_url: of the platform, without a slash at its end.
    """
    pieces = [*operation.path_pieces]
    pieces[1::2] = [quote(_word(arguments[name]), safe="") for name in pieces[1::2]]
    pairs = [pair for each in operation.carried[Place.QUERY] for pair in _pairs(each, arguments)]
    return base_url + "".join(pieces) + ("?" if pairs else "") + "&".join(pairs)


def _pairs(parameter: Parameter, arguments: Arguments) -> list[str]:
    """The NAME=VALUE pairs that a parameter adds to a query."""
    value = _value(parameter, arguments)
    if value is None:
        return []
    words = [quote(word, safe="") for word in _words(value)]
    texts = words if parameter.explode else [",".join(words)]
    return [f"{quote(parameter.wire, safe='')}={word}" for word in texts]


def _value(parameter: Parameter, arguments: Arguments) -> Json:
    """The value that a parameter sends; None: it sends nothing."""
    if parameter.template is not None:
        return TEXT_NAMES.sub(lambda name: _word(arguments[name[1]]), parameter.template)
    if "const" in parameter.schema:
        return parameter.schema["const"]
    return arguments.get(parameter.name, parameter.schema.get("default"))


def _words(value: Json) -> list[str]:
    return [_word(each) for each in value] if isinstance(value, list) else [_word(value)]


def _word(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def absolute(href: str, base_url: str) -> str | None:
    """An address that a platform gave, made absolute; None if it leaves the platform's origin, or is no address.

    Args:
        href: relative to the base URL, or absolute.
        base_url: of the platform, without a slash at its end.
    """
    try:
        base, target = urlsplit(base_url), urlsplit(urljoin(f"{base_url}/", href))
        is_same_origin = (target.scheme, target.hostname, target.port) == (base.scheme, base.hostname, base.port)
    except ValueError:
        return None
    if not is_same_origin or target.username is not None or not href.isascii() or not href.isprintable() or " " in href:
        return None
    return target._replace(scheme=base.scheme, netloc=base.netloc).geturl()  # one spelling of the origin: ours


def match(operation: Operation, method: str, address: str, base_url: str) -> dict[str, Json] | None:
    """The arguments with which a call of an operation has a given address; None: no arguments do.

    None also for an operation with a request body, of which an address tells nothing.

    Args:
        operation: the one that may be called so.
        method: the HTTP method of the call, in capitals.
        address: of the call, absolute.
        base_url: of the operation's platform, without a slash at its end.
    """
    path, _, query = address.partition("?")
    if method != operation.method or operation.media or "#" in address or not path.startswith(base_url):
        return None
    pieces = operation.path_pieces
    path_match = re.fullmatch("([^/]+)".join(map(re.escape, pieces[::2])), path.removeprefix(base_url))
    query_values = _query_arguments(operation, query)
    if path_match is None or query_values is None:
        return None
    schemas = {each.name: each.schema for each in operation.carried[Place.PATH]}
    texts = zip(pieces[1::2], map(unquote, path_match.groups()), strict=True)
    return {name: typed(schemas[name], text) for name, text in texts} | query_values


def _query_arguments(operation: Operation, query: str) -> dict[str, Json] | None:
    """The arguments that a query gives; None: it is no query of the operation."""
    pairs: dict[str, list[str]] = {}
    for name, _, text in (pair.partition("=") for pair in query.split("&") if pair):
        pairs.setdefault(unquote_plus(name), []).append(text)
    queries = operation.carried[Place.QUERY]
    if not {each.wire for each in queries} >= pairs.keys():
        return None
    arguments: dict[str, Json] = {}
    for each in queries:
        texts = _texts(each, pairs.get(each.wire, []))
        items = each.schema.get("items")
        if not each.is_argument and texts != _words(each.schema["const"]):
            return None
        if each.is_argument and isinstance(items, dict) and texts:
            arguments[each.name] = [typed(items, text) for text in texts]
        elif each.is_argument and texts:
            if len(texts) > 1:
                return None
            arguments[each.name] = typed(each.schema, texts[0])
    return arguments


def _texts(parameter: Parameter, raw: Sequence[str]) -> list[str]:
    """The texts that a query gives for a parameter, whose values are still encoded."""
    parts = raw if parameter.explode else [part for text in raw for part in text.split(",")]
    return [unquote_plus(part) for part in parts]

"""(operation, arguments, settings) to an HTTP request, and an address back to arguments. Pure."""

import base64
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias
from urllib.parse import parse_qsl, quote, unquote, urljoin, urlsplit

from pullcord import __version__
from pullcord.config.settings import Settings
from pullcord.model.operation import Key, Operation, Parameter, Place
from pullcord.model.pointer import Pointer
from pullcord.model.value import Arguments, Json

Named: TypeAlias = Sequence[tuple[Pointer, str]]
"""Where an answer names the work that it is about, and what that must be called."""


class Request(NamedTuple):
    """A request without content."""

    method: str
    url: str
    headers: dict[str, str]
    named: Named = ()
    kept: bool = False
    """Whether it may share a connection with earlier and later requests.

    Bytes behind an earlier answer would be taken for the answer to this one: that shows where answers name their work.
    And the other side may just have closed it: then nobody knows what came of this one, and it must be repeatable.
    """
    secrets: tuple[str, ...] = ()
    """What of it must not be shown, wherever it comes back."""


_NAMES = re.compile(r"\{([^{}]*)\}")


def build(operation: Operation, arguments: Arguments, settings: Settings, request_id: str) -> Request:
    """The request for arguments that were checked, with the key.

    Args:
        operation: what to call.
        arguments: checked ones.
        settings: of the operation's platform; none of them missing.
        request_id: names the call in the platform's logs, where it keeps X-Request-ID.
    """
    headers = {
        "Host": urlsplit(settings.base_url).netloc,
        "Accept": "application/json, application/problem+json",
        "Accept-Encoding": "identity",  # a compressed reply could not be bounded before it is unpacked
        "User-Agent": f"pullcord/{__version__}",
        "X-Request-ID": request_id,
        **dict(_headers(operation, arguments, settings)),
    }
    if operation.method != "GET":
        headers["Content-Length"] = (
            "0"  # some servers refuse a request that could carry content and doesn't say how much
        )
    secrets: tuple[str, ...] = ()
    if settings.key and settings.scheme:
        headers[settings.scheme.header], secrets = _key(settings.scheme, settings.key.get_secret_value())
    named = [(pointer, str(arguments[name])) for pointer, name in operation.answers]
    kept = bool(named) and operation.repeatable
    return Request(operation.method, url(operation, arguments, settings.base_url), headers, named, kept, secrets)


def _key(scheme: Key, given: str) -> tuple[str, tuple[str, ...]]:
    """A header's value that tells a key, and what of it is secret."""
    if not scheme.basic:
        return scheme.prefix + given, (given,)
    encoded = base64.b64encode(given.encode()).decode()  # RFC 7617
    return scheme.prefix + encoded, (encoded, given, given.partition(":")[2])


def _headers(operation: Operation, arguments: Arguments, settings: Settings) -> Iterator[tuple[str, str]]:
    for parameter in operation.parameters:
        if parameter.place is not Place.HEADER:
            continue
        value = settings.values.get(parameter.env) if parameter.env else arguments.get(parameter.name)
        if value is not None:
            # Percent-encoded, so that a text of any language fits a header and none can end it.
            yield parameter.wire, quote(str(value), safe=" !$&'()*+,-./:;=?@_~")


def url(operation: Operation, arguments: Arguments, base_url: str) -> str:
    """The address of a call. Each path value becomes one segment, whatever is in it."""
    path = _NAMES.sub(lambda name: quote(str(arguments[name[1]]), safe=""), operation.path)
    query = "&".join(
        f"{quote(parameter.wire, safe='')}={quote(_word(value), safe='')}"
        for parameter in operation.arguments
        if parameter.place is Place.QUERY and (value := _value(parameter, arguments)) is not None
    )
    return base_url + path + (f"?{query}" if query else "")


def _value(parameter: Parameter, arguments: Arguments) -> Json:
    return arguments.get(parameter.name, parameter.schema.get("default"))


def _word(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def absolute(href: str, base_url: str) -> str | None:
    """An address that a platform gave, made absolute; None if it leaves the platform's origin or is none at all."""
    try:
        base, target = urlsplit(base_url), urlsplit(urljoin(f"{base_url}/", href))
        same = (target.scheme, target.hostname, target.port) == (base.scheme, base.hostname, base.port)
    except ValueError:
        return None
    if not same or target.username is not None or not href.isascii() or not href.isprintable() or " " in href:
        return None
    return target._replace(scheme=base.scheme, netloc=base.netloc).geturl()  # one spelling of the origin: ours


def match(operation: Operation, method: str, address: str, base_url: str) -> dict[str, Json] | None:
    """The arguments with which an operation's call goes to an absolute address; None if it never does."""
    path, _, query = address.partition("?")
    if method != operation.method or "#" in address or not path.startswith(base_url):
        return None
    found = _template(operation.path).fullmatch(path.removeprefix(base_url))
    if not found:
        return None
    queries = {parameter.wire: parameter for parameter in operation.arguments if parameter.place is Place.QUERY}
    pairs = parse_qsl(query, keep_blank_values=True)
    if len(dict(pairs)) != len(pairs) or not queries.keys() >= dict(pairs).keys():
        return None
    arguments: dict[str, Json] = {name: unquote(value) for name, value in found.groupdict().items()}
    for name, value in pairs:
        arguments[queries[name].name] = _typed(queries[name], value)
    return arguments


def _template(path: str) -> re.Pattern[str]:
    names = iter(_NAMES.findall(path))
    literals = [re.escape(part) for part in re.split(r"\{[^{}]*\}", path)]
    return re.compile(literals[0] + "".join(f"(?P<{next(names)}>[^/]+){part}" for part in literals[1:]))


def _typed(parameter: Parameter, value: str) -> Json:
    if parameter.schema["type"] == "integer":
        return int(value) if re.fullmatch(r"-?[0-9]{1,18}", value) else value
    if parameter.schema["type"] == "boolean":
        return {"true": True, "false": False}.get(value, value)
    return value

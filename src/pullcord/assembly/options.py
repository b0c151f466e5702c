"""The options of the Python API, and what they open: the same for a Cord, a server and an application."""

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from os import PathLike, fspath
from pathlib import Path
from typing import TypedDict

from pullcord.assembly.choice import Choice, surface
from pullcord.assembly.reach import Reach, make_engine
from pullcord.flow import rate_limit
from pullcord.flow.journal import JOURNAL
from pullcord.model.errors import FaultsError, SettingsError
from pullcord.model.nearest import question
from pullcord.upstream.gateway import LIMITS

_SEVERAL = frozenset({"platforms", "manifests", "only", "audiences", "allowed_hosts", "allowed_origins"})
"""Options that take several texts: one text alone would be taken for the list of its characters."""

_log = logging.getLogger(__name__)


class CordOptions(TypedDict, total=False):
    """What a Cord is told."""

    environ: Mapping[str, str] | None
    """The variables, by name: keys, base URLs and pullcord's own, as `pullcord serve` reads them from its environment.
    None: there are none. The environment of the process is read only where os.environ is given here."""
    platforms: Sequence[str]
    """Platforms beside those that are always listed: NAME, or NAME:INSTANCE for another server of a kind."""
    manifests: Sequence[str | PathLike[str]]
    """Files of further platforms."""
    only: Sequence[str]
    """The names of the only tools; empty: all."""
    journal: str | PathLike[str] | None
    """The file in which every cancel is recorded before it is sent, or - for the error output; None: the one that
    PULLCORD_JOURNAL names, or none."""
    limit: str | None
    """The most cancels in a second, minute or hour, such as 10/minute; None: there is no limit."""
    sandbox: bool
    """Whether to reach made-up platforms, which are started with it, instead of real ones."""


class ServerOptions(CordOptions, total=False):
    """What an MCP server is told."""

    confirm: bool
    """Whether a person is asked before each cancel, through the client."""
    panel: bool
    """Whether hosts are offered the panel for people, a page with buttons (MCP Apps); they are, unless it is False."""


class ApplicationOptions(ServerOptions, total=False):
    """What an application for HTTP is told: who may call it, and how often at once."""

    tokens: str | PathLike[str] | None
    """The file of tokens, of which callers need one; `pullcord token` makes its lines."""
    issuer: str | None
    """The URL of an OAuth issuer, of which callers need an access token (JWT)."""
    resource: str | None
    """This application's public URL, with an issuer: where clients find the issuer."""
    audiences: Sequence[str]
    """Whom the issuer's tokens are made for, if not the resource."""
    caller_keys: bool
    """Whether each request brings its own platform keys, in headers."""
    allowed_hosts: Sequence[str]
    """Names by which callers reach it, beside those of this machine."""
    allowed_origins: Sequence[str]
    """Origins of web pages that may call."""
    max_calls: int
    """Requests that are handled at once (256)."""
    max_queue: int
    """Further requests that wait for a place (256)."""


def check(name: str, options: Mapping[str, object], form: type) -> None:
    """Refuse options that are none, as Python refuses arguments: one that is misspelt must not be left out silently.

    Args:
        name: of the function that was given the options.
        options: those that were given.
        form: `CordOptions`, or one of the classes made of it.

    Raises:
        TypeError: it tells every option that is unknown, and every text where several are expected.
    """
    names = sorted(form.__annotations__)
    otherwise = f"there are {', '.join(names)}"
    faults = [f"there is no option {each}; {question(each, names, otherwise)}" for each in options if each not in names]
    faults += [
        f"{each} takes several, such as [{value!r}], and no text alone"
        for each, value in options.items()
        if each in _SEVERAL and isinstance(value, str)
    ]
    if faults:
        raise TypeError(f"{name}(): {'; '.join(faults)}")


@asynccontextmanager
async def opened(
    options: CordOptions, *, brought: bool = False, confirm: bool = False, faults: Sequence[str] = ()
) -> AsyncIterator[Reach]:
    """Reach platforms for as long as the block runs.

    Args:
        options: which platforms, and how.
        brought: whether each request brings the platforms' keys.
        confirm: whether a person is asked before each cancel.
        faults: those of options that are read elsewhere.

    Raises:
        SettingsError: the options, the manifests or pullcord's own variables can't be used.
    """
    environ = options.get("environ") or {}
    choice = Choice(
        platforms=options.get("platforms", ()),
        only=options.get("only", ()),
        manifests=[Path(each) for each in options.get("manifests", ())],
    )
    journal = options.get("journal") or environ.get(JOURNAL)
    all_faults = [*faults]
    async with AsyncExitStack() as stack:
        variables = environ
        if options.get("sandbox"):
            from pullcord.assembly.embedding import embedded  # noqa: PLC0415 - real platforms do without it

            variables = await stack.enter_async_context(embedded(environ))
        limit = _limit(options.get("limit"), all_faults)
        try:
            offer = surface(choice, variables, brought=brought)
            path = fspath(journal) if journal else None
            engine = await stack.enter_async_context(make_engine(environ, path, limit, LIMITS, confirm=confirm))
        except FaultsError as error:
            all_faults += error.faults
        if all_faults:
            raise SettingsError(all_faults)
        for settings in offer.settings.values():
            for fault in settings.faults:
                _log.warning("%s", fault)
        yield Reach(offer, engine)


def _limit(text: str | None, faults: list[str]) -> rate_limit.Limit | None:
    """Read a limit; a fault is added."""
    try:
        return rate_limit.limit(text) if text else None
    except ValueError as error:
        faults.append(f"--limit {error}")
        return None

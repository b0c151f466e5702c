"""An environment mapping to each platform's settings. Secrets stay masked until a request is built."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Self, TypeAlias

from pydantic import SecretStr

from pullcord.config.environment import Value, own_value, placeholder_fault, value
from pullcord.config.rotation import Rotating, Source
from pullcord.model.arguments import fault_of
from pullcord.model.errors import SettingsError
from pullcord.model.operation import Catalogue, Key, Operation, Platform
from pullcord.model.url import PLAIN_HTTP, url_faults
from pullcord.model.variables import variables

PROTECT = "PULLCORD_PROTECT"
"""The variable that names them, with commas."""

_HOST = re.compile(r"(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*|[0-9a-f]*:[0-9a-f:.]+")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")

_ANY_TEXT = {"type": "string", "maxLength": 10_000}

Values: TypeAlias = Mapping[str, Value]
"""What the environment gives for each variable of a platform, by its name."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How one platform is reached."""

    base_url: str
    """Without a slash at its end; with {variables} where `missing` names their settings, or they have faults."""
    key: SecretStr | None
    key_source: str
    """The variable that gave the key, or those that would; where `brought`, the request's header."""
    values: Mapping[str, str]
    """Of headers, and of places to look in, by the variable that gives them."""
    missing: tuple[str, ...]
    """Variables without which nothing can be sent; where one of several is enough, `A or B`."""
    scheme: Key | None = None
    """How the key is sent."""
    brought: tuple[Key, ...] = ()
    """The keys of which each request brings one with it, in a header."""
    optional: bool = False
    """Whether the platform may be called without a key."""
    faults: tuple[str, ...] = ()
    """Why what is set can't be used, each with its variable and what to do; nothing is sent then."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """What gives each variable its value: NAME or NAME_FILE. Those that are not set are left out."""
    empty: tuple[str, ...] = ()
    """Variables NAME_FILE that name no file, or an empty one."""

    @property
    def obstacle(self) -> str | None:
        """Why nothing can be sent, in words for whoever must mend it; None: a call can be sent."""
        reasons = list(self.faults)
        if self._lacks_brought_key:
            reasons.append(f"the request brings no key in its header {self.key_source}")
        if unset := self._unset:
            reasons.append(f"{' and '.join(unset)} {'is' if len(unset) == 1 else 'are'} not set")
            reasons += [f"there is nothing in the file that {name} names" for name in self.empty]
        return "; ".join(reasons) or None

    @property
    def remedy(self) -> str:
        """What to do where there is an obstacle, or the key is refused."""
        if self.faults:
            return f"Correct this where pullcord is started: {'; '.join(self.faults)}."
        steps = []
        if self._lacks_brought_key:
            steps.append(f"Send the key in the request's header {self.key_source}.")
        if unset := self._unset:
            steps.append(f"Set {' and '.join(unset)} where pullcord is started.")
        return " ".join(steps) or self._check_of_key

    @property
    def _lacks_brought_key(self) -> bool:
        return bool(self.brought) and self.key_source in self.missing

    @property
    def _unset(self) -> list[str]:
        """The variables that are missing, without the header that a request lacks."""
        return [name for name in self.missing if not self.brought or name != self.key_source]

    @property
    def _check_of_key(self) -> str:
        """What to do where a key, or having none, is refused."""
        if not self.key_source:
            return "Its manifest says that no key is needed; describe one there."
        if self.brought:
            return f"{'Check' if self.key else 'Send'} the key in the request's header {self.key_source}."
        return f"{'Check the key in' if self.key else 'Set'} {self.key_source} where pullcord is started."

    def carrying(self, given: Callable[[str], Sequence[str]]) -> Self:
        """The settings for one request.

        Args:
            given: the values of a header of the request, by its name.
        """
        found = [(scheme, text) for scheme in self.brought for text in given(header(scheme))]
        sound = [(scheme, text) for scheme, text in found if not key_fault(scheme, text)]
        if len(found) == len(sound) == 1:
            ((scheme, text),) = sound
            return replace(self, key=SecretStr(text), key_source=header(scheme), scheme=scheme)
        if not self.brought or (self.optional and not found):
            return self
        return replace(self, missing=(self.key_source, *self.missing))


def platforms(catalogue: Catalogue) -> dict[str, Platform]:
    """The platforms of a catalogue, by name."""
    return {operation.platform.name: operation.platform for operation in catalogue.values()}


def header(scheme: Key) -> str:
    """The header in which a request brings a key: Every-Api-Key for EVERY_API_KEY."""
    return "-".join(word.capitalize() for word in scheme.env.split("_"))


def read(catalogue: Catalogue, environ: Mapping[str, str], *, brought: bool = False) -> Mapping[str, Settings]:
    """Read the settings of every platform of a catalogue.

    Args:
        catalogue: the loaded operations.
        environ: names and values. NAME_FILE stands for NAME: the value is that file's content, and a platform's
            settings are read again once a file of theirs has changed.
        brought: whether each request brings the keys with it; none may be set then.

    Returns:
        Settings by the platform's name. What is wrong with one platform's is told there, and keeps no other from work.

    Raises:
        SettingsError: pullcord's own setting, PULLCORD_PLAIN_HTTP, can't be used.
    """
    plain = _plain_hosts(environ)
    sources: dict[str, Source[Settings]] = {}
    for name, platform in platforms(catalogue).items():
        operations = [operation for operation in catalogue.values() if operation.platform is platform]
        names = [each.name for each in variables(platform, operations)]
        files = [Path(path) for each in names if (path := environ.get(f"{each}_FILE", "").strip())]
        sources[name] = Source(partial(_settings, platform, operations, environ, plain, brought=brought), files)
    if any(source.files for source in sources.values()):
        return Rotating(sources)
    return {name: source.read() for name, source in sources.items()}


def _plain_hosts(environ: Mapping[str, str]) -> list[str]:
    """The hosts beyond this machine that may be reached over plain http.

    Raises:
        SettingsError: what is set names no hosts.
    """
    given = own_value(PLAIN_HTTP, environ)
    hosts = [host.strip().strip("[]").lower() for host in given.text.split(",") if host.strip()]
    faults = [
        f"{given.source}: {host!r} is no host; write names with commas, such as flower,*.svc.cluster.local"
        for host in hosts
        if not _HOST.fullmatch(host)
    ]
    if given.fault or faults:
        raise SettingsError([given.fault] if given.fault else faults)
    return hosts


def _settings(
    platform: Platform,
    operations: Sequence[Operation],
    environ: Mapping[str, str],
    plain: Sequence[str],
    *,
    brought: bool,
) -> Settings:
    given = {each.name: value(each.name, environ) for each in variables(platform, operations)}
    faults = [each.fault for each in given.values() if each.fault]
    scheme, key = _key(platform, given, faults)
    if key and brought:
        faults.append(f"{key.source} is set, but with --caller-keys each request brings its own; unset it")
    url, missing = _base_url(platform, given, faults, plain)
    values = _values(operations, given, faults)
    names = [each.env for each in platform.keys]
    lacks_key = not brought and not platform.key_optional and not any(_is_set(given[name]) for name in names)
    needed = (" or ".join(names),) if names and lacks_key else ()
    return Settings(
        base_url=url,
        key=SecretStr(key.text) if key else None,
        key_source=_key_source(platform, key, brought=brought),
        values=values,
        missing=(*needed, *missing),
        faults=tuple(faults),
        sources={name: each.source for name, each in given.items() if _is_set(each)},
        empty=tuple(each.source for name, each in given.items() if not _is_set(each) and each.source != name),
        scheme=scheme,
        brought=platform.keys if brought else (),
        optional=platform.key_optional,
    )


def protected(environ: Mapping[str, str]) -> list[str]:
    """Ids of work that must never be stopped from here: the run that the caller lives in, an orchestrator.

    Raises:
        SettingsError: what is set is a placeholder, or names an empty file, and would protect nothing.
    """
    given = own_value(PROTECT, environ)
    if given.fault:
        raise SettingsError([given.fault])
    return [each.strip() for each in given.text.split(",") if each.strip()]


def _values(operations: Sequence[Operation], given: Values, faults: list[str]) -> dict[str, str]:
    """What fills headers, and the places to look in, by the variable that gives it."""
    schemas = {each.env: each.schema for operation in operations for each in operation.parameters if each.env}
    places = [each.listing.places.env for each in operations if each.listing and each.listing.places]
    values: dict[str, str] = {}
    for name in [*schemas, *places]:
        text, source, fault = given[name]
        if not text or fault:
            continue
        if what := fault_of(schemas.get(name, _ANY_TEXT), text):
            faults.append(f"{source}: the value {what}; correct it, or unset {source}")
        else:
            values[name] = text
    return values


def _is_set(given: Value) -> bool:
    """Whether there is a value, or what should be one."""
    return bool(given.text or given.fault)


def _key(platform: Platform, given: Values, faults: list[str]) -> tuple[Key | None, Value | None]:
    """How the key is sent, and the key; the first where several are set."""
    found = [(scheme, given[scheme.env]) for scheme in platform.keys if given[scheme.env].text]
    if len(found) > 1:
        faults.append(f"{' and '.join(each.source for _, each in found)} are set, and one key is enough; keep one")
    for scheme, each in found:
        if not each.fault and (fault := key_fault(scheme, each.text)):
            faults.append(f"{each.source}: {fault}")
    return found[0] if found else (None, None)


def _key_source(platform: Platform, key: Value | None, *, brought: bool) -> str:
    """The variable that gave the key, or the variables or headers that would."""
    if brought:
        return " or ".join(map(header, platform.keys))
    return key.source if key else " or ".join(scheme.env for scheme in platform.keys)


def key_fault(scheme: Key, text: str) -> str | None:
    """Why a text can't be sent as a key, and what to do; None if it can.

    Args:
        scheme: how it would be sent.
        text: the key, as it was given.
    """
    if fault := placeholder_fault(text):
        return fault
    if scheme.basic:
        fits = ":" in text and text.isprintable()
        return None if fits else "this is no user and password; write user:password, without control characters"
    if text and text.isascii() and text.isprintable() and " " not in text:
        return None
    return "the key holds white space or characters that a header can't carry; check it"


def _base_url(
    platform: Platform, given: Values, faults: list[str], plain: Sequence[str]
) -> tuple[str, tuple[str, ...]]:
    """The base URL, and the variables that it still lacks."""
    own = given[platform.url_env]
    if _is_set(own):
        unusable = [] if own.fault else url_faults(own.text, plain)
        faults.extend(f"{own.source}: {fault}" for fault in unusable)
        return f"{{{platform.url_env}}}" if own.fault or unusable else own.text.rstrip("/"), ()
    if platform.url == "/":
        return f"{{{platform.url_env}}}", (platform.url_env,)
    url = platform.url
    missing: list[str] = []
    for name, env in platform.variables.items():
        text, source, fault = given[env]
        if not text and not fault:
            missing.append(env)
        elif not fault and not _LABEL.fullmatch(text):
            faults.append(f"{source}: this is no part of a host name; write letters, digits and hyphens")
        elif not fault:
            url = url.replace(f"{{{name}}}", text)
    return url, tuple(missing)

"""Reads each platform's settings from an environment. Secrets stay masked until a request is built."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from operator import attrgetter
from pathlib import Path
from typing import Self, TypeAlias

from pydantic import SecretStr

from pullcord.config.environment import UnreadValue, Value, own_value, placeholder_fault, value
from pullcord.config.rotation import Rotating, Source
from pullcord.model.arguments import fault_of
from pullcord.model.errors import SettingsError
from pullcord.model.operation import Catalogue, Key, Operation, Platform
from pullcord.model.url import PLAIN_HTTP, url_faults
from pullcord.model.variables import variables

PROTECT = "PULLCORD_PROTECT"
"""The variable that names protected work: ids, with commas between them."""

_HOST = re.compile(r"(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*|[0-9a-f]*:[0-9a-f:.]+")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")

_ANY_TEXT = {"type": "string", "maxLength": 10_000}

Values: TypeAlias = Mapping[str, Value]
"""The values of a platform's variables, by their names."""


@dataclass(frozen=True)
class Settings:
    """How one platform is reached."""

    base_url: str
    """Without a slash at its end; with {variables} where `missing` names their settings, or they have faults."""
    key: SecretStr | None
    key_source: str
    """The variable that gave the key, or those that would; where `brought`, the request's header."""
    values: Mapping[str, str]
    """The values of headers, and of places to look in, by their variables."""
    missing: tuple[str, ...]
    """Variables that are not set, and without which nothing can be sent; where one of several is enough, `A or B`."""
    scheme: Key | None = None
    """How the key is sent."""
    brought: tuple[Key, ...] = ()
    """The ways to authenticate of which each request brings the key with it, in a header; none: keys are set here."""
    optional: bool = False
    """Whether the platform may be called without a key."""
    faults: tuple[str, ...] = ()
    """Why a variable that is set can't be used, and what to do, a sentence each; then nothing is sent."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """For each variable that is set what gives its value: NAME or NAME_FILE."""
    empty: tuple[str, ...] = ()
    """Variables NAME_FILE whose file is missing or empty."""
    unread: str | None = None
    """The fault of a file that is there, and could not be read just now."""

    @cached_property
    def obstacle(self) -> str | None:
        """Why nothing can be sent, for the person who must mend it; None: a call can be sent."""
        reasons = list(self.faults)
        if self._lacks_brought_key:
            reasons.append(f"the request brings no key in its header {self.key_source}")
        if unset := self._unset:
            reasons.append(f"{' and '.join(unset)} {'is' if len(unset) == 1 else 'are'} not set")
            reasons += [f"there is nothing in the file that {name} names" for name in self.empty]
        return "; ".join(reasons) or None

    @property
    def remedy(self) -> str:
        """What a person must do where there is an obstacle, or the platform refused the key."""
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
        """What a person must do where the platform refused the key, or a call without one."""
        if not self.key_source:
            return "Its manifest says that no key is needed; describe one there."
        if self.brought:
            return f"{'Check' if self.key else 'Send'} the key in the request's header {self.key_source}."
        return f"{'Check the key in' if self.key else 'Set'} {self.key_source} where pullcord is started."

    def carrying(self, header_values: Callable[[str], Sequence[str]]) -> Self:
        """The settings for one request.

        Args:
            header_values: returns the values of a header of the request, by the header's name.
        """
        pairs = [(scheme, text) for scheme in self.brought for text in header_values(header(scheme))]
        usable = [(scheme, text) for scheme, text in pairs if not key_fault(scheme, text)]
        if len(pairs) == len(usable) == 1:
            ((scheme, text),) = usable
            return replace(self, key=SecretStr(text), key_source=header(scheme), scheme=scheme)
        if not self.brought or (self.optional and not pairs):
            return self
        return replace(self, missing=(self.key_source, *self.missing))


def platforms(catalogue: Catalogue) -> dict[str, Platform]:
    """The platforms of a catalogue, by name."""
    return {operation.platform.name: operation.platform for operation in catalogue.values()}


def header(scheme: Key) -> str:
    """The header in which a request brings a key, named after its variable: Every-Api-Key for EVERY_API_KEY."""
    return "-".join(word.capitalize() for word in scheme.env.split("_"))


def read(catalogue: Catalogue, environ: Mapping[str, str], *, brought: bool = False) -> Mapping[str, Settings]:
    """Read the settings of every platform of a catalogue.

    Args:
        catalogue: the loaded operations.
        environ: the variables, by name. Instead of NAME, NAME_FILE may name a file that holds the value; a platform's
            settings are read again when such a file has changed, and stay as they were while it can't be read.
        brought: whether each request brings the keys with it; then none may be set.

    Returns:
        Settings by the platform's name. Those with faults hold them, and do not keep other platforms from working.

    Raises:
        SettingsError: pullcord's own setting, PULLCORD_PLAIN_HTTP, can't be used.
    """
    plain = _plain_hosts(environ)
    sources: dict[str, Source[Settings]] = {}
    for name, platform in platforms(catalogue).items():
        operations = [operation for operation in catalogue.values() if operation.platform is platform]
        names = [each.name for each in variables(platform, operations)]
        files = [Path(path) for each in names if (path := environ.get(f"{each}_FILE", "").strip())]
        read_platform = partial(_settings, platform, operations, environ, plain, brought=brought)
        sources[name] = Source(read_platform, files, attrgetter("unread"))
    if any(source.files for source in sources.values()):
        return Rotating(sources)
    return {name: source.read() for name, source in sources.items()}


def _plain_hosts(environ: Mapping[str, str]) -> list[str]:
    """The hosts beyond this machine that may be reached over plain http.

    Raises:
        SettingsError: the value names no hosts.
    """
    setting = own_value(PLAIN_HTTP, environ)
    hosts = [host.strip().strip("[]").lower() for host in setting.text.split(",") if host.strip()]
    faults = [
        f"{setting.source}: {host!r} is no host; write names with commas, such as agents,*.svc.cluster.local"
        for host in hosts
        if not _HOST.fullmatch(host)
    ]
    if setting.fault or faults:
        raise SettingsError([setting.fault] if setting.fault else faults)
    return hosts


def _settings(
    platform: Platform,
    operations: Sequence[Operation],
    environ: Mapping[str, str],
    plain: Sequence[str],
    *,
    brought: bool,
) -> Settings:
    values = {each.name: value(each.name, environ) for each in variables(platform, operations)}
    faults = [each.fault for each in values.values() if each.fault]
    scheme, key = _key(platform, values, faults)
    if key and brought:
        faults.append(f"{key.source} is set, but with --caller-keys each request brings its own; unset it")
    url, missing = _base_url(platform, values, faults, plain)
    texts = _values(operations, values, faults)
    names = [each.env for each in platform.keys]
    lacks_key = not brought and not platform.key_optional and not any(_is_set(values[name]) for name in names)
    needed_names = (" or ".join(names),) if names and lacks_key else ()
    return Settings(
        base_url=url,
        key=SecretStr(key.text) if key else None,
        key_source=_key_source(platform, key, brought=brought),
        values=texts,
        missing=(*needed_names, *missing),
        faults=tuple(faults),
        sources={name: each.source for name, each in values.items() if _is_set(each)},
        empty=tuple(each.source for name, each in values.items() if not _is_set(each) and each.source != name),
        unread=next((each.fault for each in values.values() if isinstance(each, UnreadValue)), None),
        scheme=scheme,
        brought=platform.keys if brought else (),
        optional=platform.key_optional,
    )


def protected(environ: Mapping[str, str]) -> list[str]:
    """The ids of work that must never be stopped from here: the caller's own run, or an orchestrator.

    Raises:
        SettingsError: the value is a placeholder, or its file is empty: it would protect nothing.
    """
    setting = own_value(PROTECT, environ)
    ids = [each.strip() for each in setting.text.split(",") if each.strip()]
    reasons = [fault for each in ids if (fault := placeholder_fault(each))]
    if setting.fault or reasons:
        raise SettingsError([setting.fault or f"{setting.source}: {reasons[0]}"])
    return ids


def _values(operations: Sequence[Operation], values: Values, faults: list[str]) -> dict[str, str]:
    """The values of headers, and of places to look in, by their variables; faults are added."""
    schemas = {each.env: each.schema for operation in operations for each in operation.parameters if each.env}
    places = [each.listing.places.env for each in operations if each.listing and each.listing.places]
    texts: dict[str, str] = {}
    for name in [*schemas, *places]:
        text, source, fault = values[name]
        if not text or fault:
            continue
        if fault := fault_of(schemas.get(name, _ANY_TEXT), text):
            faults.append(f"{source}: the value {fault}; correct it, or unset {source}")
        else:
            texts[name] = text
    return texts


def _is_set(value: Value) -> bool:
    """Whether a variable has a value, or a fault instead of one."""
    return bool(value.text or value.fault)


def _key(platform: Platform, values: Values, faults: list[str]) -> tuple[Key | None, Value | None]:
    """The way to authenticate, and its key; the first where several are set. None, None: there is no key."""
    pairs = [(scheme, values[scheme.env]) for scheme in platform.keys if values[scheme.env].text]
    if len(pairs) > 1:
        faults.append(
            f"{' and '.join(setting.source for _, setting in pairs)} are set, and one key is enough; keep one"
        )
    for scheme, setting in pairs:
        if not setting.fault and (fault := key_fault(scheme, setting.text)):
            faults.append(f"{setting.source}: {fault}")
    return pairs[0] if pairs else (None, None)


def _key_source(platform: Platform, key: Value | None, *, brought: bool) -> str:
    """The variable that gave the key; without a key the variables or headers that would."""
    if brought:
        return " or ".join(map(header, platform.keys))
    return key.source if key else " or ".join(scheme.env for scheme in platform.keys)


def key_fault(scheme: Key, text: str) -> str | None:
    """Why a text can't be sent as a key, and what to do; None: it can.

    Args:
        scheme: the way to authenticate.
        text: the key.
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
    platform: Platform, values: Values, faults: list[str], plain: Sequence[str]
) -> tuple[str, tuple[str, ...]]:
    """The base URL, and the variables without a value that it needs."""
    setting = values[platform.url_env]
    if _is_set(setting):
        reasons = [] if setting.fault else url_faults(setting.text, plain)
        faults.extend(f"{setting.source}: {fault}" for fault in reasons)
        return f"{{{platform.url_env}}}" if setting.fault or reasons else setting.text.rstrip("/"), ()
    if platform.url == "/":
        return f"{{{platform.url_env}}}", (platform.url_env,)
    url = platform.url
    missing: list[str] = []
    for name, env in platform.variables.items():
        text, source, fault = values[env]
        if not text and not fault:
            missing.append(env)
        elif not fault and not _LABEL.fullmatch(text):
            faults.append(f"{source}: this is no part of a host name; write letters, digits and hyphens")
        elif not fault:
            url = url.replace(f"{{{name}}}", text)
    return url, tuple(missing)

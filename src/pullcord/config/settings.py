"""An environment mapping to each platform's settings. Secrets stay masked until a request is built."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from pydantic import SecretStr

from pullcord.model.arguments import fault_of
from pullcord.model.errors import SettingsError
from pullcord.model.operation import Catalogue, Key, Operation, Platform
from pullcord.model.url import PLAIN_HTTP, url_faults

PROTECT = "PULLCORD_PROTECT"
"""The variable that names them, with commas."""

_HOST = re.compile(r"(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*|[0-9a-f]*:[0-9a-f:.]+")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Settings:
    """How one platform is reached."""

    base_url: str
    """Without a slash at its end; with {variables} where `missing` names their settings."""
    key: SecretStr | None
    key_source: str
    """The variable that gave the key, or those that would; where `brought`, the request's header."""
    values: Mapping[str, str]
    """Headers' values, by the variable that gives them."""
    missing: tuple[str, ...]
    """Variables without which nothing can be sent; where one of several is enough, `A or B`."""
    scheme: Key | None = None
    """How the key is sent."""
    brought: tuple[Key, ...] = ()
    """The keys of which each request brings one with it, in a header."""
    optional: bool = False
    """Whether the platform may be called without a key."""

    @property
    def remedy(self) -> str:
        """What to do where something is missing, or the key is refused."""
        checked = self.key is not None and not self.missing
        if self.brought and self.missing in {(), (self.key_source,)}:
            return f"{'Check' if checked else 'Send'} the key in the request's header {self.key_source}."
        names = " and ".join(self.missing) or self.key_source
        if not names:
            return "Its manifest says that no key is needed; describe one there."
        return f"{'Check the key in' if checked else 'Set'} {names} where pullcord is started."

    def carrying(self, given: Callable[[str], Sequence[str]]) -> Self:
        """The settings for one request.

        Args:
            given: the values of a header of the request, by its name.
        """
        found = [(scheme, text) for scheme in self.brought for text in given(header(scheme))]
        if len(found) == 1 and not key_fault(*found[0]):
            scheme, text = found[0]
            return replace(self, key=SecretStr(text), key_source=header(scheme), scheme=scheme)
        return self if self.optional and not found else replace(self, missing=(self.key_source,))


def platforms(catalogue: Catalogue) -> dict[str, Platform]:
    """The platforms of a catalogue, by name."""
    return {operation.platform.name: operation.platform for operation in catalogue.values()}


def header(scheme: Key) -> str:
    """The header in which a request brings a key: Every-Api-Key for EVERY_API_KEY."""
    return "-".join(word.capitalize() for word in scheme.env.split("_"))


def read(catalogue: Catalogue, environ: Mapping[str, str], *, brought: bool = False) -> dict[str, Settings]:
    """Read the settings of every platform of a catalogue.

    Args:
        catalogue: the loaded operations.
        environ: names and values. NAME_FILE stands for NAME: the value is that file's content, without the white space
            around it. An empty value counts as none.
        brought: whether each request brings the keys with it; none may be set then.

    Returns:
        Settings by the platform's name.

    Raises:
        SettingsError: with every fault, one line each.
    """
    faults: list[str] = []
    plain = _plain_hosts(environ, faults)
    found = {
        name: _settings(platform, catalogue.values(), environ, faults, plain, brought=brought)
        for name, platform in platforms(catalogue).items()
    }
    if faults:
        raise SettingsError(faults)
    return found


def _plain_hosts(environ: Mapping[str, str], faults: list[str]) -> list[str]:
    """The hosts beyond this machine that may be reached over plain http."""
    given, source = setting(PLAIN_HTTP, environ, faults)
    hosts = [host.strip().strip("[]").lower() for host in given.split(",") if host.strip()]
    faults.extend(
        f"{source}: {host!r} is no host; write names with commas, such as flower,*.svc.cluster.local"
        for host in hosts
        if not _HOST.fullmatch(host)
    )
    return hosts


def _settings(
    platform: Platform,
    operations: Iterable[Operation],
    environ: Mapping[str, str],
    faults: list[str],
    plain: Sequence[str],
    *,
    brought: bool,
) -> Settings:
    key, key_source, scheme = _key(platform, environ, faults)
    if key and brought:
        faults.append(f"{key_source} is set, but with --caller-keys each request brings its own; unset it")
    needed = () if key or brought or platform.key_optional else platform.keys
    url, missing = _base_url(platform, environ, faults, plain)
    values: dict[str, str] = {}
    given = {p.env: p.schema for o in operations if o.platform is platform for p in o.parameters if p.env}
    for env, schema in given.items():
        value, source = setting(env, environ, faults)
        if value and (fault := fault_of(schema, value)):
            faults.append(f"{source}: the value {fault}; correct it, or unset {source}")
        if value:
            values[env] = value
    return Settings(
        base_url=url,
        key=SecretStr(key) if key else None,
        key_source=" or ".join(map(header, platform.keys)) if brought else key_source,
        values=values,
        missing=(*((" or ".join(each.env for each in needed),) if needed else ()), *missing),
        scheme=scheme,
        brought=platform.keys if brought else (),
        optional=platform.key_optional,
    )


def protected(environ: Mapping[str, str]) -> list[str]:
    """Ids of work that must never be stopped from here: the run that the caller lives in, an orchestrator."""
    return [each.strip() for each in environ.get(PROTECT, "").split(",") if each.strip()]


def _key(platform: Platform, environ: Mapping[str, str], faults: list[str]) -> tuple[str, str, Key | None]:
    """The key, the variable that gave it or those that would, and how it is sent."""
    found = [(*setting(scheme.env, environ, faults), scheme) for scheme in platform.keys]
    given = [each for each in found if each[0]]
    if len(given) > 1:
        faults.append(f"{' and '.join(source for _, source, _ in given)} are set, and one key is enough; keep one")
    for key, source, scheme in given:
        if fault := key_fault(scheme, key):
            faults.append(f"{source}: {fault}")
    return given[0] if given else ("", " or ".join(source for _, source, _ in found), None)


def key_fault(scheme: Key, text: str) -> str | None:
    """Why a text can't be sent as a key, and what to do; None if it can."""
    if scheme.basic:
        fits = ":" in text and text.isprintable()
        return None if fits else "this is no user and password; write user:password, without control characters"
    if text and text.isascii() and text.isprintable() and " " not in text:
        return None
    return "the key holds white space or characters that a header can't carry; check it"


def setting(name: str, environ: Mapping[str, str], faults: list[str]) -> tuple[str, str]:
    """A variable's value and the variable that gave it."""
    direct, file = environ.get(name, "").strip(), environ.get(f"{name}_FILE", "").strip()
    if direct == f"${{{name}}}":  # a client passed on what it was to fill in
        direct = ""
    if not file:
        return direct, name
    if direct:
        faults.append(f"{name} and {name}_FILE are both set; keep one")
    try:
        return Path(file).read_text(encoding="utf-8-sig").strip(), f"{name}_FILE"
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        # Not told: its name, since some write the key itself here.
        faults.append(f"{name}_FILE: the file that it names can't be read: {reason}")
        return "", f"{name}_FILE"


def _base_url(
    platform: Platform, environ: Mapping[str, str], faults: list[str], plain: Sequence[str]
) -> tuple[str, tuple[str, ...]]:
    """The base URL, and the variables that it still lacks."""
    given, source = setting(platform.url_env, environ, faults)
    if given:
        faults.extend(f"{source}: {fault}" for fault in url_faults(given, plain))
        return given.rstrip("/"), ()
    if platform.url == "/":
        return f"{{{platform.url_env}}}", (platform.url_env,)
    url = platform.url
    missing: list[str] = []
    for variable, env in platform.variables.items():
        value, source = setting(env, environ, faults)
        if not value:
            missing.append(env)
        elif not _LABEL.fullmatch(value):
            faults.append(f"{source}: this is no part of a host name; write letters, digits and hyphens")
        else:
            url = url.replace(f"{{{variable}}}", value)
    return url, tuple(missing)

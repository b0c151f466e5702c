"""An environment mapping to each platform's settings. Secrets stay masked until a request is built."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from pydantic import SecretStr

from pullcord.model.arguments import fault_of
from pullcord.model.errors import SettingsError
from pullcord.model.operation import Catalogue, Operation, Platform
from pullcord.model.url import PLAIN_HTTP, url_faults

_HOST = re.compile(r"(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*|[0-9a-f]*:[0-9a-f:.]+")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Settings:
    """How one platform is reached."""

    base_url: str
    """Without a slash at its end; with {variables} where `missing` names their settings."""
    key: SecretStr | None
    key_source: str
    """The variable that gave the key, or would; where `brought`, the request's header."""
    values: Mapping[str, str]
    """Headers' values, by the variable that gives them."""
    missing: tuple[str, ...]
    """Variables without which nothing can be sent."""
    brought: bool = False
    """Whether each request brings the key with it, in a header."""

    @property
    def remedy(self) -> str:
        """What to do where something is missing, or the key is refused."""
        if self.brought and self.missing in {(), (self.key_source,)}:
            return f"{'Send' if self.missing else 'Check'} the key in the request's header {self.key_source}."
        names = " and ".join(self.missing) or self.key_source
        return f"{'Set' if self.missing else 'Check the key in'} {names} where pullcord is started."

    def carrying(self, keys: Sequence[str]) -> Self:
        """The settings for one request.

        Args:
            keys: what it brings in the header `key_source`.
        """
        if len(keys) == 1 and is_key(keys[0]):
            return replace(self, key=SecretStr(keys[0]))
        return replace(self, missing=(self.key_source,))


def platforms(catalogue: Catalogue) -> dict[str, Platform]:
    """The platforms of a catalogue, by name."""
    return {operation.platform.name: operation.platform for operation in catalogue.values()}


def header(platform: Platform) -> str:
    """The header in which a request brings a platform's key: Every-Api-Key for EVERY_API_KEY."""
    return "-".join(word.capitalize() for word in platform.key.env.split("_"))


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
    key, key_source = setting(platform.key.env, environ, faults)
    if key and not is_key(key):
        faults.append(f"{key_source}: the key holds white space or characters that a header can't carry; check it")
    if key and brought:
        faults.append(f"{key_source} is set, but with --caller-keys each request brings its own; unset it")
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
        key_source=header(platform) if brought else key_source,
        values=values,
        missing=(*(() if key or brought else (platform.key.env,)), *missing),
        brought=brought,
    )


def is_key(text: str) -> bool:
    """Whether a header can carry a text as a key."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text


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

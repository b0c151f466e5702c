"""An environment mapping to each platform's settings. Secrets stay masked until a request is built."""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from pullcord.errors import SettingsError
from pullcord.operation import Catalogue, Operation, Platform

_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Settings:
    """How one platform is reached."""

    base_url: str
    """Without a slash at its end; with {variables} where `missing` names their settings."""
    key: SecretStr | None
    key_source: str
    """The variable that gave the key, or would."""
    values: Mapping[str, str]
    """Headers' values, by the variable that gives them."""
    missing: tuple[str, ...]
    """Variables without which nothing can be sent."""


def platforms(catalogue: Catalogue) -> dict[str, Platform]:
    """The platforms of a catalogue, by name."""
    return {operation.platform.name: operation.platform for operation in catalogue.values()}


def read(catalogue: Catalogue, environ: Mapping[str, str]) -> dict[str, Settings]:
    """Read the settings of every platform of a catalogue.

    Args:
        catalogue: the loaded operations.
        environ: names and values. NAME_FILE stands for NAME: the value is that file's content, without the white space
            around it. An empty value counts as none.

    Returns:
        Settings by the platform's name.

    Raises:
        SettingsError: with every fault, one line each.
    """
    faults: list[str] = []
    found = {
        name: _settings(platform, catalogue.values(), environ, faults)
        for name, platform in platforms(catalogue).items()
    }
    if faults:
        raise SettingsError(faults)
    return found


def _settings(
    platform: Platform, operations: Iterable[Operation], environ: Mapping[str, str], faults: list[str]
) -> Settings:
    key, key_source = _value(platform.key.env, environ, faults)
    if key and not (key.isascii() and key.isprintable() and " " not in key):
        faults.append(f"{key_source}: the key holds white space or characters that a header can't carry; check it")
    url, missing = _base_url(platform, environ, faults)
    values: dict[str, str] = {}
    given = {p.env: p.schema for o in operations if o.platform is platform for p in o.parameters if p.env}
    for env, schema in given.items():
        value, source = _value(env, environ, faults)
        pattern = str(schema.get("pattern", ""))
        if value and not re.search(pattern, value):
            faults.append(f"{source}: the value doesn't fit {pattern}; correct it, or unset {source}")
        if value:
            values[env] = value
    return Settings(
        base_url=url,
        key=SecretStr(key) if key else None,
        key_source=key_source,
        values=values,
        missing=(*(() if key else (platform.key.env,)), *missing),
    )


def _value(name: str, environ: Mapping[str, str], faults: list[str]) -> tuple[str, str]:
    """A variable's value and the variable that gave it."""
    direct, file = environ.get(name, "").strip(), environ.get(f"{name}_FILE", "")
    if not file:
        return direct, name
    if direct:
        faults.append(f"{name} and {name}_FILE are both set; keep one")
    try:
        return Path(file).read_text(encoding="utf-8").strip(), f"{name}_FILE"
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        faults.append(f"{name}_FILE: {file} can't be read: {reason}")
        return "", f"{name}_FILE"


def _base_url(platform: Platform, environ: Mapping[str, str], faults: list[str]) -> tuple[str, tuple[str, ...]]:
    """The base URL, and the variables that it still lacks."""
    given, source = _value(platform.url_env, environ, faults)
    if given:
        faults.extend(f"{source}: {fault}" for fault in url_faults(given))
        return given.rstrip("/"), ()
    url = platform.url
    missing: list[str] = []
    for variable, env in platform.variables.items():
        value, source = _value(env, environ, faults)
        if not value:
            missing.append(env)
        elif not _LABEL.fullmatch(value):
            faults.append(f"{source}: this is no part of a host name; write letters, digits and hyphens")
        else:
            url = url.replace(f"{{{variable}}}", value)
    return url, tuple(missing)


def url_faults(url: str) -> list[str]:
    """Why a base URL can't be used, in plain words; empty if it can."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return ["this is no URL; write https://host/path"]
    if parts.username is not None or parts.query or parts.fragment or not url.isascii() or not url.isprintable():
        return ["the URL may hold a scheme, a host, a port and a path only; write https://host/path"]
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))):
        return ["the URL must be https, or http to this machine (127.0.0.1): a key is sent there"]
    return []


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

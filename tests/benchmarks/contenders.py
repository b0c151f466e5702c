"""Who is measured: pullcord, its floors, and FastMCP's bridge, each with its environment and its command."""

import json
import os
import re
import socket
import subprocess
import sys
import venv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml
from tests.benchmarks.api import CALLS
from tests.clients.client import CLIENTS

from pullcord.manifest import loading
from pullcord.manifest.document import parse
from pullcord.manifest.index import index
from pullcord.model.operation import Platform
from pullcord.model.pointer import look_up
from pullcord.model.value import Json

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MANIFESTS = [ROOT / "manifests" / "platforms" / f"{name}.yaml" for name, each in index().items() if each.listed_always]
(FASTMCP,) = CLIENTS["fastmcp"].packages
_UNWATCHED = {"wait_seconds": 0}
"""What is measured is a cancel, not the watching that follows it unless the caller says so."""
INSTALLING = 600
"""Seconds that an installation may take."""

Command = Callable[[str, int | None], list[str]]
"""A base URL, and the port to serve HTTP on, to a program and its arguments."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A server to be measured."""

    name: str
    command: Command
    stdio: bool = True
    http: bool = True
    added: Mapping[str, int] = field(default_factory=dict)
    """Arguments of its own, which go with each call."""


def environ(base_url: str) -> dict[str, str]:
    """All that a server's environment holds, as where a host starts it: nothing of this shell's Python settings."""
    reached = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}
    for each in _platforms():
        reached[each.url_env] = base_url
        reached |= {key.env: "user:0123456789" for key in each.keys[:1]}
    return reached


@cache
def _platforms() -> list[Platform]:
    """All that are shipped."""
    return [*{each.platform.name: each.platform for each in loading.load(loading.shipped()).values()}.values()]


def environment(place: Path, *wanted: str) -> Path:
    """A virtual environment with some packages, and nothing else.

    Args:
        place: where it stands; what is there already is kept.
        wanted: what to install, as pip takes it.

    Returns:
        Its Python.
    """
    python = place / "bin" / "python"
    if not python.exists():
        venv.create(place, with_pip=True)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
    subprocess.run(command, check=True, timeout=INSTALLING, env=clean)  # noqa: S603 - our own words
    return python


def pullcord(python: Path) -> Contender:
    """Our own, as its users start it; of its tools the four that all have."""
    only = [word for tool in CALLS for word in ("--only", tool)]

    def command(_: str, port: int | None) -> list[str]:
        http = ["--http", "--port", str(port)] if port else []
        return [str(python.with_name("pullcord")), "serve", *http, *only]

    return Contender("pullcord", command, added=_UNWATCHED)


def loaded(python: Path, manifests: Sequence[Path]) -> Contender:
    """Our own, with further manifests."""
    more = [word for path in manifests for word in ("--manifest", str(path))]
    command = [str(python.with_name("pullcord")), "serve", *more]
    return Contender(f"{3 + len(manifests)} manifests", lambda *_: command, added=_UNWATCHED)


def named(python: Path, names: Iterable[str] = ()) -> Contender:
    """Our own, with all tools of some platforms.

    Args:
        python: of its environment.
        names: the platforms, beside those that are always listed.
    """
    words = [word for name in names for word in ("--platform", name)]
    command = [str(python.with_name("pullcord")), "serve", *words]
    return Contender("some platforms", lambda *_: command)


def floors(python: Path) -> list[Contender]:
    """The least that the SDK allows."""

    def command(kind: str) -> Command:
        return lambda base_url, port: [
            str(python),
            str(HERE / "floors.py"),
            kind,
            base_url,
            *([str(port)] if port else []),
        ]

    return [
        Contender("floor: SDK's stdio", command("sdk"), http=False),
        Contender("floor: asyncio pipes", command("pipes"), http=False),
        Contender("floor: SDK's HTTP", command("http"), stdio=False),
    ]


def bridge(python: Path, document: Path) -> Contender:
    """What a user would take instead.

    Args:
        python: of its own environment.
        document: where the API's description is to be written.
    """
    document.write_text(json.dumps(described()), encoding="utf-8")

    def command(base_url: str, port: int | None) -> list[str]:
        return [str(python), str(HERE / "bridge.py"), str(document), base_url, *([str(port)] if port else [])]

    return Contender("FastMCP's bridge", command)


def described() -> dict[str, Json]:
    """The four cancels as one plain OpenAPI document: without our keywords, each $ref replaced by what it names."""
    paths: dict[str, Json] = {}
    for path in MANIFESTS:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        for name, item in document["paths"].items():
            if "post" in item:
                post = item.pop("post")
                parameters = [*item.get("parameters", []), *post.pop("parameters", [])]
                paths[name] = {"post": _plain({**post, "parameters": parameters}, document)}
    info: Json = {"title": "Three agent platforms", "version": "1"}
    return {"openapi": "3.1.0", "info": info, "paths": paths}


def _plain(value: Json, document: Json) -> Json:
    if isinstance(value, dict) and "$ref" in value:
        return _plain(look_up(document, str(value["$ref"]).removeprefix("#")), document)
    if isinstance(value, dict):
        members = {name: item for name, item in value.items() if not name.startswith("x-") and name != "links"}
        return {name: _plain(item, document) for name, item in members.items()}
    if isinstance(value, list):
        plain = [_plain(item, document) for item in value]
        return [item for item in plain if not (isinstance(item, dict) and item.get("in") == "header")]
    return value


def copies(number: int, place: Path) -> list[Path]:
    """Generated manifests: the shipped ones in turn, with other names, compiled as the wheel's are.

    Args:
        number: how many.
        place: a folder for them.
    """
    made = []
    for number_of_copy in range(number):
        shipped = MANIFESTS[number_of_copy % len(MANIFESTS)]
        text = re.sub(r"(operationId: *)(\w+)", rf"\1c{number_of_copy}_\2", shipped.read_text(encoding="utf-8"))
        text = re.sub(r"(x-platform: *)(\w+)", rf"\1copy{number_of_copy}", text)
        text = re.sub(r"(x-env: *)([A-Z_]+)", rf"\1PULLCORD_PLATFORM_COPY{number_of_copy}_\2", text)
        copy = place / f"copy{number_of_copy}.json"
        copy.write_text(json.dumps(parse(shipped.name, text).value, ensure_ascii=False), encoding="utf-8")
        made.append(copy)
    return made


def free_port() -> int:
    """A port of loopback on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def versions(*pythons: Path) -> dict[str, str]:
    """What the environments hold of what decides a server's speed."""
    told = "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"
    found: dict[str, str] = {}
    for python in pythons:
        run = subprocess.run([str(python), "-c", told], check=True, capture_output=True, timeout=60)  # noqa: S603 - our own words
        versions = json.loads(run.stdout)
        found = {**{name: versions[name] for name in _DECISIVE if name in versions}, **found}
    return {"python": sys.version.split()[0], **found}


_DECISIVE = ("pullcord", "mcp", "httpx2", "pydantic", "anyio", "uvicorn", "fastmcp")

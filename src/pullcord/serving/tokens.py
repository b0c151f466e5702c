"""Tokens that an operator hands out: they are made here, and checked by their hashes in a file."""

import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from mcp.server.auth.provider import AccessToken

from pullcord.config.rotation import Rotating, Source
from pullcord.config.surface import GRANTS
from pullcord.model.errors import PullcordError, SettingsError

_log = logging.getLogger(__name__)

PREFIX = "pullcord_"
"""The beginning of every token, by which a leaked one is found."""

_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_TOKENS = "tokens"
"""The name of the file's content among values that are read again."""
_EXAMPLE = "0" * 64
"""Stands for a digest in examples; it fits no token."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A line of a token file."""

    name: str
    scopes: tuple[str, ...]
    digest: str
    """The SHA-256 of the token. It is random and long, so that no slower hash is needed."""


def mint(name: str, scopes: Collection[str]) -> tuple[str, str]:
    """Make a new token.

    Args:
        name: of the caller: 1 to 64 letters, digits, dots, hyphens, underscores or @.
        scopes: what the caller may do, of GRANTS.

    Returns:
        The token, and its line for a token file.

    Raises:
        SettingsError: the name has other characters.
    """
    if not _NAME.fullmatch(name):
        raise SettingsError([f"{name!r} is no name; write up to 64 letters, digits, dots, hyphens, underscores or @"])
    token = PREFIX + secrets.token_urlsafe(32)
    return token, f"{name}:{','.join(scopes)}:{_digest(token)}"


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class TokenRefusedError(PullcordError):
    """A token that is not valid. The message says why, for the log, and quotes nothing of the token."""


class _Content(NamedTuple):
    """What a token file holds."""

    grants: Sequence[Grant]
    faults: Sequence[str]
    """Why the file, or a line of it, can't be used; such a line is passed over."""


class TokenFile:
    """Tokens that an operator handed out. The file is read again whenever it changes.

    A line that can't be used is passed over; while the file can't be read no token is valid.

    Args:
        path: the file, in UTF-8: lines of name:scopes:sha256, blank lines, and comments that begin with #.

    Raises:
        SettingsError: it holds every fault of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._contents = Rotating({_TOKENS: Source(partial(_read, path), [path])})
        except OSError as error:
            raise SettingsError(_unread(path, error).faults) from None
        self._content = self._current()
        if self._content.faults:
            raise SettingsError(self._content.faults)

    async def verify(self, token: str) -> AccessToken:
        """The caller whose token it is. Every line is compared in constant time, so that the duration tells nothing.

        Raises:
            TokenRefusedError: the token is in no line.
        """
        content = self._current()
        if content != self._content:
            self._content = content
            for fault in content.faults:
                _log.error("%s", fault)
        digest = _digest(token)
        grants = [grant for grant in content.grants if hmac.compare_digest(grant.digest, digest)]
        if not grants:
            raise TokenRefusedError("it is in no line of the file of --tokens")
        return AccessToken(token="", client_id=grants[0].name, scopes=[*grants[0].scopes])

    def _current(self) -> _Content:
        """What the file holds now; a failure to read it may pass, so the next request tries again."""
        try:
            return self._contents[_TOKENS]
        except OSError as error:
            return _unread(self._path, error)


def _unread(path: Path, error: OSError) -> _Content:
    return _Content([], [f"--tokens {path}: the file can't be read: {error.strerror}"])


def _read(path: Path) -> _Content:
    try:
        # With a byte order mark, as some editors write it, or without.
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        return _Content([], [f"--tokens {path}: the file can't be read: it is not UTF-8 text"])
    texts = {number: line.strip() for number, line in enumerate(lines, 1)}
    grants = {number: _grant(line) for number, line in texts.items() if line and not line.startswith("#")}
    faults = [
        f"--tokens {path}:{number}: {_fault(texts[number])}; write what `pullcord token` prints"
        for number, grant in grants.items()
        if not grant
    ]
    return _Content([grant for grant in grants.values() if grant], faults)


def _fault(line: str) -> str:
    return "this is an example's line" if line.endswith(f":{_EXAMPLE}") else "this is no name:scopes:sha256"


def _grant(line: str) -> Grant | None:
    name, _, rest = line.partition(":")
    words, _, digest = rest.partition(":")
    scopes = tuple(words.split(","))
    fits = _NAME.fullmatch(name) and set(scopes) <= set(GRANTS) and _DIGEST.fullmatch(digest) and digest != _EXAMPLE
    return Grant(name, scopes, digest) if fits else None

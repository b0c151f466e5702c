"""Reads one variable of a given environment: its value, or the content of the file that NAME_FILE names."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

_NOT_FILLED_IN = re.compile(r"\$\{[^{}]*\}")
# As shells and Gemini CLI, templates, Windows, and people write what is to be filled in.
_WHOLLY_NOT_FILLED_IN = re.compile(r"\$[A-Z_][A-Z0-9_]*|\{\{.*\}\}|%[A-Za-z_][A-Za-z0-9_]*%|<[^<>]*>", re.DOTALL)
_QUOTED = re.compile(r"(['\"`]).*\1", re.DOTALL)

_ZEROS = 16
"""So many zeros are no value, but stand for one in an example."""


class Value(NamedTuple):
    """The value of a variable."""

    text: str
    """Without the white space around it; empty: it is not set."""
    source: str
    """The variable that gives it: NAME, or NAME_FILE."""
    fault: str | None = None
    """Why it can't be used, and what to do; never with the value."""


class UnreadValue(Value):
    """A value whose file is there, and could not be opened or read just now: its fault may pass by itself."""

    __slots__ = ()


def value(name: str, environ: Mapping[str, str]) -> Value:
    """Read a variable.

    Args:
        name: of the variable. Instead of it, NAME_FILE may name a file that holds the value. A missing file counts as
            not set, and so does an empty value.
        environ: the variables, by name.
    """
    direct, file = environ.get(name, "").strip(), f"{name}_FILE"
    path = environ.get(file, "").strip()
    if not path:
        return _checked(direct, name)
    try:
        content = Path(path).read_text(encoding="utf-8-sig").strip()
    except (FileNotFoundError, NotADirectoryError):
        return _checked(direct, name if direct else file)
    except OSError as error:
        # The message leaves out the file's name, since some people write the key itself there.
        return UnreadValue("", file, f"{file}: the file that it names can't be read: {error.strerror}")
    except UnicodeDecodeError:
        return Value("", file, f"{file}: the file that it names can't be read: it is not UTF-8 text")
    if direct:
        return Value("", file, f"{name} and {file} are both set; keep one")
    return _checked(content, file)


def own_value(name: str, environ: Mapping[str, str]) -> Value:
    """Read a variable of pullcord's own, as `value` does; a file that gives nothing is a fault, not a missing value.

    Args:
        name: of the variable.
        environ: the variables, by name.
    """
    setting = value(name, environ)
    if setting.text or setting.fault or setting.source == name:
        return setting
    return setting._replace(
        fault=f"{setting.source}: there is nothing in the file that it names; write it, or unset this"
    )


def _checked(text: str, source: str) -> Value:
    fault = placeholder_fault(text)
    return Value(text, source, fault and f"{source}: {fault}")


def placeholder_fault(text: str) -> str | None:
    """Why a text is a placeholder instead of a value, and what to do; None: it may be a value."""
    if _NOT_FILLED_IN.search(text) or _WHOLLY_NOT_FILLED_IN.fullmatch(text):
        return "this is a placeholder that was not filled in; write the value, or leave it out"
    if len(text) >= _ZEROS and not text.strip("0"):
        return "these zeros are an example's; write a value of your own"
    if text.endswith(("...", "\N{HORIZONTAL ELLIPSIS}")):
        return "this is only the beginning of a value; write it whole"
    if len(text) > 1 and _QUOTED.fullmatch(text):
        return "the quotes around the value would be part of it; leave them out"
    return None

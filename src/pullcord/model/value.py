"""Plain values: those that JSON has."""

from collections.abc import Mapping
from typing import TypeAlias

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
"""A value that JSON can write."""
Arguments: TypeAlias = Mapping[str, Json]
"""The arguments of an operation, by name."""

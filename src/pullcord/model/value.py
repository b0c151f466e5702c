"""Plain values: what JSON can say."""

from collections.abc import Mapping
from typing import TypeAlias

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"

Arguments: TypeAlias = Mapping[str, Json]

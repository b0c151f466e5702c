"""The operations that this server may call, and their settings: made once, at the start. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Self

from pullcord.config.settings import Settings
from pullcord.model.arguments import Check, Reader, checker, reader
from pullcord.model.operation import Catalogue, Operation
from pullcord.model.running import FIND_RUNNING, callables

OBSERVE = "observe"
CANCEL = "cancel"
GRANTS = (OBSERVE, CANCEL)
"""The grants of a caller over HTTP, which OAuth calls scopes."""


@dataclass(frozen=True, slots=True)
class Surface:
    """The loaded operations, the ones among them that are tools here, and how their platforms are reached."""

    catalogue: Catalogue
    settings: Mapping[str, Settings]
    """By the platform's name."""
    tools: Mapping[str, Operation]
    """The tools that are listed and can be called, by name."""
    checks: Mapping[str, Check]
    """By operation: the check of arguments that pullcord itself made, which are not converted."""
    readers: Mapping[str, Reader]
    """By operation: the conversion and check of a client's arguments."""
    protected: frozenset[str] = frozenset()
    """Ids, in small letters, of work that must never be stopped from here."""

    @classmethod
    def of(
        cls,
        catalogue: Catalogue,
        settings: Mapping[str, Settings],
        only: Collection[str] = (),
        protected: Collection[str] = (),
    ) -> Self:
        """Choose the tools: every cancel, the observe operations of platforms that can be reached, and find_running.

        Args:
            catalogue: the loaded operations.
            settings: by the platform's name.
            only: names of tools; no other operation is a tool. Empty: all may be.
            protected: ids of work that must never be stopped from here.
        """
        operations = callables(catalogue)
        platforms = {name for name, each in settings.items() if each.obstacle is None}
        tools = {
            operation.tool: operation
            for operation in operations.values()
            if operation.tool
            and (operation.cancel or operation.id == FIND_RUNNING or operation.platform.name in platforms)
            and (not only or operation.tool in only)
        }
        checks = {name: checker(each) for name, each in operations.items()}
        readers = {name: reader(each, checks[name]) for name, each in operations.items()}
        return cls(catalogue, settings, tools, checks, readers, frozenset(each.lower() for each in protected))

    def settings_of(self, operation: Operation) -> Settings:
        """How an operation's platform is reached."""
        return self.settings[operation.platform.name]

    def obstacle(self, name: str) -> str | None:
        """Why an operation of the catalogue is no tool yet, and what to do; None: its platform can be reached."""
        operation = self.catalogue.get(name)
        settings = self.settings_of(operation) if operation else None
        if settings is None or settings.obstacle is None:
            return None
        return f"{name} is no tool yet, since {settings.obstacle}. {settings.remedy}"

    def granted(self, grants: Collection[str]) -> Self:
        """The same surface, with only the tools that a caller's grants allow."""
        tools = {
            name: operation
            for name, operation in self.tools.items()
            if (CANCEL if operation.cancel else OBSERVE) in grants
        }
        return replace(self, tools=tools)

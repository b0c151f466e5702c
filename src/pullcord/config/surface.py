"""What this server may call, and with which settings: made once, at the start. Pure."""

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
"""What a caller over HTTP may be granted: OAuth calls these words scopes."""


@dataclass(frozen=True, slots=True)
class Surface:
    """The loaded operations, the ones among them that are tools here, and how their platforms are reached."""

    catalogue: Catalogue
    settings: Mapping[str, Settings]
    """By the platform's name."""
    tools: Mapping[str, Operation]
    """Listed, and callable."""
    checks: Mapping[str, Check]
    """By operation: for arguments of our own making, which must fit as they are."""
    readers: Mapping[str, Reader]
    """By operation: for what a client gives."""
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
            only: where given, no other operation is a tool.
            protected: ids of work that must never be stopped from here.
        """
        operations = callables(catalogue)
        reached = {name for name, each in settings.items() if each.obstacle is None}
        tools = {
            operation.tool: operation
            for operation in operations.values()
            if operation.tool
            and (operation.cancel or operation.id == FIND_RUNNING or operation.platform.name in reached)
            and (not only or operation.tool in only)
        }
        checks = {name: checker(each) for name, each in operations.items()}
        readers = {name: reader(each, checks[name]) for name, each in operations.items()}
        return cls(catalogue, settings, tools, checks, readers, frozenset(each.lower() for each in protected))

    def settings_of(self, operation: Operation) -> Settings:
        """How an operation's platform is reached."""
        return self.settings[operation.platform.name]

    def granted(self, grants: Collection[str]) -> Self:
        """The same scope, with the tools only that a caller's grants allow."""
        tools = {
            name: operation
            for name, operation in self.tools.items()
            if (CANCEL if operation.cancel else OBSERVE) in grants
        }
        return replace(self, tools=tools)

"""The exceptions that leave pullcord's own functions.

PullcordError
    FaultsError             input that a person wrote is wrong; carries every fault at once
        ManifestError       a manifest can't be read, or says what pullcord doesn't support
        SettingsError       the environment, the command line or the options of the Python API can't be used
    UnknownToolError        a program calls a tool that is not offered
    TargetError             a program stops what is no one piece of work, or can't be stopped
    ClosedError             a program's call was cut off, since what it called was closed
    SharedStateError        what replicas share can't be reached; it becomes an outcome

What a platform or the network does wrong is no exception: it is a reply (see reply.py), and becomes an outcome.
"""

from collections.abc import Sequence


class PullcordError(Exception):
    """Anything that pullcord raises on purpose."""


class SharedStateError(PullcordError):
    """What replicas share can't be read or written now."""


class FaultsError(PullcordError):
    """Input from a person that can't be used.

    Args:
        faults: one line each, for the person who must mend it: where, what, and what to write instead.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


class ManifestError(FaultsError):
    """A manifest that can't be loaded. Each fault names its file and line."""


class SettingsError(FaultsError):
    """Settings that can't be used. Each fault names its variable or option."""


class UnknownToolError(PullcordError, LookupError):
    """There is no such tool. Nothing was sent."""


class TargetError(PullcordError, LookupError):
    """There is no one piece of work that this would stop, or nothing stops it from here. Nothing was sent."""


class ClosedError(PullcordError):
    """What a call goes through was closed before it was done; the message tells whether a cancel may have been sent."""

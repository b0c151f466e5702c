"""What came back for one request: a platform's answer, or why there is none."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, Self

from pullcord.model.value import Json

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Reply(NamedTuple):
    """What came back for a request, read once."""

    status: int | None
    """The HTTP status, 100 to 599; None: no answer came."""
    headers: Mapping[str, str] = _NO_HEADERS
    """By lower-case name."""
    body: Json = None
    """The JSON value; None where there is no body, or none that can be read."""
    unreadable: str | None = None
    """Why the body could not be read, in our words."""
    failure: str | None = None
    """Why no answer came, in our words."""
    sent: bool = True
    """Whether the platform may have received the request."""
    retry_after: int | None = None
    """Seconds that the platform asks to wait before the next request."""
    genuine: bool = True
    """Whether an answer has the shape that the manifest describes: only then it is the platform's own word."""
    repeated: bool = False
    """Whether the call was sent before, and that sending may have reached the platform."""

    @classmethod
    def lost(cls, failure: str) -> Self:
        """The request may have arrived, and no answer came."""
        return cls(None, failure=failure)

    @classmethod
    def unsent(cls, failure: str) -> Self:
        """The request surely did not leave this machine."""
        return cls(None, failure=failure, sent=False)

    @property
    def succeeded(self) -> bool:
        """Whether an answer came whose status says success (RFC 9110, section 15.3)."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - the class of success

    @property
    def readable(self) -> bool:
        """Whether an answer came that says success and whose body could be read."""
        return self.succeeded and self.unreadable is None

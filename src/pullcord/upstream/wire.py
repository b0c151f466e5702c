"""Watches the bytes of one connection, sent and received: httpcore2 itself shows neither."""

import re
import select
import socket
import ssl
from collections.abc import Iterable
from functools import cached_property

from httpcore2 import SOCKET_OPTION, AsyncNetworkBackend, AsyncNetworkStream

_HEAD_END = re.compile(rb"\n\r?\n")
_HAS_POLL = hasattr(select, "poll")
"""Whether a socket can be asked by poll: not on Windows."""


class Wire(AsyncNetworkBackend, AsyncNetworkStream):
    """Opens a connection, and is its stream of bytes.

    Args:
        network: opens the connection.
        secure: whether requests are sent only once TLS stands.
    """

    def __init__(self, network: AsyncNetworkBackend, *, secure: bool) -> None:
        self.sent = False
        """Whether any byte of the newest request was written where the platform may read it."""
        self._network = network
        self._stream = AsyncNetworkStream()
        self._secure = secure
        self._open = not secure
        self._first_bytes = b""
        self._count = 0

    def begin(self) -> None:
        """Start counting the bytes of a new request and its answer."""
        self.sent = False
        self._first_bytes = b""
        self._count = 0

    def had_only(self, length: int) -> bool:
        """Whether the bytes that were read are one answer and no more: further ones would spoil the next answer.

        False also where that can't be decided: the head of the answer came in several reads, or its body was encoded.

        Args:
            length: the bytes of the answer's body.
        """
        head = _HEAD_END.search(self._first_bytes)
        return head is not None and head.end() + length == self._count and not self._has_records()

    def _has_records(self) -> bool:
        """Whether TLS holds bytes that came from the socket and were not read yet."""
        if not self._secure:
            return False
        try:
            self._stream.get_extra_info("ssl_object").read(1)
        except ssl.SSLError as error:
            return not isinstance(error, ssl.SSLWantReadError)  # it holds none, and would read from the socket
        return True

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """As httpcore2 defines it."""
        self._stream = await self._network.connect_tcp(host, port, timeout, local_address, socket_options)
        return self

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> AsyncNetworkStream:
        """As httpcore2 defines it."""
        self._stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        self.begin()  # what went and came before was a proxy's
        self._open = True
        return self

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """As httpcore2 defines it."""
        data = await self._stream.read(max_bytes, timeout)
        self._first_bytes = self._first_bytes or data
        self._count += len(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """As httpcore2 defines it."""
        self.sent = self.sent or self._open
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """As httpcore2 defines it."""
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> object:
        """As httpcore2 defines it."""
        if info == "is_readable" and _HAS_POLL and self._socket:  # the stream would look for its socket each time
            return self._socket.fileno() < 0 or bool(self._arrivals.poll(0))
        return self._stream.get_extra_info(info)

    @cached_property
    def _socket(self) -> socket.socket | None:
        """What carries the bytes; None: no socket does, as in tests."""
        carrier: socket.socket | None = self._stream.get_extra_info("socket")
        return carrier

    @cached_property
    def _arrivals(self) -> "select.poll":
        """Tells whether bytes came from the socket, or its end."""
        arrivals = select.poll()
        arrivals.register(self._stream.get_extra_info("socket"), select.POLLIN)
        return arrivals

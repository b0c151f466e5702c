"""What goes and comes on one connection, told to whoever decides what it means: httpcore2 itself shows neither."""

import re
import ssl
from collections.abc import Iterable

from httpcore2 import SOCKET_OPTION, AsyncNetworkBackend, AsyncNetworkStream

_HEAD_END = re.compile(rb"\n\r?\n")


class Wire(AsyncNetworkBackend, AsyncNetworkStream):
    """Dials a connection, and is the stream that it dialled.

    Args:
        network: dials in its place.
        secure: whether requests wait for TLS.
    """

    def __init__(self, network: AsyncNetworkBackend, *, secure: bool) -> None:
        self.sent = False
        """Whether anything of the newest request was written where its platform may read it."""
        self._network = network
        self._stream = AsyncNetworkStream()
        self._secure = secure
        self._open = not secure
        self._first = b""
        self._came = 0

    def begin(self) -> None:
        """Count anew, for one request and its answer."""
        self.sent = False
        self._first = b""
        self._came = 0

    def had_only(self, length: int) -> bool:
        """Whether nothing but an answer came, so far as was read: more would be taken for the next one, or end it.

        That can be told where the answer's head came at once, and its body as it is. Where it can't, it is denied.

        Args:
            length: the bytes of the answer's body.
        """
        head = _HEAD_END.search(self._first)
        return head is not None and head.end() + length == self._came and not self._has_records()

    def _has_records(self) -> bool:
        """Whether records of TLS were taken from the socket, and not read yet."""
        if not self._secure:
            return False
        try:
            self._stream.get_extra_info("ssl_object").read(1)
        except ssl.SSLError as error:
            return not isinstance(error, ssl.SSLWantReadError)  # it has nothing, and would have to ask the socket
        return True

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """As httpcore2 asks for it."""
        self._stream = await self._network.connect_tcp(host, port, timeout, local_address, socket_options)
        return self

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> AsyncNetworkStream:
        """As httpcore2 asks for it."""
        self._stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        self.begin()  # what went and came before was a proxy's
        self._open = True
        return self

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """As httpcore2 asks for it."""
        data = await self._stream.read(max_bytes, timeout)
        self._first = self._first or data
        self._came += len(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """As httpcore2 asks for it."""
        self.sent = self.sent or self._open
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """As httpcore2 asks for it."""
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> object:
        """As httpcore2 asks for it."""
        return self._stream.get_extra_info(info)

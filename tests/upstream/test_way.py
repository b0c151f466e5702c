"""How an address is reached: the issuer of tokens, whose keys httpx2 fetches."""

from pathlib import Path

import anyio
import anyio.abc
import httpx2
import pytest

from pullcord.upstream.way import NO_PROXY, WayError, transport

pytestmark = pytest.mark.anyio


async def first_line(url: str, *variables: str) -> bytes:
    """What is first sent to a port of this machine, which hangs up then.

    Args:
        url: to be fetched; {} stands for the port.
        variables: of the environment, whose value is a proxy on the port.
    """
    lines: list[bytes] = []

    async def listen(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            lines.append((await stream.receive()).partition(b"\r\n")[0])

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        tasks.start_soon(listener.serve, listen)
        environ = dict.fromkeys(variables, f"http://127.0.0.1:{port}")
        target = url.format(port)
        async with httpx2.AsyncClient(transport=transport(environ, target), trust_env=False) as client:
            with pytest.raises(httpx2.TransportError):
                await client.get(target)
        tasks.cancel_scope.cancel()
    return lines[0]


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "all_proxy"])
async def test_an_https_address_is_reached_by_the_proxy_that_the_environment_names(variable: str) -> None:
    assert await first_line("https://id.example/keys", variable) == b"CONNECT id.example:443 HTTP/1.1"


async def test_an_https_address_on_a_port_of_its_own_too() -> None:
    assert await first_line("https://id.example:8443/keys", "HTTPS_PROXY") == b"CONNECT id.example:8443 HTTP/1.1"


async def test_an_http_address_is_reached_directly() -> None:
    assert await first_line("http://127.0.0.1:{}/keys", "HTTPS_PROXY", "ALL_PROXY") == b"GET /keys HTTP/1.1"


@pytest.mark.parametrize("proxy", ["nonsense://127.0.0.1:1", "http://127.0.0.1:x", "socks5://127.0.0.1:1"])
def test_a_proxy_that_cannot_be_spoken_to_is_told(proxy: str) -> None:
    with pytest.raises(WayError, match=NO_PROXY):
        transport({"ALL_PROXY": proxy}, "https://id.example/keys")


def test_certificates_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    with pytest.raises(WayError, match="names can't be read"):
        transport({"SSL_CERT_FILE": str(tmp_path / "none.pem")}, "https://id.example/keys")

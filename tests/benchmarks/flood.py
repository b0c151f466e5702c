"""Floods of connections that say nothing, and of TLS handshakes that nobody finishes: whether cancels get through.

    python -m tests.benchmarks.flood [--seconds 20]

One server process with its defaults and a certificate, one platform process, one process that floods, and this one,
which cancels meanwhile, a call after the other, each on a new connection. The flood has another address of
this machine than the cancels, or the same one.
"""

import argparse
import asyncio
import contextlib
import json
import ssl
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from tests.benchmarks.load import TARGET, percentiles, say
from tests.benchmarks.steady import memory, standing
from tests.serving.site import message
from tests.upstream.certificates import certificate

FLOOD = 2000
"""Connections that the flood holds open, or tries to."""
HELLO = bytes.fromhex("16030100f0010000ec0303")
"""The beginning of a TLS handshake."""
KINDS = {"idle connections": b"", "unfinished handshakes": HELLO}


async def _drip(address: str, port: int, words: bytes) -> None:
    """Hold a connection, and open another one whenever it is closed."""
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
            writer.write(words)
            await reader.read()
            writer.close()
        await asyncio.sleep(0.05)


async def _flood(address: str, port: int, words: bytes) -> None:
    """Be the flood, until this process is ended."""
    async with asyncio.TaskGroup() as tasks:
        for _ in range(FLOOD):
            tasks.create_task(_drip(address, port, words))


async def _cancels(port: int, trust: ssl.SSLContext, seconds: float) -> tuple[list[float], Counter[str]]:
    """Cancel, a call after the other; returns the seconds of each, and what was answered."""
    headers, body = message("tools/call", {"name": "cancel_task", "arguments": {**TARGET, "wait_seconds": 0}})
    content = json.dumps(body).encode()
    lines = [f"{name}: {value}" for name, value in headers.items()]
    head = ["POST /mcp HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", "Connection: close", *lines]
    request = "\r\n".join([*head, f"Content-Length: {len(content)}", "", ""]).encode() + content
    latencies: list[float] = []
    answers: Counter[str] = Counter()
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust)
            writer.write(request)
            text = (await asyncio.wait_for(reader.read(), 60)).partition(b"\r\n\r\n")[2]
            answers[json.loads(text)["result"]["structuredContent"]["outcome"]] += 1
            writer.close()
        except (OSError, ValueError, TimeoutError) as error:
            answers[type(error).__name__] += 1
        latencies.append(time.perf_counter() - began)
    return latencies, answers


async def floods(seconds: float, folder: Path) -> bool:
    """Flood in each way, and tell what came of the cancels; returns whether all of them got through."""
    authority, key = certificate(folder)
    trust = ssl.create_default_context(cafile=str(authority))
    has_held = True
    async with standing("--tls-cert", str(authority), "--tls-key", str(key)) as (url, pid, _):
        port = urlsplit(url).port or 0
        for address in ("127.0.0.2", "127.0.0.1"):
            for kind, words in {"nothing": None, **KINDS}.items():
                options = [] if words is None else ["--flood", address, str(port), words.hex()]
                command = [sys.executable, "-m", "tests.benchmarks.flood", *options]
                flood = await asyncio.create_subprocess_exec(*command) if words is not None else None
                await asyncio.sleep(2 if flood else 0)  # for the flood to rise
                latencies, answers = await _cancels(port, trust, seconds)
                times = ", ".join(f"{name} {value:.0f} ms" for name, value in percentiles(latencies).items())
                say(f"{kind} from {address}: {dict(answers)}; {times}; {memory(pid):.0f} MiB")
                has_held = has_held and answers.keys() == {"stopping"}
                if flood:
                    flood.terminate()
                    await flood.wait()
    say("held" if has_held else "did not hold")
    return has_held


def main() -> int:
    """Run what the options say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--flood", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.flood:
        address, port, words = options.flood
        asyncio.run(_flood(address, int(port), bytes.fromhex(words)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        return 0 if asyncio.run(floods(options.seconds, Path(folder))) else 1


if __name__ == "__main__":
    sys.exit(main())

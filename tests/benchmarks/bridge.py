"""What a user would take instead: FastMCP's generic bridge on the same API, in an environment of its own.

python bridge.py OPENAPI_JSON URL [PORT]
"""

import json
import sys
from pathlib import Path

import httpx2
from fastmcp import FastMCP  # type: ignore[import-not-found]  # installed in its own environment, by bench.py


def _main(document: str, base_url: str, *port: str) -> None:
    client = httpx2.AsyncClient(base_url=base_url)
    server = FastMCP.from_openapi(json.loads(Path(document).read_text(encoding="utf-8")), client=client)
    if port:
        server.run(transport="http", host="127.0.0.1", port=int(port[0]), show_banner=False, log_level="warning")
    else:
        server.run(transport="stdio", show_banner=False)


if __name__ == "__main__":
    _main(*sys.argv[1:])

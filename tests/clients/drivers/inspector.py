"""MCP Inspector's command line in one protocol era: one process for each call. Any finding of --strict is a failure."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from lines import answer

PROGRAM = Path("node_modules/.bin/mcp-inspector").absolute()


async def main() -> None:
    """Run the client."""
    era, *server = sys.argv[1:]

    async def run(*arguments: str) -> tuple[str, str, int | None]:
        process = await asyncio.create_subprocess_exec(
            PROGRAM,
            "--cli",
            *server,
            "--protocol-era",
            era,
            "--format",
            "json",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,  # else it would read the lines that are meant for this driver
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return out.decode(), err.decode(), process.returncode

    async def call(name: str, given: dict[str, Any]) -> list[str]:
        asked = ["--method", "tools/call", "--tool-name", name, "--tool-args-json", json.dumps(given)]
        out, err, _ = await run(*asked)  # its status tells only that a result is an error
        if not out:
            return [err]
        result = json.loads(out)["result"]
        return [result["content"][0]["text"], json.dumps(result["structuredContent"])]

    out, err, status = await run("--method", "tools/list", "--strict")
    findings = [line for line in err.splitlines() if line.startswith(("Warning:", "Error:"))]
    if status or findings:
        sys.exit(f"--strict: status {status}, {len(findings)} findings\n{err}")
    await answer([tool["name"] for tool in json.loads(out)["result"]["tools"]], call)


asyncio.run(main())

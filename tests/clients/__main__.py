"""python -m tests.clients [NAME...]: drive pullcord with clients that others wrote, all of them unless some are named.

A client that shows its model less than the server said is reported, and the run then fails. A run of all of them writes
the table of docs/clients.md.
"""

import sys

import anyio
from anyio import EndOfStream, IncompleteRead
from tests.clients.client import CLIENTS, Client, driven
from tests.clients.story import STEPS, Story, faults, live
from tests.clients.witness import heard
from tests.documents import doc, put


async def main(names: list[str]) -> int:
    """Drive the clients.

    Returns:
        The exit status: 1 if a client showed less than the server said.
    """
    tools, told = await heard()
    found = {name: await tried(CLIENTS[name], tools, told) for name in names or CLIENTS}
    rows = table(found)
    sys.stdout.write(rows)
    for name, broken in found.items():
        for step, what in broken.items():
            sys.stderr.write(f"{name}: {step}: {what}\n")
    if not names:
        put(doc("clients"), "clients", rows)
    return 1 if any(found.values()) else 0


async def tried(client: Client, tools: list[str], told: Story) -> dict[str, str]:
    """What a client's model is not shown, by step."""
    try:
        async with driven(client) as running:
            if running.tools != tools:
                return {"list": f"its tools are {', '.join(running.tools)}"}
            return dict(faults(await live(running.ask), told))
    except (TimeoutError, EndOfStream, IncompleteRead):
        lines = client.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return dict.fromkeys(STEPS, f"the client broke: {lines[-1] if lines else 'no word'}; all of it: {client.log}")


def table(found: dict[str, dict[str, str]]) -> str:
    """The table of docs/clients.md."""
    rows = [["client", "version", "what its model is shown", *STEPS], ["---"] * (3 + len(STEPS))]
    for name, broken in found.items():
        client = CLIENTS[name]
        cells = ["**no**" if step in broken else "yes" for step in STEPS]
        rows.append([client.title, client.version, client.shown, *cells])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    sys.exit(anyio.run(main, sys.argv[1:]))

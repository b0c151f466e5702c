"""python -m tests.clients [NAME...]: drive pullcord with clients that others wrote, all of them unless some are named.

A client that shows its model less than the server said is reported, and the run then fails. A run of all of them writes
the tables of docs/clients.md and docs/frameworks.md.
"""

import sys

import anyio
import httpx2
from anyio import EndOfStream, IncompleteRead
from tests.clients.client import CLIENTS, Client, driven
from tests.clients.frameworks import FRAMEWORKS
from tests.clients.guards import GUARDS
from tests.clients.guards import faults as faults_of_guard
from tests.clients.story import STEPS, Story, faults, live
from tests.clients.witness import heard
from tests.documents import doc, put

EVERYONE = {**CLIENTS, **FRAMEWORKS}


async def main(names: list[str]) -> int:
    """Drive the clients.

    Returns:
        The exit status: 1 if a client showed less than the server said.
    """
    tools, told = await heard()
    found = {name: await tried(each, tools, told) for name, each in EVERYONE.items() if name in names or not names}
    sys.stdout.write(table(found))
    found |= {name: await guarded(each) for name, each in GUARDS.items() if name in names or not names}
    for name, broken in found.items():
        for step, what in broken.items():
            sys.stderr.write(f"{name}: {step}: {what}\n")
    sys.stdout.writelines(f"{name}: held\n" for name in GUARDS if found.get(name) == {})
    if not names:
        put(doc("clients"), "clients", table({name: found[name] for name in CLIENTS}))
        put(doc("frameworks"), "frameworks", table({name: found[name] for name in FRAMEWORKS}))
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


async def guarded(guard: Client) -> dict[str, str]:
    """What did not hold of a guard."""
    try:
        sentences = await faults_of_guard(guard)
    except* (OSError, RuntimeError, TimeoutError, httpx2.HTTPError) as errors:
        sentences = [str(errors.exceptions[0])]
    return {"guard": " ".join(sentences)} if sentences else {}


def table(found: dict[str, dict[str, str]]) -> str:
    """The table of docs/clients.md, or of docs/frameworks.md."""
    rows = [["client", "version", "what its model is shown", *STEPS], ["---"] * (3 + len(STEPS))]
    for name, broken in found.items():
        client = EVERYONE[name]
        cells = ["**no**" if step in broken else "yes" for step in STEPS]
        rows.append([client.title, client.version, client.shown, *cells])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    if unknown := set(sys.argv[1:]) - EVERYONE.keys() - GUARDS.keys():
        sys.exit(f"{', '.join(sorted(unknown))}: the clients are {', '.join([*EVERYONE, *GUARDS])}")
    sys.exit(anyio.run(main, sys.argv[1:]))

"""What a start on standard input and output takes. Whole processes, and what they write, are in e2e/."""

import subprocess
import sys


def test_a_start_on_stdio_imports_nothing_that_speaks_http_or_serves_something_else() -> None:
    """Each agent session starts a server: what its first answer does without waits for the first call, or for ever."""
    served = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "pullcord", "serve"],
        check=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        env={"EVERRUNS_API_KEY": "evr_0123456789"},
    )
    imported = {line.rpartition("|")[2].strip() for line in served.stderr.splitlines()}

    assert {"pullcord.upstream.gateway", "pullcord.serving.server"} <= imported
    assert imported.isdisjoint(
        {"httpcore2", "h11", "jwt", "pullcord.upstream.exchange", "pullcord.upstream.connections"}
    )
    assert imported.isdisjoint(
        {f"pullcord.serving.{room}" for room in ("application", "listening", "access", "issuer")}
    )
    assert imported.isdisjoint({"pullcord.sandbox", "pullcord.commands.demo", "pullcord.commands.check"})

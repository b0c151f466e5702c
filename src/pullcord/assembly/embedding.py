"""The sandbox, started beside the server that reaches it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from pullcord.model.errors import SettingsError
from pullcord.sandbox import Sandbox, running


@asynccontextmanager
async def embedded(port: int = 0) -> AsyncIterator[Mapping[str, str]]:
    """Run the sandbox's platforms for as long as the block runs.

    Args:
        port: the port on this machine, 0 to 65535; 0 takes a free one.

    Yields:
        The settings that reach them, by the names of their variables.

    Raises:
        SettingsError: it can't listen there.
    """
    sandbox = Sandbox()
    serving = running(sandbox, port=port)
    try:
        base_url = await serving.__aenter__()
    except OSError as error:
        raise SettingsError([f"--port {port}: can't listen there: {error.strerror}"]) from None
    try:
        yield sandbox.environment(base_url)
    finally:
        await serving.__aexit__(None, None, None)

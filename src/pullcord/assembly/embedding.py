"""The sandbox, started beside the server that reaches it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from pullcord.config.settings import PROTECT
from pullcord.model.errors import SettingsError
from pullcord.sandbox import Sandbox, running


@asynccontextmanager
async def embedded(environ: Mapping[str, str], port: int = 0) -> AsyncIterator[Mapping[str, str]]:
    """Run the sandbox's platforms for as long as the block runs.

    Args:
        environ: names the work that must not be stopped, as beside real platforms; nothing else of it is read.
        port: the port on this machine, 0 to 65535; 0 takes a free one.

    Yields:
        The variables that make pullcord use the platforms, by name.

    Raises:
        SettingsError: it can't listen on the port.
    """
    sandbox = Sandbox()
    async with AsyncExitStack() as stack:
        try:
            base_url = await stack.enter_async_context(running(sandbox, port=port))
        except OSError as error:
            raise SettingsError([f"--port {port}: can't listen there: {error.strerror}"]) from None
        protection = {name: environ[name] for name in (PROTECT, f"{PROTECT}_FILE") if name in environ}
        yield protection | sandbox.environment(base_url)

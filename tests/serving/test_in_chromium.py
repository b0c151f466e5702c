"""A web page in Chromium calls pullcord: one of an allowed origin can, and reads the answers; no other one can."""

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from tests.serving.site import ERAS, bare, message, minted, site

from pullcord.serving.front import Front
from pullcord.serving.listening import listening

pytestmark = [pytest.mark.anyio, pytest.mark.debian]

PATIENCE = 120
"""Seconds for one page."""
PAGE = """<!doctype html><meta charset="utf-8"><title>page</title><script type="module">
const calls = CALLS;
const told = [];
for (const {url, headers, body} of calls) {
  try {
    const answer = await fetch(url, {method: "POST", headers, body: JSON.stringify(body)});
    const challenge = answer.headers.get("WWW-Authenticate");
    told.push({status: answer.status, challenge, text: await answer.text()});
  } catch (error) {
    told.push({error: error.name});
  }
}
await fetch("/told", {method: "POST", body: JSON.stringify(told)});
</script>"""


class Pages:
    """A server of one page, which makes calls and reports what came of them."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.told: list[dict[str, Any]] = []
        self.done = anyio.Event()
        self.app = Starlette(routes=[Route("/", self._page), Route("/told", self._told, methods=["POST"])])

    async def _page(self, _: Request) -> Response:
        return HTMLResponse(PAGE.replace("CALLS", json.dumps(self.calls).replace("<", "\\u003c")))

    async def _told(self, request: Request) -> Response:
        self.told = json.loads(await request.body())
        self.done.set()
        return Response()


@asynccontextmanager
async def chromium(url: str, profile: Path) -> AsyncIterator[None]:
    """A page is open in Chromium meanwhile."""
    program = shutil.which("chromium")
    assert program, "there is no Chromium: apt-get install chromium"
    # Root, as in containers, has no sandbox of Chromium's.
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={profile}"]
    async with await anyio.open_process([program, *options, url], stdout=None, stderr=None) as browser:
        try:
            yield
        finally:
            browser.kill()


async def told(pages: Pages, url: str, profile: Path) -> list[dict[str, Any]]:
    """What a page reports of its calls."""
    with anyio.fail_after(PATIENCE):
        async with chromium(url, profile):
            await pages.done.wait()
    return pages.told


@pytest.mark.parametrize("version", ERAS)
async def test_a_page_of_an_allowed_origin_calls_and_reads_the_answers_and_a_refusal(
    tmp_path: Path, version: str
) -> None:
    pages = Pages()
    path = tmp_path / "tokens"
    token = bare(minted(path, ada="observe cancel")["ada"])
    async with (
        listening(pages.app, Front(port=0)) as origin,
        site(Front(token_file=path, allowed_origins=[origin])) as here,
        listening(here, Front(port=0)) as url,
    ):
        headers, body = message("tools/list", {}, version)
        headers["Content-Type"] = "application/json"
        bearing = {**headers, "Authorization": f"Bearer {token}"}
        pages.calls = [{"url": f"{url}/mcp", "headers": each, "body": body} for each in (bearing, headers)]
        listed, refused = await told(pages, f"{origin}/", tmp_path / "profile")
    assert listed["status"] == 200
    assert "cancel_task" in listed["text"]
    assert refused["status"] == 401
    assert refused["challenge"].startswith("Bearer ")


async def test_a_page_of_another_origin_reads_nothing_and_its_calls_reach_no_tool(tmp_path: Path) -> None:
    pages = Pages()
    async with (
        listening(pages.app, Front(port=0)) as origin,
        site(Front(allowed_origins=["https://page.example"])) as here,
        listening(here, Front(port=0)) as url,
    ):
        headers, body = message("tools/call", {"name": "get_task", "arguments": {}})
        headers["Content-Type"] = "application/json"
        simple = {"Content-Type": "text/plain"}
        pages.calls = [{"url": f"{url}/mcp", "headers": each, "body": body} for each in (headers, simple)]
        both = await told(pages, f"{origin}/", tmp_path / "profile")
        assert both == [{"error": "TypeError"}] * 2
        assert list(here.sandbox.requests) == []

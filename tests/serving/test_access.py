"""Who may call what: every way in counts."""

from pathlib import Path

import pytest
from tests.serving.mint import AUDIENCE, minting
from tests.serving.site import bare, minted

from pullcord.serving.access import Access
from pullcord.serving.issuer import Issuer
from pullcord.serving.tokens import TokenFile

pytestmark = pytest.mark.anyio


async def test_tokens_of_a_file_and_of_an_issuer_count_side_by_side_and_why_one_does_not_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "tokens"
    token = bare(minted(path, ci="observe")["ci"])
    async with minting() as issuer:
        both = Access(TokenFile(path), Issuer(issuer.url, [AUDIENCE]))
        assert await both.verify_token(token)
        assert await both.verify_token(issuer.token())
        assert caplog.messages == []
        assert await both.verify_token("neither") is None
        assert await both.verify_token(issuer.token(exp=1)) is None
    first, second = caplog.messages
    assert first == "a token was refused: it is in no line of the file of --tokens; and it is no JWT"
    assert second == "a token was refused: it is in no line of the file of --tokens; and it has expired"

"""How callers may reach the server: what can't be served safely is refused."""

import pytest

from pullcord.commands.main import main


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--host", "192.0.2.7"], ["callers must be checked. Give --tokens FILE", "by https only", "--allowed-host"]),
        (
            ["--host", "192.0.2.7", "--tokens", "x", "--allowed-host", "x"],
            ["tokens and keys travel by https only. Give --tls-cert and --tls-key, or the --trusted-proxy"],
        ),
        (
            ["--host", "10.1.2.3", "--issuer", "https://id.example", "--trusted-proxy", "10.0.0.0/8"],
            ["--allowed-host", "--issuer and --resource"],
        ),
        (["--resource", "https://in.example/mcp"], ["--issuer and --resource"]),
        (["--audience", "api://us"], ["--audience: only with --issuer"]),
        (
            ["--issuer", "http://id.example", "--resource", "api://us", "--audience", "any text"],
            ["--issuer http://id", "--resource api://us"],
        ),
        (["--allowed-origin", "page.example"], ["--allowed-origin page.example: this is no origin"]),
        (["--allowed-origin", "https://page.example/x"], ["--allowed-origin https://page.example/x: this is"]),
        (["--tls-cert", "x.pem"], ["--tls-cert and --tls-key"]),
        (["--trusted-proxy", "10.0.0.0/99"], ["--trusted-proxy 10.0.0.0/99"]),
        (["--max-calls", "0", "--max-queue", "-1"], ["--max-calls 0", "--max-queue -1"]),
        (["--tokens", "/nowhere/tokens"], ["--tokens /nowhere/tokens: the file can't be read"]),
    ],
)
def test_what_cant_be_served_safely_is_refused_at_the_start_with_every_way_out(
    arguments: list[str], told: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--http", "--port", "0", *arguments]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(told)
    for line, words in zip(lines, told, strict=True):
        assert line.startswith("pullcord: --")
        assert words in line

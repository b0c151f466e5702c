"""How callers may reach the server: what can't be served safely is refused."""

import pytest

from pullcord.commands.main import main


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--host", "192.0.2.7"], ["callers must be checked. Give --tokens FILE", "--allowed-host"]),
        (
            ["--host", "192.0.2.7", "--caller-keys"],
            ["callers must be checked", "--allowed-host", "keys travel by https"],
        ),
        (["--host", "10.1.2.3", "--issuer", "https://id.example"], ["--allowed-host", "--issuer and --audience"]),
        (["--audience", "https://in.example/mcp"], ["--issuer and --audience"]),
        (["--issuer", "http://id.example", "--audience", "api://us"], ["--issuer http://id", "--audience api://us"]),
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

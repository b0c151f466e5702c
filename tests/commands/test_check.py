"""What is configured, and from where."""

from tests.support import shipped

from pullcord.commands.check import report, table
from pullcord.config import settings
from pullcord.config.surface import Surface

HIDDEN = "hush-hush-0123456789"
ENVIRON = {"EVERRUNS_API_KEY": HIDDEN, "EVERSHELL_SLUG": "acme"}


def scope() -> Surface:
    return Surface.of(
        shipped(), settings.read(shipped(), ENVIRON), ["cancel_task", "get_task", "cancel_workspace_task"]
    )


def test_the_report_names_each_platforms_settings_and_shows_no_key() -> None:
    lines = report(scope())
    assert HIDDEN not in repr(lines)
    assert lines == [
        {
            "platform": "everruns",
            "title": "Everruns",
            "configured": True,
            "key": "EVERRUNS_API_KEY (set)",
            "base_url": "https://app.everruns.com/api",
            "missing": [],
            "tools": ["cancel_task", "get_task"],
        },
        {
            "platform": "evershell",
            "title": "EverShell",
            "configured": False,
            "key": "EVERSHELL_API_KEY (not set)",
            "base_url": "https://acme.evershell.ai",
            "missing": ["EVERSHELL_API_KEY"],
            "tools": ["cancel_workspace_task"],
        },
        {
            "platform": "xpander",
            "title": "xpander.ai",
            "configured": False,
            "key": "XPANDER_API_KEY (not set)",
            "base_url": "https://api.xpander.ai",
            "missing": ["XPANDER_API_KEY"],
            "tools": [],
        },
    ]


def test_a_person_reads_it_as_a_table() -> None:
    told = table(report(scope())).splitlines()
    assert HIDDEN not in "".join(told)
    assert [line.split() for line in told] == [
        ["Everruns:", "ready"],
        ["key", "EVERRUNS_API_KEY", "(set)"],
        ["URL", "https://app.everruns.com/api"],
        ["tools", "cancel_task,", "get_task"],
        ["EverShell:", "set", "EVERSHELL_API_KEY"],
        ["key", "EVERSHELL_API_KEY", "(not", "set)"],
        ["URL", "https://acme.evershell.ai"],
        ["tools", "cancel_workspace_task"],
        ["xpander.ai:", "set", "XPANDER_API_KEY"],
        ["key", "XPANDER_API_KEY", "(not", "set)"],
        ["URL", "https://api.xpander.ai"],
        ["tools", "none"],
    ]

"""What is configured, and from where."""

from tests.support import shipped

from pullcord.commands.check import report, table, unoffered
from pullcord.config import settings
from pullcord.config.surface import Surface

HIDDEN = "hush-hush-0123456789"
ENVIRON = {"EVERRUNS_API_KEY": HIDDEN, "EVERSHELL_SLUG": "acme"}


def scope() -> Surface:
    return Surface.of(
        shipped(), settings.read(shipped(), ENVIRON), ["cancel_task", "get_task", "cancel_workspace_task"]
    )


def test_the_report_names_each_platforms_settings_and_shows_no_key() -> None:
    lines = {line["platform"]: line for line in report(scope())}
    assert HIDDEN not in repr(lines)
    assert lines["everruns"] == {
        "platform": "everruns",
        "title": "Everruns",
        "configured": True,
        "obstacle": None,
        "key": "EVERRUNS_API_KEY (set)",
        "base_url": "https://app.everruns.com/api",
        "missing": [],
        "faults": [],
        "variables": [
            {
                "name": "EVERRUNS_API_KEY",
                "source": "EVERRUNS_API_KEY",
                "empty_file": False,
                "goes": "the header Authorization",
            },
            {"name": "EVERRUNS_API_URL", "source": None, "empty_file": False, "goes": "the whole URL"},
            {"name": "EVERRUNS_ORG_ID", "source": None, "empty_file": False, "goes": "the header X-Org-Id"},
        ],
        "tools": ["cancel_task", "get_task"],
    }
    assert lines["evershell"] == {
        "platform": "evershell",
        "title": "EverShell",
        "configured": False,
        "obstacle": "EVERSHELL_API_KEY is not set",
        "key": "EVERSHELL_API_KEY (not set)",
        "base_url": "https://acme.evershell.ai",
        "missing": ["EVERSHELL_API_KEY"],
        "faults": [],
        "variables": [
            {"name": "EVERSHELL_API_KEY", "source": None, "empty_file": False, "goes": "the header Authorization"},
            {"name": "EVERSHELL_SLUG", "source": "EVERSHELL_SLUG", "empty_file": False, "goes": "{slug} of the URL"},
            {"name": "EVERSHELL_API_URL", "source": None, "empty_file": False, "goes": "the whole URL"},
        ],
        "tools": ["cancel_workspace_task"],
    }
    assert lines["xpander"]["tools"] == []


def test_a_person_reads_it_as_a_table() -> None:
    told = table(report(scope()))
    assert HIDDEN not in told
    assert told.splitlines()[:13] == [
        "Everruns: ready",
        "  URL    https://app.everruns.com/api",
        "  reads  EVERRUNS_API_KEY (set) goes into the header Authorization",
        "  reads  EVERRUNS_API_URL (not set) goes into the whole URL",
        "  reads  EVERRUNS_ORG_ID (not set) goes into the header X-Org-Id",
        "  tools  cancel_task, get_task",
        "EverShell: set EVERSHELL_API_KEY",
        "  URL    https://acme.evershell.ai",
        "  reads  EVERSHELL_API_KEY (not set) goes into the header Authorization",
        "  reads  EVERSHELL_SLUG (set) goes into {slug} of the URL",
        "  reads  EVERSHELL_API_URL (not set) goes into the whole URL",
        "  tools  cancel_workspace_task",
        "xpander.ai: set XPANDER_API_KEY",
    ]


def test_what_nobody_named_is_told_with_what_it_would_add() -> None:
    lines = report(Surface.of(shipped(), settings.read(shipped(), ENVIRON), ["cancel_turn", "stop_task"]))
    assert unoffered(lines[::2]) == [
        "Not offered, since nobody named them by --platform or in PULLCORD_PLATFORMS:",
        "  everruns (ready) would add cancel_turn",
        "  xpander (set XPANDER_API_KEY) would add stop_task",
    ]
    assert unoffered([]) == []


def test_a_file_that_is_not_there_is_told_where_its_value_belongs() -> None:
    lines = report(Surface.of(shipped(), settings.read(shipped(), {"EVERRUNS_API_KEY_FILE": "/none"})))
    told = "reads EVERRUNS_API_KEY (not set: nothing in the file of EVERRUNS_API_KEY_FILE) goes into the header"
    assert told in " ".join(table(lines).split())

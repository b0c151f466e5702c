"""What is configured, and from where: for people and for programs. Pure."""

from typing import TypedDict

from pullcord.scope import Scope
from pullcord.settings import platforms


class Line(TypedDict):
    """One platform's settings."""

    platform: str
    title: str
    configured: bool
    key: str
    base_url: str
    missing: list[str]
    tools: list[str]


def report(scope: Scope) -> list[Line]:
    """Every platform's settings; keys are named, never shown."""
    lines: list[Line] = []
    for name, platform in platforms(scope.catalogue).items():
        settings = scope.settings[name]
        lines.append(
            {
                "platform": name,
                "title": platform.title,
                "configured": not settings.missing,
                "key": f"{settings.key_source} (set)" if settings.key else f"{settings.key_source} (not set)",
                "base_url": settings.base_url,
                "missing": list(settings.missing),
                "tools": [each.id for each in scope.tools.values() if each.platform.name == name],
            }
        )
    return lines


def table(lines: list[Line]) -> str:
    """The report as a person reads it."""
    return "\n".join(
        f"{line['title']}: {'ready' if line['configured'] else 'set ' + ' and '.join(line['missing'])}\n"
        f"  key    {line['key']}\n"
        f"  URL    {line['base_url']}\n"
        f"  tools  {', '.join(line['tools']) or 'none'}"
        for line in lines
    )

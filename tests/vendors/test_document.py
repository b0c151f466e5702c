"""What is said to people about the documented platforms."""

import re
from pathlib import Path

import pytest
from tests.vendors.rows import VENDORS

from pullcord.manifest.index import index

DOCUMENT = (Path(__file__).parents[2] / "docs" / "platforms.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### (.+?)\n(.*?)(?=^#|\Z)", DOCUMENT, re.DOTALL | re.MULTILINE))


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_documented_platform_has_a_section_that_names_what_it_reads(vendor: str) -> None:
    entry = index()[vendor]
    section = SECTIONS[entry.title.removesuffix(" API")]
    assert {*re.findall(r"`([A-Z]+_[A-Z_]+)`", section)} >= {*entry.variables}
    assert "**Least right**" in section
    assert "**Known not to stop**" in section


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_documented_platform_is_served_only_where_it_is_named(vendor: str) -> None:
    assert not index()[vendor].listed_always

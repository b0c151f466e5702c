"""The recording of the demo: the lines that were told, with their colours, each at its time."""

from xml.etree import ElementTree as ET

from tests.recording import HEIGHT, REST, ROWS, Line, picture

LINES = [
    Line(2.0, "\x1b[1mWhat runs?\x1b[0m"),
    Line(3.0, ""),
    Line(8.0, "   a < b & \x1b[33mstopping\x1b[0m: it may run"),
]
SVG = "{http://www.w3.org/2000/svg}"


def test_a_picture_is_xml_that_holds_every_line_with_its_colours() -> None:
    root = ET.fromstring(picture(LINES))  # noqa: S314 - made on the line before
    texts = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    assert texts == ["What runs?", "   a < b & stopping: it may run"]
    assert [(span.get("class"), span.text) for span in root.iter(f"{SVG}tspan")] == [
        ("bold", "What runs?"),
        ("yellow", "stopping"),
    ]


def test_each_line_comes_up_at_its_time_and_the_end_rests() -> None:
    svg = picture(LINES)
    assert f"60.000%{{transform:translateY({HEIGHT * (ROWS - 3)}px)}}" in svg
    assert f"#told{{transform:translateY({HEIGHT * (ROWS - 3)}px);animation:tell {6.0 + REST}s" in svg


def test_it_begins_with_text() -> None:
    assert f"0.000%{{transform:translateY({HEIGHT * (ROWS - 1)}px)}}10.000%" in picture(LINES)

"""A list cut to a part that an agent can read, and the call that goes on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.depot import depot

from pullcord.flow.listing import Page, page_of
from pullcord.model.arguments import checker
from pullcord.model.errors import ManifestError
from pullcord.model.operation import Operation
from pullcord.model.value import Arguments, Json

PAGES = "{style: page, at: page, size: per, total: /total}"
PAGE = "- {name: page, in: query, description: From 1., schema: {type: integer, minimum: 1, default: 1}}"
SKIP = "- {name: skip, in: query, description: From 0., schema: {type: integer, minimum: 0, default: 0}}"


def listed(pages: str, *changes: tuple[str, str]) -> Operation:
    return depot((PAGES, pages), *changes)["list_runs"]


BY_PAGE = listed(PAGES)
BY_OFFSET = listed("{style: offset, at: skip, size: per, total: /total}", (PAGE, SKIP))
BY_LIMIT = listed("{style: limit, size: per}", (f"        {PAGE}\n", ""))
WHOLE = listed("{style: whole}", (f"        {PAGE}\n", ""))


CURSOR = "- {name: after, in: query, description: The next part., schema: {type: string}}"
BY_CURSOR = listed("{style: cursor, at: after, next: /next, more: /more, size: per}", (PAGE, CURSOR))


def runs(first: int, last: int, total: Json = None) -> dict[str, Json]:
    return {"runs": list(range(first, last + 1)), **({} if total is None else {"total": total})}


@pytest.mark.parametrize(
    ("operation", "arguments", "body", "shown", "left", "next_arguments"),
    [
        (BY_PAGE, {}, runs(1, 10, 25), (1, 10), 15, {"page": 2}),
        (BY_PAGE, {"page": 2, "line": "l1"}, runs(11, 20, 25), (11, 20), 5, {"page": 3, "line": "l1"}),
        (BY_PAGE, {"page": 3}, runs(21, 25, 25), (21, 25), 0, None),
        (BY_PAGE, {"page": 2, "per": 5}, runs(6, 10, 11), (6, 10), 1, {"page": 3, "per": 5}),
        (BY_PAGE, {"page": 9}, runs(1, 0, 25), (1, 0), 0, None),
        (BY_PAGE, {}, runs(1, 0, 25), (1, 0), 25, None),
        # What no total tells, a part's size does.
        (BY_PAGE, {}, runs(1, 10), (1, 10), None, {"page": 2}),
        (BY_PAGE, {"page": 4}, runs(31, 34), (31, 34), 0, None),
        (BY_PAGE, {"page": 4}, runs(1, 0), (1, 0), 0, None),
        (BY_PAGE, {}, runs(1, 10, "25"), (1, 10), None, {"page": 2}),
        (BY_PAGE, {}, runs(1, 10, []), (1, 10), None, {"page": 2}),
        (BY_PAGE, {}, {**runs(1, 10), "total": True}, (1, 10), None, {"page": 2}),
        (BY_PAGE, {}, runs(1, 10, -1), (1, 10), 0, None),
        # More than was asked for is not shown.
        (BY_PAGE, {"per": 5}, runs(1, 40, 40), (1, 5), 35, {"per": 5, "page": 2}),
        (BY_OFFSET, {}, runs(1, 10, 25), (1, 10), 15, {"skip": 10}),
        (BY_OFFSET, {"skip": 10}, runs(11, 20, 25), (11, 20), 5, {"skip": 20}),
        (BY_OFFSET, {"skip": 20}, runs(21, 25, 25), (21, 25), 0, None),
        (BY_OFFSET, {"skip": 7, "per": 3}, runs(8, 10, 25), (8, 10), 15, {"skip": 10, "per": 3}),
        (BY_OFFSET, {"skip": 7}, runs(8, 17), (8, 17), None, {"skip": 17}),
        # A list that only has a limit is asked for more of it, as far as the platform allows.
        (BY_LIMIT, {}, runs(1, 10), (1, 10), None, {"per": 50, "offset": 10}),
        (BY_LIMIT, {"per": 50, "offset": 10}, runs(1, 30), (11, 30), 0, None),
        (BY_LIMIT, {"per": 50, "offset": 10}, runs(1, 50), (11, 50), None, None),
        (BY_LIMIT, {"per": 50, "offset": 10}, runs(1, 8), (1, 0), 0, None),
        (BY_LIMIT, {"per": 2}, runs(1, 2), (1, 2), None, {"per": 10, "offset": 2}),
        (BY_LIMIT, {"per": 30}, runs(1, 30), (1, 30), None, {"per": 50, "offset": 30}),
        (BY_LIMIT, {"per": 50}, runs(1, 50), (1, 50), None, None),
        (BY_LIMIT, {}, runs(1, 9), (1, 9), 0, None),
        # A list that comes as a whole is cut here.
        (WHOLE, {}, runs(1, 20), (1, 20), 0, None),
        (WHOLE, {}, runs(1, 45), (1, 20), 25, {"offset": 20}),
        (WHOLE, {"offset": 20}, runs(1, 45), (21, 40), 5, {"offset": 40}),
        (WHOLE, {"offset": 40}, runs(1, 45), (41, 45), 0, None),
        (WHOLE, {"offset": 99}, runs(1, 45), (1, 0), 0, None),
        (WHOLE, {"offset": 1}, runs(1, 45, 7), (2, 21), 24, {"offset": 21}),
    ],
)
def test_a_part_is_shown_with_what_follows_and_how_to_ask_for_it(
    operation: Operation,
    arguments: Arguments,
    body: Json,
    shown: tuple[int, int],
    left: int | None,
    next_arguments: dict[str, Json] | None,
) -> None:
    assert page_of(operation, arguments, body) == Page(list(range(shown[0], shown[1] + 1)), left, next_arguments)


@pytest.mark.parametrize("body", [None, [], {}, "text", {"runs": None}, {"runs": {}}, {"runs": "text"}])
@pytest.mark.parametrize("operation", [BY_PAGE, BY_OFFSET, BY_LIMIT, WHOLE])
def test_a_body_without_a_list_has_no_part(operation: Operation, body: Json) -> None:
    assert page_of(operation, {}, body) is None


@given(st.sampled_from([BY_PAGE, BY_OFFSET, WHOLE]), st.integers(0, 120), st.integers(1, 50), st.booleans())
def test_going_on_shows_every_item_once_and_ends(operation: Operation, total: int, per: int, told: bool) -> None:  # noqa: FBT001
    items: list[Json] = list(range(total))
    seen: list[Json] = []
    arguments: dict[str, Json] | None = {} if operation is WHOLE else {"per": per}
    check = checker(operation)
    for _ in range(total + 2):
        assert arguments is not None
        assert check(arguments) == []
        start = {"page": (int(str(arguments.get("page", 1))) - 1) * per, "skip": int(str(arguments.get("skip", 0)))}
        at = start["page"] or start["skip"]
        body = items if operation is WHOLE else items[at : at + per]
        found = page_of(operation, arguments, {"runs": body, **({"total": total} if told else {})})
        assert found is not None
        assert len(found.items) <= 50
        seen += found.items
        arguments = found.next_arguments
        if arguments is None:
            break
    assert arguments is None
    assert seen == items


def test_pages_that_no_part_of_the_list_would_show_are_refused_when_loaded() -> None:
    with pytest.raises(ManifestError):
        depot((PAGES, "{style: limit, size: line}"))


@pytest.mark.parametrize(
    ("arguments", "body", "next_arguments"),
    [
        ({}, {"next": "c2"}, {"after": "c2"}),
        ({"per": 5, "after": "c2"}, {"next": "c3"}, {"per": 5, "after": "c3"}),
        ({}, {"next": 20}, {"after": "20"}),
        ({}, {"next": 1732600000000000000}, {"after": "1732600000000000000"}),
        ({"after": "1732600000000000000"}, {"next": 1732600000000000000}, None),
        ({}, {"next": "c2", "more": True}, {"after": "c2"}),
        ({}, {"next": "c2", "more": None}, {"after": "c2"}),
        ({}, {"next": "c2", "more": False}, None),
        ({}, {"next": None}, None),
        ({}, {"next": ""}, None),
        ({}, {"next": {"after": "c2"}}, None),
        ({}, {}, None),
        ({"after": "c2"}, {"next": "c2"}, None),
        ({"after": "20"}, {"next": 20}, None),
        ({}, {"next": True}, None),
    ],
)
@pytest.mark.parametrize("items", [[], [1, 2]], ids=["empty", "some"])
def test_a_cursor_leads_on_until_there_is_no_new_one(
    arguments: Arguments, body: dict[str, Json], next_arguments: dict[str, Json] | None, items: list[Json]
) -> None:
    """Also after an empty part: what was filtered out was counted."""
    assert page_of(BY_CURSOR, arguments, {**body, "runs": items}) == Page(
        items, None if next_arguments else 0, next_arguments
    )


def test_of_a_part_by_cursor_no_more_is_shown_than_of_any_other() -> None:
    assert page_of(BY_CURSOR, {}, {"runs": list(range(130))}) == Page(list(range(100)), 30, None)


def test_items_that_stand_in_an_object_are_cut_like_others() -> None:
    operation = listed("{style: whole}", (f"        {PAGE}\n", ""), ("items: $response.body#/runs", OBJECT))
    body: Json = {"runs": {f"r{number}": {"state": "busy"} for number in range(30)}}
    found = page_of(operation, {"offset": 25}, body)
    assert found
    assert found.items == [{"state": "busy", "id": f"r{number}"} for number in range(25, 30)]
    assert page_of(operation, {}, {"runs": []}) is None


OBJECT = "items: {at: $response.body#/runs, key: id}"

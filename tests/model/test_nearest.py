"""The word that was probably meant: spelt almost alike, in any case, or only a part of it."""

import pytest

from pullcord.model.nearest import nearest

NAMES = ["session_id", "task_id", "wait_seconds", "reason", "expect_task_id"]


@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("taskId", "task_id"),
        ("TASK_ID", "task_id"),
        ("waitSeconds", "wait_seconds"),
        ("wait", "wait_seconds"),
        ("Seconds", "wait_seconds"),
        ("session", "session_id"),
        ("expected_task_id", "expect_task_id"),
        ("id", None),
        ("sec", None),
        ("priority", None),
        ("", None),
    ],
)
def test_a_word_is_taken_for_the_one_that_was_meant_where_only_one_can_be(word: str, known: str | None) -> None:
    assert nearest(word, NAMES) == known


def test_a_word_is_given_as_it_is_written() -> None:
    assert nearest("workspaceid", ["workspaceId"]) == "workspaceId"

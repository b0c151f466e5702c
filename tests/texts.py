"""A text with changes, each of which surely hits what it means."""


def replaced(text: str, *changes: tuple[str, str]) -> str:
    """A text after changes, each of which replaces an old text, which stands in it once, by a new one."""
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} stands there {text.count(old)} times"
        text = text.replace(old, new)
    return text

"""Where something that was found in a changed view of a text stands in the text itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def positions(text: str, view: str) -> list[int]:
    """For each character of the view, and for its end, the place in the text that it most likely came from.

    The two are walked side by side: what the view left out (spaces, dots between letters, doubled letters, invisible
    signs) is stepped over, what it replaced (4 for a) counts one for one. Links and handles, which the view writes
    shorter, make the rest a guess, so a span is widened to whole words. Time in proportion to the two.
    """
    found: list[int] = []
    at = 0
    last = len(text) - 1
    for letter in view:
        while at < last and not _same(text[at], letter) and _left_out(text, at):
            at += 1
        found.append(min(at, last))
        at += 1
    return [*found, min(at, len(text))]


def spread(text: str, places: Sequence[int], ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges of a view as ranges of the text, each widened to whole words; never empty, unless the text is.

    `places`: the view's `positions`.
    """
    found = []
    for start, end in ranges:
        first, last = places[start], max(places[min(end, len(places) - 1) - 1] + 1, places[start] + 1)
        while first > 0 and text[first - 1].isalnum() and text[first].isalnum():
            first -= 1
        while last < len(text) and text[last].isalnum() and text[last - 1].isalnum():
            last += 1
        found.append((first, min(last, len(text))))
    return found


def _same(one: str, other: str) -> bool:
    return one == other or one.casefold() == other


def _left_out(text: str, at: int) -> bool:
    letter = text[at]
    return (not letter.isalnum() and letter not in "$@!|+") or (
        at > 0 and letter.lower() == text[at - 1].lower()
    )

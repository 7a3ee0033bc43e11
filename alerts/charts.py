"""Charts as PNG: small ones, made to be read on a phone and on a black-and-white print. Pure.

Colours are of the set by Okabe and Ito, which people with any kind of colour blindness can tell apart; what
matters differs in lightness or hatching too, and every number stands beside its bar. matplotlib is imported only
when the first chart is drawn; where it is missing there are no charts, and the page says the same in words.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE: Final = "#0072B2"
PALE: Final = "#9CC9E3"
ORANGE: Final = "#D55E00"
_INK: Final = "#222222"
_WIDTH_IN: Final = 4.0
_DOTS_PER_INCH: Final = 200


def drawn() -> bool:
    """Can charts be drawn here?"""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        return False
    return True


def columns(labels: Sequence[str], values: Sequence[int]) -> bytes:
    """One column a week; the last one, which the page is about, is the dark one."""

    def draw(axes: Axes) -> None:
        colours = [PALE] * (len(values) - 1) + [BLUE]
        axes.bar(range(len(values)), values, color=colours, width=0.7)
        _numbers(axes, values)
        _named_columns(axes, labels, max(values, default=0))

    return _png(draw, 1.9)


def stacked(labels: Sequence[str], good: Sequence[int], bad: Sequence[int], names: tuple[str, str]) -> bytes:
    """One column a week: `good` below, `bad` hatched on top of it."""

    def draw(axes: Axes) -> None:
        at = range(len(labels))
        axes.bar(at, good, color=BLUE, width=0.7, label=names[0])
        axes.bar(
            at, bad, bottom=good, color=ORANGE, width=0.7, hatch="////", edgecolor="white", label=names[1]
        )
        totals = [one + other for one, other in zip(good, bad, strict=True)]
        texts = [
            f"{total}" if not missed else f"{total - missed} + {missed}"
            for total, missed in zip(totals, bad, strict=True)
        ]
        _numbers(axes, totals, texts)
        _named_columns(axes, labels, max(totals, default=0))
        axes.legend(
            loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=9, borderaxespad=0
        )

    return _png(draw, 2.2)


def ranked(labels: Sequence[str], values: Sequence[int]) -> bytes:
    """One bar a name, the longest first."""

    def draw(axes: Axes) -> None:
        at = range(len(labels))
        axes.barh(at, values, color=BLUE, height=0.65)
        axes.invert_yaxis()
        axes.set_yticks(at, labels)
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.set_xlim(0, max(values, default=0) * 1.15 or 1)
        for place, value in enumerate(values):
            axes.text(value, place, f" {value:,}", va="center", color=_INK)

    return _png(draw, 0.4 + 0.3 * len(labels))


def _numbers(axes: Axes, heights: Sequence[int], texts: Sequence[str] | None = None) -> None:
    for place, height in enumerate(heights):
        said = f"{height:,}" if texts is None else texts[place]
        axes.text(place, height, said, ha="center", va="bottom", color=_INK)


def _named_columns(axes: Axes, labels: Sequence[str], highest: int) -> None:
    axes.set_xticks(range(len(labels)), labels)
    axes.set_xlim(-0.6, max(len(labels), 3) - 0.4)
    axes.set_ylim(0, highest * 1.2 or 1)
    axes.set_yticks([])


def _png(draw: Callable[[Axes], None], height_in: float) -> bytes:
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    style: dict[Any, Any] = {
        "font.family": "DejaVu Sans",
        "font.size": 10,
        "text.color": _INK,
        "text.parse_math": False,
        "hatch.linewidth": 0.8,
    }
    with rc_context(style):
        figure = Figure(figsize=(_WIDTH_IN, height_in), dpi=_DOTS_PER_INCH, layout="constrained")
        axes = figure.add_subplot()
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(length=0, colors=_INK)
        draw(axes)
        out = io.BytesIO()
        # White, not transparent: on a dark page the ink must stay readable. No date and no version in the file.
        FigureCanvasAgg(figure).print_figure(
            out, format="png", facecolor="white", metadata={"Software": None}
        )
    return out.getvalue()

"""`python -m tests.regression [ENGINE...]`: every line that an engine judges wrongly, and how.

With `--excuse`, they are written down as beyond it: after a training, and after each was looked at.
"""

from __future__ import annotations

import sys

from tests.regression.sets import ENGINES, HERE, wrongly_flagged, wrongly_passed

_REMARK = """# What is still beyond {engine}: {flagged} harmless lines that it flags, {passed} harmful ones that it
# passes or takes for something else or for less. Written by `python -m tests.regression --excuse`.

"""


def main(arguments: list[str]) -> None:
    """Print them; with --excuse, write them."""
    if arguments == ["--excuse"]:
        for engine in ENGINES:
            flagged, passed = wrongly_flagged(engine), wrongly_passed(engine)
            remark = _REMARK.format(engine=engine, flagged=len(flagged), passed=len(passed))
            lines = "".join(f"{_plain(text)}\n" for text in (*flagged, *passed))
            name = f"{engine.replace('-', '_')}_misses.txt"
            (HERE / name).write_text(f"{remark}{lines}", encoding="utf-8")
        return
    for engine in arguments or ENGINES:
        for title, wrong in (("flagged", wrongly_flagged(engine)), ("missed", wrongly_passed(engine))):
            print(f"\n{engine}, {title}: {len(wrong)}")
            for text, how in wrong.items():
                print(f"  {text}\n      {how}")


def _plain(text: str) -> str:
    """Characters that could not be seen in a file by their numbers."""
    hidden = {"\u0456", "\u043e", "\u200b"} | {chr(code) for code in range(0xFF00, 0xFFF0)}
    return "".join(f"\\u{ord(sign):04x}" if sign in hidden else sign for sign in text)


main(sys.argv[1:])

"""One engine at work for every school: a text is scored once, and judged by its own school's standard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from monitor.classifier.allowed import POLITE, Views, views
from monitor.classifier.engine import Engine, EngineError, Scores
from monitor.classifier.judge import Thresholds, judge, score_guarded, suspects
from monitor.classifier.known import Known
from monitor.classifier.languages import with_language
from monitor.classifier.quoting import against
from monitor.classifier.registry import thresholds
from monitor.classifier.rules import with_rules
from monitor.classifier.standard import ANY_SCHOOL, PRESETS, Standard
from monitor.domain.verdict import Verdict

_REMEMBERED = 256  # distinct standards whose thresholds are kept


class Bench:
    """Judges texts with one engine. Reads its thresholds once: they belong to the weights that it holds.

    Raises EngineError when it cannot.
    """

    def __init__(self, engine: Engine, limit_s: float) -> None:
        self._engine = engine
        self._limit_s = limit_s
        self._presets = {preset: thresholds(engine.name, preset) for preset in PRESETS}
        self._thresholds = lru_cache(maxsize=_REMEMBERED)(self._under)

    def __call__(self, texts: Sequence[str], standard: Standard = ANY_SCHOOL) -> list[Verdict]:
        """One verdict a text, in order. Raises EngineError."""
        try:
            return self._verdicts(texts, standard)
        except EngineError:
            raise
        except Exception as err:
            # A rule that breaks is told to people like an engine that does: else its texts wait unjudged, in silence.
            # Only the kind: the message may quote the text.
            raise EngineError(
                f"the rules beside engine {self._engine.name} failed: {type(err).__name__}"
            ) from err

    def _verdicts(self, texts: Sequence[str], standard: Standard) -> list[Verdict]:
        seen = [views(text, standard.allowed) for text in texts]
        steps = self._thresholds(replace(standard, staff=(), allowed=()))
        known = Known(standard.staff, standard.allowed)
        return [
            with_language(self._verdict(text, one, scores, steps, known, suspected=suspected), text)
            for text, one, scores, suspected in zip(texts, seen, *self._heard(seen, steps), strict=True)
        ]

    def _under(self, standard: Standard) -> Thresholds:
        return self._presets[standard.preset].under(standard)

    def _heard(self, seen: Sequence[Views], thresholds: Thresholds) -> tuple[list[Scores], list[bool]]:
        """The scores of each text, and whether it is suspicious. Both views in one call; the second only where it
        differs.

        What a school sets may make a text suspicious and never unsuspicious: it is looked at as it stands, by the
        preset, too. A hint of a disclosure must not hang on a threshold of insults.
        """
        twice = [at for at, one in enumerate(seen) if one.polite != one.plain]
        given = [*(one.plain for one in seen), *(seen[at].polite for at in twice)]
        scored = score_guarded(self._engine, given, self._limit_s)
        found, polite = scored[: len(seen)], scored[len(seen) :]
        preset = self._presets[thresholds.preset]
        # Of a school that sets nothing the two are one.
        measures = (preset,) if thresholds is preset else (preset, thresholds)
        suspected = [any(suspects(scores, one) for one in measures) for scores in found]
        for at, other in zip(twice, polite, strict=True):
            found[at] = {label: (other if label in POLITE else found[at])[label] for label in found[at]}
        return found, suspected

    def _verdict(
        self,
        text: str,
        seen: Views,
        scores: Scores,
        thresholds: Thresholds,
        known: Known,
        *,
        suspected: bool,
    ) -> Verdict:
        quoted = against(text)
        found = judge(scores, seen.plain, thresholds, self._engine, polite=seen.polite, against=quoted)
        return with_rules(found, text, known, thresholds.off, polite=seen.polite, suspected=suspected)

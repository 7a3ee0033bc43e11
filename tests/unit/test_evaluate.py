"""What `schoolwatch evaluate` makes of a labelled file: which column is what, what is wrong, and every figure."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from monitor.classifier.columns import Columns
from monitor.classifier.disguise import WAYS
from monitor.classifier.engine import EngineError, Scores
from monitor.classifier.evaluate import BATCH, HARM, Evaluation, Report
from monitor.classifier.judge import Thresholds
from monitor.classifier.labelled import Labelled, LabelledError, LabelledFile
from monitor.classifier.rules import rules
from monitor.classifier.standard import ANY_SCHOOL, Step
from monitor.domain.verdict import Category, Severity

LABELS = ("toxicity", "insult", "threat", "identity_attack", "disclosure", "thanks")
BAD, WORSE = "plonker", "gobshite"


class WordEngine:
    """Finds two words, and thinks that "maybe" is half of one. Fails on "crash"; counts what it is asked."""

    name = "embedded-small"
    version = "1"
    labels = LABELS

    def __init__(self) -> None:
        self.asked = 0

    def score(self, texts: Sequence[str]) -> list[Scores]:
        if any("crash" in text for text in texts):
            raise EngineError("it crashed")
        self.asked += len(texts)
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> Scores:
        sure = 0.99 if BAD in text or WORSE in text else 0.4 if "maybe" in text else 0.01
        return dict.fromkeys(LABELS, 0.01) | {"insult": sure, "toxicity": sure}

    def explain(self, text: str, label: str) -> list[tuple[int, int, float]]:
        raise AssertionError("reasons cost time that nobody asked for")


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    raw = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    return path


def report_on(
    path: Path, *, disguise: bool = False, engine: WordEngine | None = None, **named: str
) -> Report:
    judge = engine or WordEngine()
    with LabelledFile(path, LABELS, **named) as file:
        return Evaluation(judge, file, ANY_SCHOOL, disguise=disguise).run()


def texts_of(path: Path, **named: str) -> list[Labelled]:
    with LabelledFile(path, LABELS, **named) as file:
        return [one for batch in file.batches(2) for one in batch]


# Which column is what


def columns(*names: str, text: str | None = None, label: str | None = None) -> Columns:
    return Columns.among(names, LABELS, text, label)


def test_columns_named_like_labels_are_measured_each_by_its_own_score() -> None:
    found = columns("text", "toxicity", "threat", "src", "split")
    assert (found.labels, found.harm) == ({"toxicity": "toxicity", "threat": "threat"}, None)
    assert columns("comment_text", "toxic", "identity_hate").labels == {
        "toxic": "toxicity",
        "identity_hate": "identity_attack",
    }


def test_a_lone_label_column_is_what_the_file_is_about() -> None:
    assert columns("phrase", "toxicity").harm_labels == ("toxicity",)
    assert columns("text", "label_gold").harm_labels == ("toxicity", "insult", "identity_attack", "threat")
    assert "disclosure" in columns("text", "harm").harm_labels
    assert "thanks" not in columns("text", "harm").harm_labels


def test_a_functional_test_is_known_by_its_columns() -> None:
    found = columns("functionality", "case_id", "test_case", "label_gold", "target_ident")
    assert (found.text, found.harm, found.function, found.target) == (
        *("test_case", "label_gold"),
        *("functionality", "target_ident"),
    )


def test_odd_columns_can_be_named() -> None:
    found = columns("id", "words", "verdict", text="words", label="verdict")
    assert (found.text, found.harm, found.labels) == ("words", "verdict", {})


@pytest.mark.parametrize(
    ("names", "named", "hint"),
    [
        (("id", "label"), {}, "--text"),
        (("text", "id"), {}, "--label"),
        (("text", "label"), {"label": "gold"}, "no column gold"),
    ],
)
def test_a_file_without_the_columns_is_refused_with_a_hint(
    names: tuple[str, ...], named: dict[str, str], hint: str
) -> None:
    with pytest.raises(ValueError, match=hint):
        columns(*names, **named)


@pytest.mark.parametrize(
    ("word", "truth"),
    [
        *(("1", True), ("hateful", True), ("TRUE", True), ("0.7", True)),
        *(
            ("0.0", False),
            ("non-hateful", False),
            ("nontoxic", False),
            ("Not hate", False),
            ("harmless", False),
        ),
    ],
)
def test_labels_may_be_words_or_numbers(tmp_path: Path, word: str, truth: bool) -> None:
    (one,) = texts_of(written(tmp_path, "a.csv", f"text,label\nhello,{word}\n"))
    assert one.harm is truth


def test_a_label_that_was_not_annotated_is_not_counted(tmp_path: Path) -> None:
    content = "text,toxicity,insult\na,1,\nb,0,1\nc,-1,NaN\nd,-1,0\n"
    first, second, third = texts_of(written(tmp_path, "a.csv", content))
    assert dict(third.truth) == {"insult": False}
    assert (dict(first.truth), dict(second.truth)) == (
        {"toxicity": True},
        {"toxicity": False, "insult": True},
    )


# Whatever is in the file


def test_a_wrong_row_is_counted_and_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    rows = [
        b"text,label",
        b"fine,0",
        b"odd,maybe so",
        b"\xff\xfe,1",
        b",1",
        b"a,1,more",
        b"short",
        b"also fine,1",
    ]
    path = written(tmp_path, "a.csv", b"\n".join(rows))
    report = report_on(path)
    assert (report.rows, report.set_aside) == (2, 5)
    assert [one.partition(":")[0] for one in report.set_aside_first] == [f"line {n}" for n in (3, 4, 5, 6, 7)]
    assert "maybe so" in report.set_aside_first[0]


def test_of_many_wrong_rows_the_first_ten_are_named_and_all_are_counted(tmp_path: Path) -> None:
    report = report_on(written(tmp_path, "a.csv", "text,label\nfine,0\n" + "odd,x\n" * 50))
    assert (report.set_aside, len(report.set_aside_first)) == (50, 10)


def test_a_text_on_which_the_engine_fails_is_set_aside_alone(tmp_path: Path) -> None:
    report = report_on(written(tmp_path, "a.csv", f"text,label\na {BAD},1\ncrash,1\nfine,0\n"))
    assert report.rows == 2
    assert list(report.set_aside_first) == ["line 3: it crashed"]


def test_an_engine_that_fails_on_everything_is_a_failure(tmp_path: Path) -> None:
    class Broken(WordEngine):
        def score(self, texts: Sequence[str]) -> list[Scores]:
            raise EngineError("it is broken")

    with pytest.raises(EngineError, match="it is broken"):
        report_on(written(tmp_path, "a.csv", "text,label\na,1\n"), engine=Broken())


def test_a_gzipped_file_is_read_and_a_torn_one_is_said(tmp_path: Path) -> None:
    content = "text,label\n" + "".join(f"a text of number {n * n},0\n" for n in range(999))
    whole = written(tmp_path, "a.csv.gz", content)
    assert len(texts_of(whole)) == 999
    torn = tmp_path / "torn.csv.gz"
    torn.write_bytes(whole.read_bytes()[:2000])
    with pytest.raises(LabelledError, match="breaks off"):
        texts_of(torn)
    with pytest.raises(LabelledError, match="breaks off"):
        texts_of(written(tmp_path, "no.csv", "text,label\na,0\n").rename(tmp_path / "no.csv.gz"))


def test_an_empty_file_is_said(tmp_path: Path) -> None:
    for name, content in (("a.csv", ""), ("b.csv", "text,label\n"), ("c.jsonl", "\n")):
        with pytest.raises(LabelledError, match="no rows"):
            texts_of(written(tmp_path, name, content))


def test_only_the_rows_of_a_split_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "text,label,split\na,1,train\nb,0,dev\nc,1,dev\n")
    assert [one.text for one in texts_of(path, split="dev")] == ["b", "c"]
    with pytest.raises(LabelledError, match="no column split"):
        texts_of(written(tmp_path, "b.csv", "text,label\na,1\n"), split="dev")


def test_the_repositorys_own_examples_can_be_measured(tmp_path: Path) -> None:
    rows = [
        {"text": "a", "harm": True, "category": "disclosure", "severity": "urgent"},
        {"text": "b", "harm": False, "category": "lookalike", "severity": "none"},
        {"text": "c", "harm": True, "category": "spam", "severity": "low"},
        {"text": "d", "harm": True, "category": "nonsense", "severity": "low"},
    ]
    path = written(tmp_path, "a.jsonl", "\n".join(["no json", *map(json.dumps, rows)]))
    first, second, third = texts_of(path)
    assert (first.harm, first.category, first.severity) == (True, Category.DISCLOSURE, Severity.URGENT)
    assert dict(first.truth) == {"disclosure": True}
    assert second.truth["disclosure"] is False
    assert third.harm is False, "nobody is told of spam"
    report = report_on(path)
    assert report.set_aside == 2
    assert (report.urgent.right, report.urgent.of) == (0, 1)


def test_a_file_is_read_a_batch_at_a_time(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "text,label\n" + "".join(f"number {n},0\n" for n in range(20_000)))
    with LabelledFile(path, LABELS) as file:
        batches = file.batches(10)
        next(batches)
        assert file.read() < file.bytes / 4
        assert sum(map(len, batches)) == 19_990
        assert file.read() == file.bytes


# The figures


def figures(report: Report, label: str = HARM) -> dict[str, float]:
    found = next(one for one in report.labels if one.label == label)
    return {"auc": found.auc, "balanced": found.balanced_accuracy, "recall": found.recall}


CONTENT = (
    f"text,label\nyou {BAD},1\na {WORSE},1\nmaybe,1\nhello,1\n" + "lovely,0\n" * 5 + f"oh {BAD} dear,0\n"
)


def test_scores_are_measured_against_labels_and_flags_by_the_thresholds(tmp_path: Path) -> None:
    report = report_on(written(tmp_path, "a.csv", CONTENT))
    found = figures(report)
    # Of 24 pairs: two harmful ones beat five and tie with one, one beats five, one ties with five.
    assert found["auc"] == pytest.approx((2 * 5 + 2 * 0.5 + 5 + 5 * 0.5) / 24)
    assert found["balanced"] == pytest.approx((2 / 4 + 5 / 6) / 2)
    assert found["recall"] == 0, "one harmless text in six is as bad as the worst"
    assert figures(
        report_on(written(tmp_path, "b.csv", f"text,insult,threat\n{BAD},1,0\nhi,0,0\n")), "insult"
    ) == {
        "auc": 1.0,
        "balanced": 1.0,
        "recall": 1.0,
    }


def test_a_figure_that_needs_both_kinds_is_not_made_up(tmp_path: Path) -> None:
    found = figures(report_on(written(tmp_path, "a.csv", "text,label\na,0\nb,0\n")))
    assert all(math.isnan(value) for value in found.values())


def test_what_rules_find_counts_as_flagged(tmp_path: Path) -> None:
    rule = next(one for one in rules() if one.severity >= Severity.HIGH and '"' not in one.should[0]).should[
        0
    ]
    report = report_on(written(tmp_path, "b.csv", f'text,label\n"{rule}",1\nhello,0\n'))
    assert figures(report)["balanced"] == 1.0
    assert figures(report)["auc"] == 0.5, "the engine alone knows nothing of it"


def test_a_functional_test_has_a_table_by_function_and_by_target(tmp_path: Path) -> None:
    content = (
        "test_case,functionality,target_ident,label_gold\n"
        f"{BAD},slur_h,women,hateful\nhello,slur_h,women,hateful\n"
        f"I love them,ident_nh,women,non-hateful\n{BAD} them,ident_nh,disabled people,non-hateful\n"
        "a table,object_nh,,non-hateful\n"
    )
    report = report_on(written(tmp_path, "a.csv", content))
    right = {name: (one.right.right, one.right.of) for name, one in report.functions.items()}
    assert right == {"slur_h": (1, 2), "ident_nh": (1, 2), "object_nh": (1, 1)}
    assert {name: (one.right.right, one.right.of) for name, one in report.targets.items()} == {
        "women": (2, 3),
        "disabled people": (0, 1),
    }
    assert (report.clean.right, report.clean.of) == (1, 2), "the table names no group"


def test_the_alarms_of_a_week_are_reckoned_for_each_preset_from_one_scoring(tmp_path: Path) -> None:
    engine = WordEngine()
    report = report_on(written(tmp_path, "a.csv", CONTENT), engine=engine)
    assert engine.asked == 10, "ten texts, three presets"
    assert [one.preset for one in report.weeks] == ["cautious", "balanced", "quiet"]
    for week in report.weeks:
        assert week.alarms == pytest.approx(week.caught + week.false)
    assert report_on(written(tmp_path, "b.csv", "text,insult,threat\na,1,0\nb,0,0\n")).weeks == []


def test_each_preset_is_reckoned_by_its_own_thresholds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = {"cautious": 0.3, "balanced": 0.7, "quiet": 1.0}

    def thresholds(_engine: str, preset: str) -> Thresholds:
        steps = {Category.INSULT: (Step(starts[preset], Severity.HIGH),)}
        return Thresholds("1", preset, steps)

    monkeypatch.setattr("monitor.classifier.bench.thresholds", thresholds)
    report = report_on(written(tmp_path, "a.csv", CONTENT))
    assert [(one.caught, one.serious) for one in report.weeks] == [
        (0.75, pytest.approx(99 / 6)),
        (0.5, pytest.approx(99 / 6)),
        (0.0, 0.0),
    ]


def test_flags_in_disguise_are_counted_where_the_disguise_changed_the_text(tmp_path: Path) -> None:
    content = "text,label\n" + f"what a {BAD} you are,1\n" * 8 + f"{BAD} dear,0\nhello there,1\n"
    report = report_on(written(tmp_path, "a.csv", content), disguise=True)
    assert set(report.disguises) == set(WAYS)
    assert report.disguises["signs that nobody sees"].of == 8, (
        "neither the false flag nor what was never flagged"
    )
    assert all(0 <= one.right <= one.of <= 8 for one in report.disguises.values())


def test_what_is_kept_of_a_text_is_a_few_bytes_a_label(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "text,label\n" + f"{'long ' * 200},0\n" * (BATCH * 3))
    with LabelledFile(path, LABELS) as file:
        evaluation = Evaluation(WordEngine(), file, ANY_SCHOOL, disguise=False)
        heard: list[int] = []
        evaluation.run(heard.append)
        (column,) = evaluation._columns.values()
    assert heard == sorted(heard)
    assert heard[-1] == path.stat().st_size
    assert column.scores.itemsize * len(column.scores) == 8 * BATCH * 3

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from monitor.classifier.concepts import Concepts
from monitor.classifier.text import CHUNK, chunks, normalise, tidy, unmask


def test_full_width_letters_capitals_and_spaces_become_plain() -> None:
    assert normalise(" Ｗｈａｔ\n  TIME\tis it ") == "what time is it"


def test_links_and_handles_are_folded() -> None:
    assert normalise("@anna see https://school.example/a?b=1 now") == "@user see url now"


def test_an_address_with_an_at_sign_inside_is_no_handle() -> None:
    assert normalise("office@school.example") == "office@school.example"


@pytest.mark.parametrize(
    "masked",
    ["i d i o t", "i.d.i.o.t", "i-d-i-o-t", "1d10t", "іdіоt", "ídíöt", "idiooooot", "i\u200bdiot", "🅸diot"],
)
def test_a_disguised_word_is_undone(masked: str) -> None:
    assert unmask(normalise(f"you {masked} there")) == "you idiot there"


@pytest.mark.parametrize(
    ("masked", "bare"), [("horribl3", "horrible"), ("a liar5", "a liars"), ("di3 now", "die now")]
)
def test_a_digit_at_a_words_end_is_a_letter(masked: str, bare: str) -> None:
    assert unmask(masked) == bare


@pytest.mark.parametrize(
    "honest",
    [
        "year3 and class5 on ks3 maths",
        "year 7 at 11am on the 2nd",
        "class 3b won 4 nil",
        "ring 0 7 7 0 0 9 0 0",
        "see you at 8",
        "it cost £35",
    ],
)
def test_honest_numbers_are_left_alone(honest: str) -> None:
    assert unmask(normalise(honest)) == normalise(honest)


def test_an_empty_text_stays_empty_and_is_one_chunk() -> None:
    assert normalise("") == unmask("") == ""
    assert list(chunks("")) == [""]


def test_chunks_cover_the_whole_text_and_overlap() -> None:
    words = [f"word{number}" for number in range(2000)]
    found = list(chunks(" ".join(words)))
    assert all(len(chunk) <= CHUNK for chunk in found)
    assert {word for chunk in found for word in chunk.split()} >= set(words)
    assert all(set(one.split()) & set(other.split()) for one, other in pairwise(found))


def test_a_text_without_spaces_is_cut_all_the_same() -> None:
    assert max(len(chunk) for chunk in chunks("a" * 10_000)) == CHUNK


@pytest.mark.parametrize(
    "piece",
    ["a", "a ", "a\u0301\u0323", "\u05b0\u05bc", "@", "1a", "a.", "http://", "@a", "a*", "\ud800", "\u200b"],
)
def test_a_quarter_of_a_megabyte_of_anything_takes_a_moment(piece: str) -> None:
    text = piece * (250_000 // len(piece))
    began = time.perf_counter()
    views = [unmask(normalise(chunk)) for chunk in chunks(tidy(text))]
    assert views
    assert time.perf_counter() - began < 1.5


def test_words_become_classes_and_a_capital_in_a_sentence_a_name() -> None:
    lexicon = Concepts.parse('parent = "uncle mum"\nhit = "punch*"\nme = "me"')
    assert (
        lexicon.row("Uncle punched me and Zog, ring 07700 900123 at 3") == "parent hit me name phone number"
    )


def test_a_capital_at_the_start_of_a_sentence_is_no_name() -> None:
    assert Concepts.parse("").row("Zog went. Then Zog came") == "name"

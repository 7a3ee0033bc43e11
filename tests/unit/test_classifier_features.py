from __future__ import annotations

import numpy as np
import pytest

from monitor.classifier.features import Batch, Grams, char_grams, word_grams

TEXTS = ["", "a", "a bc", "don't do it", "well done 👏👏 all", "x" * 500, "half \ud83d pair"]


def _of(grams: list[Grams], text: int) -> list[list[int]]:
    found = []
    for one in grams:
        end = int(np.cumsum(one.counts)[text])
        found.append(one.index[end - int(one.counts[text]) : end].tolist())
    return found


@pytest.mark.parametrize("text", range(len(TEXTS)))
def test_a_text_has_the_same_grams_in_any_company(text: int) -> None:
    together, alone = Batch.of(TEXTS), Batch.of([TEXTS[text]])
    assert _of(char_grams(together, (2, 3, 4), 16), text) == _of(char_grams(alone, (2, 3, 4), 16), 0)
    words = (1, 2, 3)
    assert _of(word_grams(together, words, 16, skip=2), text) == _of(word_grams(alone, words, 16, skip=2), 0)


def test_words_are_counted_with_their_pairs_and_distant_pairs() -> None:
    grams = word_grams(Batch.of(["one two three four"]), (1, 2), 20, skip=2)
    assert [int(one.counts[0]) for one in grams] == [4, 3, 2, 1]


def test_no_gram_reaches_into_the_next_text() -> None:
    grams = word_grams(Batch.of(["one", "two"]), (1, 2), 20)
    assert grams[0].counts.tolist() == [1, 1]
    assert grams[1].counts.tolist() == [0, 0]


def test_letters_count_within_words_with_their_edges() -> None:
    (pairs, triples) = char_grams(Batch.of(["ab c"]), (2, 3), 20)
    assert int(pairs.counts[0]) == 5  # _a ab b_ _c c_
    assert int(triples.counts[0]) == 3  # _ab ab_ _c_


def test_an_apostrophe_belongs_to_its_word_and_a_picture_stands_alone() -> None:
    (words,) = word_grams(Batch.of(["don't 🎉🎉 ❤ f*n"]), (1,), 20)
    assert int(words.counts[0]) == 5


def test_buckets_stay_in_their_table() -> None:
    for one in char_grams(Batch.of(TEXTS), (2, 3, 4, 5), 8):
        assert one.index.size == 0 or (one.index.min() >= 0 and one.index.max() < 256)

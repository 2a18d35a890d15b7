"""Tokens are found where they sound; words help where they fit, and are not believed where they do not."""

import numpy as np
import pytest

from voicewright.engines.kokoro.transcribing import SPACE, Habits, Said, Transcriber
from voicewright.text.tokens import VOCABULARY, encode

SYMBOLS = 178


@pytest.fixture(scope="module")
def transcriber() -> Transcriber:
    flat = np.full((SYMBOLS, SYMBOLS), -np.log(SYMBOLS), np.float32)
    return Transcriber(Habits(flat, np.full(SYMBOLS, np.log(0.8), np.float32), flat[0]))


def guesses(path: list[int], sureness: float = 0.9) -> np.ndarray:
    """(t, k) log probabilities of a network that is nearly sure of each frame."""
    rows = np.full((len(path), SYMBOLS), (1 - sureness) / (SYMBOLS - 1), np.float32)
    rows[np.arange(len(path)), path] = sureness
    return np.log(rows)


def path(*parts: tuple[str, int]) -> list[int]:
    """Symbols ("" is the mark at the ends), each for that many frames."""
    return [VOCABULARY[symbol] if symbol else 0 for symbol, frames in parts for _ in range(frames)]


NO = path(("", 8), ("n", 4), ("ˈ", 1), ("O", 9), ("", 6))
NO_TEA = path(("", 8), ("n", 4), ("ˈ", 1), ("O", 9), (" ", 20), ("t", 3), ("ˈ", 1), ("i", 8), ("", 6))


def spelt(said: Said) -> list[int]:
    return said.tokens.tolist()


def test_what_is_clear_is_found_frame_by_frame(transcriber: Transcriber) -> None:
    said = transcriber.freely(guesses(NO_TEA))
    assert spelt(said) == [0, *encode("nˈO tˈi"), 0]
    assert np.repeat(said.tokens, said.frames).tolist() == NO_TEA


def test_a_frame_that_is_misheard_does_not_make_a_token(transcriber: Transcriber) -> None:
    heard = guesses(NO, sureness=0.5)
    heard[15, [VOCABULARY["O"], VOCABULARY["u"]]] = np.log([0.2, 0.5])
    assert spelt(transcriber.freely(heard)) == [0, *encode("nˈO"), 0]


def test_words_mend_what_was_misheard(transcriber: Transcriber) -> None:
    heard = guesses(NO_TEA, sureness=0.6)
    three = slice(8, 12)  # the n: an m seems likelier
    heard[three, VOCABULARY["m"]], heard[three, VOCABULARY["n"]] = np.log(0.5), np.log(0.2)
    assert spelt(transcriber.freely(heard))[1] == VOCABULARY["m"]
    said = transcriber.guided(heard, [encode("nˈO"), encode("tˈi")])
    assert spelt(said) == [0, *encode("nˈO"), SPACE, *encode("tˈi"), 0]
    assert said.frames.tolist() == [8, 4, 1, 9, 20, 3, 1, 8, 6]


def test_a_word_that_was_not_said_is_not_believed(transcriber: Transcriber) -> None:
    said = transcriber.guided(guesses(NO_TEA), [encode("nˈO"), encode("ʃˈɔɹ")])
    assert spelt(said) == [0, *encode("nˈO"), SPACE, *encode("tˈi"), 0]
    assert said.frames.sum() == len(NO_TEA)


def test_speech_that_the_words_leave_out_is_kept(transcriber: Transcriber) -> None:
    said = transcriber.guided(guesses(NO_TEA), [encode("nˈO")])
    assert VOCABULARY["t"] in spelt(said)
    assert VOCABULARY["i"] in spelt(said)


@pytest.mark.parametrize("words", [[], [encode("nˈO")] * 40])
def test_no_words_or_far_too_many_leave_what_is_heard(transcriber: Transcriber, words: list[list[int]]) -> None:
    assert spelt(transcriber.guided(guesses(NO), words)) == [0, *encode("nˈO"), 0]


def test_a_single_frame_is_silence(transcriber: Transcriber) -> None:
    assert transcriber.guided(guesses([0]), [encode("n")]).frames.tolist() == [1]

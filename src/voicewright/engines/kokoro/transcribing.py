"""`Transcriber`: what a recording says, in the engine's own tokens, each with its frames.

The decoder was only ever played from content that a text gave it. What a network predicts frame by frame is near that,
but lies beside it, and the decoder magnifies what it never saw: words blur and the voice turns rough. So the network's
guesses are used to find tokens, and the content is read from the tokens, as it is for speech.

t frames (40 per second) · k symbols · n tokens
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from voicewright.text.tokens import VOCABULARY

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]

MARKS = np.array([0, *(VOCABULARY[mark] for mark in " ,.?!;:—…")])
"""Tokens under which there may be silence; any of them will do where a text has one."""
SPACE = VOCABULARY[" "]
BALANCE = 0.5
"""How far a guess is corrected for how often its symbol is heard at all (0: not; 1: as far as Bayes would). With 0.5
the frames of real recordings got the right token in 79 of 100 cases, with 0 in 78."""
TRUST = 0.6
"""What the habits of the language weigh beside what is heard, where no words guide."""
DOUBT = 3.0
"""Mean loss of log likelihood, against what is heard freely, above which a word is not believed: two of three wrong
words lose more than that, and three in a hundred right ones."""
SOUND_FRAMES = 8
"""A fifth of a second: where silence is not believed for so long, something was said."""


@dataclass(frozen=True, eq=False)
class Habits:
    """What tokens are usually like: log probabilities that a token follows another (k, k), that it lasts another frame
    (k,), and that a frame belongs to it (k,)."""

    following: Floats
    staying: Floats
    usual: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """Tokens (n,) and the frames of each (n,)."""

    tokens: Ids
    frames: Ids

    @classmethod
    def along(cls, path: Ids) -> "Said":
        """From the token of each frame (t,)."""
        starts = np.flatnonzero(np.r_[True, path[1:] != path[:-1]])
        return cls(path[starts], np.diff(np.r_[starts, len(path)]))


class Transcriber:
    """Finds the tokens of a recording in a network's guesses."""

    def __init__(self, habits: Habits) -> None:
        self._habits = habits
        self._leaving = np.log1p(-np.exp(np.minimum(habits.staying, -0.01)))

    def freely(self, guesses: Floats) -> Said:
        """What is heard. guesses (t, k): log probabilities of the symbols in each frame."""
        return Said.along(self._free(self._balanced(guesses)))

    def guided(self, guesses: Floats, words: Sequence[Sequence[int]]) -> Said:
        """What is heard if it should be `words`: their tokens where they are believable, else what is heard freely."""
        heard = self._balanced(guesses)
        chain = _chained(words)
        if not words or len(chain) > len(heard):
            return Said.along(self._free(heard))
        places, likelihood = self._laid(heard, chain)
        free = self._free(heard)
        lost = heard[np.arange(len(heard)), free] - likelihood
        is_heard = np.zeros(len(heard), np.bool_)
        for first, last in _parts(chain):
            begin, end = np.searchsorted(places, [first, last])
            is_heard[begin:end] = _doubt(lost[begin:end], is_mark=chain[first] in MARKS) > DOUBT
        return _woven(is_heard, free, places, chain)

    def _balanced(self, guesses: Floats) -> Floats:
        balanced: Floats = guesses - BALANCE * self._habits.usual
        return balanced

    def _free(self, heard: Floats) -> Ids:
        """(t,) the likeliest way through all tokens (Viterbi 1967)."""
        symbols = np.arange(heard.shape[1])
        moving = self._leaving[:, None] + TRUST * self._habits.following
        np.fill_diagonal(moving, -np.inf)
        best = heard[0].astype(np.float64)
        came = np.zeros(heard.shape, np.int64)
        for t in range(1, len(heard)):
            moved = best[:, None] + moving
            origin = moved.argmax(0)
            kept = best + TRUST * self._habits.staying
            stays = kept >= moved[origin, symbols]
            came[t] = np.where(stays, symbols, origin)
            best = np.where(stays, kept, moved[origin, symbols]) + heard[t]
        path = np.empty(len(heard), np.int64)
        path[-1] = best.argmax()
        for t in range(len(heard) - 1, 0, -1):
            path[t - 1] = came[t, path[t]]
        return path

    def _laid(self, heard: Floats, chain: Ids) -> tuple[Ids, Floats]:
        """Where in the chain each frame is (t,), never going back and passing over nothing; and its likelihood (t,)."""
        any_mark = heard[:, MARKS].max(1)
        likely = np.where(np.isin(chain, MARKS), any_mark[:, None], heard[:, chain])
        staying = self._habits.staying[chain]
        leaving = np.r_[0, self._leaving[chain[:-1]]]
        best = np.full(len(chain), -np.inf)
        best[0] = likely[0, 0]
        moved_on = np.zeros(likely.shape, np.bool_)
        for t in range(1, len(likely)):
            moved, kept = np.r_[-np.inf, best[:-1]] + leaving, best + staying
            moved_on[t] = moved > kept
            best = np.where(moved_on[t], moved, kept) + likely[t]
        place = len(chain) - 1
        places = np.empty(len(likely), np.int64)
        for t in range(len(likely) - 1, -1, -1):
            places[t] = place
            place -= int(moved_on[t, place])
        return places, likely[np.arange(len(likely)), places]


def _doubt(lost: Floats, *, is_mark: bool) -> float:
    """How far a word's frames (f,) speak against it, on average; or a mark's, where they do so most."""
    if not is_mark or len(lost) <= SOUND_FRAMES:
        return float(lost.mean())
    return float(np.convolve(lost, np.full(SOUND_FRAMES, 1 / SOUND_FRAMES), "valid").max())


def _woven(is_heard: NDArray[np.bool_], free: Ids, places: Ids, chain: Ids) -> Said:
    """Of the frames (t,): where `is_heard`, the free way's tokens, elsewhere the chain's."""
    own = np.where(is_heard, -1 - free, places)  # what lasts is one token, and two equal letters of a word are two
    said = Said.along(own)
    tokens = np.where(said.tokens < 0, -1 - said.tokens, chain[np.maximum(said.tokens, 0)])
    return Said(tokens, said.frames)


def _chained(words: Sequence[Sequence[int]]) -> Ids:
    """The words with a space between two, and the silence at both ends."""
    inner = [token for word in words for token in (*word, SPACE)][:-1]
    return np.array([0, *inner, 0], np.int64)


def _parts(chain: Ids) -> Iterator[tuple[int, int]]:
    """The words of a chain, and the marks between them, as ranges in it."""
    is_mark = np.isin(chain, MARKS)
    edges = np.flatnonzero(np.r_[True, is_mark[1:] != is_mark[:-1], True])
    yield from ((int(first), int(last)) for first, last in pairwise(edges))

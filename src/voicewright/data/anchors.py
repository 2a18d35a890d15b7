"""The words that two long texts have in common, in order, in memory that does not grow with the square of them."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

GRAM = 4
"""Four words in a row that each text has once are the same place in both, if their order agrees."""
LARGEST_TABLE = 400_000_000
"""Pairs of words (50 MB as bits) of which the longest common part is found at once; beyond, the least edits are."""


def common_words(one: Sequence[str], two: Sequence[str]) -> list[tuple[int, int]]:
    """Index pairs of equal words, both ascending: as many as possible between the places that are surely the same.

    Method: patience anchors (unique runs of words, longest increasing chain), and between them the longest common
    subsequence (bit-parallel: Hyyrö 2004, by rapidfuzz).
    """
    pairs: list[tuple[int, int]] = []
    anchors = [(-1, -1), *_anchors(one, two), (len(one), len(two))]
    for (left, above), (right, below) in pairwise(anchors):
        pairs += [(left + 1 + i, above + 1 + j) for i, j in _matched(one[left + 1 : right], two[above + 1 : below])]
        pairs.append((right, below))
    return pairs[:-1]


def _matched(one: Sequence[str], two: Sequence[str]) -> list[tuple[int, int]]:
    from rapidfuzz.distance import Indel, Levenshtein

    if not one or not two:
        return []
    opcodes = Indel.opcodes if len(one) * len(two) <= LARGEST_TABLE else Levenshtein.opcodes
    return [
        (code.src_start + k, code.dest_start + k)
        for code in opcodes(list(one), list(two))
        if code.tag == "equal"
        for k in range(code.src_end - code.src_start)
    ]


def _anchors(one: Sequence[str], two: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of equal words in runs of `GRAM` that both texts have exactly once, the longest ascending chain of them."""
    places = [_unique(text) for text in (one, two)]
    found = sorted((i, places[1][gram]) for gram, i in places[0].items() if gram in places[1])
    chain = _ascending([j for _, j in found])
    pairs = {(found[k][0] + step, found[k][1] + step) for k in chain for step in range(GRAM)}
    kept: list[tuple[int, int]] = []
    for i, j in sorted(pairs):
        if not kept or (i > kept[-1][0] and j > kept[-1][1]):
            kept.append((i, j))
    return kept


def _unique(text: Sequence[str]) -> dict[tuple[str, ...], int]:
    grams = [tuple(text[i : i + GRAM]) for i in range(len(text) - GRAM + 1)]
    counts = Counter(grams)
    return {gram: i for i, gram in enumerate(grams) if counts[gram] == 1}


def _ascending(values: Sequence[int]) -> list[int]:
    """The indices of the longest ascending subsequence."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for index, value in enumerate(values):
        place = bisect_left(tails, value)
        before.append(ends[place - 1] if place else -1)
        tails[place : place + 1] = [value]
        ends[place : place + 1] = [index]
    chain = []
    index = ends[-1] if ends else -1
    while index >= 0:
        chain.append(index)
        index = before[index]
    return chain[::-1]

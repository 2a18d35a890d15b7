"""Two sequences of written words, cut into blocks that say the same and blocks that do not."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from voicewright.data.anchors import common_words
from voicewright.data.spelling import LONGEST_SPAN, Spellings

LARGEST_CELLS = 40 * 40
"""Differing stretches up to this many pairs of words are matched word for word; larger ones are different texts."""
LONGEST_SLIDE, MEETS = 40, 4.0
"""A passage slides past this many words at most; that it meets another one counts as much as four seams."""
NEAR, PASSAGE = 0.45, 4
"""Words with this share of different letters, or less, look alike (endings, misspellings, names); words left out or
added beside them are part of the same slip, unless they are so many."""
AROUND, DENSE, RUN = 12, 0.4, 4
"""Equal words are sure in runs of `RUN`, or if this share of the twelve on either side, of one text, is matched too."""
LEAVE_OUT = 1.0
"""Cost of a word without a partner. A pair of different words costs `SWAP` to `SWAP + UNLIKE`, by their letters."""
SWAP, UNLIKE = 0.4, 1.2


@dataclass(frozen=True, slots=True)
class Block:
    """Written words [first, last) beside heard words [start, end).

    `sure`: the same, and not by chance. `silent`: they differ in nothing that is said (filled pauses).
    `near`: they differ, but look alike, word for word; long passages beside them are another matter.
    """

    first: int
    last: int
    start: int
    end: int
    same: bool
    sure: bool = True
    silent: bool = False
    near: bool = False


@dataclass(frozen=True, slots=True)
class Seams:
    """How natural it is that a passage begins or ends before each written and each heard word (0: not at all)."""

    written: Sequence[float]
    heard: Sequence[float]


def pair(written: Sequence[str], heard: Sequence[str], spellings: Spellings, seams: Seams | None = None) -> list[Block]:
    """All words of both, in order, in blocks.

    Method: as many normalised words in common as possible (`anchors.common_words`); what differs is matched again by
    runs of words that mean the same together, and words pair with words that look alike; a passage that could as well
    begin a few words earlier or later begins where `seams` has it. Equal words with few others around them are chance.
    """
    spellings.learn([*written, *heard])
    blocks = _joined(_by_words(written, heard, spellings))
    refined: list[Block] = []
    for block in _slid(blocks, written, heard, spellings, seams):
        refined += [block] if block.same else _refined(block, written, heard, spellings)
    return _without_chance(_joined(refined), len(written), len(heard))


def _by_words(written: Sequence[str], heard: Sequence[str], spellings: Spellings) -> list[Block]:
    """Single words that are the same, and stretches of whole words that are not."""
    own = [(token, index) for index, word in enumerate(written) for token in spellings.tokens(word)]
    got = [(token, index) for index, word in enumerate(heard) for token in spellings.tokens(word)]
    common = common_words([token for token, _ in own], [token for token, _ in got])
    paired = Counter((own[i][1], got[j][1]) for i, j in common)
    blocks: list[Block] = []
    first = start = 0
    for (mine, theirs), count in sorted(paired.items()):
        if count == len(spellings.tokens(written[mine])) == len(spellings.tokens(heard[theirs])):
            blocks += [Block(first, mine, start, theirs, False), Block(mine, mine + 1, theirs, theirs + 1, True)]
            first, start = mine + 1, theirs + 1
    blocks.append(Block(first, len(written), start, len(heard), False))
    return [block for block in blocks if block.first < block.last or block.start < block.end]


def _slid(
    blocks: list[Block], written: Sequence[str], heard: Sequence[str], spellings: Spellings, seams: Seams | None
) -> list[Block]:
    """One-sided passages moved to where they begin and end most naturally: "the A | the B", not "the | A the B"."""
    sides = (
        (
            [" ".join(spellings.tokens(word)) for word in written],
            seams.written if seams else [0.0] * (len(written) + 1),
        ),
        ([" ".join(spellings.tokens(word)) for word in heard], seams.heard if seams else [0.0] * (len(heard) + 1)),
    )
    result = list(blocks)
    for index in range(len(result)):
        block = result[index]
        lone = not block.same and (block.first == block.last) != (block.start == block.end)
        if lone:
            side = 0 if block.first < block.last else 1
            words, natural = sides[side]
            low, high = (block.first, block.last) if side == 0 else (block.start, block.end)
            shift = _best_shift(result, index, words, natural, (low, high))
            if shift:
                _shift(result, index, shift, side)
    return _joined(result)


def _best_shift(
    blocks: Sequence[Block], index: int, words: Sequence[str], natural: Sequence[float], span: tuple[int, int]
) -> int:
    low, high = span

    def free(at: int) -> bool:
        return 0 <= at < len(blocks) and blocks[at].same

    left = right = 0
    while left < LONGEST_SLIDE and free(index - 1 - left) and words[low - 1 - left] == words[high - 1 - left]:
        left += 1
    while right < LONGEST_SLIDE and free(index + 1 + right) and words[low + right] == words[high + right]:
        right += 1

    def worth(shift: int) -> tuple[float, int]:
        before, after = index - 1 + min(shift, 0), index + 1 + max(shift, 0)
        meets = (shift < 0 and before >= 0 and not blocks[before].same) + (
            shift > 0 and after < len(blocks) and not blocks[after].same
        )
        return meets * MEETS + natural[low + shift] + natural[high + shift], -abs(shift)

    return max(range(-left, right + 1), key=worth)


def _shift(blocks: list[Block], index: int, shift: int, side: int) -> None:
    """Move a one-sided block past the `shift` single equal words after it (before it, if negative), in place."""
    block = blocks[index]
    first, last = (index + shift, index) if shift < 0 else (index + 1, index + 1 + shift)
    passed, size = blocks[first:last], (block.last - block.first, block.end - block.start)[side]
    step = size if shift < 0 else -size
    moved = [
        Block(b.first + step, b.last + step, b.start, b.end, True)
        if side == 0
        else Block(b.first, b.last, b.start + step, b.end + step, True)
        for b in passed
    ]
    slid = Block(block.first + shift, block.last + shift, block.start + shift, block.end + shift, False)
    blocks[min(first, index) : max(last, index + 1)] = [slid, *moved] if shift < 0 else [*moved, slid]


def _joined(blocks: Sequence[Block]) -> list[Block]:
    """Differing neighbours as one, except look-alikes beside passages that only one of the texts has."""
    return _merged(_merged(blocks, lambda a, b: a.near == b.near and _differ_alike(a, b)), _belong_together)


def _merged(blocks: Sequence[Block], together: Callable[[Block, Block], bool]) -> list[Block]:
    result: list[Block] = []
    for block in blocks:
        if result and together(result[-1], block):
            last = result.pop()
            block = replace(block, first=last.first, start=last.start, near=last.near or block.near)
        result.append(block)
    return result


def _differ_alike(one: Block, two: Block) -> bool:
    return not one.same and not two.same and one.silent == two.silent


def _belong_together(one: Block, two: Block) -> bool:
    if not _differ_alike(one, two):
        return False
    near, passage = one.near != two.near, two if one.near else one
    alone = min(passage.last - passage.first, passage.end - passage.start) == 0
    return not (near and alone and max(passage.last - passage.first, passage.end - passage.start) >= PASSAGE)


def _refined(block: Block, written: Sequence[str], heard: Sequence[str], spellings: Spellings) -> list[Block]:
    """A differing stretch as runs that are the same after all, and the rest."""
    own, got = written[block.first : block.last], heard[block.start : block.end]
    if _silent(own, got, spellings):
        return [replace(block, silent=True)]
    if not own or not got:
        return [block]
    if len(own) * len(got) > LARGEST_CELLS:
        return [block]
    refined = []
    for a, b, c, d, same in _cheapest(own, got, spellings):
        part = Block(block.first + a, block.first + b, block.start + c, block.start + d, same)
        silent = not same and _silent(own[a:b], got[c:d], spellings)
        near = not (same or silent) and _alike("".join(own[a:b]), "".join(got[c:d]))
        refined.append(replace(part, silent=silent, near=near))
    return refined


def _alike(one: str, two: str) -> bool:
    from rapidfuzz.distance import Levenshtein

    plain = ("".join(filter(str.isalnum, text)).lower() for text in (one, two))
    return Levenshtein.normalized_distance(*plain) <= NEAR


def _silent(own: Sequence[str], got: Sequence[str], spellings: Spellings) -> bool:
    return not any(spellings.tokens(word) for word in [*own, *got])


def _cheapest(own: Sequence[str], got: Sequence[str], spellings: Spellings) -> list[tuple[int, int, int, int, bool]]:
    """The cheapest way through two short runs of words: same together, one for one, or one left out."""
    from rapidfuzz.distance import Levenshtein

    mine, theirs = spellings.spans(own), spellings.spans(got)
    best = {(0, 0): 0.0}
    step: dict[tuple[int, int], tuple[int, int, bool]] = {}
    for i in range(len(own) + 1):
        for j in range(len(got) + 1):
            ways: list[tuple[float, int, int, bool]] = []
            if i:
                ways.append((best[i - 1, j] + _left_out(mine[i - 1, i]), 1, 0, False))
            if j:
                ways.append((best[i, j - 1] + _left_out(theirs[j - 1, j]), 0, 1, False))
            if i and j:
                unlike = Levenshtein.normalized_distance(mine[i - 1, i], theirs[j - 1, j])
                ways.append((best[i - 1, j - 1] + SWAP + UNLIKE * unlike, 1, 1, False))
            ways += [(best[i - a, j - b], a, b, True) for a, b in _same_runs(mine, theirs, i, j)]
            if ways:
                cost, a, b, same = min(ways)
                best[i, j], step[i, j] = cost, (a, b, same)
    result = []
    i, j = len(own), len(got)
    while i or j:
        a, b, same = step[i, j]
        result.append((i - a, i, j - b, j, same))
        i, j = i - a, j - b
    return result[::-1]


def _same_runs(
    mine: dict[tuple[int, int], str], theirs: dict[tuple[int, int], str], i: int, j: int
) -> Iterator[tuple[int, int]]:
    """Lengths of runs that end before `i` and `j` and say the same."""
    for a in range(1, min(i, LONGEST_SPAN) + 1):
        letters = mine[i - a, i]
        if not letters:
            continue
        yield from ((a, b) for b in range(1, min(j, LONGEST_SPAN) + 1) if theirs[j - b, j] == letters)


def _left_out(letters: str) -> float:
    return LEAVE_OUT if letters else 0.0


def _without_chance(blocks: list[Block], written: int, heard: int) -> list[Block]:
    """The same blocks; lonely equal words between differing ones are not sure."""
    counts = [[0] * (written + 1), [0] * (heard + 1)]
    for block in blocks:
        if block.same or block.silent:
            for i in range(block.first, block.last):
                counts[0][i + 1] = 1
            for j in range(block.start, block.end):
                counts[1][j + 1] = 1
    sums = [list(accumulate(count)) for count in counts]
    runs: dict[int, int] = {}
    start = 0
    for index, block in enumerate([*blocks, Block(0, 0, 0, 0, False)]):
        if not block.same:
            runs.update(dict.fromkeys(range(start, index), sum(b.last - b.first for b in blocks[start:index])))
            start = index + 1

    def dense(side: int, low: int, high: int) -> float:
        low, high = max(0, low - AROUND), min(len(sums[side]) - 1, high + AROUND)
        return (sums[side][high] - sums[side][low]) / max(1, high - low)

    return [
        replace(block, sure=False)
        if block.same
        and runs[index] < RUN
        and max(dense(0, block.first, block.last), dense(1, block.start, block.end)) < DENSE
        else block
        for index, block in enumerate(blocks)
    ]

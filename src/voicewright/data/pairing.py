"""Two sequences of written words, cut into blocks that say the same and blocks that do not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from voicewright.data.spelling import LONGEST_SPAN, Spellings

LARGEST_CELLS = 40 * 40
"""Differing stretches up to this many pairs of words are matched word for word; larger ones are different texts."""
LEAVE_OUT = 1.0
"""Cost of a word without a partner. A pair of different words costs `SWAP` to `SWAP + UNLIKE`, by their letters."""
SWAP, UNLIKE = 0.4, 1.2


@dataclass(frozen=True, slots=True)
class Block:
    """Written words [first, last) beside heard words [start, end).

    `sure`: the same, and not by chance. `silent`: they differ in nothing that is said (filled pauses).
    """

    first: int
    last: int
    start: int
    end: int
    same: bool
    sure: bool = True
    silent: bool = False


def pair(written: Sequence[str], heard: Sequence[str], spellings: Spellings) -> list[Block]:
    """All words of both, in order, in blocks.

    Method: Levenshtein over normalised words (bit-parallel, in linear memory: rapidfuzz); what differs is matched again
    by runs of words that mean the same together, and words pair with words that look alike. A few equal words in the
    middle of long different passages are chance, and stay part of the difference.
    """
    spellings.learn([*written, *heard])
    blocks = _joined(_by_words(written, heard, spellings))
    refined: list[Block] = []
    for block in blocks:
        refined += [block] if block.same else _refined(block, written, heard, spellings)
    return _without_chance(_joined(refined))


def _by_words(written: Sequence[str], heard: Sequence[str], spellings: Spellings) -> list[Block]:
    """Single words that are the same, and stretches of whole words that are not."""
    from rapidfuzz.distance import Levenshtein

    own = [(token, index) for index, word in enumerate(written) for token in spellings.tokens(word)]
    got = [(token, index) for index, word in enumerate(heard) for token in spellings.tokens(word)]
    partner: dict[int, set[int]] = {}
    owned: dict[int, set[int]] = {}
    paired_own, paired_got = [0] * len(written), [0] * len(heard)
    for code in Levenshtein.opcodes([token for token, _ in own], [token for token, _ in got]):
        if code.tag == "equal":
            for i, j in zip(range(code.src_start, code.src_end), range(code.dest_start, code.dest_end), strict=True):
                mine, theirs = own[i][1], got[j][1]
                partner.setdefault(mine, set()).add(theirs)
                owned.setdefault(theirs, set()).add(mine)
                paired_own[mine] += 1
                paired_got[theirs] += 1
    blocks: list[Block] = []
    first = start = 0
    for mine in range(len(written)):
        theirs_of = partner.get(mine, set())
        if len(theirs_of) != 1:
            continue
        (theirs,) = theirs_of
        whole = paired_own[mine] == len(spellings.tokens(written[mine]))
        if whole and len(owned[theirs]) == 1 and paired_got[theirs] == len(spellings.tokens(heard[theirs])):
            blocks += [Block(first, mine, start, theirs, False), Block(mine, mine + 1, theirs, theirs + 1, True)]
            first, start = mine + 1, theirs + 1
    blocks.append(Block(first, len(written), start, len(heard), False))
    return [block for block in blocks if block.first < block.last or block.start < block.end]


def _joined(blocks: Sequence[Block]) -> list[Block]:
    """Differing neighbours as one, without empty ones."""
    result: list[Block] = []
    for block in blocks:
        if result and not block.same and not result[-1].same and block.silent == result[-1].silent:
            last = result.pop()
            block = Block(last.first, block.last, last.start, block.end, False, silent=block.silent)
        result.append(block)
    return result


def _refined(block: Block, written: Sequence[str], heard: Sequence[str], spellings: Spellings) -> list[Block]:
    """A differing stretch as runs that are the same after all, and the rest."""
    own, got = written[block.first : block.last], heard[block.start : block.end]
    said = any(spellings.tokens(word) for word in [*own, *got])
    if not said:
        return [Block(block.first, block.last, block.start, block.end, False, silent=True)]
    if not own or not got:
        return [block]
    if len(own) * len(got) > LARGEST_CELLS:
        return [block]
    return [
        Block(block.first + a, block.first + b, block.start + c, block.start + d, same)
        for a, b, c, d, same in _cheapest(own, got, spellings)
    ]


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


def _without_chance(blocks: list[Block]) -> list[Block]:
    """Runs of equal words that are few beside the differing ones around them are not to be relied upon."""
    result: list[Block] = []
    index = 0
    while index < len(blocks):
        if not blocks[index].same:
            result.append(blocks[index])
            index += 1
            continue
        stop = index
        while stop < len(blocks) and blocks[stop].same:
            stop += 1
        before = blocks[index - 1] if index else None
        after = blocks[stop] if stop < len(blocks) else None
        run = blocks[index:stop]
        words = run[-1].last - run[0].first
        around = [block for block in (before, after) if block and not block.silent]
        unwritten = sum(block.end - block.start for block in around)
        unheard = sum(block.last - block.first for block in around)
        if len(around) == 2 and min(unheard, unwritten) >= 4 * words + 2:
            run = [Block(b.first, b.last, b.start, b.end, True, sure=False) for b in run]
        result += run
        index = stop
    return result

"""The human's words and the recogniser's, matched; every disagreement is kept."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Literal

from voicewright.data.cleaning import clean
from voicewright.data.pairing import Block, Seams, pair
from voicewright.data.spelling import Spellings, written_words
from voicewright.data.transcripts.line import Line
from voicewright.measure.intelligibility import Word

Kind = Literal["missing", "extra", "different", "order", "remark"]
MOVED_WORDS, MOVED_LIKENESS = 5, 0.7
"""A passage of so many words, of which so many are heard elsewhere, was moved rather than left out."""
SHOWN_WORDS = 12
SENTENCE_ENDS = frozenset(".!?…”")


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedWord:
    """A word of the human text.

    `start_s` and `end_s` are the recogniser's, None where it heard nothing like it; the word then lies between
    `after_s` and `before_s`, if it was said. `certain`: heard as written, among others that were.
    """

    text: str
    line: int
    start_s: float | None = None
    end_s: float | None = None
    certain: bool = False
    after_s: float = 0.0
    before_s: float = 0.0
    probability: float | None = None
    heard: tuple[int, int] = (0, 0)
    """The heard words [first, last) that stand in its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """Where the text and what was heard differ, with a sentence for a human.

    missing: written, not heard. extra: heard, not written. different: heard as something else. order: heard, but
    elsewhere. remark: written in brackets, not meant to be said. Times are where the sound is, or would be.
    """

    kind: Kind
    place: str
    line: int
    written: str
    heard: str
    start_s: float
    end_s: float
    words: tuple[int, int]
    """The human words [first, last)."""
    heard_words: tuple[int, int]
    """The heard words [first, last)."""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Every human word once and in order, what was heard, and where they differ."""

    lines: tuple[Line, ...]
    words: tuple[MatchedWord, ...]
    heard: tuple[Word, ...]
    passages: tuple[Disagreement, ...]
    seconds: float


def match(lines: Sequence[Line], heard: Sequence[Word], *, language: str = "en", seconds: float | None = None) -> Match:
    """Lay what a human wrote beside what a recogniser heard, in the order of both.

    Numbers, contractions, spellings, hyphens and filled pauses make no difference. Missing, extra and paraphrased
    passages of any length are reported. Memory grows with the words, time with the differing ones; ten thousand words
    take a second or two.

    Args:
        lines: one recording's, in order; remarks are taken out here.
        heard: with times in the recording.
        seconds: how long the recording is, if known.
    """
    cleaned = [clean(line.text) for line in lines]
    texts = [(word, index) for index, each in enumerate(cleaned) for word in written_words(each.text)]
    end_s = seconds if seconds is not None else max((word.end_s for word in heard), default=0.0)
    blocks = pair([text for text, _ in texts], [word.text for word in heard], Spellings(language), _seams(texts, heard))
    words = _bounded(_timed(texts, heard, blocks), end_s, lines)
    passages = [*_differences(lines, words, heard, blocks, end_s)]
    ends = [0] * (len(lines) + 1)
    for index, word in enumerate(words):
        ends[word.line + 1] = index + 1
    for index, (each, end) in enumerate(zip(cleaned, list(accumulate(ends, max))[1:], strict=True)):
        passages += [_remark(lines[index], index, remark, words, end) for remark in each.remarks]
    passages = _moved(passages, lines)
    return Match(
        lines=tuple(lines),
        words=tuple(words),
        heard=tuple(heard),
        passages=tuple(sorted(passages, key=lambda p: (p.words, p.start_s))),
        seconds=end_s,
    )


def _seams(texts: Sequence[tuple[str, int]], heard: Sequence[Word]) -> Seams:
    """Lines and sentences begin passages; so do pauses."""
    written = [1.0, *(0.0 for _ in texts)]
    for index, ((text, line), (_, following)) in enumerate(pairwise(texts), start=1):
        written[index] = 2.0 * (line != following) + (text[-1:] in SENTENCE_ENDS)
    sounds = [1.0, *(0.0 for _ in heard)]
    for index, (word, following_word) in enumerate(pairwise(heard), start=1):
        pause_s = following_word.start_s - word.end_s
        sounds[index] = (word.text[-1:] in SENTENCE_ENDS) + 2.0 * min(1.0, max(0.0, pause_s))
    written[-1] = sounds[-1] = 1.0
    return Seams(written, sounds)


def _timed(texts: Sequence[tuple[str, int]], heard: Sequence[Word], blocks: Sequence[Block]) -> list[MatchedWord]:
    """The human words with the times of the blocks that agree, divided by letters."""
    words: list[MatchedWord] = []
    for block in blocks:
        own, got = texts[block.first : block.last], heard[block.start : block.end]
        span = (block.start, block.end)
        if not block.same or not got:
            words += [MatchedWord(text=text, line=line, heard=span) for text, line in own]
            continue
        letters = sum(len(text) for text, _ in own)
        begin_s, length_s, done = got[0].start_s, max(0.0, got[-1].end_s - got[0].start_s), 0
        for text, line in own:
            start_s = begin_s + length_s * done / letters
            done += len(text)
            words.append(
                MatchedWord(
                    text=text,
                    line=line,
                    start_s=start_s,
                    end_s=begin_s + length_s * done / letters,
                    certain=block.sure,
                    probability=min(word.probability for word in got),
                    heard=span,
                )
            )
    return words


def _bounded(words: list[MatchedWord], end_s: float, lines: Sequence[Line]) -> list[MatchedWord]:
    """Where each word must lie: after the matched word before it, before the one after; a line's own times help."""
    after, before = 0.0, end_s
    afters, befores = [], [0.0] * len(words)
    for word in words:
        afters.append(after)
        after = max(after, word.end_s) if word.end_s is not None else after
    for index in range(len(words) - 1, -1, -1):
        befores[index] = before
        start_s = words[index].start_s
        before = min(before, start_s) if start_s is not None else before
    result = []
    for word, low, high in zip(words, afters, befores, strict=True):
        line = lines[word.line]
        if word.start_s is None and line.start_s is not None and line.end_s is not None:
            inner = max(low, line.start_s - 0.5), min(high, line.end_s + 0.5)
            low, high = inner if inner[0] < inner[1] else (low, high)
        result.append(replace(word, after_s=low, before_s=max(low, high)))
    return result


def _differences(
    lines: Sequence[Line],
    words: Sequence[MatchedWord],
    heard: Sequence[Word],
    blocks: Sequence[Block],
    end_s: float,
) -> Iterator[Disagreement]:
    for before, block, after in _neighbours(_by_line(blocks, words)):
        if block.same or block.silent:
            continue
        own, got = words[block.first : block.last], heard[block.start : block.end]
        kind: Kind = "different" if own and got else "missing" if own else "extra"
        if got:
            start_s, end = got[0].start_s, got[-1].end_s
        else:
            start_s = heard[before.end - 1].end_s if before and before.end else 0.0
            end = heard[after.start].start_s if after and after.start < len(heard) else end_s
        line = own[0].line if own else words[max(0, block.first - 1)].line if words else 0
        yield _described(
            Disagreement(
                kind=kind,
                place="",
                line=line,
                written=" ".join(word.text for word in own),
                heard=" ".join(word.text for word in got),
                start_s=start_s,
                end_s=max(start_s, end),
                words=(block.first, block.last),
                heard_words=(block.start, block.end),
            ),
            lines,
            own[-1].line if own else line,
        )


def _by_line(blocks: Sequence[Block], words: Sequence[MatchedWord]) -> list[Block]:
    """Missing passages cut where a line ends, so that each line answers for itself."""
    result: list[Block] = []
    for block in blocks:
        cuts = [block.first, block.last]
        if not block.same and block.start == block.end:
            inner = range(block.first + 1, block.last)
            cuts[1:1] = [index for index in inner if words[index].line != words[index - 1].line]
        result += [replace(block, first=a, last=b) for a, b in pairwise(cuts)]
    return result


def _neighbours(blocks: Sequence[Block]) -> Iterator[tuple[Block | None, Block, Block | None]]:
    padded = [None, *blocks, None]
    for (before, block), (_, after) in pairwise(pairwise(padded)):
        if block is not None:
            yield before, block, after


def _described(passage: Disagreement, lines: Sequence[Line], last: int) -> Disagreement:
    place = lines[passage.line].place if lines else ""
    if lines and last != passage.line and lines[last].place:
        place = f"{place} to {lines[last].place}"
    when = f"{passage.start_s:.2f}–{passage.end_s:.2f} s"
    written, heard = _short(passage.written), _short(passage.heard)
    message = {
        "missing": f"“{written}” was not heard (at {when})",
        "extra": f"“{heard}” was heard and is not written ({when})",
        "different": f"“{written}” was heard as “{heard}” ({when})",
        "order": f"“{written}” was heard elsewhere, at {when}",
        "remark": f"“{written}” is a remark, not speech",
    }[passage.kind]
    return replace(passage, place=place, message=f"{place}: {message}" if place else message)


def _short(text: str) -> str:
    words = text.split()
    if len(words) <= SHOWN_WORDS:
        return text
    half = SHOWN_WORDS // 2
    return f"{' '.join(words[:half])} … {' '.join(words[-half:])} ({len(words)} words)"


def _remark(line: Line, index: int, remark: str, words: Sequence[MatchedWord], first: int) -> Disagreement:
    """A remark as it stands after the words up to `first`."""
    at_s = words[first].after_s if first < len(words) else words[-1].end_s or words[-1].before_s if words else 0.0
    passage = Disagreement(
        kind="remark",
        place="",
        line=index,
        written=remark,
        heard="",
        start_s=at_s,
        end_s=at_s,
        words=(first, first),
        heard_words=(0, 0),
    )
    message = f"“{_short(remark)}” is a remark, not speech"
    return replace(passage, place=line.place, message=f"{line.place}: {message}" if line.place else message)


def _moved(passages: list[Disagreement], lines: Sequence[Line]) -> list[Disagreement]:
    """Long passages that are written in one place and heard in another, as one disagreement each."""
    from rapidfuzz.distance import LCSseq

    left_out = [p for p in passages if p.kind in ("missing", "different") and p.written.count(" ") + 1 >= MOVED_WORDS]
    added = [p for p in passages if p.kind in ("extra", "different") and p.heard.count(" ") + 1 >= MOVED_WORDS]
    elsewhere: dict[tuple[str, ...], list[Disagreement]] = {}
    for passage in added:
        for gram in _grams(_plain(passage.heard)):
            elsewhere.setdefault(gram, []).append(passage)
    result = list(passages)
    for passage in left_out:
        own = _plain(passage.written)
        candidates = {id(p): p for gram in _grams(own) for p in elsewhere.get(gram, ()) if p is not passage}
        for found in candidates.values():
            likeness = LCSseq.similarity(own, _plain(found.heard)) / len(own)
            if likeness >= MOVED_LIKENESS and found in result and passage in result:
                moved = replace(
                    passage,
                    kind="order",
                    heard=found.heard,
                    start_s=found.start_s,
                    end_s=found.end_s,
                    heard_words=found.heard_words,
                )
                result[result.index(passage)] = _described(moved, lines, passage.line)
                if found.kind == "extra":
                    result.remove(found)
                break
    return result


def _plain(text: str) -> list[str]:
    return ["".join(filter(str.isalnum, word)).lower() for word in text.split()]


def _grams(words: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(words[i : i + 3]) for i in range(len(words) - 2)}

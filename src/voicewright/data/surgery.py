"""One utterance with another text, two of one, one of two: the new lines, and which clips must be cut for them."""

import hashlib
import re
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from pathlib import PurePosixPath

from voicewright.data.paths import utterance_id
from voicewright.data.utterance import Scores, Source, TimedWord, Utterance
from voicewright.errors import BadDataset

SHORTEST_S = 0.1
"""Of a part of a divided clip."""
TOUCH_S = 0.01
"""Two clips with less than this between them in their recording are joined without it."""
LONGEST_GAP_S = 5.0
"""Between two clips that become one."""
LOSSLESS = {".wav", ".flac"}


class Impossible(Exception):
    """An edit that cannot be carried out on the utterances that are there; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of a clip of the dataset, or of a recording."""

    audio: str = ""
    """The clip's path in the dataset; "" for a piece of the recording."""
    recording: str = ""
    start_s: float = 0.0
    end_s: float | None = None
    """None: to the end."""
    beside: tuple[str, float, float] = ("", 0.0, 0.0)
    """Of a piece of a recording: a clip and where in the recording it lies; the piece gets that clip's level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A clip that is made by joining pieces. Its name tells what it is made of: the same name is the same sound."""

    audio: str
    rate: int
    pieces: tuple[Piece, ...]


def with_text(utterance: Utterance, text: str) -> Utterance:
    """The utterance with what a human wrote. Words that stayed keep their times, text scores are cleared."""
    if text == utterance.text:
        return replace(utterance, gold=True)
    return replace(
        utterance,
        text=text,
        gold=True,
        words=kept_words(utterance.words, text),
        scores=without_text_scores(utterance.scores),
    )


def without_text_scores(scores: Scores) -> Scores:
    """The scores of the sound alone."""
    return replace(scores, words_min=None, syllable_s=None, alignment=None, alignment_low=None, cer=None)


def kept_words(words: tuple[TimedWord, ...], text: str) -> tuple[TimedWord, ...]:
    """Those of `words` that `text` still has, in its spelling. Case and punctuation make no difference."""
    written = text.split()
    matcher = SequenceMatcher(None, [_bare(w.text) for w in words], [_bare(w) for w in written], autojunk=False)
    return tuple(
        replace(words[block.a + i], text=written[block.b + i])
        for block in matcher.get_matching_blocks()
        for i in range(block.size)
    )


def divided(utterance: Utterance, at_s: float, texts: tuple[str, str] | None) -> tuple[Utterance, Utterance, list[Cut]]:
    """`ID.1`, `ID.2` and their clips. Both stay on the same side of training and validation, and keep a decision.

    Raises:
        Impossible: outside the clip, no word times and no texts, or a name that is too long.
    """
    seconds = utterance.seconds
    if not SHORTEST_S <= at_s <= seconds - SHORTEST_S:
        raise Impossible(f"{utterance.id!r} lasts {seconds:.2f} s and cannot be divided at {at_s:.2f} s")
    at_s = round(at_s * utterance.rate) / utterance.rate
    first, second = texts or _texts(utterance, at_s)
    gold = utterance.gold or texts is not None
    parts, cuts = [], []
    for number, (text, start_s, end_s) in enumerate([(first, 0.0, at_s), (second, at_s, seconds)], start=1):
        name = _new_id(f"{utterance.id}.{number}")
        piece = Piece(audio=utterance.audio, start_s=start_s, end_s=at_s if number == 1 else None)
        cut = _cut(name, utterance, (piece,), _identity(utterance))
        inner = tuple(_shifted(w, -start_s, end_s - start_s) for w in utterance.words if start_s <= _middle(w) < end_s)
        part = replace(
            _unheard(utterance, name, cut),
            seconds=end_s - start_s,
            text=text,
            gold=gold,
            words=kept_words(inner, text),
            source=_within(utterance.source, start_s, end_s if number == 1 else None),
            dropped=utterance.dropped if utterance.decision == "drop" else "",
        )
        parts.append(part)
        cuts.append(cut)
    return parts[0], parts[1], cuts


def merged(first: Utterance, second: Utterance) -> tuple[Utterance, Cut]:
    """`FIRST+SECOND` and its clip: both clips, and between them what the recording has there.

    Raises:
        Impossible: not of one recording, not in this order, too far apart, or other rates.
    """
    one, two = first.source, second.source
    if one is None or two is None or one.sha256 != two.sha256 or one.recording != two.recording:
        raise Impossible(f"{first.id!r} and {second.id!r} are not known to come from one recording")
    if first.rate != second.rate:
        raise Impossible(f"{first.id!r} has {first.rate} Hz and {second.id!r} {second.rate} Hz")
    gap_s = two.start_s - one.end_s
    if two.start_s <= one.start_s or two.end_s <= one.end_s:
        raise Impossible(f"{second.id!r} does not come after {first.id!r} in {one.recording!r}")
    if gap_s > LONGEST_GAP_S:
        raise Impossible(f"{gap_s:.1f} s lie between {first.id!r} and {second.id!r}, at most {LONGEST_GAP_S:g} s may")
    pieces = [Piece(audio=first.audio)]
    if gap_s > TOUCH_S:
        beside = (first.audio, one.start_s, one.end_s)
        pieces.append(Piece(recording=one.recording, start_s=one.end_s, end_s=two.start_s, beside=beside))
    between_s = gap_s if gap_s > TOUCH_S else min(0.0, gap_s)
    pieces.append(Piece(audio=second.audio, start_s=-min(0.0, between_s)))
    name = _new_id(f"{first.id}+{second.id}")
    cut = _cut(name, first, tuple(pieces), _identity(first) + _identity(second))
    offset_s = first.seconds + between_s
    seconds = offset_s + second.seconds
    decision = first.decision if first.decision == second.decision else ""
    whole = replace(
        _unheard(first, name, cut),
        seconds=seconds,
        text=f"{first.text} {second.text}".strip(),
        gold=first.gold and second.gold,
        words=(*first.words, *(_shifted(w, offset_s, seconds) for w in second.words)),
        source=replace(one, end_s=two.end_s),
        decision=decision,
        dropped=first.dropped if decision == "drop" else "",
        split_fixed=first.split_fixed or second.split_fixed,
        split=second.split if second.split_fixed and not first.split_fixed else first.split,
    )
    return whole, cut


def made_from(utterance: Utterance, parent: str, place: Source | None) -> bool:
    """Whether `utterance` was divided from, or merged with, the one called `parent` at `place`."""
    if not utterance.edited or not re.search(rf"(^|\+){re.escape(parent)}($|[.+])", utterance.id):
        return False
    if utterance.id == parent or place is None or utterance.source is None:
        return utterance.id != parent
    same = utterance.source.sha256 == place.sha256
    return same and min(utterance.source.end_s, place.end_s) > max(utterance.source.start_s, place.start_s)


def _unheard(utterance: Utterance, name: str, cut: Cut) -> Utterance:
    """A new line whose sound nobody has listened to."""
    return replace(utterance, id=name, audio=cut.audio, sha256="", heard="", scores=Scores(), flags=(), edited=True)


def _texts(utterance: Utterance, at_s: float) -> tuple[str, str]:
    written = utterance.text.split()
    if not written:
        return "", ""
    if len(written) != len(utterance.words):
        raise Impossible(f"not every word of {utterance.id!r} has a time; give the texts of both parts")
    count = sum(_middle(word) < at_s for word in utterance.words)
    return " ".join(written[:count]), " ".join(written[count:])


def _cut(name: str, like: Utterance, pieces: tuple[Piece, ...], identity: str) -> Cut:
    path = PurePosixPath(like.audio)
    key = hashlib.sha256(repr((identity, pieces)).encode("utf-8", "replace")).hexdigest()[:8]
    suffix = path.suffix if path.suffix.lower() in LOSSLESS else ".flac"
    return Cut(audio=str(path.parent / f"{name}-{key}{suffix}"), rate=like.rate, pieces=pieces)


def _identity(utterance: Utterance) -> str:
    """What the sound is: its hash, or for a clip that is not cut yet its name, which has a hash of its parts in it."""
    return utterance.sha256 or utterance.audio


def _new_id(name: str) -> str:
    try:
        return utterance_id(name)
    except BadDataset as problem:
        raise Impossible(str(problem)) from None


def _within(source: Source | None, start_s: float, end_s: float | None) -> Source | None:
    if source is None:
        return None
    end = source.end_s if end_s is None else source.start_s + end_s
    return replace(source, start_s=round(source.start_s + start_s, 4), end_s=round(end, 4))


def _shifted(word: TimedWord, by_s: float, seconds: float) -> TimedWord:
    start_s, end_s = (round(min(max(0.0, t + by_s), seconds), 4) for t in (word.start_s, word.end_s))
    return replace(word, start_s=start_s, end_s=end_s)


def _middle(word: TimedWord) -> float:
    return (word.start_s + word.end_s) / 2


def _bare(word: str) -> str:
    return re.sub(r"\W+", "", word).casefold() or word

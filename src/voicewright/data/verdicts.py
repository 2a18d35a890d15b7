"""Which lines of a human transcript a human should look at again."""

import re
from dataclasses import dataclass
from typing import Literal

from voicewright.data.alignment import Evidence, Placement
from voicewright.data.matching import Disagreement, Match
from voicewright.data.windows import EXTRA_S
from voicewright.text.languages import is_english
from voicewright.text.pronunciation import Pronouncer

Verdict = Literal["agree", "look", "disagree"]
SHORT_LETTERS, EASILY_MISSED = 3, 0.6
"""Recognisers leave out single short words (to, a, is) that were said; that alone calls for a look only."""
MISSED, MISTAKEN, MADE_UP = 0.2, 1 / 3, 0.4
"""What is left of a doubt when the sound speaks for the text. Recognisers miss words more than they make them up."""
NO_DOUBT = 0.15
"""Lesser doubts do not add up: five spellings of a name in a long line are still only spellings."""


_VOWELS = re.compile(r"[aeiouæɑɒɔəɛɜɪʊʌɐᵊᵻAIOQWY]")  # capitals: the phoneme set's diphthongs


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """When a line is in doubt. The defaults are from 558 telephone prompts with their human text."""

    look: float = 0.25
    """Below this, the differences are the recogniser's: other spellings of the same sounds."""
    disagree: float = 0.65
    """From this on, a word was left out, added or said differently, and the sound does not speak for the text."""
    for_text: float = -0.2
    """The sound speaks for the text where the heard words score this much less than the written ones …"""
    against: float = 0.2
    """… and against it where they score this much more."""
    said: float = 0.6
    """Written words scoring this much are in the sound, whatever the recogniser missed."""
    not_said: float = 0.25
    """Written words scoring less are not."""
    heard: float = 0.5
    """Words that only the recogniser heard are in the sound if they score this much: little words score low."""
    not_heard: float = 0.1
    """It made up what scores less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineVerdict:
    """How much a line is in doubt (0 to 1), and why, in sentences."""

    line: int
    place: str
    doubt: float
    verdict: Verdict
    reasons: tuple[str, ...] = ()
    passages: tuple[tuple[int, float], ...] = ()
    """The passages of the match that the doubt is about, each with its own doubt."""


def verdicts(
    match: Match, placement: Placement | None = None, *, language: str = "en", thresholds: Thresholds | None = None
) -> list[LineVerdict]:
    """One verdict for each line; `between_lines` are the disagreements that are no line's.

    The recogniser errs in one word of ten to twenty, so a difference alone says little. Its weight is how differently
    the two sound (phonemes for English, letters elsewhere) times how sure the recogniser was; the acoustic aligner's
    scores, where there are some, decide between the text and what was heard.
    """
    limits = thresholds or Thresholds()
    sounds = _Sounds(language)
    evidence = placement.evidence if placement else [Evidence()] * len(match.passages)
    trust = [1.0] * len(match.lines)
    reasons: list[list[str]] = [[] for _ in match.lines]
    about: list[list[tuple[int, float]]] = [[] for _ in match.lines]
    for number, (passage, scores) in enumerate(zip(match.passages, evidence, strict=True)):
        doubt = _doubt(passage, scores, match, sounds, limits)
        touched = {match.words[index].line for index in range(*passage.words)}
        if not touched and not _between_lines(passage, match):
            touched = {passage.line}
        for line in touched:
            trust[line] *= 1 - doubt if doubt >= NO_DOUBT else 1.0
            about[line] += [(number, doubt)] if doubt >= NO_DOUBT else []
            reasons[line] += [passage.message] if doubt >= NO_DOUBT or passage.kind == "remark" else []
    return [
        LineVerdict(
            line=index,
            place=line.place,
            doubt=1 - trust[index],
            verdict=_verdict(1 - trust[index], limits),
            reasons=tuple(reasons[index]),
            passages=tuple(about[index]),
        )
        for index, line in enumerate(match.lines)
    ]


def _between_lines(passage: Disagreement, match: Match) -> bool:
    """Whether unwritten speech stands alone between two lines: then neither is wrong, and no clip needs it."""
    at = passage.words[0]
    inside = 0 < at < len(match.words) and match.words[at - 1].line == match.words[at].line
    alone = len(match.lines) > 1 and passage.end_s - passage.start_s >= EXTRA_S
    return passage.kind == "extra" and alone and not inside


def _verdict(doubt: float, limits: Thresholds) -> Verdict:
    return "disagree" if doubt >= limits.disagree else "look" if doubt >= limits.look else "agree"


def _doubt(passage: Disagreement, scores: Evidence, match: Match, sounds: "_Sounds", limits: Thresholds) -> float:
    if passage.kind == "remark":
        return 0.0
    if passage.kind == "order":
        return 1.0
    heard = [word for word in match.heard[slice(*passage.heard_words)] if any(map(str.isalnum, word.text))]
    if not heard:
        doubt = EASILY_MISSED if len(passage.written.strip(" .,;:!?…")) <= SHORT_LETTERS else 1.0
        return (
            doubt if scores.written is None else _between(scores.written, limits.said, limits.not_said, doubt, MISSED)
        )
    sureness = sum(word.probability for word in heard) / len(heard)
    doubt = sounds.distance(passage.written, passage.heard) * (0.4 + 0.6 * sureness)
    if scores.heard is None:
        return doubt
    if passage.kind == "extra":
        return _between(scores.heard, limits.not_heard, limits.heard, doubt, MADE_UP)
    if scores.heard == scores.written:  # pronounced alike
        return doubt * MISTAKEN
    return _between(scores.heard - (scores.written or 0.0), limits.for_text, limits.against, doubt, MISTAKEN)


def _between(value: float, calm: float, alarm: float, doubt: float, left: float) -> float:
    """`doubt` raised by half as `value` goes from `calm` to `alarm`, and lowered to the share `left` at `calm`."""
    share = min(1.0, max(0.0, (value - calm) / (alarm - calm)))
    return doubt * left + share * (min(1.0, doubt * 1.5) - doubt * left)


class _Sounds:
    """How differently two texts sound."""

    def __init__(self, language: str) -> None:
        self._pronounce = Pronouncer() if is_english(language) else None

    def distance(self, one: str, two: str) -> float:
        """0: alike; 1: nothing in common. Vowels count half: they are reduced, and recognisers mistake them first."""
        from rapidfuzz.distance import Levenshtein

        if _letters(one.lower()) == _letters(two.lower()):
            return 0.0
        mine, theirs = self._sound(one), self._sound(two)
        whole = Levenshtein.normalized_distance(mine, theirs)
        bones = Levenshtein.normalized_distance(_VOWELS.sub("a", mine), _VOWELS.sub("a", theirs))
        return float(whole + bones) / 2

    def _sound(self, text: str) -> str:
        return _letters(" ".join(self._pronounce(text.split())) if self._pronounce else text.lower())


def _letters(text: str) -> str:
    return "".join(char for char in text if char.isalpha() and char != "ː")


def between_lines(match: Match) -> list[Disagreement]:
    """Unwritten speech that stands alone between lines: in no line's verdict, but to be told all the same."""
    return [passage for passage in match.passages if _between_lines(passage, match)]

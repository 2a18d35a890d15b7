"""What checkpoints are asked to speak, or to convert: nothing that was learned from.

The house's own sentences are for English; other languages take what the speaker's held-out recordings say. Engines that
only convert get these recordings themselves, by turns with recordings of another speaker.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from voicewright.audio.files import sha256_of
from voicewright.engines.recipe import Example
from voicewright.errors import BadPlan
from voicewright.samples import samples

HOUSE = (
    "The kettle began to sing before anyone had found the cups.",
    "Have you ever watched the tide come in, and simply waited?",
    "Nobody had told him about the second staircase, so he went down the first one, crossed the yard in the rain, "
    "and arrived at the party with wet shoes.",
    "We are nearly there, I think.",
    "The number of my room was seventeen, and the key did not fit.",
    "What a strange and beautiful machine that was!",
    "Her uncle repairs clocks, and he is never on time.",
    "Chalk, thread, a pair of scissors and a yard of blue cloth were all that she needed.",
    "Just beyond the village, the path divides.",
    "Who left the gate open last night, and why did nobody hear the dogs?",
    "They measured the field twice, wrote both figures down, and could not agree which of them was wrong.",
    "Better a small lamp than a long speech about the dark.",
    "A loose shutter was banging somewhere above us.",
    "I would gladly have stayed, but the last boat leaves at a quarter past five.",
    "Six judges tasted the cheese; only one of them asked for more.",
    "Where the valley narrows, you can hear the water long before you see it.",
    "We found thirty-two letters in the attic, tied together with kitchen string.",
    "Please put the ladder back where you found it.",
    "Could the choir sing that verse again, a little more softly this time?",
    "The youngest of the three sisters became an engineer and built bridges in the north.",
    "Frost had drawn ferns on every window of the bus.",
    "He whistled, he waved, he even danced; the waiter still looked the other way.",
    "It was cheaper to mend the roof than to buy another bucket.",
    "Why should a garden be tidy, when the birds prefer it wild?",
    "Usually the post comes at noon, except on Thursdays.",
    "The jury had been out for an hour when the lights failed.",
    "Take the path along the hedge, cross the little bridge, and you will see the church on your right.",
    "My neighbour plays the violin, badly but with great joy.",
    "Forty sheep crossed the road, and forty-one came back.",
    "There is a smell of pine and oranges in the hall.",
    "Yesterday's bread makes the best toast.",
    "How far is it to the coast, if we go round by the mill?",
    "The museum keeps its treasures in the cellar and its rubbish on the walls, or so the guard claims.",
    "Even the mice had moved out.",
    "She gave each of the children an apple, a map and a piece of good advice.",
    "A voyage of ten weeks was over in a single sentence.",
)
"""The first four are an ordinary one, a question, a long one and a short one. No voice is ever fitted on any."""
SECONDS = (1.5, 12.0)
"""Recordings that are shorter or longer say little, or too much at once."""
LETTERS = (12, 220)
"""Texts of recordings that are shorter or longer say little, or too much at once."""


@dataclass(frozen=True, slots=True)
class Task:
    """A text to speak; or a recording to convert, and what is said in it, as far as that is known."""

    text: str
    recording: Path | None = None
    sha256: str = ""
    """Of the recording."""


def same_words(text: str) -> str:
    """A text without case, marks and spacing: two that sound alike are alike. "" when there is no word in it."""
    return " ".join(re.findall(r"\w+", text.casefold().replace("’", "").replace("'", "")))


class Unlearned:
    """Tells whether a text was learned from: alone, or inside a longer one."""

    def __init__(self, train: Iterable[Example]) -> None:
        self._learned = {f" {same_words(example.text)} " for example in train}
        self._all = "\n".join(sorted(self._learned))

    def __call__(self, text: str) -> bool:
        """Whether nothing was learned from `text`."""
        words = same_words(text)
        return bool(words) and f" {words} " not in self._all


def audition_texts(
    count: int, own: Sequence[str], language: str, held: Sequence[Example], train: Sequence[Example]
) -> tuple[str, ...]:
    """What every checkpoint of a run speaks: your `own` texts, all of them; or `count` of the house's (English), or of
    those of recordings that were held out.

    Raises:
        BadPlan: one of your own texts is learned from, or there is nothing to speak.
    """
    if count < 1:
        return ()
    unlearned = Unlearned(train)
    if learned := [text for text in own if not unlearned(text)]:
        raise BadPlan(
            f"the audition's text {learned[0][:60]!r} is empty or among those that are learned from, so it would tell "
            "nothing; choose another (audition: texts)"
        )
    if own:
        return tuple(own)
    found = _house(language, unlearned) + _held(held, unlearned)
    if not found:
        raise BadPlan(
            f"there is no text in {language!r} that checkpoints could speak: no recording is held out. Write some "
            "(audition: texts), or hold recordings out: voicewright dataset split DATASET --validation 0.05"
        )
    return tuple(found[:count])


def comparison_texts(
    count: int, used: Sequence[str], language: str, held: Sequence[Example], train: Sequence[Example]
) -> tuple[str, ...]:
    """Up to `count` texts that no audition `used` and nothing was learned from: by turns the house's (English) and
    those of recordings that were held out, in an order that is always the same."""
    unlearned, spoken = Unlearned(train), {same_words(text) for text in used}
    house, recorded = (
        [text for text in texts if same_words(text) not in spoken]
        for texts in (_house(language, unlearned), _held(held, unlearned))
    )
    half = max(count - len(recorded), count - count // 2)
    return tuple([*house[:half], *recorded][:count] if len(house) >= half else [*house, *recorded][:count])


def conversion_tasks(held: Sequence[Example], train: Sequence[Example]) -> list[Task]:
    """Recordings to convert, in an order that is always the same: by turns one of the speaker (held out; where none is,
    one that is learned from) and one of somebody else."""
    own = [Task(each.text or each.id, each.audio, each.sha256) for each in _spread(held or train)]
    others = [Task(each.text, each.path, sha256_of(each.path)) for each in samples()]
    return [task for pair in zip_longest(own, others) for task in pair if task]


def _spread(recordings: Sequence[Example]) -> list[Example]:
    """Recordings of a good length, those of all lengths soon."""
    fitting = [each for each in recordings if SECONDS[0] <= each.seconds <= SECONDS[1]] or list(recordings)
    ordered = sorted(fitting, key=lambda each: (each.seconds, each.id))
    step = max(1, len(ordered) // 8)
    return [each for start in range(step) for each in ordered[start::step]]


def _house(language: str, unlearned: Unlearned) -> list[str]:
    return [text for text in HOUSE if unlearned(text)] if language.split("-")[0] == "en" else []


def _held(held: Sequence[Example], unlearned: Unlearned) -> list[str]:
    """Texts of recordings, each once, of all lengths: by turns from the short end and the long end of the middle."""
    texts = {same_words(example.text): example.text.strip() for example in held if unlearned(example.text)}
    fitting = sorted((t for t in texts.values() if LETTERS[0] <= len(t) <= LETTERS[1]), key=lambda t: (len(t), t))
    order: list[str] = []
    step = max(1, len(fitting) // 8)
    for start in range(step):
        order += fitting[start::step]
    return order

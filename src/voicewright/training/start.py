"""The voice that a run starts from: a zero-shot voice, fitted to the best of the dataset's own clips."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from voicewright.audio.files import read_clip
from voicewright.data.utterance import Utterance
from voicewright.engines.base import Speaks
from voicewright.engines.options import EnrollOptions
from voicewright.errors import BadDataset
from voicewright.progress import Progress, silent
from voicewright.voice.consent import Consent
from voicewright.voice.voice import Source, Voice

ENOUGH_S = 40.0
"""Seconds of clips that a start is fitted to: the speaker encoders' mean of ten clips hardly moves with more."""
SHORTEST_S, LONGEST_S = 2.0, 12.0
"""Lengths that the encoders hear best: more than one window, less than a story."""
UNSURE = 0.15
"""What a flag costs a clip, in likeness."""
NATURAL = 0.1
"""What a mark of naturalness is worth, in likeness."""


def best_clips(utterances: Iterable[Utterance], *, enough_s: float = ENOUGH_S) -> list[Utterance]:
    """The clips that are most like the speaker and sound best, about `enough_s` seconds of them; training clips only.

    Clips of odd lengths are taken only where there are not enough others.
    """
    known = [utterance for utterance in utterances if utterance.kept and utterance.split == "train"]
    known.sort(key=lambda each: (not SHORTEST_S <= each.seconds <= LONGEST_S, -_worth(each), each.id))
    chosen: list[Utterance] = []
    for utterance in known:
        if sum(each.seconds for each in chosen) >= enough_s:
            break
        chosen.append(utterance)
    return chosen


def _worth(utterance: Utterance) -> float:
    scores = utterance.scores
    return (scores.likeness or 0.0) + NATURAL * (scores.naturalness or 0.0) - UNSURE * len(utterance.flags)


def fit_start(
    engine: Speaks,
    clips: Sequence[tuple[Utterance, Path]],
    *,
    name: str,
    consent: Consent,
    options: EnrollOptions,
    progress: Progress = silent,
) -> Voice:
    """A zero-shot voice from clips of a dataset. Raises BadDataset: there are none."""
    if not clips:
        raise BadDataset("there is no clip to fit a voice to; look at the dataset: voicewright dataset show FOLDER")
    sounds = [read_clip(path) for _, path in clips]
    voice = engine.enroll(sounds, name=name, consent=consent, options=options, progress=progress)
    sources = tuple(Source(sha256=each.sha256, seconds=each.seconds, name=path.name) for each, path in clips)
    return replace(voice, sources=sources)

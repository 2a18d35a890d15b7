"""Words: what is said in each section of a recording, and exactly when."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from voicewright.audio.activity import Span
from voicewright.audio.clip import Clip
from voicewright.audio.parts import open_parts
from voicewright.data.tasks import Bench, Task
from voicewright.data.transcription import load_transcriber
from voicewright.data.utterance import TimedWord
from voicewright.errors import BadClip
from voicewright.measure.alignment import AlignedWord, PhoneAligner
from voicewright.measure.intelligibility import Recogniser, Word

PASS_S = 28.0
"""Recognisers of the Whisper family hear 30 s at a time."""
ROOM_S = 0.3
"""Sound left around speech: recognisers miss words that begin with the clip."""
FAR_S = 2.0
"""Speech further apart than this is heard in passes of its own; silence makes recognisers invent words."""


def hear_words(bench: Bench, task: Task) -> Mapping[str, Any]:
    """The `words` of the section at `given["section"]`, in the recording's time, and how `sure` of each the recogniser
    was. With an aligner the times and scores of the words are those of the sounds, else the recogniser's own."""
    spans = [Span(*span) for span in task.given["spans"]]
    start_s, end_s = task.given["section"]
    recogniser, aligner = recogniser_of(bench), aligner_of(bench)
    words: list[TimedWord] = []
    sure: list[float] = []
    with open_parts(bench.folder / task.given["sound"]) as parts:
        for stretch in passes(spans, start_s, end_s):
            clip = parts.read(stretch.start_s, stretch.end_s, 16_000)
            heard = recogniser.transcribe(clip, beam=bench.options.transcribe.beam, word_times=True).words
            for word, laid in zip(heard, _laid(clip, heard, aligner), strict=True):
                start, end = stretch.start_s + laid.start_s, stretch.start_s + laid.end_s
                words.append(TimedWord(text=word.text, start_s=start, end_s=end, score=laid.score))
                sure.append(word.probability)
    return {"words": words, "sure": sure}


def _laid(clip: Clip, heard: Sequence[Word], aligner: PhoneAligner | None) -> Sequence[TimedWord | AlignedWord]:
    """The words where they are in the clip."""
    if aligner is not None and heard:
        with contextlib.suppress(BadClip):  # more words than fit: the recogniser went round in circles over noise
            return aligner.align(clip, [word.text for word in heard]).words
    return [TimedWord(text=w.text, start_s=w.start_s, end_s=w.end_s, score=w.probability) for w in heard]


def recogniser_of(bench: Bench) -> Recogniser:
    """The bench's recogniser, loaded once."""
    if "recogniser" not in bench.tools:
        options = bench.options
        bench.tools["recogniser"] = load_transcriber(options.transcribe, options.language, bench.store)
    recogniser: Recogniser = bench.tools["recogniser"]
    return recogniser


def aligner_of(bench: Bench) -> PhoneAligner | None:
    """The bench's aligner; None for a language that it does not know."""
    return bench.meters.aligner(bench.options.language)


def passes(spans: Sequence[Span], start_s: float, end_s: float) -> list[Span]:
    """Stretches of at most `PASS_S` that hold the speech between two times, ending in its longest pauses."""
    found: list[Span] = []
    speech = [s for s in spans if s.end_s > start_s and s.start_s < end_s]
    groups: list[list[Span]] = []
    for span in speech:
        if groups and span.start_s - groups[-1][-1].end_s <= FAR_S:
            groups[-1].append(span)
        else:
            groups.append([span])
    for group in groups:
        found += [
            Span(max(start_s, part[0].start_s - ROOM_S), min(end_s, part[-1].end_s + ROOM_S))
            for part in _fitting(group)
        ]
    return [piece for stretch in found for piece in _pieces(stretch)]


def _fitting(group: list[Span]) -> list[list[Span]]:
    """The spans in runs of at most `PASS_S`, halved at the longest pause that is not at an edge."""
    if group[-1].end_s - group[0].start_s <= PASS_S - 2 * ROOM_S or len(group) == 1:
        return [group]
    centre_s = (group[0].start_s + group[-1].end_s) / 2
    half_s = (group[-1].end_s - group[0].start_s) / 2

    def worth(i: int) -> float:
        pause_s = group[i].start_s - group[i - 1].end_s
        return pause_s * (1 - 0.7 * abs(group[i].start_s - centre_s) / half_s)

    cut = max(range(1, len(group)), key=worth)
    return [*_fitting(group[:cut]), *_fitting(group[cut:])]


def _pieces(stretch: Span) -> list[Span]:
    """A stretch without any pause for longer than a pass is cut into equal parts."""
    count = max(1, -int(-stretch.seconds // PASS_S))
    length_s = stretch.seconds / count
    return [Span(stretch.start_s + i * length_s, stretch.start_s + (i + 1) * length_s) for i in range(count)]

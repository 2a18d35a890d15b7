"""Speech: where somebody speaks in a recording, how loud, and in which sections it is worked on from here."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from voicewright.audio.activity import ActivityOptions, SileroActivity, Span, spans_from
from voicewright.audio.clip import Clip
from voicewright.audio.edit import join
from voicewright.audio.files import read_blocks
from voicewright.audio.loudness import loudness_lufs
from voicewright.data.tasks import Bench, Task

RATE = 16_000
BLOCK_S = 1_875 * 0.032  # about a minute, in whole steps of the detector
TOGETHER = 8
"""Blocks that the detector hears at once, side by side."""
WARM_S = 64 * 0.032
"""Sound before a block that the detector hears again, so that it does not begin in the dark."""
SECTION_S = 180.0
"""Longest section: what a killed run has to hear again at most, and what is in memory at once."""
SEARCH_S = 60.0
"""The last part of a section in which its end is looked for: in the longest pause."""
ACTIVITY = ActivityOptions(min_speech_ms=100.0, min_silence_ms=60.0, pad_ms=16.0)
"""Every short word counts, and so does every short pause: it is a place to cut. On telephone prompts and read prose
this finds half as many pauses again as the detector's own settings, and quieter ones."""


def find_speech(bench: Bench, task: Task) -> Mapping[str, Any]:
    """`seconds`, `spans` of speech, `sections`, and the loudness of the speech. Memory: eight minutes of sound."""
    detector = bench.meters.activity()
    found: list[np.ndarray] = []
    power, heard_s, peak, seconds = 0.0, 0.0, 1e-6, 0.0
    for block, probabilities in _heard(task.given["sound"], bench, detector):
        found.append(probabilities)
        seconds += block.seconds
        peak = max(peak, float(np.abs(block.samples).max(initial=0)))
        spoken = [block.between(s.start_s, s.end_s) for s in spans_from(probabilities, 0.032, block.seconds, ACTIVITY)]
        loudness = loudness_lufs(join(spoken)) if spoken else float("-inf")
        if np.isfinite(loudness):
            spoken_s = sum(part.seconds for part in spoken)
            power, heard_s = power + spoken_s * 10 ** (loudness / 10), heard_s + spoken_s
    spans = spans_from(np.concatenate(found), detector.hop_s, seconds, ACTIVITY)
    return {
        "seconds": seconds,
        "spans": [[span.start_s, span.end_s] for span in spans],
        "sections": [[section.start_s, section.end_s] for section in sections_of(spans, seconds)],
        "lufs": float(10 * np.log10(power / heard_s)) if heard_s else None,
        "peak_db": float(20 * np.log10(peak)),
    }


def _heard(sound: str, bench: Bench, detector: SileroActivity) -> Iterator[tuple[Clip, np.ndarray]]:
    """Each block of the recording at 16 kHz, and how likely speech is in each of its steps."""
    blocks: list[Clip] = []
    before: Clip | None = None
    for block in read_blocks(bench.folder / sound, rate=RATE, block_s=BLOCK_S):
        blocks.append(block)
        if len(blocks) == TOGETHER:
            yield from _likely(blocks, before, detector)
            before, blocks = blocks[-1], []
    yield from _likely(blocks, before, detector)


def _likely(blocks: Sequence[Clip], before: Clip | None, detector: SileroActivity) -> Iterator[tuple[Clip, np.ndarray]]:
    """Blocks that follow each other and `before`, with their probabilities."""
    ends = [each.between(each.seconds - WARM_S, each.seconds) for each in ((before,) if before else ()) + tuple(blocks)]
    warm = [Clip.silence(0.0, RATE)] * (before is None) + ends
    heard = detector.probabilities_of([join([end, block]) for end, block in zip(warm, blocks, strict=False)])
    for block, likely in zip(blocks, heard, strict=True):
        yield block, likely[len(likely) - -(-len(block) // 512) :]


def sections_of(spans: Sequence[Span], seconds: float) -> list[Span]:
    """The recording in sections of at most `SECTION_S`, each ending in the middle of the longest pause at hand."""
    sections: list[Span] = []
    start_s = 0.0
    while seconds - start_s > SECTION_S:
        earliest_s, latest_s = start_s + SECTION_S - SEARCH_S, start_s + SECTION_S
        ends = [earliest_s, *(span.end_s for span in spans), latest_s]
        starts = [earliest_s, *(span.start_s for span in spans), latest_s]
        pauses = [
            (min(begin, latest_s) - max(end, earliest_s), (min(begin, latest_s) + max(end, earliest_s)) / 2)
            for end, begin in zip(ends, starts[1:], strict=False)
            if min(begin, latest_s) > max(end, earliest_s)
        ]
        end_s = max(pauses)[1] if pauses else latest_s
        sections.append(Span(start_s, end_s))
        start_s = end_s
    return [*sections, Span(start_s, seconds)]

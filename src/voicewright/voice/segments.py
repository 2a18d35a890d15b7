"""Recordings of any length → a bounded number of measured segments of speech."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np

from voicewright.audio.activity import Span
from voicewright.audio.clip import Clip
from voicewright.audio.edit import join
from voicewright.audio.files import read_blocks
from voicewright.voice.quality import Quality, quality_of, scene_of
from voicewright.voice.rules import ReferenceRules

LISTEN_S = 0.3
"""Speech that ends closer than this to a block's end may go on in the next block."""
LEAD_S = 0.25
MERGED_S = 12.0
"""Long enough for any engine's prompt; longer joined clips gain nothing."""


class FindsSpeech(Protocol):
    """Finds where somebody speaks in a clip of any rate."""

    def spans(self, clip: Clip) -> list[Span]: ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segment:
    """A phrase of speech, at the rate of its recording; times count from the recording's beginning."""

    recording: int
    start_s: float
    end_s: float
    clip: Clip
    quality: Quality
    liveliness_db: float

    @property
    def seconds(self) -> float:
        return self.clip.seconds


@dataclass(slots=True)
class Heard:
    """What was found in one recording."""

    path: Path
    label: str
    """How findings call it: the file's name, with its folder's where two have the same name."""
    seconds: float = 0.0
    speech_s: float = 0.0
    segments: list[Segment] = field(default_factory=list)


class Pool:
    """Keeps an even sample of what is added, up to `limit_s` of sound; the same additions keep the same sample."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s, self._held_s = limit_s, 0.0
        self._kept: list[tuple[float, Segment]] = []
        self._draw = np.random.default_rng(0)

    def add(self, segment: Segment) -> None:
        self._kept.append((float(self._draw.random()), segment))
        self._held_s += segment.seconds
        while self._held_s > self._limit_s and len(self._kept) > 1:
            unlucky = max(range(len(self._kept)), key=lambda i: self._kept[i][0])
            self._held_s -= self._kept.pop(unlucky)[1].seconds

    @property
    def segments(self) -> list[Segment]:
        """In the order of the recordings and of time."""
        return sorted((s for _, s in self._kept), key=lambda s: (s.recording, s.start_s))


def listen(
    path: Path,
    recording: int,
    detector: FindsSpeech,
    rules: ReferenceRules,
    *,
    pool: Pool,
    label: str = "",
    tell: Callable[[float], None] = lambda seconds: None,
) -> Heard:
    """Read one recording block by block and add its segments to `pool`; what was found, with the segments of `pool`.

    Args:
        tell: called with the seconds read so far.

    Raises:
        BadClip: the file cannot be read to its end.
    """
    heard = Heard(path, label or path.name)
    held: Clip | None = None
    for block, last in _with_last(read_blocks(path, block_s=rules.block_s)):
        clip = join([held, block]) if held else block
        spans = detector.spans(clip)
        end_s = clip.seconds if last else _closed_until(clip, spans, rules)
        whole = [span for span in spans if span.end_s <= end_s]
        start_s = heard.seconds
        heard.speech_s += sum(span.seconds for span in whole)
        if whole:
            scene = scene_of(clip)
            for part in phrases(clip, whole, rules):
                cut = clip.between(part.start_s, part.end_s)
                pool.add(
                    Segment(
                        recording=recording,
                        start_s=start_s + part.start_s,
                        end_s=start_s + part.end_s,
                        clip=cut,
                        quality=quality_of(cut, scene),
                        liveliness_db=scene.liveliness_db,
                    )
                )
        held = clip.between(end_s, clip.seconds) if end_s < clip.seconds else None
        heard.seconds += (len(clip) - (len(held) if held else 0)) / clip.rate
        tell(heard.seconds)
    heard.segments = pool.segments
    return heard


def merged(segments: Sequence[Segment]) -> list[tuple[Segment, Clip]]:
    """Segments that touch, joined again up to `MERGED_S`: the first of each group, and the group's sound."""
    groups: list[list[Segment]] = []
    for segment in segments:
        before = groups[-1][-1] if groups else None
        touches = before and before.recording == segment.recording and abs(segment.start_s - before.end_s) < 1e-6
        if touches and sum(s.seconds for s in groups[-1]) + segment.seconds <= MERGED_S:
            groups[-1].append(segment)
        else:
            groups.append([segment])
    return [(group[0], join([s.clip for s in group])) for group in groups]


def phrases(clip: Clip, spans: Sequence[Span], rules: ReferenceRules) -> list[Span]:
    """Spans joined over short pauses and split where they are too long, with a little room at their edges."""
    joined: list[Span] = []
    for span in spans:
        near = joined and span.start_s - joined[-1].end_s <= rules.join_gap_s
        if near and span.end_s - joined[-1].start_s <= rules.phrase_s:
            joined[-1] = Span(joined[-1].start_s, span.end_s)
        else:
            joined.append(span)
    parts = [part for span in joined for part in _split(clip, span, rules)]
    # No segment takes more than half of the pause to its neighbour.
    room = [min(rules.edge_s, max(0.0, (b.start_s - a.end_s) / 2)) for a, b in pairwise(parts)]
    before, after = [rules.edge_s, *room], [*room, rules.edge_s]
    roomy = [
        Span(max(0.0, part.start_s - lead), min(clip.seconds, part.end_s + tail))
        for part, lead, tail in zip(parts, before, after, strict=False)
    ]
    return [part for part in roomy if part.seconds >= rules.shortest_s]


def _split(clip: Clip, span: Span, rules: ReferenceRules) -> Iterator[Span]:
    """The span in parts of at most `phrase_s`, cut where the voice is lowest."""
    start_s = span.start_s
    while span.end_s - start_s > rules.phrase_s:
        part = clip.between(start_s + 0.4 * rules.phrase_s, start_s + 0.9 * rules.phrase_s)
        size = round(0.04 * clip.rate)
        level = np.convolve(np.square(part.samples), np.ones(size, np.float32), "valid")
        cut_s = start_s + 0.4 * rules.phrase_s + (int(level.argmin()) + size / 2) / clip.rate
        yield Span(start_s, cut_s)
        start_s = cut_s
    yield Span(start_s, span.end_s)


def _closed_until(clip: Clip, spans: Sequence[Span], rules: ReferenceRules) -> float:
    """Seconds of the clip that hold whole spans; speech that runs into the next block is kept back for it."""
    if not spans or spans[-1].end_s < clip.seconds - LISTEN_S:
        return clip.seconds
    before_s = spans[-2].end_s if len(spans) > 1 else 0.0
    start_s = max(before_s, spans[-1].start_s - LEAD_S)
    # Somebody who speaks for half a block without a pause is cut at the block's end.
    return start_s if clip.seconds - start_s < rules.block_s / 2 else clip.seconds


def _with_last(blocks: Iterator[Clip]) -> Iterator[tuple[Clip, bool]]:
    before: Clip | None = None
    for block in blocks:
        if before is not None:
            yield before, False
        before = block
    if before is not None:
        yield before, True

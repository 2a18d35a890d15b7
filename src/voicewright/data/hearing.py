"""`Listener`: who may be speaking when in one section of a recording, by networks; which voices are the same person is
found afterwards, over all sections (`voicewright.data.diarization`).

w windows · f frames · s speakers of a window · t samples · d width of an embedding
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.data.turns import Turn, bridged
from voicewright.data.voices import Piece, Voices
from voicewright.errors import BadSetting

if TYPE_CHECKING:
    from voicewright.nn.listening import Segmenter

Active = NDArray[np.bool_]
Embed = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""(b, t) sound at 16 kHz -> (b, d) unit vectors."""

RATE = 16_000
HOP_S = 7.5
"""From window to window. Each moment is heard in the window whose middle is nearest: what lies near a window's edge is
heard badly."""
BATCH = 8
CROPS = 16
"""Crops that are embedded at once: torch's faster convolutions begin with 16 rows."""
SHARED = 0.25
"""Two speak at once where the network finds it this likely. On made-up podcasts 0.5 finds 0.76 of the overlapped time
(0.94 of what it finds is), 0.25 finds 0.88 (0.85): a clip with two people in it costs a dataset more than one lost."""
GAP_S = 0.2
"""Shorter pauses do not end a piece: they are stop consonants."""
LEAST_S = 0.1
"""Shorter pieces are left out."""
PIECE_S = 4.0
"""Longer speech is cut in equal pieces: the network may take two people in one window for one."""
CUT_S = 0.3
"""Nearer to each other than this, cuts are not made."""
HEARD_S = (1.2, 0.8, 0.5)
"""An embedding is taken from this much of a piece: the first that fits, from the middle of where nobody else speaks.
CAM++ (without rectification) tells 13 real speakers apart with 2.4 % errors by 1 s, 0.6 % by 1.5 s, 0.4 % by 2 s; in
podcasts 1.2 s does as well as 1.5 s, and takes a fifth less time."""


class Listener:
    """Hears sections, one after another; one object serves one thread.

    Args:
        segmentation: the network that finds speech and changes of speaker.
        embed: how a voice sounds.
        encoder: the name under which embeddings of `embed` can be compared.
    """

    def __init__(self, segmentation: "Segmenter", embed: Embed, encoder: str) -> None:
        self._segmenter, self._embed, self.encoder = segmentation, embed, encoder

    def hear(self, section: Clip, turns: Sequence[Turn] | None = None) -> Voices:
        """What is heard in a section of any rate and length (5 MB of memory a minute: cut long recordings).

        Args:
            turns: who speaks when, if another `Diarizer` found it already.
        """
        samples = resample(section, RATE).samples
        runs = self._runs(samples) if turns is None else _runs_of(turns)
        pieces = sorted(
            (part for run in runs for part in _parts(run, runs, len(samples) / RATE)),
            key=lambda piece: (piece.start_s, piece.end_s, piece.voice),
        )
        crops = [_crop(piece, pieces) for piece in pieces]
        found: dict[int, NDArray[np.float32]] = {}
        for length_s in HEARD_S:
            chosen = [i for i, crop in enumerate(crops) if crop and crop[1] == length_s]
            for batch in (chosen[at : at + CROPS] for at in range(0, len(chosen), CROPS)):
                cut = [_cut(samples, *crops[i]) for i in batch]  # type: ignore[misc]
                found |= zip(batch, self._embed(np.stack(cut)), strict=True)
        rows = {index: row for row, index in enumerate(sorted(found))}
        embeddings = np.array([found[index] for index in rows] or np.zeros((0, 1)), np.float16)
        return Voices(
            seconds=section.seconds,
            encoder=self.encoder,
            pieces=tuple(replace(piece, row=rows.get(i, -1)) for i, piece in enumerate(pieces)),
            embeddings=embeddings,
        )

    def sound_of(self, clip: Clip) -> NDArray[np.float32]:
        """(d,) how the one voice in a clip sounds, to compare with voices of sections: a unit vector.

        Raises:
            BadSetting: there is too little speech in it.
        """
        voices = self.hear(clip)
        if not len(voices.embeddings):
            raise BadSetting(
                f"there is too little speech in the sample of the speaker ({clip.seconds:.1f} s); give 3 s"
            )
        mean = voices.embeddings.astype(np.float32).mean(0)
        return np.asarray(mean / np.linalg.norm(mean), np.float32)

    def _runs(self, samples: NDArray[np.float32]) -> list[Piece]:
        """Speech of single voices."""
        config = self._segmenter.config
        starts = window_starts(len(samples), config.window, round(HOP_S * RATE))
        step_s, first_s = config.hop / RATE, config.reach / 2 / RATE
        edges = [(a + b + config.window) / 2 / RATE for a, b in pairwise(starts)]
        begins, ends = [0.0, *edges], [*edges, len(samples) / RATE]
        runs: list[Piece] = []
        for number, active in enumerate(self._active(samples, starts)):
            centres = starts[number] / RATE + first_s + step_s * np.arange(len(active))
            inside = (centres >= begins[number]) & (centres < ends[number])
            if inside.any():
                runs += _runs(active[inside], float(centres[inside][0]) - step_s / 2, step_s, number * active.shape[1])
        return [run for run in _joined(runs, edges, step_s) if run.seconds >= LEAST_S]

    def _active(self, samples: NDArray[np.float32], starts: Sequence[int]) -> Iterator[Active]:
        """(f, s) for each window: who of its speakers speaks."""
        config = self._segmenter.config
        for at in range(0, len(starts), BATCH):
            rows = [_cut(samples, start / RATE, config.window_s) for start in starts[at : at + BATCH]]
            yield from _speaking(self._segmenter.likely(np.stack(rows)), config.sets)


def load_listener(segmentation: Path, encoder: str, weights: Path) -> Listener:
    """A listener with the bundled networks.

    Args:
        segmentation: weights of the set "segmentation".
        encoder: "campplus", or "ge2e", which is unreliable where microphones differ.
        weights: weights of the set of that name.

    Raises:
        BadSetting: there is no such encoder.
        MissingWeights, BadWeights: a file is missing or does not fit.
    """
    from voicewright.nn.listening import load_embedder, load_segmenter

    return Listener(load_segmenter(segmentation), load_embedder(encoder, weights), encoder)


def window_starts(samples: int, window: int, hop: int) -> list[int]:
    """First sample of each window: every `hop`, the last one ending with the sound."""
    last = max(0, samples - window)
    return [*range(0, last, hop), last]


def _cut(samples: NDArray[np.float32], start_s: float, seconds: float) -> NDArray[np.float32]:
    """Exactly `seconds`, silence after the end."""
    start, length = round(start_s * RATE), round(seconds * RATE)
    part = samples[start : start + length]
    return np.pad(part, (0, length - len(part)))


def _speaking(likely: NDArray[np.float32], sets: Sequence[tuple[int, ...]]) -> Active:
    """(w, f, k) likelihood of each set of speakers -> (w, f, s) who speaks."""
    sizes = np.array([len(group) for group in sets])
    member = np.array(
        [[speaker in group for speaker in range(max(map(max, filter(None, sets))) + 1)] for group in sets]
    )
    several = likely[..., sizes > 1].sum(-1) > SHARED
    somebody = likely[..., sizes == 0].sum(-1) < 0.5
    allowed = np.where(several[..., None], sizes > 1, np.where(somebody[..., None], sizes == 1, sizes == 0))
    chosen: Active = member[np.where(allowed, likely, -1).argmax(-1)]
    return chosen


def _runs(active: Active, start_s: float, step_s: float, first_voice: int) -> list[Piece]:
    """The stretches in which each speaker of a window is active."""
    found = []
    for speaker in range(active.shape[1]):
        changes = np.flatnonzero(np.diff(np.concatenate(([0], active[:, speaker].astype(np.int8), [0]))))
        for begin, end in changes.reshape(-1, 2).tolist():
            found.append(Piece(start_s + begin * step_s, start_s + end * step_s, first_voice + speaker))
    return found


def _joined(runs: Sequence[Piece], edges: Sequence[float], step_s: float) -> list[Piece]:
    """Runs of one voice across short pauses, and runs on both sides of a window's edge, made one.

    At an edge the voices of two windows meet, which nothing links but that one goes on where the other stops.
    """
    found: list[Piece] = []
    for run in sorted(runs, key=lambda piece: (piece.start_s, piece.voice)):
        for index in range(len(found) - 1, max(-1, len(found) - 7), -1):
            before = found[index]
            same = before.voice == run.voice and run.start_s - before.end_s <= GAP_S
            meet = any(abs(before.end_s - e) <= 2 * step_s and abs(run.start_s - e) <= 2 * step_s for e in edges)
            if same or (meet and before.voice != run.voice):
                voice = before.voice if before.seconds >= run.seconds else run.voice
                found[index] = Piece(before.start_s, run.end_s, voice)
                break
        else:
            found.append(run)
    return found


def _runs_of(turns: Sequence[Turn]) -> list[Piece]:
    """Turns as speech of single voices; turns of one speaker that touch are one."""
    numbers = {name: number for number, name in enumerate(sorted({turn.speaker for turn in turns}))}
    return [Piece(turn.start_s, turn.end_s, numbers[turn.speaker]) for turn in bridged(turns, 0.0)]


def _parts(run: Piece, runs: Sequence[Piece], end_s: float) -> Iterator[Piece]:
    """The run, within the section, cut where others begin and end, and in equal pieces of at most `PIECE_S`.

    Where two speak at once the network may hand one's number to the other, so that a run changes its speaker there.
    """
    start_s, end_s = max(0.0, run.start_s), min(run.end_s, end_s)
    edges = sorted(edge for other in runs if other.voice != run.voice for edge in (other.start_s, other.end_s))
    cuts = [start_s]
    for edge in edges:
        if cuts[-1] + CUT_S < edge < end_s - CUT_S:
            cuts.append(edge)
    for begin_s, stop_s in pairwise([*cuts, max(start_s, end_s)]):
        count = max(1, -int(-(stop_s - begin_s) // PIECE_S))
        for i in range(count):
            first_s, last_s = (begin_s + (stop_s - begin_s) * j / count for j in (i, i + 1))
            if last_s > first_s:
                yield Piece(first_s, last_s, run.voice)


def _crop(piece: Piece, pieces: Sequence[Piece]) -> tuple[float, float] | None:
    """Where to listen to a piece, (start, length) in seconds; None when there is too little of it alone."""
    clear = [(piece.start_s, piece.end_s)]
    for other in pieces:
        if other.start_s >= piece.end_s:
            break
        if other.voice != piece.voice and other.end_s > piece.start_s:
            clear = [
                part
                for start, end in clear
                for part in ((start, min(end, other.start_s)), (max(start, other.end_s), end))
                if part[1] > part[0]
            ]
    start, end = max(clear, key=lambda part: part[1] - part[0], default=(0.0, 0.0))
    for length_s in HEARD_S:
        if end - start >= length_s:
            return (start + end - length_s) / 2, length_s
    return None

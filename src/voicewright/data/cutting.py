"""The clips that edits ask for, cut from the clips that are there and from the recordings."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from voicewright.audio.clip import Clip
from voicewright.audio.edit import gain, join, resample
from voicewright.audio.files import describe, read_blocks, read_clip, write_clip
from voicewright.data.paths import inside
from voicewright.data.surgery import Cut, Piece
from voicewright.errors import BadClip, BadDataset

Sound = Callable[[str], Path | None]
"""The file of a recording, by the recording's name; None where it is not at hand."""
BITS = {"pcm_24": 24, "pcm_32": 24, "float": 32, "double": 32}
MOST_GAIN_DB = 40.0


def nowhere(recording: str) -> Path | None:
    """No recording is at hand."""
    return None


class Cutter:
    """Makes clips in a dataset's folder. A clip that is there already is left alone: its name says what is in it."""

    def __init__(self, folder: Path, sound: Sound = nowhere) -> None:
        self._folder, self._sound = folder, sound

    def objection(self, cut: Cut) -> str:
        """Why `cut` cannot be made; "" when it can."""
        if inside(self._folder, cut.audio).is_file():
            return ""
        for piece in cut.pieces:
            if piece.recording and self._sound(piece.recording) is None:
                return (
                    f"between the two clips lies sound of the recording {piece.recording!r}, which is not at hand; "
                    "say where it is, or prepare it again"
                )
        return ""

    def make(self, cut: Cut) -> None:
        """Write the clip.

        Raises:
            BadDataset, BadClip: something it is cut from is missing or damaged.
        """
        target = inside(self._folder, cut.audio)
        if target.is_file():
            return
        clip = join(self._piece(piece, cut.rate) for piece in cut.pieces)
        target.parent.mkdir(parents=True, exist_ok=True)
        codec = describe(inside(self._folder, cut.pieces[0].audio)).codec
        bits = BITS.get(codec, 16)
        write_clip(target, clip, bits=24 if bits == 32 and target.suffix.lower() == ".flac" else bits)

    def _piece(self, piece: Piece, rate: int) -> Clip:
        if piece.audio:
            clip = read_clip(inside(self._folder, piece.audio), rate=rate)
            return clip.between(piece.start_s, clip.seconds if piece.end_s is None else piece.end_s)
        path = self._sound(piece.recording)
        if path is None or piece.end_s is None:
            raise BadDataset(f"the recording {piece.recording!r} is not at hand")
        name, start_s, end_s = piece.beside
        heard, original = read_clip(inside(self._folder, name), rate=rate), _stretch(path, start_s, end_s)
        louder_db = _level_db(heard) - _level_db(original)
        clip = resample(_stretch(path, piece.start_s, piece.end_s), rate)
        return gain(clip, float(np.clip(louder_db, -MOST_GAIN_DB, MOST_GAIN_DB)))


def _stretch(path: Path, start_s: float, end_s: float) -> Clip:
    """A part of a long file, with memory for that part only."""
    parts, at_s = [], 0.0
    for block in read_blocks(path):
        if at_s + block.seconds > start_s:
            parts.append(block.between(start_s - at_s, end_s - at_s))
        at_s += block.seconds
        if at_s >= end_s:
            break
    if not parts:
        raise BadClip(f"{path} ends before {start_s:.2f} s")
    return join(parts)


def _level_db(clip: Clip) -> float:
    power = float(np.mean(clip.samples.astype(np.float64) ** 2)) if len(clip) else 0.0
    return 10 * float(np.log10(max(power, 1e-12)))

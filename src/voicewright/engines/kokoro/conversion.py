"""`KokoroConverter`: a voice of the default engine says or sings what somebody else did.

What is said is heard (`content`), how high is given, how loud is predicted from what is heard; the decoder plays the
three with the voice's timbre. Every sound stays where it was.

n samples · t frames (40 per second) · p pitch frames (80 per second)
"""

from dataclasses import dataclass
from math import ceil

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from voicewright.audio.clip import Clip
from voicewright.audio.pitch import Pitch
from voicewright.engines.kokoro.content import AHEAD_S, FRAME_S, ContentPredictor, Hearing
from voicewright.engines.kokoro.decoder import VOICED_ABOVE_HZ
from voicewright.engines.kokoro.network import Kokoro, Score
from voicewright.engines.kokoro.style import Style
from voicewright.errors import BadClip

CONTEXT_S = 0.6
LONGEST_S = 30.0
MARGIN = ceil(AHEAD_S / FRAME_S) + 1
"""Frames played before and behind a clip: its last sounds are content of frames behind its end."""
PITCH_RATE = 80
LOUDER = 4.0
"""At most 12 dB above the voice's own level: noise alone is not blown up to speech."""
SILENT = 1e-6
VOICED_HZ = 50.0


@dataclass(frozen=True, slots=True)
class Listener:
    """What understands a recording: the predictor, and the ear before it."""

    predictor: ContentPredictor
    hearing: Hearing


class KokoroConverter:
    """See `voicewright.engines.base.Converter` for what it promises.

    Args:
        network: what plays, with a tuned voice's adapters merged in.
        home_hz: the voice's usual pitch.
    """

    context_s = CONTEXT_S
    longest_s = LONGEST_S

    def __init__(self, network: Kokoro, listener: Listener, style: Style, *, home_hz: float, seed: int = 0) -> None:
        self._network, self._listener, self._style = network, listener, style
        self._home_hz, self._seed = home_hz, seed

    @property
    def rate(self) -> int:
        return self._network.config.rate

    @property
    def home_hz(self) -> float:
        return self._home_hz

    def convert(self, clip: Clip, pitch: Pitch, *, seed: int = 0) -> Clip:
        if clip.seconds > LONGEST_S:
            raise BadClip(f"the clip lasts {clip.seconds:.1f} s; at most {LONGEST_S:g} s are converted at once, cut it")
        count = round(clip.seconds * self.rate)
        level = float(np.sqrt(np.mean(np.square(clip.samples, dtype=np.float64)))) if len(clip) else 0.0
        if count < self._network.config.samples_per_frame or level < SILENT:
            return Clip(np.zeros(count, np.float32), self.rate)
        with torch.inference_mode():
            score = self.score(clip, pitch)
            generator = torch.Generator().manual_seed(self._seed + seed)
            wave = self._network.play(score, self._style.timbre[None], generator)[0].numpy()
        margin = MARGIN * self._network.config.samples_per_frame
        samples = wave[margin : margin + count].astype(np.float64)
        return Clip(np.clip(samples * self._gain(samples, level), -1, 1), self.rate)

    def score(self, clip: Clip, pitch: Pitch) -> Score:
        """What the decoder plays for a clip, with `MARGIN` frames before and after it."""
        frames = ceil(clip.seconds / FRAME_S) + 2 * MARGIN
        content, energy = self._listener.predictor(self._listener.hearing(clip)[None], frames, -MARGIN)
        f0_hz = torch.from_numpy(_placed(pitch, 2 * frames))[None]
        return Score(content, f0_hz, energy, torch.full((1, frames), 1))

    def _gain(self, samples: NDArray[np.float64], level: float) -> float:
        """What brings the result to the level of the clip, within bounds."""
        own = float(np.sqrt(np.mean(np.square(samples))))
        return min(level / max(own, SILENT), LOUDER * self._style.gain)


def _placed(pitch: Pitch, count: int) -> NDArray[np.float32]:
    """(p,) the curve at the decoder's rate with `MARGIN` frames before and behind it, which go on as at its ends;
    below what counts as voiced it is 0."""
    curve = pitch.resampled(PITCH_RATE).f0_hz
    curve = np.where(curve < VOICED_ABOVE_HZ, np.float32(0), curve)
    if not len(curve):
        return np.zeros(count, np.float32)
    at = np.clip(np.arange(count) - 2 * MARGIN, 0, len(curve) - 1)
    placed: NDArray[np.float32] = curve[at].astype(np.float32)
    return placed


def usual_pitch(network: Kokoro, tokens: list[int], prosody: Tensor) -> float:
    """The median F0 with which a voice says something, in Hz; 0 where it never raises it. Prosody (s,)."""
    with torch.inference_mode():
        meaning, content = network.read(torch.tensor([[0, *tokens, 0]]))
        f0_hz = network.perform(meaning, content, prosody[None]).f0_hz[0]
    voiced = f0_hz[f0_hz > VOICED_HZ]
    return float(voiced.median()) if len(voiced) else 0.0

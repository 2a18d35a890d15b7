"""`KokoroConverter`: a voice of the default engine says or sings what somebody else did.

What is said is heard (`transcribing`; live, where there is no time for it, `content`), how high is given, how loud is
predicted from what is heard; the decoder plays the three with the voice's timbre. Every sound stays where it was.

n samples · t frames (40 per second) · p pitch frames (80 per second)
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from voicewright.audio.clip import Clip
from voicewright.audio.pitch import Pitch
from voicewright.engines.kokoro.content import AHEAD_S, FRAME_S, ContentPredictor, Hearing
from voicewright.engines.kokoro.conversion_options import Guide
from voicewright.engines.kokoro.decoder import VOICED_ABOVE_HZ
from voicewright.engines.kokoro.network import Kokoro, Score
from voicewright.engines.kokoro.style import Style
from voicewright.engines.kokoro.transcribing import Transcriber
from voicewright.errors import BadClip

CONTEXT_S = 0.6
LONGEST_S = 30.0
MARGIN = ceil(AHEAD_S / FRAME_S) + 1
"""Frames played before and behind a clip: its last sounds are content of frames behind its end."""
PITCH_RATE = 80
EDGE_S = 0.6
"""Silence that is played before and behind a recording, as there is around a text: the decoder's normalisation counts
on it. With 0.6 s one word in 30 was lost, with 0.35 s one in 24; with none a third more, and half a point of DNSMOS."""
FADE_S = 0.02
LOUDER = 4.0
"""At most 12 dB above the voice's own level: noise alone is not blown up to speech."""
SILENT = 1e-6
VOICED_HZ = 50.0


Words = Callable[[Clip], list[list[int]]]
"""The words of a recording, each as tokens."""


@dataclass(frozen=True, slots=True)
class Listener:
    """What understands a recording: the predictor, the ear before it, and a recogniser of words where there is one."""

    predictor: ContentPredictor
    hearing: Hearing
    words: Words | None = None


class KokoroConverter:
    """See `voicewright.engines.base.Converter` for what it promises.

    Args:
        network: what plays, with a tuned voice's adapters merged in.
        home_hz: the voice's usual pitch.
        guide: whether recognised words guide what is heard.
        live: for short clips that follow each other, with no time to lose.
    """

    context_s = CONTEXT_S
    longest_s = LONGEST_S

    def __init__(
        self,
        network: Kokoro,
        listener: Listener,
        style: Style,
        *,
        home_hz: float,
        seed: int = 0,
        guide: Guide = "words",
        live: bool = False,
    ) -> None:
        self._network, self._listener, self._style = network, listener, style
        self._home_hz, self._seed, self._live = home_hz, seed, live
        self._words = listener.words if guide == "words" else None
        self._transcriber = Transcriber(listener.predictor.habits)

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
            score, before = self._predicted(clip, pitch) if self._live else self._transcribed(clip, pitch)
            generator = torch.Generator().manual_seed(self._seed + seed)
            wave = self._network.play(score, self._style.timbre[None], generator)[0].numpy()
        margin = before * self._network.config.samples_per_frame
        samples = wave[margin : margin + count].astype(np.float64)
        return Clip(np.clip(samples * self._gain(samples, level), -1, 1), self.rate)

    def _predicted(self, clip: Clip, pitch: Pitch) -> tuple[Score, int]:
        """What the decoder plays for a clip, with that many frames before and after it."""
        frames = ceil(clip.seconds / FRAME_S) + 2 * MARGIN
        content, energy = self._listener.predictor(self._listener.hearing(clip)[None], frames, -MARGIN)
        return Score(content, _placed(pitch, frames, MARGIN, held=True), energy, torch.ones(1, frames)), MARGIN

    def _transcribed(self, clip: Clip, pitch: Pitch) -> tuple[Score, int]:
        """The same from the tokens of the clip, with silence around it."""
        before = round(EDGE_S / FRAME_S)
        frames = ceil(clip.seconds / FRAME_S) + 2 * before
        listener = self._listener
        guesses, energy = listener.predictor.guesses(listener.hearing(_with_edges(clip))[None], frames)
        likelihoods = guesses[0].numpy()
        if self._words:
            said = self._transcriber.guided(likelihoods, self._words(clip))
        else:
            said = self._transcriber.freely(likelihoods)
        tokens, lengths = torch.from_numpy(said.tokens)[None], torch.from_numpy(said.frames)
        content = self._network.text_encoder(tokens).repeat_interleave(lengths, dim=2)
        return Score(content, _placed(pitch, frames, before), energy, lengths[None]), before

    def _gain(self, samples: NDArray[np.float64], level: float) -> float:
        """What brings the result to the level of the clip, within bounds."""
        own = float(np.sqrt(np.mean(np.square(samples))))
        return min(level / max(own, SILENT), LOUDER * self._style.gain)


def _with_edges(clip: Clip) -> Clip:
    """The clip coming out of silence and going back into it."""
    samples, edge = clip.samples.copy(), round(EDGE_S * clip.rate)
    ramp = np.linspace(0, 1, min(round(FADE_S * clip.rate), len(samples)), dtype=np.float32)
    samples[: len(ramp)] *= ramp
    samples[len(samples) - len(ramp) :] *= ramp[::-1]
    return Clip(np.pad(samples, edge), clip.rate)


def _placed(pitch: Pitch, frames: int, before: int, *, held: bool = False) -> Tensor:
    """(1, p) the curve at the decoder's rate with `before` frames before and behind it: unvoiced, or `held` as it is at
    its ends. What is too low to be voiced is 0."""
    curve = pitch.resampled(PITCH_RATE).f0_hz[: 2 * (frames - before)]
    if not len(curve):
        return torch.zeros(1, 2 * frames)
    sides = (2 * before, 2 * (frames - before) - len(curve))
    placed = np.pad(np.where(curve < VOICED_ABOVE_HZ, np.float32(0), curve), sides, "edge" if held else "constant")
    return torch.from_numpy(placed)[None]


def usual_pitch(network: Kokoro, tokens: list[int], prosody: Tensor) -> float:
    """The median F0 with which a voice says something, in Hz; 0 where it never raises it. Prosody (s,)."""
    with torch.inference_mode():
        meaning, content = network.read(torch.tensor([[0, *tokens, 0]]))
        f0_hz = network.perform(meaning, content, prosody[None]).f0_hz[0]
    voiced = f0_hz[f0_hz > VOICED_HZ]
    return float(voiced.median()) if len(voiced) else 0.0

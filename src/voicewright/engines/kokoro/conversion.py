"""`KokoroConverter`: a voice of the default engine says or sings what somebody else did.

What is said is heard (`transcribing`), how high is given, how loud is predicted from what is heard; the decoder plays
the three with the voice's timbre. Every sound stays where it was.

n samples · t frames (40 per second) · p pitch frames (80 per second)
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor

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
from voicewright.engines.kokoro.transcribing import Said, Transcriber
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
AROUND = 4
"""Frames that are played before and behind a part."""
LEVEL_HALF_LIFE_S = 1.0
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
    ) -> None:
        self._network, self._listener, self._style = network, listener, style
        self._home_hz, self._seed = home_hz, seed
        self._words = listener.words if guide == "words" else None
        self._transcriber = Transcriber(listener.predictor.habits)

    @property
    def rate(self) -> int:
        return self._network.config.rate

    @property
    def home_hz(self) -> float:
        return self._home_hz

    def convert(self, clip: Clip, pitch: Pitch, *, seed: int = 0, part_s: tuple[float, float] | None = None) -> Clip:
        if clip.seconds > LONGEST_S:
            raise BadClip(f"the clip lasts {clip.seconds:.1f} s; at most {LONGEST_S:g} s are converted at once, cut it")
        count = round(clip.seconds * self.rate)
        level = _level(clip.samples)
        if count < self._network.config.samples_per_frame or level < SILENT:
            return Clip(np.zeros(count, np.float32), self.rate)
        with torch.inference_mode():
            generator = torch.Generator().manual_seed(self._seed + seed)
            samples = self._played(clip, pitch, generator, part_s or (0.0, clip.seconds), count)
        return Clip(np.clip(samples, -1, 1), self.rate)

    def _played(
        self, clip: Clip, pitch: Pitch, generator: torch.Generator, part_s: tuple[float, float], count: int
    ) -> NDArray[np.float32]:
        """(count,) the whole clip, with silence around it, at its level."""
        before = round(EDGE_S / FRAME_S)
        said, energy = self._heard(_with_edges(clip), clip, ceil(clip.seconds / FRAME_S) + 2 * before)
        score = self._score(said, energy, _placed(pitch, int(said.frames.sum()), before))
        wave = self._network.play(score, self._style.timbre[None], generator)[0].numpy()
        first = before * self._network.config.samples_per_frame
        samples: NDArray[np.float32] = wave[first : first + count]
        return samples * np.float32(self._gain(_level(samples), _level(clip.samples)))

    def _heard(self, heard: Clip, clip: Clip, frames: int) -> tuple[Said, Tensor]:
        """Tokens and energy (1, 2t) of `heard`, which has the recognisable words of `clip`."""
        listener = self._listener
        guesses, energy = listener.predictor(listener.hearing(heard)[None], frames)
        if self._words:
            return self._transcriber.guided(guesses[0].numpy(), self._words(clip)), energy
        return self._transcriber.freely(guesses[0].numpy()), energy

    def _score(self, said: Said, energy: Tensor, f0_hz: Tensor) -> Score:
        tokens, frames = torch.from_numpy(said.tokens)[None], torch.from_numpy(said.frames)
        content = self._network.text_encoder(tokens).repeat_interleave(frames, dim=2)
        return Score(content, f0_hz, energy, frames[None])

    def _gain(self, own: float, wanted: float) -> float:
        """What brings the result to the level of the clip, within bounds."""
        return min(wanted / max(own, SILENT), LOUDER * self._style.gain)


class LiveKokoroConverter(KokoroConverter):
    """The same for short clips that overlap and follow each other: it plays no more than is needed of each.

    Args:
        network: with a settled decoder.
    """

    def __init__(self, network: Kokoro, listener: Listener, style: Style, *, home_hz: float, seed: int = 0) -> None:
        super().__init__(network, listener, style, home_hz=home_hz, seed=seed, guide="sounds")
        self._powers = (0.0, 0.0)

    def _played(
        self, clip: Clip, pitch: Pitch, generator: torch.Generator, part_s: tuple[float, float], count: int
    ) -> NDArray[np.float32]:
        frames = ceil(clip.seconds / FRAME_S) + 2 * MARGIN
        listener = self._listener
        guesses, energy = listener.predictor(listener.hearing(clip)[None], frames, -MARGIN)
        said = self._transcriber.freely(guesses[0].numpy())
        whole = self._score(said, energy, _placed(pitch, frames, MARGIN, held=True))
        start = max(0, floor(part_s[0] / FRAME_S) + MARGIN - AROUND)
        end = min(frames, ceil(part_s[1] / FRAME_S) + MARGIN + AROUND)
        wave = self._network.play(whole.between(start, end), self._style.timbre[None], generator)[0].numpy()
        samples = np.zeros(count, np.float32)
        at = (start - MARGIN) * self._network.config.samples_per_frame
        inner = wave[max(0, -at) : count - at]
        samples[max(0, at) : max(0, at) + len(inner)] = inner
        return samples * np.float32(self._steady_gain(clip, samples, part_s))

    def _steady_gain(self, clip: Clip, samples: NDArray[np.float32], part_s: tuple[float, float]) -> float:
        """The level of the last seconds to the level of the last seconds: no block jumps out."""
        kept = 0.5 ** ((part_s[1] - part_s[0]) / LEVEL_HALF_LIFE_S)
        parts = clip.between(*part_s).samples, Clip(samples, self.rate).between(*part_s).samples
        new = (len(part) / rate * _level(part) ** 2 for part, rate in zip(parts, (clip.rate, self.rate), strict=True))
        heard, own = (kept * old + more for old, more in zip(self._powers, new, strict=True))
        self._powers = heard, own
        return self._gain(own**0.5, heard**0.5)


def _level(samples: NDArray[np.float32]) -> float:
    """Root mean square; 0 for nothing."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0


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

"""`LineReader`: from a recording and its text to what the default engine learns from.

n tokens with the zero at each end · t frames (40 per second) · p pitch frames (80 per second) · d width of features

An item holds, all in step with each other:

- `tokens` (n,) int64, ids of `voicewright.text.tokens`, the zero at each end;
- `durations` (n,) int64, frames of 25 ms of each token, at least one, t in all, as the engine counts them: its sound
  runs `AHEAD_S` ahead of its durations, the first mark holds the silence before the text, and the last phone lasts into
  the silence after it;
- `f0` (p,) float32, Hz, 0 where there is no voice, p = 2t;
- `energy` (p,) float32, on the scale of the network's own predictions;
- `wave` (600 t,) float16, samples at 24 kHz, at the level at which the network speaks in the start voice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from voicewright.audio.clip import Clip
from voicewright.audio.edit import gain, resample
from voicewright.audio.files import read_clip
from voicewright.audio.loudness import loudness_lufs
from voicewright.audio.mel import MelSpec, mel
from voicewright.audio.pitch import PitchTracker
from voicewright.engines.kokoro.network import Kokoro
from voicewright.engines.kokoro.style import Style, StylePrior
from voicewright.engines.kokoro.warping import distances, laid_along, whole_boundaries
from voicewright.engines.recipe import Example
from voicewright.errors import BadClip, BadText
from voicewright.nn.phones import PhoneNetwork
from voicewright.text.normalize import normalize
from voicewright.text.phonemes import Phonemizer
from voicewright.text.tokens import VOCABULARY, encode

AHEAD_S = 0.055
"""By how much the network's sound runs ahead of its durations. Recordings played back from their own durations, F0 and
energy are nearest to themselves so: content one frame earlier or later costs 0.25 more of a log-mel distance of 1.7."""
CALIBRATION = (
    "The old man walked slowly down the road.",
    "Which of these two offers would you choose?",
    "He kept his voice calm, but his hands shook.",
)
"""What the start voice says to tell its level and its energy: every kind of sound, in usual lengths."""
MARKS = frozenset(VOCABULARY[symbol] for symbol in ';:,.!?—…"()“” ') | {0}
"""Tokens without a sound of their own."""
ENERGY = MelSpec(rate=24_000, n_fft=2048, win_samples=1200, hop_samples=300, bins=80, scale="htk", equal_area=False)
"""The mel spectrogram whose size StyleTTS 2 calls energy (Li et al. 2023, `meldataset.py`)."""
ENERGY_FLOOR = 1e-5
VOICE_ENERGY = 3.0
"""Energy above which there is surely speech: silence has -9, vowels 7 to 9."""
SOUND_DB = -35.0
"""Against the loudest moment: what is above belongs to the text."""
FADE_S = 0.02
"""Over which a recording comes out of added silence, so that no step is heard."""
UNLIKE = 1.03
"""Mean distance along the way above which recording and text do not belong together: of 40 real recordings, the
right text had 0.64 in the median and 0.91 at most, another recording's 1.14 at least."""
OCTAVE_FRAMES = 21
"""Voiced pitch frames, a quarter of a second, that say in which octave the voice is."""
SHORTEST_S = 0.3
METHOD = "kokoro lines 1"
"""Changed whenever items of an earlier version should not be used any more."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class _Said:
    """A text as the start voice says it: `frames` of each token (n,), `energy` (p,) as predicted, `wave` (600 t,)."""

    frames: NDArray[np.int64]
    energy: Floats
    wave: Floats


class LineReader:
    """Makes items. The start voice says each text, and the recording is laid along what it said: no other aligner is
    needed, whatever the language.

    Args:
        network: as it was published; never the one that learns.
        style: of the voice to start from.
        phones: what hears which frames of two speakers are alike.
        tracker: of the recordings' pitch.
        unlike: a recording further than this from what the start voice says is refused; infinite: none is.
    """

    def __init__(
        self,
        network: Kokoro,
        prior: StylePrior,
        style: Style,
        *,
        phones: PhoneNetwork,
        tracker: PitchTracker,
        unlike: float = UNLIKE,
    ) -> None:
        self._network, self._prior, self._style = network, prior, style
        self._phones, self._tracker, self._unlike = phones, tracker, unlike
        self._phonemizers: dict[str, Phonemizer] = {}

    @property
    def preparation(self) -> str:
        """What an item depends on beside its example and the network's weights."""
        from hashlib import sha256

        digest = sha256()
        for tensor in self._style.to_tensors().values():
            digest.update(tensor.tobytes())
        return f"{METHOD}, start voice {digest.hexdigest()[:16]}"

    @torch.inference_mode()
    def read(self, example: Example) -> dict[str, Tensor]:
        """An item; see the top of this file.

        Raises:
            BadText: nothing to say, symbols that have no sound, or more than the network takes at once.
            BadClip: silence, a recording that does not say the text, or says it too fast.
        """
        tokens = self._tokens(example)
        clip = self._levelled(read_clip(example.audio, rate=self._rate), example.id)
        said = self._say(tokens)
        durations, start_s = self._laid(tokens, said, clip, example.id)
        wave = _cut(clip, start_s, int(durations.sum()) * self._network.config.samples_per_frame)
        made = {
            "tokens": torch.tensor([0, *tokens, 0]),
            "durations": torch.from_numpy(durations),
            "f0": torch.from_numpy(f0_of(wave, self._tracker)),
            "energy": torch.from_numpy(energy_of(wave, self._level.amplitude)),
            "wave": torch.from_numpy(wave.astype(np.float16)),
        }
        return {name: tensor.clone() for name, tensor in made.items()}

    @property
    def _rate(self) -> int:
        return self._network.config.rate

    @property
    def _frame_s(self) -> float:
        return self._network.config.samples_per_frame / self._rate

    def _tokens(self, example: Example) -> list[int]:
        if example.language not in self._phonemizers:
            self._phonemizers[example.language] = Phonemizer(example.language)
        phonemes = self._phonemizers[example.language](normalize(example.text, example.language))
        tokens = encode(phonemes)
        if not set(tokens) - MARKS:
            raise BadText(f"{example.id}: nothing in {example.text!r} can be said in {example.language}")
        return tokens

    def _levelled(self, clip: Clip, where: str) -> Clip:
        """At the level of the start voice. Raises BadClip: there is no sound, or too little."""
        loudness = loudness_lufs(clip)
        if clip.seconds < SHORTEST_S or not np.isfinite(loudness):
            raise BadClip(f"{where}: {clip.seconds:.2f} s without enough sound to learn from; leave it out")
        return gain(clip, self._level.lufs - loudness)

    def _say(self, tokens: Sequence[int]) -> _Said:
        timbre_shift, prosody_shift = self._prior.shift(len(tokens))
        style = self._style
        meaning, content = self._network.read(torch.tensor([[0, *tokens, 0]]))
        score = self._network.perform(meaning, content, (style.prosody + prosody_shift)[None], stretch=style.stretch)
        wave = self._network.play(score, (style.timbre + timbre_shift)[None], torch.Generator().manual_seed(0))
        return _Said(score.durations[0].numpy(), score.energy[0].numpy(), wave[0].float().numpy())

    def _laid(self, tokens: Sequence[int], said: _Said, clip: Clip, where: str) -> tuple[NDArray[np.int64], float]:
        """Frames of each token in the recording, and the second of the recording at which they begin (below 0:
        silence is missing before it)."""
        frame_s, frames = self._frame_s, said.frames
        places, apart = laid_along(distances(self._hidden(Clip(said.wave, self._rate)), self._hidden(clip)))
        if apart > self._unlike:
            raise BadClip(f"{where}: the recording does not sound like its text ({apart:.2f} apart); correct the text")
        last = 1 + max(index for index, token in enumerate(tokens) if token not in MARKS)
        edges_s = np.cumsum(frames)[:last] * frame_s - AHEAD_S
        sound_end_s = _sound_end_s(said.wave, self._rate)
        step_s = self._phones.config.frame_s
        heard_s = np.interp(np.append(edges_s, sound_end_s), np.arange(len(places)) * step_s, places * step_s)
        after_s = frames[: last + 1].sum() * frame_s - AHEAD_S - sound_end_s
        heard_s[-1] += after_s
        wanted = (heard_s - heard_s[0]) / frame_s + frames[0]
        if wanted[-1] - wanted[0] < len(wanted) - 1:
            raise BadClip(f"{where}: {len(wanted) - 1} phonemes do not fit into {clip.seconds:.2f} s; correct the text")
        body = np.diff(whole_boundaries(wanted))
        durations = np.concatenate([frames[:1], body, frames[last + 1 :]])
        return durations, float(heard_s[0] + AHEAD_S - frames[0] * frame_s)

    def _hidden(self, clip: Clip) -> Floats:
        wave = torch.from_numpy(np.array(resample(clip, self._phones.config.rate).samples))[None]
        hidden: Floats = self._phones.hidden(self._phones.features(wave))[0].numpy()
        return hidden

    @cached_property
    def _level(self) -> "_Level":
        """How the network sounds in the start voice, against what it predicted."""
        loudness, offsets = [], []
        for sentence in CALIBRATION:
            said = self._say(encode(Phonemizer("en-us")(sentence)))
            loudness.append(loudness_lufs(Clip(said.wave, self._rate)))
            voiced = said.energy > min(VOICE_ENERGY, float(np.median(said.energy)))
            offsets.append((said.energy - energy_of(said.wave))[voiced].mean())
        return _Level(float(np.mean(loudness)), float(np.exp(np.mean(offsets) / 2)))


@dataclass(frozen=True, slots=True)
class _Level:
    """Of the start voice: its loudness, and by how much (an amplitude) its sound is below its predicted energy."""

    lufs: float
    amplitude: float


def energy_of(samples: Floats, amplitude: float = 1.0) -> Floats:
    """(600 t,) samples at 24 kHz → (2t,) energy: the logarithm of the mel spectrum's size, as StyleTTS 2 has it.

    On speech of the engine it agrees with the predicted energy to a constant (correlation 0.99): the network speaks
    a little more quietly than it plans to, by an `amplitude` that depends on the voice.
    """
    bins = mel(Clip(samples * np.float32(amplitude), ENERGY.rate), ENERGY)[: len(samples) // ENERGY.hop_samples]
    energy: Floats = np.log(np.linalg.norm(bins + ENERGY_FLOOR, axis=1)).astype(np.float32)
    return energy


def f0_of(samples: Floats, tracker: PitchTracker) -> Floats:
    """(600 t,) samples at 24 kHz → (2t,) Hz, 0 where there is no voice."""
    frames = len(samples) // ENERGY.hop_samples
    f0_hz = without_octave_leaps(tracker.track(Clip(samples, ENERGY.rate)).resampled(ENERGY.frames_per_second).f0_hz)
    return np.pad(f0_hz, (0, max(0, frames - len(f0_hz))))[:frames]


def without_octave_leaps(f0_hz: Floats) -> Floats:
    """(p,) Hz with frames that lie an octave from the voice around them (a quarter of a second) brought back."""
    voiced = np.flatnonzero(f0_hz > 0)
    if len(voiced) < 3:
        return f0_hz
    octaves = np.log2(f0_hz[voiced])
    beyond = np.pad(octaves, OCTAVE_FRAMES // 2, mode="symmetric")
    around = np.lib.stride_tricks.sliding_window_view(beyond, OCTAVE_FRAMES)
    leap = np.round(octaves - np.median(around, axis=1))
    mended = f0_hz.copy()
    mended[voiced] = 2 ** (octaves - leap)
    return mended


def _sound_end_s(samples: Floats, rate: int) -> float:
    """When the last moment ends that is loud enough to belong to the text."""
    hop = ENERGY.hop_samples
    power = np.square(samples[: len(samples) // hop * hop]).reshape(-1, hop).mean(1)
    loud = np.flatnonzero(power >= power.max() * 10 ** (SOUND_DB / 10))
    return float(loud[-1] + 1) * hop / rate


def _cut(clip: Clip, start_s: float, count: int) -> Floats:
    """`count` samples from `start_s` on, with silence where the clip has nothing."""
    fade = min(round(FADE_S * clip.rate), len(clip) // 2)
    samples = clip.samples.copy()
    ramp = np.linspace(0, 1, fade, dtype=np.float32)
    samples[:fade] *= ramp
    samples[len(samples) - fade :] *= ramp[::-1]
    start = round(start_s * clip.rate)
    result = np.zeros(count, np.float32)
    first = max(0, -start)
    last = max(first, min(count, len(samples) - start))
    result[first:last] = samples[start + first : start + last]
    return result

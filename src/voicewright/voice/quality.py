"""What can be heard in a recording besides the words: level, noise, clipping, room, music, bandwidth.

f frames · k frequency bins · b bands
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.audio.loudness import clipping

Power = NDArray[np.float32]

RATE = 16_000
WINDOW, HOP, BINS = 320, 160, 512
LOWEST_HZ, HIGHEST_HZ = 60, 7_600
FRAMES_PER_S = RATE / HOP
BANDS = 20
NOISE_QUANTILE = 0.10
# The quietest tenth of all frames is the quietest fifth of the frames without speech: in any one band
# about half of the frames hold no speech. -0.8416 is the normal quantile of 0.2.
NOISE_SPEECHLESS_Z = -0.8416
# Independent values in a band per bin: neighbours overlap by the Hann window and by zero padding.
FREEDOM_PER_BIN = 0.45
DIGITAL_SILENCE = 1e-10
ACTIVE_RANGE_DB = 25.0
LOUDEST_SNR_DB = 60.0

# Spread (standard deviation, dB/s) of the decay rates of the octaves from 250 Hz to 4 kHz, and the reverberation time
# that gave it when speech of six speakers was put into synthetic rooms with as much room as direct sound.
DECAY_SPREAD = (35.5, 39.0, 42.5, 51.0, 61.0, 84.0, 105.0)
DECAY_T60_S = (1.2, 0.8, 0.6, 0.4, 0.3, 0.2, 0.0)
DECAY_FRAMES = 7
FEWEST_DECAYS = 60

TONE_WINDOW, TONE_HOP = 1024, 256
EDGE_RANGE_DB = 62.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What surrounds the speech in a stretch of a recording."""

    noise: float
    """Mean power of the steady background (full scale = 1)."""
    reverb_s: float
    """Reverberation time of a room with equal direct and reverberant sound that would sound as reverberant; 0 dry."""
    tones: float
    """Held tones per frame in the quietest quarter of the stretch."""
    liveliness_db: float
    """Standard deviation of the level; speech rises and falls by 7 dB or more, most music by less than 5 dB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What was measured about one segment of speech."""

    level_db: float
    """RMS of the speech, full scale = 0 dB."""
    snr_db: float
    clipped: float
    """Share of samples in flat tops, 0 to 1."""
    bandwidth_hz: float
    reverb_s: float
    tones: float


def scene_of(clip: Clip) -> Scene:
    """The surroundings of the speech in `clip` (any rate; 5 s or more for a fair view of the room).

    Noise: minimum statistics. In each of 20 mel bands, the quietest tenth of the frames, corrected for the bias of that
    choice (after Martin, "Noise power spectral density estimation based on optimal smoothing and minimum statistics",
    2001; simplified to one floor for the stretch). Speech is sparse in time and frequency, so pauses are not needed.
    Room: the spread of decay rates, which shrinks as a room adds its own slow decay to every sound (after Wen, Habets,
    Naylor, "Blind estimation of reverberation time based on the distribution of signal decay rates", 2008).
    Tones: spectral peaks that stay in place for 0.13 s in the quietest quarter of the frames.
    """
    samples = resample(clip, RATE).samples
    if len(samples) < 2 * TONE_WINDOW:
        samples = np.pad(samples, (0, 2 * TONE_WINDOW - len(samples)))
    power = _spectrogram(samples, WINDOW, HOP, BINS)
    total = power.sum(1)
    sounding = power[total > DIGITAL_SILENCE]
    if len(sounding) < DECAY_FRAMES:
        return Scene(noise=0.0, reverb_s=0.0, tones=0.0, liveliness_db=0.0)
    return Scene(
        noise=_noise_power(sounding),
        reverb_s=_reverb_s(power),
        tones=_held_tones(samples),
        liveliness_db=float(_db(sounding.sum(1)).std()),
    )


def quality_of(clip: Clip, scene: Scene) -> Quality:
    """The measures of one segment of speech that was heard in `scene`."""
    power = speech_power(clip)
    speech = max(power - scene.noise, 1e-12)
    return Quality(
        level_db=float(_db(power)),
        snr_db=min(LOUDEST_SNR_DB, float(_db(speech / max(scene.noise, 1e-12)))),
        clipped=clipping(clip).share,
        bandwidth_hz=bandwidth_hz(clip),
        reverb_s=scene.reverb_s,
        tones=scene.tones,
    )


def speech_power(clip: Clip) -> float:
    """Mean power of the frames within 25 dB of the loud ones (an active level, in the spirit of ITU-T P.56).

    Like the noise, from 60 Hz to 7.6 kHz: offset and rumble count on neither side.
    """
    samples = resample(clip, RATE).samples
    if len(samples) < WINDOW:
        return 0.0
    frames = _spectrogram(samples, WINDOW, HOP, BINS)[:, _between(LOWEST_HZ, HIGHEST_HZ)].sum(1)
    return float(frames[frames >= np.percentile(frames, 95) * 10 ** (-ACTIVE_RANGE_DB / 10)].mean())


def bandwidth_hz(clip: Clip) -> float:
    """Highest frequency with speech: the top of the highest 250 Hz band whose loud moments come within 62 dB of the
    loudest band's. Speech reaches 8 kHz and more at -50 dB; a filter's stop band lies below -80 dB.
    """
    window = 2 ** round(np.log2(clip.rate * 0.03))
    if len(clip) < 2 * window:
        return clip.rate / 2
    power = _spectrogram(clip.samples, window, window // 2, window)
    bins = max(1, round(250 / (clip.rate / window)))
    count = power.shape[1] // bins
    bands = power[:, : count * bins].reshape(len(power), count, bins).mean(2)
    loud = _db(np.percentile(bands, 95, axis=0))
    top = int(np.flatnonzero(loud > loud.max() - EDGE_RANGE_DB).max()) + 1
    return float(min(clip.rate / 2, top * bins * clip.rate / window))


def _spectrogram(samples: NDArray[np.float32], window: int, hop: int, n_fft: int) -> Power:
    """(t,) -> (f, k) powers whose sum over k is a frame's mean power."""
    taper = np.hanning(window + 1)[:-1].astype(np.float32)
    samples = samples - samples.mean()  # an offset leaks into the lowest bands
    frames = np.lib.stride_tricks.sliding_window_view(samples, window)[::hop] * taper
    power: Power = np.square(np.abs(np.fft.rfft(frames, n_fft, axis=1))).astype(np.float32)
    return power * np.float32(2 / (n_fft * np.square(taper).sum()))


def _db(power: NDArray[np.floating] | float) -> NDArray[np.floating]:
    return 10 * np.log10(np.maximum(power, 1e-14))


def _noise_power(power: Power) -> float:
    """(f, k) -> mean power of the steady background."""
    edges = 700 * (10 ** (np.linspace(_mel(LOWEST_HZ), _mel(HIGHEST_HZ), BANDS + 1) / 2595) - 1)
    noise = 0.0
    for low, high in pairwise(edges):
        members = _between(low, high)
        if members.any():
            freedom = max(1.0, FREEDOM_PER_BIN * members.sum())
            noise += float(np.quantile(power[:, members].sum(1), NOISE_QUANTILE)) / _gamma_quantile(freedom)
    return noise


def _between(low_hz: float, high_hz: float) -> NDArray[np.bool_]:
    """(k,) the frequency bins from `low_hz` up to `high_hz`."""
    hz = np.arange(BINS // 2 + 1) * RATE / BINS
    return (hz >= low_hz) & (hz < high_hz)


def _mel(hz: float) -> float:
    return float(2595 * np.log10(1 + hz / 700))


def _gamma_quantile(freedom: float) -> float:
    """What the quietest fifth of noise lies under, its mean being 1 (Wilson and Hilferty's approximation, 1931)."""
    step = 1 / (9 * freedom)
    return float((1 - step + NOISE_SPEECHLESS_Z * np.sqrt(step)) ** 3)


def _reverb_s(power: Power) -> float:
    """(f, k) -> the reverberation time that explains the spread of decay rates."""
    octaves = [_between(low, 2 * low) for low in (250, 500, 1000, 2000)]
    rates = np.concatenate([_decay_rates(power[:, octave].sum(1)) for octave in octaves])
    if len(rates) < FEWEST_DECAYS:
        return 0.0
    return float(np.interp(rates.std(), DECAY_SPREAD, DECAY_T60_S))


def _decay_rates(envelope: NDArray[np.float32]) -> NDArray[np.floating]:
    """(f,) power of one octave -> dB/s of every steady fall of 70 ms between the speech's level and the floor."""
    level = _db(np.convolve(envelope, [0.25, 0.5, 0.25], "same"))
    if len(level) < DECAY_FRAMES:
        return np.zeros(0)
    floor, top = np.percentile(level, 5) + 6, np.percentile(level, 95) - ACTIVE_RANGE_DB
    time_s = (np.arange(DECAY_FRAMES) - DECAY_FRAMES // 2) / FRAMES_PER_S
    stretches = np.lib.stride_tricks.sliding_window_view(level, DECAY_FRAMES)
    slopes = stretches @ time_s / (time_s @ time_s)
    residual = stretches - stretches.mean(1, keepdims=True) - slopes[:, None] * time_s
    steady = (np.sqrt(np.square(residual).mean(1)) < 1.5) & (np.diff(stretches, axis=1).max(1) < 0.5)
    audible = (stretches[:, 0] > top) & (stretches[:, -1] > floor)
    rates: NDArray[np.floating] = -slopes[steady & audible & (slopes < -20)]
    return rates


def _held_tones(samples: NDArray[np.float32]) -> float:
    """(t,) -> peaks per frame, 150 Hz to 3.3 kHz, that stay within a bin for 9 frames, in the quiet quarter."""
    power = _spectrogram(samples, TONE_WINDOW, TONE_HOP, TONE_WINDOW)
    hz = np.arange(power.shape[1]) * RATE / TONE_WINDOW
    level = _db(power[:, (hz > 150) & (hz < 3_300)])
    sums = np.cumsum(np.pad(level, ((0, 0), (11, 10)), mode="edge"), axis=1)
    peaks = level - (sums[:, 21:] - sums[:, :-21]) / 21 > 9.0
    held = peaks.copy()
    for frames in (-4, -2, 2, 4):
        moved = np.roll(peaks, frames, axis=0)
        held &= moved | np.roll(moved, 1, axis=1) | np.roll(moved, -1, axis=1)
    loudness = power.sum(1)
    sounding = loudness > DIGITAL_SILENCE
    quiet = sounding & (loudness <= np.quantile(loudness[sounding], 0.25)) if sounding.any() else sounding
    return float(held[quiet].sum(1).mean()) if quiet.any() else 0.0

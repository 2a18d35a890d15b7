"""What a take's samples say by themselves: where the sound is, how it ends, whether it is whole. numpy only."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Clip
from voicewright.audio.loudness import clipping

FRAME_S = 0.01
"""Step of the level curve; its window is twice as long."""
SILENT_DBFS = -60.0
"""A clip that never gets louder than this holds no speech (a whisper close to the microphone is about -45)."""
BELOW_SPEECH_DB = 42.0
"""A frame so far under the loud ones is not speech: weak consonants lie 20 to 35 dB under the vowels."""
NOISY_DB = 25.0
"""In a noisy clip, frames within this of the loud ones are speech whatever the noise."""
ABOVE_FLOOR_DB = 10.0
"""In a noisy clip, frames this far above its quietest ones are speech."""
DECAY_S = 0.12
"""A last sound may ring this long before what is left counts as noise."""
WORD_END_S = 0.4
"""So far off may a recogniser's end of the last word be: Whisper's was up to 0.4 s early on read sentences."""
TAIL_S = 0.1
"""A shorter rest says nothing."""
RATE_STEP = 1.6
"""A piece this many times faster or slower than the others is heard as a glitch; natural speech stays within 1.4."""
SLOWEST, FASTEST = 1.0, 11.0
"""Syllables a second beyond which nobody speaks: read speech has 3 to 8 (Pellegrino et al. 2011)."""
RATE_SYLLABLES = 5
"""Rates of shorter pieces say nothing: one drawn-out vowel decides them."""
TAIL_NOISE_DB = -28.0
"""What follows the last word must lie this far under the speech."""
CLIPPED = 5e-4
SILENCE_SHARE, LONG_S = 0.6, 1.5
VOWELS = frozenset("aeiouyæœøαεηιουωаеёиоуыэюяіїєअआइईउऊएऐओऔ")


@dataclass(frozen=True, slots=True)
class SoundFacts:
    """Measured on one clip.

    `start_s` and `end_s` bound the sound (both 0 when there is none), `level_db` is the level of its loud tenth (dBFS),
    `silence_share` the part of the clip before and after the sound, `clipped` the part of its samples in flat tops,
    `tail_noise_db` the level after the last word relative to `level_db` (None when nothing follows it).
    """

    start_s: float
    end_s: float
    level_db: float
    silence_share: float
    clipped: float
    tail_noise_db: float | None

    @property
    def silent(self) -> bool:
        return self.level_db < SILENT_DBFS

    @property
    def sound_s(self) -> float:
        return self.end_s - self.start_s


def sound_facts(clip: Clip, *, last_word_s: float | None = None) -> SoundFacts:
    """The facts of `clip`; `last_word_s` is where a recogniser heard the last word end, when that is known."""
    levels = level_curve(clip)
    level_db = float(np.percentile(levels, 90)) if len(levels) else -np.inf
    clipped = clipping(clip).share
    if level_db < SILENT_DBFS:
        return SoundFacts(0.0, 0.0, max(level_db, -200.0), 1.0, clipped, None)
    floor_db = float(np.percentile(levels, 5)) + ABOVE_FLOOR_DB
    threshold_db = min(max(floor_db, level_db - BELOW_SPEECH_DB), level_db - NOISY_DB)
    start, end = _span(levels, threshold_db, len(clip), clip.rate)
    tail_from_s = end / clip.rate + DECAY_S
    if last_word_s is not None:
        tail_from_s = min(tail_from_s, last_word_s + WORD_END_S)
    tail = levels[round(tail_from_s / FRAME_S) :]
    return SoundFacts(
        start_s=start / clip.rate,
        end_s=end / clip.rate,
        level_db=level_db,
        silence_share=1.0 - (end - start) / len(clip),
        clipped=clipped,
        tail_noise_db=max(float(np.percentile(tail, 75)) - level_db, -200.0) if len(tail) * FRAME_S >= TAIL_S else None,
    )


def sound_span(clip: Clip) -> tuple[int, int]:
    """First and one past the last sample of the sound in `clip`; (0, 0) when it is silent.

    Made for trimming: nothing louder than `BELOW_SPEECH_DB` under the speech is left out, be it speech or noise.
    """
    levels = level_curve(clip)
    level_db = float(np.percentile(levels, 90)) if len(levels) else -np.inf
    return (0, 0) if level_db < SILENT_DBFS else _span(levels, level_db - BELOW_SPEECH_DB, len(clip), clip.rate)


def level_curve(clip: Clip) -> NDArray[np.float64]:
    """(t,) samples -> (f,) RMS levels in dBFS, one every `FRAME_S`, each over two frames."""
    step = round(FRAME_S * clip.rate)
    frames = -(-len(clip) // step)
    if frames == 0:
        return np.zeros(0)
    power = np.zeros(frames * step)
    power[: len(clip)] = np.square(clip.samples, dtype=np.float64)
    means = power.reshape(frames, step).mean(axis=1)
    means = (means + np.append(means[1:], 0.0)) / 2.0
    return np.asarray(10.0 * np.log10(means + 1e-20))


def _span(levels: NDArray[np.float64], threshold_db: float, samples: int, rate: int) -> tuple[int, int]:
    loud = np.flatnonzero(levels > threshold_db)
    step = round(FRAME_S * rate)
    return int(loud[0]) * step, min((int(loud[-1]) + 2) * step, samples)


def duration_problems(facts: SoundFacts, count: int) -> tuple[str, ...]:
    """Whether the sound lasts as long as `count` syllables can: what does not is no take of that text at all."""
    rate = count / facts.sound_s
    if rate < SLOWEST and facts.sound_s > LONG_S:
        return (f"it lasts {facts.sound_s:.1f} s, too long for {count} syllables",)
    if rate > FASTEST and count >= RATE_SYLLABLES:
        return (f"it lasts {facts.sound_s:.1f} s, too short for {count} syllables",)
    return ()


def sound_problems(facts: SoundFacts, clip: Clip, count: int, usual_rate: float | None) -> tuple[str, ...]:
    """What is wrong with the sound of a take of `count` syllables, in words."""
    found = []
    if facts.clipped > CLIPPED:
        found.append(f"{facts.clipped:.1%} of it is clipped")
    if facts.tail_noise_db is not None and facts.tail_noise_db > TAIL_NOISE_DB:
        found.append(f"noise after the last word, {-facts.tail_noise_db:.0f} dB under the speech")
    if facts.silence_share > SILENCE_SHARE and clip.seconds - facts.sound_s > LONG_S:
        found.append(f"{facts.silence_share:.0%} of it is silence")
    rate = count / facts.sound_s
    if usual_rate and count >= RATE_SYLLABLES and not 1 / RATE_STEP < rate / usual_rate < RATE_STEP:
        pace = "faster" if rate > usual_rate else "slower"
        found.append(f"{pace} than the rest ({rate:.1f} against {usual_rate:.1f} syllables/s)")
    return tuple(found)

"""`Target`: how a speaker is heard in their recordings, as the fit wants it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from voicewright.audio.clip import Clip
from voicewright.audio.loudness import rms_db
from voicewright.audio.pitch import PitchTracker
from voicewright.measure.similarity import heard
from voicewright.measure.speed import pace
from voicewright.nn.campplus import CAMPlus
from voicewright.nn.ge2e import GE2E

QUIETEST_DB, LOUDEST_DB = -27.0, -17.0
"""The level of speech that a voice may have: the recordings' own within these bounds (dB of full scale, RMS)."""
TYPICAL_LEVEL_DB = -22.0
"""Where recorded speech usually lies; speakers that the engine makes up are brought there."""
LEAST_VOICED = 30
"""Voiced frames below which a pitch is not believed."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Target:
    """`ge2e` (256,) and `campplus` (192,) unit vectors; `log_f0` and `log_f0_spread` of the voiced frames (natural
    logarithm of Hz, mean and standard deviation, None when no pitch was found); `level_db` of the speech (RMS);
    `articulation` in syllables per second (0 when unknown)."""

    ge2e: Tensor
    campplus: Tensor
    log_f0: float | None
    log_f0_spread: float | None
    level_db: float
    articulation: float

    @classmethod
    def hear(cls, clips: Sequence[Clip], *, ge2e: GE2E, campplus: CAMPlus, tracker: PitchTracker) -> "Target":
        """Listen to a speaker's recordings. Raises BadClip: one holds too little sound."""
        sounds = [heard(clip) for clip in clips]
        with torch.inference_mode():
            waves = [torch.from_numpy(np.array(sound.samples))[None] for sound in sounds]
            embeddings = [
                normalize(torch.cat([net.embed_waveform(wave) for wave in waves]).mean(0), dim=0)
                for net in (ge2e, campplus)
            ]
        f0 = np.concatenate([pitch.f0_hz[pitch.f0_hz > 0] for pitch in map(tracker.track, sounds)])
        log_f0 = np.log(f0) if len(f0) >= LEAST_VOICED else None
        lengths = [sound.seconds for sound in sounds]
        return cls(
            ge2e=embeddings[0].clone(),
            campplus=embeddings[1].clone(),
            log_f0=None if log_f0 is None else float(np.median(log_f0)),
            log_f0_spread=None if log_f0 is None else robust_spread(log_f0),
            level_db=float(np.clip(np.average([rms_db(s) for s in sounds], weights=lengths), QUIETEST_DB, LOUDEST_DB)),
            articulation=float(np.average([pace(clip).articulation for clip in clips], weights=lengths)),
        )


def robust_spread(values: "np.ndarray[tuple[int], np.dtype[np.floating]]") -> float:
    """Standard deviation from the middle 80 %: octave errors of a tracker do not count."""
    low, high = np.quantile(values, (0.1, 0.9))
    return float(high - low) / 2.563  # of a normal distribution, the 10 % and 90 % points lie 2.563 deviations apart

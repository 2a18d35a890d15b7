"""The NSF-HiFiGAN enhancer: what a network sang, sung once more by a vocoder that was trained on far more sound.

As so-vits-svc 4.1 has it (after DDSP-SVC): a voice that is higher than any the vocoder learned from is played to it
slower, and what it makes is played faster again.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.engines.sovits.noise import Noise
from voicewright.engines.sovits.vocoder import Vocoder

STEP_HZ = 100
"""Rates are rounded to this, as in the original."""


def enhanced(
    sung: Clip, f0_hz: NDArray[np.float32], hop_s: float, vocoder: Vocoder, noise: Noise, *, semitones: float = 0.0
) -> NDArray[np.float32]:
    """The samples of `sung`, made anew; as many, at its rate.

    Args:
        sung: of any rate.
        f0_hz: (t,) the pitch that it follows, one frame every `hop_s` seconds, filled in where there is none.
        semitones: by how much lower the vocoder gets to hear it.
    """
    config = vocoder.config
    rate = STEP_HZ * round(config.rate * 2 ** (semitones / 12) / STEP_HZ)
    if not semitones:
        rate = config.rate
    slower = config.rate / rate
    heard = resample(sung, rate).samples
    hop = config.hop_samples
    frames = -(-len(heard) // hop)
    heard = np.pad(heard, (0, frames * hop - len(heard)))
    pitch = np.interp(np.arange(frames) * hop / rate, np.arange(len(f0_hz)) * hop_s, f0_hz) * slower
    mel = vocoder.mel(Clip(heard, config.rate))
    curve = torch.from_numpy(pitch.astype(np.float32))[None].to(vocoder.device)
    made = vocoder.clip(mel, curve, noise).samples
    samples: NDArray[np.float32] = resample(Clip(made, rate), sung.rate).samples[: len(sung)]
    return samples

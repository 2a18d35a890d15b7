"""The NSF-HiFiGAN vocoder of shallow diffusion, and the mel spectrograms it sings from."""

import re
from collections.abc import Iterator

import torch

from voicewright.audio.mel import MelSpec
from voicewright.engines.sovits.noise import ReplayedNoise
from voicewright.engines.sovits.nvstft import VocoderMel
from voicewright.engines.sovits.vocoder import Generator, VocoderConfig
from voicewright.nn.frozen import fill_frozen
from voicewright.parity.case import Case, Compared

WAVES, SINES = 2e-5, 1e-4
QUIET_BINS = 2e-4
"""Logarithms of quiet bins beside loud ones: the original's own single-precision transforms are up to 1e-4 off."""


@torch.no_grad()
def vocoder(case: Case) -> Iterator[Compared]:
    """`Generator`: the whole, and its source."""
    network = fill_frozen(
        Generator(VocoderConfig.from_upstream(case.constructor), original_start=True), case.weights, case.name
    )
    for call in case.calls:
        given, noise = case.inputs(call), ReplayedNoise(case.noise(call))
        if "mel" in given:
            yield from case.compare(call, {"y": network.sound(given["mel"], given["f0"], noise)}, atol=WAVES)
        else:
            source = network.m_source
            sine = source.sines(given["f0"], noise)
            voiced = (given["f0"] > 0).float().repeat_interleave(source.hop, 1)[..., None]
            yield from case.compare(call, {"sine": sine, "uv": voiced, "merged": source.merged(sine)}, atol=SINES)


def spectra(case: Case) -> Iterator[Compared]:
    """`VocoderMel`; the shift and the speed of a call are told in words."""
    told = case.constructor
    mel = VocoderMel(
        MelSpec(
            rate=told["sr"],
            n_fft=told["n_fft"],
            win_samples=told["win_size"],
            hop_samples=told["hop_length"],
            bins=told["n_mels"],
            low_hz=told["fmin"],
            high_hz=told["fmax"],
            floor=told.get("clip_val", 1e-5),
        )
    )
    for call in case.calls:
        words = str(case.about(call).get("what", ""))
        made = mel(
            case.inputs(call)["y"], semitones=_number("keyshift", words, 0.0), speed=_number("speed", words, 1.0)
        )
        yield from case.compare(call, {"mel": made}, atol=QUIET_BINS)


def _number(name: str, words: str, default: float) -> float:
    found = re.search(rf"{name}\s*=\s*(-?\d+(?:\.\d+)?)", words)
    return float(found[1]) if found else default

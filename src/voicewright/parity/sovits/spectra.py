"""The spectrograms of the training against the original's."""

from collections.abc import Iterator

from voicewright.audio.mel import MelSpec
from voicewright.engines.sovits.spectra import Spectra
from voicewright.parity.case import Case, Compared

FFT = 3e-5
"""Transforms of other machines round otherwise; logarithms of quiet bins show it."""


def mel(case: Case) -> Iterator[Compared]:
    """`mel_fork`: linear spectrogram, mel bins of one, and both at once."""
    given = case.constructor
    spectra = Spectra(
        MelSpec(
            rate=given["sampling_rate"],
            n_fft=given["filter_length"],
            hop_samples=given["hop_length"],
            win_samples=given["win_length"],
            bins=given["n_mel_channels"],
            low_hz=given["mel_fmin"],
            high_hz=given["mel_fmax"],
        )
    )
    for call in case.calls:
        inputs = case.inputs(call)
        if "spec" in inputs:
            made = {"mel": spectra.to_mel(inputs["spec"]), "basis": spectra.basis}
        else:
            made = {"spec": spectra.linear(inputs["y"]), "mel": spectra.mel(inputs["y"])}
        yield from case.compare(call, made, rtol=FFT)

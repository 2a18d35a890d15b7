"""Volume, loudness envelopes, spectrograms and random segments against upstream's."""

import re
from collections.abc import Iterator

from voicewright.audio.clip import Clip
from voicewright.audio.mel import MelSpec
from voicewright.conversion.envelope import follow_as_upstream
from voicewright.engines.sovits.losses import random_starts, slice_segments
from voicewright.engines.sovits.noise import ReplayedNoise
from voicewright.engines.sovits.spectra import Spectra, frame_volume
from voicewright.errors import BadClip
from voicewright.parity.case import Case, Compared
from voicewright.parity.sovits.slicing import described
from voicewright.parity.sovits.spectra import FFT


def audio_functions(case: Case) -> Iterator[Compared]:
    """`audio_functions_up41`: what a call is, its name tells; its settings, the name or the facts."""
    for call in case.calls:
        if call.startswith("volume"):
            yield from _volume(case, call)
        elif call.startswith("change_rms"):
            yield from _envelope(case, call)
        elif call.startswith("mel"):
            yield from _mel(case, call)
        elif call.startswith("rand_slice"):
            yield from _segments(case, call)


def _volume(case: Case, call: str) -> Iterator[Compared]:
    """The original returns the first item of a batch only."""
    hop = int(_number_in(call, r"hop(\d+)"))
    yield from case.compare(call, {"v": frame_volume(case.inputs(call)["x"], hop)[0]})


def _envelope(case: Case, call: str) -> Iterator[Compared]:
    given, rate = case.inputs(call), int(case.constructor["sr"])
    source, made = (Clip(given[name].numpy(), rate) for name in ("src", "out"))
    followed = follow_as_upstream(source, made, _number_in(call, r"change_rms_?([\d.]+)"))
    yield from case.compare(call, {"y": followed.samples.copy()})


def _mel(case: Case, call: str) -> Iterator[Compared]:
    settings, wave = described(str(case.about(call)["what"])), case.inputs(call)["y"]
    spectra = Spectra(
        MelSpec(
            rate=settings["sampling_rate"],
            n_fft=settings["n_fft"],
            hop_samples=settings["hop_size"],
            win_samples=settings["win_size"],
            bins=settings["num_mels"],
            low_hz=settings["fmin"],
            high_hz=settings["fmax"],
        )
    )
    yield from case.compare(call, {"spec": spectra.linear(wave), "mel": spectra.mel(wave)}, rtol=FFT)


def _segments(case: Case, call: str) -> Iterator[Compared]:
    given, length = case.inputs(call), case.outputs(call)["z"].shape[-1]
    starts = random_starts(given["lengths"], length, ReplayedNoise(case.noise(call)), dialect="upstream")
    cut = {name: slice_segments(given[key], starts, length) for name, key in (("z", "x"), ("f0", "f0"))}
    yield from case.compare(call, cut | {"ids": starts}, atol=0)


def _number_in(call: str, pattern: str) -> float:
    found = re.search(pattern, call)
    if found is None:
        raise BadClip(f"the parity call {call!r} does not say its setting ({pattern})")
    return float(found[1])

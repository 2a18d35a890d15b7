"""The losses, the segments that they are on, and the filter bank, against the original's."""

import re
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from voicewright.engines.sovits import losses as ours
from voicewright.engines.sovits.noise import ReplayedNoise
from voicewright.engines.sovits.pqmf import Pqmf
from voicewright.parity.case import Case, Compared

MEL_WEIGHT = 45.0
NUMBERS = re.compile(r"fft \[([\d,]+)\] hop \[([\d,]+)\] win \[([\d,]+)\]")


def losses(case: Case) -> Iterator[Compared]:
    """`losses_fork`. Lengths of segments and filters are those of the stored outputs."""
    for call in case.calls:
        yield from case.compare(call, CALLS[call](case, call), rtol=1e-6)


Made = Mapping[str, Tensor]
Given = Mapping[str, Tensor]


def _discriminator(case: Case, call: str) -> Made:
    given = case.inputs(call)
    missed, fooled = ours.discriminator_losses(_numbered(given, "dr"), _numbered(given, "dg"))
    return {"loss": (missed + fooled).sum(), "r": missed, "g": fooled}


def _generator(case: Case, call: str) -> Made:
    given = case.inputs(call)
    parts = ours.generator_losses(_numbered(given, "dg"))
    return {"loss": parts.sum(), "parts": parts}


def _features(case: Case, call: str) -> Made:
    given = case.inputs(call)
    return {"loss": ours.feature_loss(_nested(given, "fr"), _nested(given, "fg"))}


def _kl(case: Case, call: str) -> Made:
    given = case.inputs(call)
    return {"loss": ours.kl_loss(*(given[name] for name in ("z_p", "logs_q", "m_p", "logs_p", "mask")))}


def _mel_lf0(case: Case, call: str) -> Made:
    given = case.inputs(call)
    return {
        "loss_mel": MEL_WEIGHT * ours.mel_loss(given["y_mel"], given["y_hat_mel"]),
        "loss_lf0": ours.lf0_loss(given["lf0"], given["pred_lf0"]),
    }


def _pqmf(case: Case, call: str) -> Made:
    given = case.inputs(call)
    bands, _, taps = case.outputs(call)["analysis_filter"].shape
    pqmf = Pqmf(bands, taps - 1)
    split = pqmf.analysis(given["x"])
    filters = {"analysis_filter": pqmf.analysis_filter, "synthesis_filter": pqmf.synthesis_filter}
    return {"analysis": split, "resynth": pqmf.synthesis(split), **filters}


def _sub_bands(case: Case, call: str) -> Made:
    given = case.inputs(call)
    found = NUMBERS.search(str(case.about(call).get("what", "")))
    if found is None:
        raise ValueError(f"{case.name}.json names no resolutions for {call}")
    sizes = [tuple(map(int, part.split(","))) for part in found.groups()]
    spectra = ours.SubBandSpectra(n_ffts=sizes[0], hops=sizes[1], windows=sizes[2])
    return {"loss": ours.sub_band_loss(given["y_mb"], given["y_hat_mb"], spectra)}


def _segments(case: Case, call: str) -> Made:
    given = case.inputs(call)
    x, starts, length = given["x"], given["ids"], case.outputs(call)["y"].shape[-1]
    made = {"y": ours.slice_segments(x, starts, length), "y2": ours.slice_segments(x[:, 0], starts, length)}
    return made | {"y3": ours.slice_segments(x, torch.zeros_like(starts), x.shape[-1] + 5)}


def _random_segments(case: Case, call: str) -> Made:
    given, length = case.inputs(call), case.outputs(call)["z"].shape[-1]
    starts = ours.random_starts(given["lengths"], length, ReplayedNoise(case.noise(call)), dialect="fork")
    cut = {name: ours.slice_segments(given[key], starts, length) for name, key in (("z", "x"), ("f0", "f0"))}
    return cut | {"ids": starts}


CALLS: Mapping[str, Callable[[Case, str], Made]] = {
    "discriminator_loss": _discriminator,
    "generator_loss": _generator,
    "feature_loss": _features,
    "kl_loss": _kl,
    "mel_lf0": _mel_lf0,
    "pqmf4": _pqmf,
    "subband_stft_loss": _sub_bands,
    "slice_segments": _segments,
    "rand_slice": _random_segments,
}


def _numbered(given: Given, prefix: str) -> list[Tensor]:
    """prefix0, prefix1, …"""
    count = sum(bool(re.fullmatch(rf"{prefix}\d+", name)) for name in given)
    return [given[f"{prefix}{number}"] for number in range(count)]


def _nested(given: Given, prefix: str) -> list[list[Tensor]]:
    """prefix0_0, prefix0_1, …, prefix1_0, …"""
    count = len({name.split("_")[0] for name in given if name.startswith(prefix)})
    return [_numbered(given, f"{prefix}{number}_") for number in range(count)]

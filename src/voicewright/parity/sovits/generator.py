"""The synthesizer in all its variants against the original programs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from voicewright.engines.sovits.config import Dialect, SovitsConfig
from voicewright.engines.sovits.encoder import sample
from voicewright.engines.sovits.f0_features import LEAST_SCALE, MOST_SCALE
from voicewright.engines.sovits.noise import ReplayedNoise
from voicewright.engines.sovits.synthesizer import Synthesizer
from voicewright.engines.sovits.upstream import fill
from voicewright.parity.case import Case, Compared

WAVE_TOLERANCE = 2e-5
CURVE_TOLERANCE = 1e-6
"""Relative: pitch curves are in Hz, and single precision has seven digits."""
SCALES = {"infer_predict_f0": 0.35, "infer_unvoiced": 1.0, "enc_p": 0.7}
OTHER_SCALE = 0.4
NOT_DRAWN = ("SourceModuleHnNSF.forward",)
"""Draws that the original makes and has no use for; ours does not make them."""

Given = Mapping[str, Tensor]
Made = dict[str, Tensor | None]


def generator(case: Case) -> Iterator[Compared]:
    """Every call of a synthesizer: as a whole, in training, and its parts by themselves."""
    dialect: Dialect = "upstream" if "so-vits-svc branch 4" in str(case.facts["source_repo"]) else "fork"
    net = Synthesizer(SovitsConfig.from_constructor(case.constructor, dialect))
    fill(net, case.weights, case.name)
    net.eval().requires_grad_(False)
    for call in case.calls:
        noise = ReplayedNoise(_draws(case, call))
        made = _run(net, call, case.about(call), case.inputs(call), noise)
        wave = call.startswith("infer") or call in ("dec", "train", "source")
        yield from case.compare(call, made, atol=WAVE_TOLERANCE if wave else 1e-5, rtol=CURVE_TOLERANCE)


def _run(net: Synthesizer, call: str, about: Mapping[str, Any], given: Given, noise: ReplayedNoise) -> Made:
    scale = _noise_scale(call, str(about.get("what", "")))
    if call.startswith("infer"):
        return _infer(net, call, given, noise, scale)
    if call == "enc_p":
        return _enc_p(net, given, noise, scale)
    parts: Mapping[str, Callable[[Synthesizer, Given, ReplayedNoise], Made]] = {
        "train": _train,
        "enc_q": _enc_q,
        "flow_fwd": lambda net, given, noise: {"y": _flow(net, given, reverse=False)},
        "flow_rev": lambda net, given, noise: {"y": _flow(net, given, reverse=True)},
        "f0_decoder": _f0_decoder,
        "dec": _dec,
        "source": _source,
    }
    return parts[call](net, given, noise)


def _infer(net: Synthesizer, call: str, given: Given, noise: ReplayedNoise, scale: float) -> Made:
    speaker = given["mix"][None] if "mix" in given else given["g"]
    wave, f0_hz = net.infer(
        given["c"],
        given["f0"],
        given["uv"],
        speaker,
        noise,
        noise_scale=scale,
        predict_f0=call == "infer_predict_f0",
        volume=given.get("vol"),
    )
    return {"o": wave, "f0_used": f0_hz}


def _noise_scale(call: str, told: str) -> float:
    """The facts tell it in words (`noice_scale=0.4`), or not at all."""
    _, found, rest = told.partition("noice_scale=")
    number = rest.split(",")[0].split(")")[0].split("[")[0].strip()
    try:
        return float(number) if found else SCALES.get(call, OTHER_SCALE)
    except ValueError:
        return SCALES.get(call, OTHER_SCALE)


def _train(net: Synthesizer, given: Given, noise: ReplayedNoise) -> Made:
    made = net(
        given["c"], given["f0"], given["uv"], given["spec"], given["g"], given["lengths"], noise, given.get("vol")
    )
    return {
        "o": made.wave,
        "o_mb": made.bands,
        "ids_slice": made.starts,
        "spec_mask": made.mask,
        "z": made.z,
        "z_p": made.z_p,
        "m_p": made.m_p,
        "logs_p": made.logs_p,
        "m_q": made.m_q,
        "logs_q": made.logs_q,
        "pred_lf0": made.predicted_lf0,
        "norm_lf0": made.norm_lf0,
        "lf0": made.lf0,
    }


def _enc_p(net: Synthesizer, given: Given, noise: ReplayedNoise, scale: float) -> Made:
    mask = _mask(given["lengths"], given["x"])
    mean, log_deviation = net.enc_p(given["x"].float(), mask, given["f0c"])
    z = sample(mean, log_deviation, mask, noise, scale)
    return {"z": z, "m": mean, "logs": log_deviation, "mask": mask}


def _enc_q(net: Synthesizer, given: Given, noise: ReplayedNoise) -> Made:
    mask = _mask(given["lengths"], given["spec"])
    assert net.enc_q is not None  # noqa: S101  (a whole network was built)
    mean, log_deviation = net.enc_q(given["spec"], mask, net.speaker(given["g"]))
    return {"z": sample(mean, log_deviation, mask, noise), "m": mean, "logs": log_deviation, "mask": mask}


def _flow(net: Synthesizer, given: Given, *, reverse: bool) -> Tensor:
    made: Tensor = net.flow(given["x"], _mask(given["lengths"], given["x"]), net.speaker(given["g"]), reverse=reverse)
    return made


def _f0_decoder(net: Synthesizer, given: Given, noise: ReplayedNoise) -> Made:
    assert net.f0_decoder is not None  # noqa: S101  (the case has outputs of it)
    mask = _mask(given["lengths"], given["x"])
    return {"y": net.f0_decoder(given["x"], given["norm_f0"], mask, net.speaker(given["g"]))}


def _dec(net: Synthesizer, given: Given, noise: ReplayedNoise) -> Made:
    if not net.config.has_source:
        wave, bands = net.dec.parts(given["x"])  # type: ignore[operator]
        return {"y": wave, "y_mb": bands}
    return {"y": net.dec(given["x"], given["f0"], net.speaker(given["g"]), noise)}


def _source(net: Synthesizer, given: Given, noise: ReplayedNoise) -> Made:
    source: Any = net.dec.m_source
    sines = source.sines(given["f0"], noise)
    voiced = (given["f0"] > 0).float().repeat_interleave(source.hop, 1)[..., None]
    return {"sine_waves": sines, "uv": voiced, "merged": source.merged(sines)}


def _mask(lengths: Tensor, like: Tensor) -> Tensor:
    return (torch.arange(like.shape[-1]) < lengths[:, None])[:, None].float()


def _draws(case: Case, call: str) -> Sequence[Tensor]:
    """The stored draws that ours makes too, in order. The pitch's random scale is stored scaled."""
    listed = case.about(call).get("noise_in_call_order", [])
    drawn = []
    for entry, tensor in zip(listed, case.noise(call), strict=True):
        unused = "TextEncoder.forward" if call == "train" else ""
        if entry["drawn_in"] in (*NOT_DRAWN, unused):
            continue
        if entry["kind"] == "uniform_":
            tensor = (tensor - LEAST_SCALE) / (MOST_SCALE - LEAST_SCALE)
        drawn.append(tensor)
    return drawn

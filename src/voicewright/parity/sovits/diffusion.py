"""Shallow diffusion: the denoiser, its schedules, and the way of every sampler."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from voicewright.engines.sovits.denoiser import step_embedding
from voicewright.engines.sovits.diffusion import DiffusionConfig, DiffusionOptions, Unit2Mel, fill
from voicewright.engines.sovits.noise import ReplayedNoise
from voicewright.engines.sovits.samplers import Walk, ddim_step, ddpm_step, pndm_step, posterior
from voicewright.engines.sovits.schedule import Curve
from voicewright.parity.case import Case, Compared

Made = Mapping[str, Any]
OF_LARGEST = 2e-6
"""Random weights throw mels to hundreds, where single precision ends before five decimals."""


@torch.no_grad()
def diffusion(case: Case) -> Iterator[Compared]:
    """`Unit2Mel` and everything below it. Mels of the original have an axis more, of one."""
    network = fill(Unit2Mel(_config(case)), case.weights, case.name)
    parts: dict[str, Callable[[Case, str, Unit2Mel], Made]] = {
        "denoiser": _denoiser,
        "denoiser_frac": _denoiser,
        "q_sample": _noised,
        "q_posterior": _posterior,
        "ddpm_step": _step,
        "ddpm_step0": _step,
        "ddim_step": _step,
        "ddim_step_clip": _step,
        "train_loss": _training,
        "p_losses_l1": _absolute_loss,
        "norm": _normal,
        "schedule": _schedule,
        "plms_steps": _pndm,
    }
    for call in case.calls:
        yield from case.compare(call, parts.get(call, _walk)(case, call, network), rtol=OF_LARGEST)


def _config(case: Case) -> DiffusionConfig:
    told = case.constructor
    return DiffusionConfig(
        content=told["input_channel"],
        speakers=told["n_spk"],
        shifted=told["use_pitch_aug"],
        mels=told["out_dims"],
        layers=told["n_layers"],
        channels=told["n_chans"],
        hidden=told["n_hidden"],
        steps=told["timesteps"],
        shallow_steps=told["k_step_max"] or 0,
    )


def _flat(mel: Tensor) -> Tensor:
    return mel.squeeze(1)


def _noise(case: Case, call: str, *, skipped: int = 0) -> ReplayedNoise:
    return ReplayedNoise([_flat(drawn) for drawn in case.noise(call)[skipped:]])


def _words(case: Case, call: str) -> str:
    return str(case.about(call).get("what", ""))


def _interval(case: Case, call: str, network: Unit2Mel) -> int:
    """The stride that the words tell; where they only say that it is clipped, one that is longer than any way."""
    found = re.search(r"interval (\d+)", _words(case, call))
    return int(found[1]) if found else network.config.steps


def _walker(case: Case, call: str, network: Unit2Mel, condition: Tensor, speedup: int) -> Walk:
    model = network.decoder
    return Walk(
        denoise=lambda x, step: model.denoise_fn(x, step, condition),
        tables=model.tables,
        k_step=network.config.reach,
        speedup=speedup,
        noise=_noise(case, call),
    )


def _denoiser(case: Case, call: str, network: Unit2Mel) -> Made:
    given, denoiser = case.inputs(call), network.decoder.denoise_fn
    eps = denoiser(_flat(given["spec"]), given["t"], given["cond"])
    return {"eps": eps[:, None], "emb": step_embedding(given["t"], denoiser.channels)}


def _noised(case: Case, call: str, network: Unit2Mel) -> Made:
    given = case.inputs(call)
    return {"y": network.decoder.noised(_flat(given["x0"]), given["t"], _noise(case, call))[0][:, None]}


def _posterior(case: Case, call: str, network: Unit2Mel) -> Made:
    given = case.inputs(call)
    told = posterior(network.decoder.tables, _flat(given["x0"]), _flat(given["xt"]), given["t"])
    return dict(zip(("mean", "var", "logvar"), (value[:, None] for value in told), strict=True))


def _step(case: Case, call: str, network: Unit2Mel) -> Made:
    given = case.inputs(call)
    walk = _walker(case, call, network, given["cond"], _interval(case, call, network))
    step = ddpm_step if call.startswith("ddpm") else ddim_step
    return {"y": step(_flat(given["x"]), given["t"], walk)[:, None]}


def _pndm(case: Case, call: str, network: Unit2Mel) -> Made:
    given = case.inputs(call)
    stride = _interval(case, call, network)
    told = re.search(r"t\s*=\s*(\d+(?:,\s*\d+)*)", _words(case, call))
    known = map(int, told[1].split(",")) if told else range(stride * (len(case.outputs(call)["y"]) - 1), -1, -stride)
    walk = _walker(case, call, network, given["cond"], stride)
    x, guesses, made = _flat(given["x"]), list[Tensor](), list[Tensor]()
    for step in known:
        x = pndm_step(x, torch.full((len(x),), step), guesses, walk)
        made.append(x[:, None])
    return {"y": torch.stack(made)}


def _condition(network: Unit2Mel, given: Mapping[str, Tensor]) -> Tensor:
    """Of what the original was given: frames before channels, speakers by number or by shares."""
    shift, speaker = given.get("aug_shift"), given.get("spk_id")
    return network.condition(
        given["units"].mT,
        given["f0"][..., 0],
        given["volume"][..., 0],
        None if speaker is None else speaker.reshape(-1),
        None if shift is None else shift.reshape(-1),
    )


def _training(case: Case, call: str, network: Unit2Mel) -> Made:
    given, model = case.inputs(call), network.decoder
    step = case.noise(call)[0]
    condition, clean = _condition(network, given), model.normal(given["gt_spec"].mT)
    told, drawn = model.guess(clean, step, condition, _noise(case, call, skipped=1))
    return {"loss": nn.functional.mse_loss(told, drawn)}


def _absolute_loss(case: Case, call: str, network: Unit2Mel) -> Made:
    given = case.inputs(call)
    told, drawn = network.decoder.guess(_flat(given["x0"]), given["t"], given["cond"], _noise(case, call))
    return {"loss": nn.functional.l1_loss(told, drawn)}


def _normal(case: Case, call: str, network: Unit2Mel) -> Made:
    normal = network.decoder.normal(case.inputs(call)["mel"])
    return {"n": normal, "back": network.decoder.mel(normal)}


def _schedule(case: Case, call: str, network: Unit2Mel) -> Made:
    """Both solvers of the original have their own copy of the same curve."""
    theirs, time = case.outputs(call), case.inputs(call)["t"]
    curve = Curve(network.decoder.tables.betas[: theirs["dpm_log_alpha_array"].shape[-1]])
    snr = curve.snr(time)
    made: dict[str, Any] = {
        "log_alpha_array": curve.log_alphas[None],
        "t_array": curve.times[None],
        "log_alpha": curve.log_alpha(time),
        "alpha": curve.alpha(time),
        "std": curve.sigma(time),
        "lambda": snr,
        "inverse": curve.time_of(snr),
        "total_N": curve.steps,
    }
    both = {f"{solver}_{name}": value for solver in ("dpm", "unipc") for name, value in made.items()}
    return both | {"time_uniform": curve.grid(len(theirs["time_uniform"]) - 1)}


def _walk(case: Case, call: str, network: Unit2Mel) -> Made:
    """A whole way; the words tell the method. What the denoiser is asked and answers is kept."""
    given, words = case.inputs(call), _words(case, call)
    told = dict(re.findall(r"(method|k_step|infer_speedup)=('[^']*'|\w+)", words))
    method, speedup = told["method"].strip("'"), max(1, int(told["infer_speedup"]))
    options = DiffusionOptions(
        k_step=int(told["k_step"]), method="ddpm" if method == "None" else method, speedup=speedup
    )
    traced = _Traced(network.decoder.denoise_fn)
    mel = given["gt_spec"].mT if "gt_spec" in given else None
    with traced:
        made = network.clean(_condition(network, given), options, _noise(case, call), mel=mel, original_start=True)
    return {"mel": made.mT} | traced.told()


class _Traced:
    """Keeps the denoiser's questions and answers while it is entered."""

    def __init__(self, denoiser: nn.Module) -> None:
        self._denoiser = denoiser
        self._calls: list[tuple[Tensor, Tensor, Tensor]] = []

    def __enter__(self) -> None:
        self._hook = self._denoiser.register_forward_hook(
            lambda _, given, made: self._calls.append((given[0][:, None], given[1][0].float(), made[:, None]))
        )

    def __exit__(self, *_: object) -> None:
        self._hook.remove()

    def told(self) -> dict[str, Tensor]:
        x, step, eps = (torch.stack(column) for column in zip(*self._calls, strict=True))
        return {"trace_x": x, "trace_t": step, "trace_eps": eps}

"""The discriminators against the original's, at the published width and narrower."""

import re
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from voicewright.engines.sovits.discriminators import Discriminator, DiscriminatorConfig, Judged, ScaleLayer
from voicewright.engines.sovits.losses import discriminator_losses, feature_loss, generator_losses
from voicewright.parity.case import Case, Compared

ENDS = 32
"""Values at each end of a layer that are stored of the published width."""
GOLDEN = 0.6180339887498949
SEED = re.compile(r"\(\((\d+)\+j\)\s*%\s*97\)")

Shown = Callable[[list[list[Tensor]], str], dict[str, Tensor]]


def narrow(case: Case) -> Iterator[Compared]:
    """`d_narrow`: every judgement and every layer of narrower discriminators, and the losses on them."""
    discriminator = Discriminator(_config(case))
    discriminator.load_state_dict(case.weights)
    yield from _compared(case, discriminator, _layers)


def full_width(case: Case) -> Iterator[Compared]:
    """`d_full_formula`: the published width, its weights from the formula in the facts."""
    discriminator = Discriminator()
    discriminator.load_state_dict(_by_formula(discriminator.state_dict(), str(case.facts["weight_recipe"])))
    yield from _compared(case, discriminator, _summaries, rtol=1e-4)


def _compared(case: Case, discriminator: Discriminator, shown: Shown, rtol: float = 1e-6) -> Iterator[Compared]:
    for call in case.calls:
        given = case.inputs(call)
        with torch.no_grad():
            real, made = discriminator(given["y"]), discriminator(given["y_hat"])
        found = _losses(real, made)
        for letter, (logits, features) in (("r", real), ("g", made)):
            found |= {f"d_{letter}.{number}": each for number, each in enumerate(logits)}
            found |= shown(features, letter)
        yield from case.compare(call, found, rtol=rtol)


def _losses(real: Judged, made: Judged) -> dict[str, Tensor]:
    missed, fooled = discriminator_losses(real[0], made[0])
    return {
        "loss_disc": (missed + fooled).sum(),
        "loss_gen": generator_losses(made[0]).sum(),
        "loss_fm": feature_loss(real[1], made[1]),
    }


def _layers(features: list[list[Tensor]], letter: str) -> dict[str, Tensor]:
    return {f"fmap_{letter}.{i}.{j}": layer for i, row in enumerate(features) for j, layer in enumerate(row)}


def _summaries(features: list[list[Tensor]], letter: str) -> dict[str, Tensor]:
    found = {}
    for number, layer in enumerate(each.flatten() for row in features for each in row):
        exact = layer.double()
        found[f"fmap_{letter}_mean.{number}"] = torch.stack(
            [exact.mean(), exact.abs().mean(), exact.square().mean().sqrt()]
        )
        found[f"fmap_{letter}_first{ENDS}.{number}"] = layer[:ENDS]
        found[f"fmap_{letter}_last{ENDS}.{number}"] = layer[-ENDS:]
    return found


def _config(case: Case) -> DiscriminatorConfig:
    """Channels, kernels, strides and groups of the first discriminator as the facts tell them (the last row is the one
    that judges), channels of the others as their weights have them."""
    rows = [[int(value or 1) for value in row] for row in case.constructor["channels_DiscriminatorS"]]
    widths = [
        case.weights[f"discriminators.1.convs.{number}.weight_v"].shape[0]
        for number in range(sum(name.startswith("discriminators.1.convs.") for name in case.weights) // 3)
    ]
    return DiscriminatorConfig(
        scale=tuple(ScaleLayer(made, kernel, stride, groups) for _, made, kernel, stride, groups, _ in rows[:-1]),
        period_channels=tuple(widths),
    )


def _by_formula(state: Mapping[str, Tensor], recipe: str) -> dict[str, Tensor]:
    """Every tensor from its place in the state dict: u = the fraction of n·a, n from 1 on, in float64."""
    seed = SEED.search(recipe)
    if seed is None:
        raise ValueError(f"the formula of the weights is not the one that is known here: {recipe!r}")
    made = {}
    for place, (name, tensor) in enumerate(state.items()):
        step = GOLDEN + 0.001 * ((int(seed[1]) + place) % 97)
        u = (torch.arange(1, tensor.numel() + 1, dtype=torch.float64) * step).frac()
        value = {"weight_v": 2 * u - 1, "weight_g": 0.8 + 0.8 * u, "bias": 0.1 * (2 * u - 1)}[name.rsplit(".", 1)[1]]
        made[name] = value.float().reshape(tensor.shape)
    return made

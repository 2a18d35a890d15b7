"""An optimizer for every network that learns."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

from torch import nn
from torch.optim import AdamW, Optimizer

from voicewright.errors import BadPlan, MissingExtra
from voicewright.training.options import TrainingPlan
from voicewright.training.state import learning

NORMS = (
    nn.LayerNorm,
    nn.RMSNorm,
    nn.GroupNorm,
    nn.modules.batchnorm._NormBase,
)


def undecayed(network: nn.Module) -> frozenset[str]:
    """Parameters that are not drawn to zero: biases, norms, and whatever is one row of numbers (styles, gains of weight
    norm). To be asked before the network is shared out over processes: then shapes are of parts."""
    norms = {
        f"{place}.{name}" if place else name
        for place, module in network.named_modules()
        if isinstance(module, NORMS)
        for name, _ in module.named_parameters(recurse=False)
    }
    return frozenset(
        name
        for name, value in learning(network).items()
        if name in norms or name.endswith("bias") or sum(size > 1 for size in value.shape) < 2
    )


def build_optimizer(plan: TrainingPlan, network: nn.Module, undecayed: frozenset[str], *, device: str) -> Optimizer:
    """AdamW (Loshchilov & Hutter 2019) over what learns in one network.

    Raises:
        BadPlan: adamw8bit on a CPU.
        MissingExtra: adamw8bit without bitsandbytes.
    """
    parameters = learning(network)
    sides: list[dict[str, Any]] = [
        {"params": [value for name, value in parameters.items() if name not in undecayed]},
        {"params": [value for name, value in parameters.items() if name in undecayed], "weight_decay": 0.0},
    ]
    groups = [side for side in sides if side["params"]]
    if plan.optimizer == "adamw8bit":
        return _eight_bits(groups, plan, device)
    return AdamW(groups, lr=plan.learning_rate, betas=plan.betas, eps=plan.epsilon, weight_decay=plan.weight_decay)


def _eight_bits(groups: list[dict[str, Any]], plan: TrainingPlan, device: str) -> Optimizer:
    if device == "cpu":
        raise BadPlan("optimizer adamw8bit needs a GPU, and this run is on the CPU; set optimizer: adamw")
    try:
        bits = import_module("bitsandbytes.optim")
    except ImportError:
        raise MissingExtra("bitsandbytes", needed_for="optimizer: adamw8bit", extra="bits8") from None
    settings = {"lr": plan.learning_rate, "betas": plan.betas, "eps": plan.epsilon, "weight_decay": plan.weight_decay}
    return cast(Optimizer, bits.AdamW8bit(groups, **settings))


def set_rate(optimizers: Mapping[str, Optimizer], rate: float) -> None:
    """The learning rate of the next step."""
    for optimizer in optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] = rate

"""`StyleStart`: a first guess of a style from how a speaker is heard, in one matrix product.

Trained by `scripts/train_kokoro_start.py` on speakers that the engine itself made up.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from voicewright.engines.kokoro.style import StylePrior
from voicewright.engines.kokoro.target import Target
from voicewright.errors import BadWeights

HEARD = 256 + 192 + 2
"""GE2E, CAM++, mean and spread of log F0."""
TYPICAL_LOG_F0, TYPICAL_LOG_F0_SPREAD = 5.0, 0.2
"""About 150 Hz; what an unknown pitch counts as."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StyleStart:
    """A linear map and a small network beside it, from what is heard to a style in units of the prior's spread."""

    network: nn.Module
    mean: Tensor
    scale: Tensor

    def guess(self, target: Target, prior: StylePrior) -> Tensor:
        """(2s,)"""
        x = (hearing(target) - self.mean) / self.scale
        with torch.inference_mode():
            offset: Tensor = self.network(x[None])[0]
        return (prior.mean + offset * prior.spread).clone()


def hearing(target: Target) -> Tensor:
    """(450,) what the start is guessed from."""
    pitch = torch.tensor(
        [
            TYPICAL_LOG_F0 if target.log_f0 is None else target.log_f0,
            TYPICAL_LOG_F0_SPREAD if target.log_f0_spread is None else target.log_f0_spread,
        ]
    )
    return torch.cat([target.ge2e, target.campplus, pitch])


class StartNetwork(nn.Module):
    """(b, 450) → (b, 2s): a linear map plus what a hidden layer adds to it."""

    def __init__(self, styles: int, hidden: int = 256) -> None:
        super().__init__()
        self.linear = nn.Linear(HEARD, styles)
        self.hidden = nn.Linear(HEARD, hidden)
        self.out = nn.Linear(hidden, styles)

    def forward(self, x: Tensor) -> Tensor:
        offset: Tensor = self.linear(x) + self.out(torch.tanh(self.hidden(x)))
        return offset


def load_start(path: Path) -> StyleStart:
    """Raises BadWeights: a tensor is missing or of another shape, or the file cannot be read."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = {name: tensor.float() for name, tensor in load_file(path).items()}
        network = StartNetwork(len(tensors["network.out.bias"]), len(tensors["network.hidden.bias"]))
        weights = {name.removeprefix("network."): t for name, t in tensors.items() if name.startswith("network.")}
        network.load_state_dict(weights, strict=True)
        network.eval().requires_grad_(False)
        return StyleStart(network=network, mean=tensors["mean"], scale=tensors["scale"])
    except (SafetensorError, OSError, KeyError, RuntimeError) as problem:
        raise BadWeights(f"{path} is not a style start ({problem}); install voicewright again") from problem

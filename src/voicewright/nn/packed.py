"""`pack`: convolutions whose weights lie in memory as the processor's library wants them.

oneDNN, with which torch convolves on a CPU, brings weights into an order of its own at every call. For a sentence that
is next to nothing; for a tenth of a second of sound it is a third of the work.

b batch · c channels · t frames
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

TRIAL_FRAMES = 64


class PackedConv1d(nn.Module):
    """What an `nn.Conv1d` computes, forwards only.

    Raises RuntimeError, AttributeError: this processor or this torch cannot do it.
    """

    def __init__(self, conv: nn.Conv1d) -> None:
        super().__init__()
        # torch convolves in one dimension as in two, of which the first is 1.
        self._how = [0, *_numbers(conv.padding)], [1, *conv.stride], [1, *conv.dilation], conv.groups
        dense = conv.weight.detach().unsqueeze(2).contiguous()
        pack: Callable[..., Tensor] = torch._C._nn.mkldnn_reorder_conv2d_weight
        # An order chosen for one length of x can be twenty times slower at another; None is one that fits all.
        self._packed = pack(dense.to_mkldnn(), *self._how, None)
        self.bias = conv.bias
        self._convolve: Any = torch.ops.mkldnn._convolution_pointwise

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, t) → (b, c', t')"""
        y: Tensor = self._convolve(x.unsqueeze(2), self._packed, self.bias, *self._how, "none", [], "")
        return y.squeeze(2)


@torch.inference_mode()
def pack(network: nn.Module) -> None:
    """Put a `PackedConv1d` in the place of every `nn.Conv1d` on the CPU that it computes the same as; others stay.

    Afterwards the network can neither be trained nor moved.
    """
    for owner in list(network.modules()):
        for name, part in list(owner.named_children()):
            if isinstance(part, nn.Conv1d) and (packed := _packed(part)) is not None:
                owner.register_module(name, packed)


def _packed(conv: nn.Conv1d) -> PackedConv1d | None:
    """The same, packed; None where that does not work or gives something else."""
    if conv.weight.device.type != "cpu" or conv.padding_mode != "zeros":
        return None
    try:
        packed = PackedConv1d(conv)
        trial = torch.linspace(-1, 1, conv.in_channels * TRIAL_FRAMES).reshape(1, -1, TRIAL_FRAMES)
        trial = trial.to(conv.weight.dtype)
        wanted, got = conv(trial), packed(trial)
    except (RuntimeError, AttributeError, TypeError):  # inner parts of torch, which may be others in other versions
        return None
    near = 0.02 if conv.weight.dtype == torch.bfloat16 else 1e-4
    return packed if torch.allclose(got, wanted, rtol=near, atol=near * float(wanted.abs().max())) else None


def _numbers(padding: str | tuple[int, ...]) -> tuple[int, ...]:
    if isinstance(padding, str):
        raise TypeError(f"padding in words ({padding!r}) is not packed")
    return padding

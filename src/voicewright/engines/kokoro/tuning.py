"""`TunedDecoder`: the frozen decoder with adapters and a timbre style that learn.

b batch · t frames (40 per second) · s style width · k stages
"""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.func import functional_call

from voicewright.engines.kokoro.adapters import Adapters, twin
from voicewright.engines.kokoro.decoder import Decoder
from voicewright.engines.kokoro.layers import AdaptiveInstanceNorm
from voicewright.engines.kokoro.options import Reach
from voicewright.engines.kokoro.style import Style, StylePrior, Tensors
from voicewright.engines.options import LoraOptions

PREFIX = "decoder."


class TunedDecoder(nn.Module):
    """What makes the sound, as one speaker's recordings change it.

    The frozen weights keep the precision that the decoder came with, whatever the training loop runs in; adapters and
    style are float32.

    Args:
        decoder: it stays as it is; its tensors are shared.
        style: the timbre to start from.
        timbre_rate: how far one unit of the learned movement goes, in spreads between the public voices.
    """

    spread: Tensor
    start: Tensor

    def __init__(
        self,
        decoder: Decoder,
        style: Style,
        prior: StylePrior,
        lora: LoraOptions,
        *,
        reach: Reach,
        timbre_rate: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.base = twin(decoder).requires_grad_(False)
        self.adapters = Adapters(self.base, adapted_weights(decoder, reach), lora, generator)
        self.moved = nn.Parameter(torch.zeros_like(style.timbre), requires_grad=timbre_rate > 0)
        self.register_buffer("start", style.timbre.clone(), persistent=False)
        self.register_buffer("spread", timbre_rate * prior.spread[: prior.width], persistent=False)

    @property
    def timbre(self) -> Tensor:
        """(k, s)"""
        return self.start + self.moved * self.spread

    def forward(self, content: Tensor, f0_hz: Tensor, energy: Tensor, shift: Tensor, source: Tensor) -> Tensor:
        """content (b, width, t), f0_hz and energy (b, 2t), shift of the timbre by the text's length (b, s), harmonic
        source (b, n) → (b, n) samples, float32"""
        with torch.autocast(content.device.type, enabled=False):
            styles = self.timbre + shift.unsqueeze(1)
            wave: Tensor = functional_call(
                self.base, self.adapters.merged(self.base), (content, f0_hz, energy, styles, source)
            )
        return wave

    def tuned(self, style: Style) -> Style:
        """`style` with the timbre as it is now."""
        return replace(style, timbre=self.timbre.detach().float().cpu().clone())

    def to_tensors(self) -> Tensors:
        """The adapters, as a voice keeps them."""
        return self.adapters.to_tensors(PREFIX)


def adapted_weights(decoder: Decoder, reach: Reach) -> list[str]:
    """Names of the weights that get adapters: the styles' projections, and for "convolutions" every convolution of
    several channels that is not part of the harmonic source."""
    kinds: tuple[type[nn.Module], ...] = (nn.Conv1d, nn.ConvTranspose1d) if reach == "convolutions" else ()
    projections = {f"{name}.fc" for name, module in decoder.named_modules() if isinstance(module, AdaptiveInstanceNorm)}
    return [
        f"{name}.weight"
        for name, module in decoder.named_modules()
        if name in projections or (isinstance(module, kinds) and getattr(module, "groups", 0) == 1 and _wide(module))
    ]


def _wide(module: nn.Module) -> bool:
    weight = module.weight
    return isinstance(weight, Tensor) and min(weight.shape[:2]) > 1

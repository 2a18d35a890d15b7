"""The normalising flow between what is said (the prior) and how this speaker says it (the posterior).

b batch · c channels · t frames · g channels of the speaker's embedding

Coupling layers that only shift (Dinh et al. 2017; VITS), with the channels turned round after each.
"""

from torch import Tensor, cat, nn

from voicewright.engines.sovits.config import SovitsConfig
from voicewright.engines.sovits.normed import NormedConv1d
from voicewright.engines.sovits.transformer import CausalDecoder, masked
from voicewright.engines.sovits.wavenet import WaveNet, gate

KERNEL = 5


class GatedCausalDecoder(CausalDecoder):
    """(b, c, t) and the speaker (b, g, 1 or t) -> (b, c, t): a gate that knows the speaker stands before each layer."""

    def __init__(self, config: SovitsConfig) -> None:
        channels, layers = config.hidden_channels, config.n_layers_trans_flow
        nn.Module.__init__(self)  # in published files the layers stand last, and optimizers go by the order
        self.cond_pre = nn.Conv1d(channels, 2 * channels, 1)
        self.cond_layer = NormedConv1d(config.gin_channels, 2 * channels * layers, 1)
        self._add_layers(channels, config.filter_channels, config.n_heads, layers, KERNEL, config.p_dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None, g: Tensor | None = None) -> Tensor:
        if g is None:
            raise ValueError("a flow needs to know the speaker")
        x = masked(x, mask)
        for index, condition in enumerate(self.cond_layer(g).chunk(len(self.self_attn_layers), 1)):
            x = self.layer(gate(self.cond_pre(x) + condition), mask, index)
        return masked(x, mask)


class Coupling(nn.Module):
    """(b, c, t) -> the same: the second half of the channels is shifted by what `enc` makes of the first."""

    def __init__(self, channels: int, hidden: int, enc: nn.Module) -> None:
        super().__init__()
        half = channels // 2
        self.pre = nn.Conv1d(half, hidden, 1)
        self.enc = enc
        self.post = nn.Conv1d(hidden, half, 1)
        nn.init.zeros_(self.post.weight)
        nn.init.zeros_(self.post.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, mask: Tensor | None, g: Tensor, *, reverse: bool) -> Tensor:
        first, second = x.chunk(2, 1)
        shift = masked(self.post(self.enc(masked(self.pre(first), mask), mask, g)), mask)
        if reverse:
            return cat([first, masked(second - shift, mask)], 1)
        return cat([first, shift + masked(second, mask)], 1)


class Flip(nn.Module):
    """Turns the order of the channels round. It has no parameters and keeps its place in the numbering of the flows."""

    def forward(self, x: Tensor, mask: Tensor | None, g: Tensor, *, reverse: bool) -> Tensor:
        return x.flip(1)


class Flow(nn.Module):
    """(b, c, t) and the speaker (b, g, 1 or t) -> (b, c, t), posterior to prior; `reverse`: prior to posterior."""

    def __init__(self, config: SovitsConfig) -> None:
        super().__init__()
        shared = _encoder(config) if config.flow_share_parameter else None
        self.flows = nn.ModuleList()
        for _ in range(config.couplings):
            enc = shared if shared is not None else _encoder(config)
            self.flows.append(Coupling(config.inter_channels, config.hidden_channels, enc))
            self.flows.append(Flip())
        if shared is not None:
            self.wn = shared

    def forward(self, x: Tensor, mask: Tensor | None, g: Tensor, *, reverse: bool = False) -> Tensor:
        for flow in reversed(self.flows) if reverse else self.flows:
            x = flow(x, mask, g, reverse=reverse)
        return x


def _encoder(config: SovitsConfig) -> nn.Module:
    if config.use_transformer_flow:
        return GatedCausalDecoder(config)
    return WaveNet(
        config.hidden_channels, KERNEL, config.n_flow_layer, config.gin_channels, depthwise=config.use_depthwise_conv
    )

"""The two transformers of the family: one that looks both ways and knows distances, and one that only looks back.

b batch · c channels · t frames · h heads · d channels of a head · w window

Both are post-norm with convolutions for the feed-forward part, as in Glow-TTS and VITS (Kim et al. 2020, 2021);
relative positions after Shaw et al. 2018. A mask (b, 1, t) is 1 on frames that belong to an item; None: all do.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WINDOW = 4


class ChannelNorm(nn.Module):
    """(b, c, t) -> the same, each frame with mean 0 and variance 1 over its channels, scaled and shifted."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x.transpose(1, 2), self.gamma.shape, self.gamma, self.beta).transpose(1, 2)


class Attention(nn.Module, ABC):
    """(b, c, t) -> the same; what a frame takes from the others. `_mix` says which others."""

    def __init__(self, channels: int, heads: int, p_dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.p_dropout = p_dropout
        self.conv_q = nn.Conv1d(channels, channels, 1)
        self.conv_k = nn.Conv1d(channels, channels, 1)
        self.conv_v = nn.Conv1d(channels, channels, 1)
        self.conv_o = nn.Conv1d(channels, channels, 1)
        for conv in (self.conv_q, self.conv_k, self.conv_v):
            nn.init.xavier_uniform_(conv.weight)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        b, c, t = x.shape
        q, k, v = (
            conv(x).view(b, self.heads, -1, t).transpose(2, 3) for conv in (self.conv_q, self.conv_k, self.conv_v)
        )
        mixed = self._mix(q, k, v, mask)  # (b, h, t, d)
        made: Tensor = self.conv_o(mixed.transpose(2, 3).reshape(b, c, t))
        return made

    @abstractmethod
    def _mix(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
        """(b, h, t, d) each: what every frame takes from those that it attends to."""


class CausalAttention(Attention):
    """Attention to a frame and all before it. Keys begin as queries do, so that a frame first attends to its like."""

    def __init__(self, channels: int, heads: int, p_dropout: float) -> None:
        super().__init__(channels, heads, p_dropout)
        self.conv_k.load_state_dict(self.conv_q.state_dict())

    def _mix(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
        return F.scaled_dot_product_attention(q, k, v, dropout_p=self.p_dropout * self.training, is_causal=True)


class RelativeAttention(Attention):
    """Attention to all frames, with something learnt for each distance of up to four frames, the same in all heads."""

    def __init__(self, channels: int, heads: int, p_dropout: float) -> None:
        super().__init__(channels, heads, p_dropout)
        width = channels // heads
        self.emb_rel_k = nn.Parameter(torch.randn(1, 2 * WINDOW + 1, width) * width**-0.5)
        self.emb_rel_v = nn.Parameter(torch.randn(1, 2 * WINDOW + 1, width) * width**-0.5)

    def _mix(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
        q = q * q.shape[-1] ** -0.5
        scores = q @ k.transpose(2, 3)  # (b, h, t, t)
        scores = scores + spread(q @ self.emb_rel_k.transpose(1, 2))
        if mask is not None:
            scores = scores.masked_fill(mask[:, None] == 0, -1e4)
        weights = F.dropout(scores.softmax(-1), self.p_dropout, self.training)
        return weights @ v + gathered(weights) @ self.emb_rel_v


def spread(near: Tensor) -> Tensor:
    """(…, t, 2w + 1) by distance -w … w -> (…, t, t) by position; 0 further away.

    Rows that are one longer than the wanted ones, read as the wanted ones, move on by one a row.
    """
    t, distances = near.shape[-2:]
    wide = t + distances - 1
    flat = F.pad(near, (0, t)).flatten(-2)[..., : t * wide]
    return flat.view(*near.shape[:-2], t, wide)[..., WINDOW : WINDOW + t]


def gathered(weights: Tensor) -> Tensor:
    """(…, t, t) by position -> (…, t, 2w + 1) by distance: what `spread` put there."""
    t = weights.shape[-1]
    wide = t + 2 * WINDOW
    flat = F.pad(F.pad(weights, (WINDOW, WINDOW)).flatten(-2), (0, t))
    return flat.view(*weights.shape[:-2], t, wide + 1)[..., : 2 * WINDOW + 1]


class FeedForward(nn.Module):
    """(b, c, t) -> the same, through two convolutions; each sees both sides, or (`causal`) only what came before."""

    def __init__(self, channels: int, filter_channels: int, kernel: int, p_dropout: float, *, causal: bool) -> None:
        super().__init__()
        self.padding = (kernel - 1, 0) if causal else ((kernel - 1) // 2, kernel // 2)
        self.p_dropout = p_dropout
        self.conv_1 = nn.Conv1d(channels, filter_channels, kernel)
        self.conv_2 = nn.Conv1d(filter_channels, channels, kernel)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        x = F.relu(self.conv_1(F.pad(masked(x, mask), self.padding)))
        x = F.dropout(x, self.p_dropout, self.training)
        return masked(self.conv_2(F.pad(masked(x, mask), self.padding)), mask)


def masked(x: Tensor, mask: Tensor | None) -> Tensor:
    """`x`, 0 where the mask is."""
    return x if mask is None else x * mask


class Encoder(nn.Module):
    """(b, c, t) -> the same: layers of relative attention and feed-forward."""

    def __init__(
        self, channels: int, filter_channels: int, heads: int, layers: int, kernel: int, p_dropout: float
    ) -> None:
        super().__init__()
        self.p_dropout = p_dropout
        self.attn_layers = nn.ModuleList(RelativeAttention(channels, heads, p_dropout) for _ in range(layers))
        self.norm_layers_1 = nn.ModuleList(ChannelNorm(channels) for _ in range(layers))
        self.ffn_layers = nn.ModuleList(
            FeedForward(channels, filter_channels, kernel, p_dropout, causal=False) for _ in range(layers)
        )
        self.norm_layers_2 = nn.ModuleList(ChannelNorm(channels) for _ in range(layers))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        x = masked(x, mask)
        layers = zip(self.attn_layers, self.norm_layers_1, self.ffn_layers, self.norm_layers_2, strict=True)
        for attend, norm_1, feed, norm_2 in layers:
            x = norm_1(x + F.dropout(attend(x, mask), self.p_dropout, self.training))
            x = norm_2(x + F.dropout(feed(x, mask), self.p_dropout, self.training))
        return masked(x, mask)


class CausalDecoder(nn.Module):
    """(b, c, t) -> the same: layers of causal attention and feed-forward; nothing depends on later frames.

    Padding needs no mask in the attention: it comes after every frame that counts.
    """

    def __init__(
        self, channels: int, filter_channels: int, heads: int, layers: int, kernel: int, p_dropout: float
    ) -> None:
        super().__init__()
        self._add_layers(channels, filter_channels, heads, layers, kernel, p_dropout)

    def _add_layers(
        self, channels: int, filter_channels: int, heads: int, layers: int, kernel: int, p_dropout: float
    ) -> None:
        self.p_dropout = p_dropout
        self.self_attn_layers = nn.ModuleList(CausalAttention(channels, heads, p_dropout) for _ in range(layers))
        self.norm_layers_0 = nn.ModuleList(ChannelNorm(channels) for _ in range(layers))
        self.ffn_layers = nn.ModuleList(
            FeedForward(channels, filter_channels, kernel, p_dropout, causal=True) for _ in range(layers)
        )
        self.norm_layers_1 = nn.ModuleList(ChannelNorm(channels) for _ in range(layers))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        x = masked(x, mask)
        for index in range(len(self.self_attn_layers)):
            x = self.layer(x, mask, index)
        return masked(x, mask)

    def layer(self, x: Tensor, mask: Tensor | None, index: int) -> Tensor:
        """What the layer of that number makes of (b, c, t)."""
        attended = self.self_attn_layers[index](x)
        x = self.norm_layers_0[index](x + F.dropout(attended, self.p_dropout, self.training))
        fed = self.ffn_layers[index](x, mask)
        made: Tensor = self.norm_layers_1[index](x + F.dropout(fed, self.p_dropout, self.training))
        return made

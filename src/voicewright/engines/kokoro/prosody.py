"""How long, how high, how loud: the prosody predictor.

b batch · n tokens · t frames (40 per second) · c channels · s style width
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from voicewright.engines.kokoro.config import KokoroConfig
from voicewright.engines.kokoro.layers import AdaptiveLayerNorm, StyledBlock


class ProsodyPredictor(nn.Module):
    """Durations of tokens, then F0 and energy of frames, under the prosody half of a style."""

    def __init__(self, config: KokoroConfig) -> None:
        super().__init__()
        width, style, half = config.width, config.style, config.width // 2
        self.text_encoder = _DurationEncoder(config)
        self.lstm = nn.LSTM(width + style, half, batch_first=True, bidirectional=True)
        self.duration_proj = nn.ModuleDict({"linear_layer": nn.Linear(width, config.longest_duration)})
        self.shared = nn.LSTM(width + style, half, batch_first=True, bidirectional=True)
        self.F0 = _curve_blocks(width, style)
        self.N = _curve_blocks(width, style)
        self.F0_proj = nn.Conv1d(half, 1, 1)
        self.N_proj = nn.Conv1d(half, 1, 1)

    def durations(self, meaning: Tensor, style: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Expected frames of each token, and the features that F0 and energy start from.

        meaning (b, n, width), style (b, s) → (b, n) frames as real numbers, (b, n, width + s). Where texts of several
        lengths (b,) were filled up to n tokens, what comes out behind their ends has no meaning.
        """
        features = self.text_encoder(meaning, style, lengths)
        steps = self.duration_proj["linear_layer"](_through(self.lstm, features, lengths))
        return torch.sigmoid(steps).sum(-1), features

    def curves(self, frames: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
        """F0 in Hz and energy, two values for each frame: (b, t, width + s), (b, s) → (b, 2t), (b, 2t)"""
        return self.curves_from(self.shared(frames)[0], style)

    def several_curves(self, frames: Sequence[Tensor], style: Tensor) -> list[tuple[Tensor, Tensor]]:
        """As `curves`, of several texts: b times (t, width + s), (b, s) → b times (2t,), (2t,)"""
        lengths = torch.tensor([len(x) for x in frames], device=style.device)
        shared = _through(self.shared, pad_sequence(list(frames), batch_first=True), lengths)
        # One by one: instance norms would take filled-up frames for speech.
        rows = (self.curves_from(x[None, : len(f)], s[None]) for x, f, s in zip(shared, frames, style, strict=True))
        return [(f0[0], energy[0]) for f0, energy in rows]

    def curves_from(self, shared: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
        """The second half of `curves`: (b, t, width), (b, s) → (b, 2t), (b, 2t)"""
        x = shared.transpose(1, 2)
        f0, energy = x, x
        for block in self.F0:
            f0 = block(f0, style)
        for block in self.N:
            energy = block(energy, style)
        return self.F0_proj(f0).squeeze(1), self.N_proj(energy).squeeze(1)


def _through(lstm: nn.LSTM, x: Tensor, lengths: Tensor | None) -> Tensor:
    """(b, n, c) → (b, n, d); each row as if it ended at its length."""
    if lengths is None:
        read: Tensor = lstm(x)[0]
        return read
    places = torch.arange(x.shape[1], device=x.device).expand(len(x), -1)
    mirrored = torch.where(places < lengths[:, None], lengths[:, None] - 1 - places, places)
    back = _one_way(lstm, _taken(x, mirrored), "_reverse")
    return torch.cat([_one_way(lstm, x, ""), _taken(back, mirrored)], dim=2)


def _one_way(lstm: nn.LSTM, x: Tensor, suffix: str) -> Tensor:
    """One direction from the beginning on. A packed sequence would do, but its way back takes three times as long."""
    kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    weights = [getattr(lstm, f"{kind}_l0{suffix}") for kind in kinds]
    nothing = x.new_zeros(1, len(x), lstm.hidden_size)
    return torch.lstm(x, (nothing, nothing), weights, True, 1, 0.0, False, False, True)[0]


def _taken(x: Tensor, places: Tensor) -> Tensor:
    """(b, n, c), (b, n) → (b, n, c) in that order"""
    return x.gather(1, places[:, :, None].expand_as(x))


def _curve_blocks(width: int, style: int) -> nn.ModuleList:
    half = width // 2
    return nn.ModuleList(
        [
            StyledBlock(width, width, style),
            StyledBlock(width, half, style, upsample=True),
            StyledBlock(half, half, style),
        ]
    )


class _DurationEncoder(nn.Module):
    def __init__(self, config: KokoroConfig) -> None:
        super().__init__()
        self.lstms = nn.ModuleList()
        for _ in range(config.prosody_layers):
            self.lstms.append(
                nn.LSTM(config.width + config.style, config.width // 2, batch_first=True, bidirectional=True)
            )
            self.lstms.append(AdaptiveLayerNorm(config.style, config.width))

    def forward(self, x: Tensor, style: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(b, n, width), (b, s) → (b, n, width + s)"""
        spread = style.unsqueeze(1).expand(-1, x.shape[1], -1)
        x = torch.cat([x, spread], dim=2)
        for block in self.lstms:
            if isinstance(block, nn.LSTM):
                x = _through(block, x, lengths)
            else:
                x = torch.cat([block(x, style), spread], dim=2)
        return x

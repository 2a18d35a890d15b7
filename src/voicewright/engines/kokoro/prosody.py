"""How long, how high, how loud: the prosody predictor.

b batch · n tokens · t frames (40 per second) · c channels · s style width
"""

import torch
from torch import Tensor, nn

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

    def durations(self, meaning: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
        """Expected frames of each token, and the features that F0 and energy start from.

        meaning (b, n, width), style (b, s) → (b, n) frames as real numbers, (b, n, width + s)
        """
        features = self.text_encoder(meaning, style)
        steps = self.duration_proj["linear_layer"](self.lstm(features)[0])
        return torch.sigmoid(steps).sum(-1), features

    def curves(self, frames: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
        """F0 in Hz and energy, two values for each frame: (b, t, width + s), (b, s) → (b, 2t), (b, 2t)"""
        x = self.shared(frames)[0].transpose(1, 2)
        f0, energy = x, x
        for block in self.F0:
            f0 = block(f0, style)
        for block in self.N:
            energy = block(energy, style)
        return self.F0_proj(f0).squeeze(1), self.N_proj(energy).squeeze(1)


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

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """(b, n, width), (b, s) → (b, n, width + s)"""
        spread = style.unsqueeze(1).expand(-1, x.shape[1], -1)
        x = torch.cat([x, spread], dim=2)
        for block in self.lstms:
            x = block(x)[0] if isinstance(block, nn.LSTM) else torch.cat([block(x, style), spread], dim=2)
        return x

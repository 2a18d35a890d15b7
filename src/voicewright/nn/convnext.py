"""A block that hears what is around a frame.

b batch · d width · t frames
"""

from torch import Tensor, nn
from torch.nn.functional import dropout, gelu


class ConvNextBlock(nn.Module):
    """What sounds around a frame, then what follows from it: (b, d, t) → (b, d, t); ConvNeXt (Liu et al. 2022)."""

    def __init__(self, width: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        self.around = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.wide, self.back = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.norm(self.around(x).transpose(1, 2))
        added: Tensor = self.back(dropout(gelu(self.wide(inner)), self.dropout, self.training))
        return x + added.transpose(1, 2)

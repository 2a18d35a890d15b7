"""`ContentPredictor`: from what is heard in a recording to the tokens that the engine would have said.

b batch · n samples at 16 kHz · f heard frames (50 per second) · h heard width
t decoder frames (40 per second) · d width

Which phoneme sounds in which neighbourhood, and nothing of who says it, is learned from speech that the engine itself
made (`scripts/train_kokoro_content.py`), where it is known exactly: the token of each frame, and the content that the
decoder played, which is predicted only while the network learns.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.engines.kokoro.transcribing import Habits
from voicewright.errors import BadClip
from voicewright.nn.convnext import ConvNextBlock
from voicewright.nn.frozen import load_frozen
from voicewright.nn.phones import PhoneNetwork
from voicewright.nn.whisper_encoder import FRAME, RATE, WhisperEncoder

FRAME_S = 0.025
AHEAD_S = 0.055
"""By how much the engine's sound runs ahead of its frames: content of frame i sounds around i · FRAME_S - AHEAD_S.
F0 and energy do not: what they say is heard when they say it."""


@dataclass(frozen=True, kw_only=True)
class ContentConfig:
    """Sizes of the network and of what it hears."""

    whisper: int = 384
    phones: int = 192
    mels: int = 64
    content: int = 512
    symbols: int = 178
    width: int = 384
    blocks: int = 8
    kernel: int = 7
    """Frames of 25 ms that a block hears at once: with 8 blocks, 0.6 s to either side."""
    dropout: float = 0.05

    @property
    def heard(self) -> int:
        """Numbers in a heard frame: Whisper's, the phone network's, and two frames of mels."""
        return self.whisper + self.phones + 2 * self.mels

    @classmethod
    def tiny(cls, *, content: int = 16, phones: int = 192, mels: int = 64) -> Self:
        return cls(whisper=0, phones=phones, mels=mels, content=content, width=12, blocks=2)


class ContentPredictor(nn.Module):
    """Heard frames to tokens and energy."""

    middle: Tensor
    scale: Tensor
    content_middle: Tensor
    content_scale: Tensor
    following: Tensor
    staying: Tensor
    usual: Tensor

    def __init__(self, config: ContentConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or ContentConfig()
        self.stem = nn.Linear(c.heard, c.width)
        self.stem_norm = nn.LayerNorm(c.width)
        self.blocks = nn.ModuleList(ConvNextBlock(c.width, c.kernel, c.dropout) for _ in range(c.blocks))
        self.norm = nn.LayerNorm(c.width)
        self.content = nn.Linear(c.width, c.content)
        self.energy = nn.Linear(c.width, 2)
        self.symbol = nn.Linear(c.width, c.symbols)
        for name, size in (("", c.heard), ("content_", c.content)):
            self.register_buffer(f"{name}middle", torch.zeros(size))
            self.register_buffer(f"{name}scale", torch.ones(size))
        for name, sizes in (("following", (c.symbols, c.symbols)), ("staying", (c.symbols,)), ("usual", (c.symbols,))):
            self.register_buffer(name, torch.full(sizes, -1.0))

    @property
    def habits(self) -> Habits:
        """What the tokens of the training speech were like."""
        return Habits(self.following.numpy(), self.staying.numpy(), self.usual.numpy())

    def forward(self, heard: Tensor, frames: int, first: int = 0) -> tuple[Tensor, Tensor]:
        """(b, f, h) → log probabilities of the symbols (b, t, symbols), energy (b, 2t), for t = `frames` from frame
        `first`, counted from the start of the sound. Beyond the ends of the sound it goes on as at the end."""
        hidden = self.hidden(heard, frames, first)
        return log_softmax(self.symbol(hidden), dim=2), self.energy(hidden).flatten(1)

    def hidden(self, heard: Tensor, frames: int, first: int = 0) -> Tensor:
        """(b, f, h) → (b, t, d)"""
        x = ((heard - self.middle) / self.scale).clamp(-6, 6)
        x = self.stem_norm(self.stem(x))
        x = at_times(x, sounding_times(frames, first, x)).transpose(1, 2)
        for block in self.blocks:
            x = block(x)
        hidden: Tensor = self.norm(x.transpose(1, 2))
        return hidden


def sounding_times(frames: int, first: int, like: Tensor) -> Tensor:
    """(t,) when the content of each frame sounds, in heard frames from the start of the sound."""
    seconds = (torch.arange(first, first + frames, device=like.device) + 0.5) * FRAME_S - AHEAD_S
    return seconds * (RATE / FRAME)


def at_times(x: Tensor, times: Tensor) -> Tensor:
    """(b, f, d) at (t,) fractional frames, between two frames by a straight line, beyond the ends as at the end."""
    times = times.clamp(0, x.shape[1] - 1)
    before = times.floor().long()
    after = (before + 1).clamp(max=x.shape[1] - 1)
    share = (times - before).to(x.dtype)[:, None]
    return x[:, before] * (1 - share) + x[:, after] * share


class Hearing:
    """What is heard in a clip, for the predictor: Whisper's hidden frames, the phone network's, and log-mels.

    Args:
        whisper: None leaves it out, as the tiny twin does.
    """

    def __init__(self, whisper: WhisperEncoder | None, phones: PhoneNetwork) -> None:
        self._whisper, self._phones = whisper, phones

    def __call__(self, clip: Clip) -> Tensor:
        """A clip of any rate → (f, h), f = ceil(50 · seconds).

        Raises BadClip: it holds no sample.
        """
        sixteen = resample(clip, RATE)
        count = -(-len(sixteen) // FRAME)
        if not count:
            raise BadClip("there is nothing to hear in an empty clip")
        with torch.inference_mode():
            wave = torch.zeros(1, count * FRAME)
            wave[0, : len(sixteen)] = torch.from_numpy(sixteen.samples.copy())
            mels = self._phones.features(wave)
            hidden = self._phones.hidden(mels)[0, :count]
            parts = [hidden, mels[0, : 2 * count].reshape(count, -1)]
        if self._whisper is not None:
            parts.insert(0, torch.from_numpy(self._whisper.encode(sixteen)))
        return torch.cat(parts, dim=1)


def load_content(path: Path) -> ContentPredictor:
    """The trained network, frozen, from a safetensors file (`weights/bundled/kokoro-content.safetensors`).

    Raises: MissingWeights, BadWeights.
    """
    return load_frozen(ContentPredictor(), path)

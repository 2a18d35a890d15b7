"""`PhoneNetwork`: which phone sounds when.

b batch · t samples · f frames of 10 ms · o frames of 20 ms · m mel bins · c phone classes · d width

A stack of ConvNeXt blocks (Liu et al., 2022) over time, trained by `scripts/train_phone_model.py` on speech of the
default engine, whose phone durations are known.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax

from voicewright.audio.mel import MelSpec, filterbank
from voicewright.nn.convnext import ConvNextBlock
from voicewright.nn.frozen import load_frozen

SILENCE = 0
PHONES = ("", *"AIOQWYabdfhijklmnpstuvwzæðŋɑɒɔəɛɜɡɪɹʃʊʌʒʤʧθT")
"""The classes: silence, then the English phonemes of `voicewright.text.tokens` without stress and length."""
ALIKE = {"ɐ": "ə", "ᵊ": "ə", "ɚ": "ə", "ᵻ": "ɪ", "ɾ": "T", "ʔ": "t", "x": "k", "r": "ɹ", "o": "O", "e": "ɛ"}
"""Symbols that share the class of another, because few listeners or recordings tell them apart."""

ACCENTS = {
    "ɔ": "ɑɒ", "ɑ": "ɔɒ", "ɒ": "ɑɔ", "æ": "a", "a": "æ", "O": "Q", "Q": "O", "t": "T", "T": "td", "d": "T", "i": "ɪ",
    "ɪ": "iə", "ʊ": "uə", "u": "ʊ", "ʌ": "ə", "ə": "ʌɪ", "ɜ": "ə", "z": "s", "ð": "θ", "θ": "ð",
}  # fmt: skip
"""What else a phone may sound like in the same word: by accent, or in passing."""

LOUD_FRAMES = 400
"""Frames among which the loud ones are looked for: the 4 s that the network was trained on."""


@dataclass(frozen=True, kw_only=True)
class PhoneConfig:
    """Sizes of the network and of what it hears."""

    classes: int = len(PHONES)
    mels: int = 64
    width: int = 192
    blocks: int = 8
    kernel: int = 7
    """Frames of 20 ms that a block hears at once: with 8 blocks, 0.5 s to either side."""
    dropout: float = 0.1
    """In training, so that the network does not trust the engine's accent more than a stranger's deserves."""
    rate: int = 16_000
    n_fft: int = 512
    window: int = 400
    hop: int = 160

    @property
    def frame_s(self) -> float:
        """Seconds from one output to the next; output i is centred at i · frame_s."""
        return 2 * self.hop / self.rate

    @classmethod
    def tiny(cls) -> Self:
        return cls(mels=16, width=12, blocks=2)


class PhoneNetwork(nn.Module):
    """Sound to log-probabilities of phone classes, one row every 20 ms."""

    filters: Tensor
    taper: Tensor

    def __init__(self, config: PhoneConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or PhoneConfig()
        self.stem = nn.Conv1d(c.mels, c.width, 5, stride=2, padding=2)
        self.blocks = nn.ModuleList(ConvNextBlock(c.width, c.kernel, c.dropout) for _ in range(c.blocks))
        self.norm = nn.LayerNorm(c.width)
        self.out = nn.Linear(c.width, c.classes)
        bank = filterbank(MelSpec(rate=c.rate, n_fft=c.n_fft, hop_samples=c.hop, bins=c.mels))
        self.register_buffer("filters", torch.from_numpy(bank.T).float(), persistent=False)
        self.register_buffer("taper", torch.hann_window(c.window), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """(b, f, m) features -> (b, o, c) log-probabilities, o = ceil(f / 2)."""
        return log_softmax(self.out(self.hidden(features)).float(), dim=-1)

    def hidden(self, features: Tensor) -> Tensor:
        """(b, f, m) features -> (b, o, d): what the phones are told from. Alike where two speakers say the same."""
        x = self.stem(features.transpose(1, 2))
        for block in self.blocks:
            x = block(x)
        hidden: Tensor = self.norm(x.transpose(1, 2))
        return hidden

    def features(self, wave: Tensor) -> Tensor:
        """(b, t) sound -> (b, t // hop + 1, m): log-mels against their mean while somebody speaks.

        The mean over loud frames takes out level, microphone and line; the floor, 60 dB below them, digital silence.
        What is loud is said by the loudest 4 s, so that long pauses do not count.
        """
        c = self.config
        spectrum = torch.stft(
            wave, c.n_fft, c.hop, c.window, window=self.taper, pad_mode="constant", return_complex=True
        )
        power = torch.view_as_real(spectrum).square().sum(-1).transpose(1, 2) @ self.filters
        energy = power.sum(-1, keepdim=True)
        stretches = energy.tensor_split(max(1, energy.shape[1] // LOUD_FRAMES), dim=1)
        loud = torch.cat([torch.quantile(part, 0.95, dim=1, keepdim=True) for part in stretches], dim=1)
        loud = loud.amax(1, keepdim=True).clamp(min=1e-8)
        log = (power + 1e-6 * loud / c.mels).log()
        speaks = (energy > 0.003 * loud).float()  # -25 dB
        mean = (log * speaks).sum(1, keepdim=True) / speaks.sum(1, keepdim=True).clamp(min=1)
        return (log - mean) / 3

    def hear(self, wave: Tensor) -> Tensor:
        """(b, t) sound at `config.rate` -> (b, o, c) log-probabilities."""
        log_probabilities: Tensor = self(self.features(wave))
        return log_probabilities


def phone_classes(symbols: Iterable[str]) -> list[int]:
    """The classes of phoneme symbols; stress, length, marks and symbols of other languages have none."""
    known = {phone: index for index, phone in enumerate(PHONES) if phone}
    return [known[phone] for symbol in symbols if (phone := ALIKE.get(symbol, symbol)) in known]


def variants() -> list[tuple[int, int]]:
    """Pairs of classes of which the first may sound like the second."""
    place = {phone: index for index, phone in enumerate(PHONES)}
    return [(place[phone], place[other]) for phone, others in ACCENTS.items() for other in others]


def load_phones(path: Path) -> PhoneNetwork:
    """The trained network, frozen, from a safetensors file (`weights/bundled/phones.safetensors`).

    Raises: MissingWeights, BadWeights.
    """
    return load_frozen(PhoneNetwork(), path)

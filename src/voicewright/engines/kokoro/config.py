"""`KokoroConfig`: the numbers that rebuild the network."""

from dataclasses import dataclass
from math import prod


@dataclass(frozen=True, slots=True, kw_only=True)
class KokoroConfig:
    """Sizes of Kokoro-82M v1.0 (hexgrad, StyleTTS 2 family); `tiny()` is its twin for tests."""

    symbols: int = 178
    width: int = 512
    style: int = 128
    """Width of each half of a style: the first half steers the decoder, the second the prosody."""
    text_kernel: int = 5
    text_layers: int = 3
    prosody_layers: int = 3
    longest_duration: int = 50
    bert_embedding: int = 128
    bert_width: int = 768
    bert_heads: int = 12
    bert_inner: int = 2048
    bert_repeats: int = 12
    bert_positions: int = 512
    decoder_width: int = 1024
    content_residual: int = 64
    upsample_rates: tuple[int, ...] = (10, 6)
    upsample_kernels: tuple[int, ...] = (20, 12)
    resblock_kernels: tuple[int, ...] = (3, 7, 11)
    resblock_dilations: tuple[int, ...] = (1, 3, 5)
    n_fft: int = 20
    hop: int = 5
    harmonics: int = 8
    rate: int = 24_000

    @property
    def samples_per_pitch_frame(self) -> int:
        """300 at full size: F0 and energy run at 80 per second."""
        return prod(self.upsample_rates) * self.hop

    @property
    def samples_per_frame(self) -> int:
        """600 at full size: durations and content run at 40 per second."""
        return 2 * self.samples_per_pitch_frame

    @property
    def stages(self) -> int:
        """Parts of the decoder that may have a timbre style of their own: styled convolutions, then each upsampling."""
        return 1 + len(self.upsample_rates)

    @property
    def longest_input(self) -> int:
        """Tokens in one piece, without the two zeros around them."""
        return self.bert_positions - 2

    @classmethod
    def tiny(cls) -> "KokoroConfig":
        return cls(
            width=16, style=8, text_layers=1, prosody_layers=1, bert_embedding=8, bert_width=16, bert_heads=2,
            bert_inner=16, bert_repeats=2, decoder_width=16, content_residual=4, resblock_kernels=(3,),
            resblock_dilations=(1, 3), harmonics=2,
        )  # fmt: skip

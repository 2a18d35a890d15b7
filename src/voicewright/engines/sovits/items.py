"""What is learned from a clip: its sound, what is said in it by a content encoder, and its pitch curve; and batches.

b batch · t frames of the network · n samples · e edge, the samples that spectra need beyond each end · d content width

Spectra and loudness are not kept: they follow from the sound, and the sound may be made louder first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.audio.files import read_clip
from voicewright.audio.loudness import rms_db
from voicewright.audio.pitch import PitchTracker
from voicewright.engines.recipe import Example
from voicewright.engines.sovits.config import SovitsConfig
from voicewright.engines.sovits.content import ContentEncoder
from voicewright.engines.sovits.curves import interpolated
from voicewright.engines.sovits.options import SovitsTrainingOptions
from voicewright.engines.sovits.spectra import frame_volume, mirror
from voicewright.errors import BadClip, BadDataset

if TYPE_CHECKING:
    from voicewright.engines.recipe import Batch, Item

Samples = NDArray[np.float32]
METHOD = "sovits items 1"
"""Changed whenever items of an earlier version should not be used any more."""
SILENT_DB = -60.0
PEAK = 0.98
FULL = 32767
QUIETEST_GAIN = -1.0
"""Power of ten by which loudness augmentation makes a clip quieter at most; so-vits-svc 4.1's."""


@dataclass(frozen=True, kw_only=True)
class ItemReader:
    """Makes items of examples.

    Args:
        speakers: who is learned, by name, in the order of their numbers.
    """

    config: SovitsConfig
    options: SovitsTrainingOptions
    encoder: ContentEncoder
    tracker: PitchTracker
    speakers: tuple[str, ...]

    @property
    def preparation(self) -> str:
        """All that an item depends on beside its example."""
        config, options = self.config, self.options
        return (
            f"{METHOD}; content {self.encoder.name} {options.content_files}; pitch {options.pitch}; {config.rate} Hz, "
            f"frames of {config.hop}; peaks {'made equal' if options.normalise else 'as they are'}; "
            f"speakers {', '.join(self.speakers)}"
        )

    def read(self, example: Example) -> "Item":
        """wave (n,) int16 of whole frames, content (t50, d) float16 at the encoder's own rate, f0_hz (t,) without gaps,
        voiced (t,), speaker ().

        Raises:
            BadClip: it cannot be read, is silent, or shorter than a segment.
            BadDataset: somebody speaks who is not learned.
        """
        speaker = self._number(example)
        clip = read_clip(example.audio)
        if rms_db(clip) < SILENT_DB:
            raise BadClip(f"there is next to nothing in it to hear ({rms_db(clip):.0f} dB); drop it")
        samples = self._samples(clip)
        f0_hz, voiced = self._curve(clip, len(samples) // self.config.hop)
        return {
            "wave": torch.from_numpy(np.round(samples * FULL).astype(np.int16)),
            "content": torch.from_numpy(self.encoder.encode(clip)).half(),
            "f0_hz": torch.from_numpy(f0_hz),
            "voiced": torch.from_numpy(voiced).to(torch.uint8),
            "speaker": torch.tensor(speaker),
        }

    def _number(self, example: Example) -> int:
        if self.speakers and example.speaker not in self.speakers:
            raise BadDataset(f"{example.speaker or 'nobody'!r} speaks in it, who is not learned in this run")
        return self.speakers.index(example.speaker) if self.speakers else 0

    def _samples(self, clip: Clip) -> Samples:
        """Whole frames at the network's rate, the peak where it should be."""
        config = self.config
        heard = resample(clip, config.rate).samples
        frames = len(heard) // config.hop
        if frames < self.options.segment_frames:
            least_s = self.options.segment_frames * config.hop / config.rate
            raise BadClip(f"it lasts {clip.seconds:.2f} s, and a step plays {least_s:.2f} s of a clip; drop it")
        samples = heard[: frames * config.hop]
        peak = float(np.abs(samples).max())
        return samples * np.float32(PEAK / peak) if self.options.normalise or peak > PEAK else samples

    def _curve(self, clip: Clip, frames: int) -> tuple[Samples, Samples]:
        """Pitch without gaps, and 1 where there is one, of each frame."""
        found = self.tracker.track(clip).resampled(self.config.rate / self.config.hop).f0_hz[:frames]
        f0_hz, voiced = interpolated(np.pad(found, (0, frames - len(found))).astype(np.float32))
        return f0_hz.astype(np.float32), voiced


@dataclass(frozen=True, kw_only=True)
class Collator:
    """Makes batches of items: of long ones a random part, now and then louder or quieter.

    Args:
        edge: samples that spectra need beyond each end; a clip's own ends are mirrored there.
        content_rate: frames of content in a second.
    """

    config: SovitsConfig
    options: SovitsTrainingOptions
    edge: int
    content_rate: float

    def collate(self, items: "Sequence[Item]", generators: Sequence[torch.Generator]) -> "Batch":
        """wave (b, t · hop + 2e), content (b, d, t), f0_hz, voiced, volume (b, t), lengths, speaker, seed (b,); what is
        shorter than the longest is filled up with zeros."""
        rows = [self._row(item, generator) for item, generator in zip(items, generators, strict=True)]
        batch = {
            name: pad_sequence([row[name] for row in rows], batch_first=True)
            for name in ("wave", "content", "f0_hz", "voiced", "volume")
        }
        batch |= {name: torch.stack([row[name] for row in rows]) for name in ("lengths", "speaker", "seed")}
        return batch | {"content": batch["content"].transpose(1, 2).contiguous()}

    def _row(self, item: "Item", generator: torch.Generator) -> dict[str, Tensor]:
        frames = len(item["f0_hz"])
        count = min(frames, self.options.longest_frames)
        start = int(torch.randint(frames - count + 1, (), generator=generator))
        wave = item["wave"].float() / FULL * self._gain(item["wave"], generator)
        hop = self.config.hop
        heard = mirror(wave[None], self.edge)[0]
        volume = frame_volume(wave[None], hop)[0]
        part = slice(start, start + count)
        return {
            "wave": heard[start * hop : (start + count) * hop + 2 * self.edge],
            "content": item["content"].float()[self._content_frames(item, frames)[part]],
            "f0_hz": item["f0_hz"][part],
            "voiced": item["voiced"][part].float(),
            "volume": volume[part],
            "lengths": torch.tensor(count),
            "speaker": item["speaker"],
            "seed": torch.randint(2**62, (), generator=generator),
        }

    def _content_frames(self, item: "Item", frames: int) -> Tensor:
        """(t,) which of the content's frames is heard at the beginning of each frame."""
        times_s = torch.arange(frames, dtype=torch.float64) * self.config.hop / self.config.rate
        return (times_s * self.content_rate + 1e-6).long().clamp(max=len(item["content"]) - 1)

    def _gain(self, wave: Tensor, generator: torch.Generator) -> float:
        """So-vits-svc 4.1's augmentation of loudness: up to where it would clip, down to a tenth."""
        chance, place = torch.rand(2, generator=generator).tolist()
        peak = float(wave.float().abs().max()) / FULL
        if not self.options.hears_volume or chance >= self.options.volume_augmentation or not peak:
            return 1.0
        loudest = min(1.0, log10(1 / peak))
        return float(10 ** (QUIETEST_GAIN + place * (loudest - QUIETEST_GAIN)))

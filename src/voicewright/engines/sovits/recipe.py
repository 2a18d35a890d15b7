"""`SovitsRecipe`: how a so-vits-svc network learns (VITS, Kim et al. 2021, with HiFi-GAN's discriminators).

The generator plays a random segment of each clip from the recording's own latent; the discriminators learn to tell it
from the recording; then the generator learns to pass for it, to match its mel spectrogram and its discriminators'
features, to bring what the recording says and what content, pitch and speaker say together, and to guess the pitch.

b batch · t frames · n samples

Two things are not as in the originals. An item counts the same whatever it is batched with: what is averaged over
frames is averaged within each item, padding left out, and each item has its own noise. And the mel spectrograms of
recording and copy are both taken of the segment alone, so that equal sounds have equal spectrograms.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from voicewright.audio.mel import MelSpec
from voicewright.engines.recipe import Example, Lesson, Update
from voicewright.engines.sovits.content import AT_HAND, ContentEncoder
from voicewright.engines.sovits.items import Collator, ItemReader
from voicewright.engines.sovits.losses import (
    discriminator_losses,
    feature_loss,
    generator_losses,
    kl_by_item,
    lf0_by_item,
    mel_loss,
    slice_segments,
    sub_band_loss,
)
from voicewright.engines.sovits.noise import RowNoise
from voicewright.engines.sovits.options import SovitsTrainingOptions
from voicewright.engines.sovits.pqmf import Pqmf
from voicewright.engines.sovits.singer import voice_from
from voicewright.engines.sovits.spectra import Spectra
from voicewright.engines.sovits.start import begin
from voicewright.engines.sovits.synthesizer import Synthesized
from voicewright.errors import BadSetting, BadVoice, MissingWeights
from voicewright.measure.tracking import tracker_named
from voicewright.voice.voice import Voice
from voicewright.weights.store import Store

if TYPE_CHECKING:
    from voicewright.engines.recipe import Batch, Item
    from voicewright.engines.sovits.engine import SovitsEngine

MEL_BINS = 80
NOBODY = "speaker"
"""What the only speaker is called where nobody says."""
GENERATOR, DISCRIMINATOR = "generator", "discriminator"


class SovitsRecipe:
    """See `voicewright.engines.recipe.Recipe` for what its methods promise.

    Args:
        store: where the pitch tracker's network comes from.

    Raises:
        BadVoice: a voice to start from was named; such a network starts from files, or from nothing.
        BadSetting: options of something else, or adapters, which it does not have.
        BadWeights, UnsafeFile: as `start.begin`.
    """

    def __init__(self, engine: "SovitsEngine", lesson: Lesson, store: Store) -> None:
        self._engine, self._lesson, self._store = engine, lesson, store
        self._options = options = _checked(lesson)
        self._speakers = tuple(sorted(lesson.speakers))
        self._generator, self._discriminator = begin(options, len(self._speakers), lesson.seed)
        self._config = config = self._generator.synthesizer.config
        n_fft = 2 * (config.spec_channels - 1)
        self._spectra = Spectra(MelSpec(rate=config.rate, n_fft=n_fft, hop_samples=config.hop, bins=MEL_BINS))
        self._pqmf = Pqmf(config.subbands)

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return {GENERATOR: self._generator, DISCRIMINATOR: self._discriminator}

    @property
    def preparation(self) -> str:
        return self._reader.preparation

    def prepare(self, example: Example) -> "Item":
        return self._reader.read(example)

    def length(self, item: "Item") -> int:
        return len(item["f0_hz"])

    def collate(self, items: "Sequence[Item]", generators: Sequence[torch.Generator]) -> "Batch":
        return self._collator.collate(items, generators)

    def updates(self, networks: Mapping[str, nn.Module], batch: "Batch") -> Iterator[Update]:
        self._to(batch["wave"].device)
        self._generator.hear(batch["f0_hz"], batch["voiced"], batch["speaker"])
        made = self._made(networks, batch)
        real = self._real(batch, made)
        discriminator = networks[DISCRIMINATOR]
        missed, fooled = discriminator_losses(discriminator(real)[0], discriminator(made.wave.detach())[0])
        figures = {name: float(each.detach().mean()) for name, each in (("real", missed), ("made", fooled))}
        yield Update(DISCRIMINATOR, (missed + fooled).sum(), figures)
        with torch.no_grad():
            _, wanted = discriminator(real)
        logits, features = discriminator(made.wave)
        parts = {"adversarial": generator_losses(logits).sum(), "features": feature_loss(wanted, features)}
        parts |= self._parts(batch, made, real)
        weights = self._weights
        loss = torch.stack([weights[name] * part for name, part in parts.items()]).sum()
        yield Update(GENERATOR, loss, {name: float(part.detach()) for name, part in parts.items()})

    def validate(self, networks: Mapping[str, nn.Module], batch: "Batch") -> dict[str, float]:
        """`mel`, the mean distance of log-mel spectrograms of a segment; `kl`; `lf0` where a pitch is predicted."""
        self._to(batch["wave"].device)
        with torch.no_grad():
            made = self._made(networks, batch)
            parts = self._parts(batch, made, self._real(batch, made))
        return {name: float(part) for name, part in parts.items()}

    def trial(self) -> "tuple[SovitsEngine, Voice]":
        speakers = {name: number for number, name in enumerate(self._speakers or (NOBODY,))}
        name = self._lesson.speakers[0] if self._lesson.speakers else NOBODY
        voice = voice_from(
            self._generator.synthesizer,
            name=name or NOBODY,
            speaker=name,
            speakers=speakers,
            content=self._reader.encoder.name,
            home_hz=self._generator.home_hz(speakers[name]),
            engine=self._engine.name,
        )
        return self._engine, voice

    def _made(self, networks: Mapping[str, nn.Module], batch: "Batch") -> Synthesized:
        frames = batch["f0_hz"].shape[1]
        with torch.autocast(batch["wave"].device.type, enabled=False):
            spectrum = self._spectra.linear(batch["wave"], mirrored=True)
        made: Synthesized = networks[GENERATOR](
            content=batch["content"],
            f0_hz=batch["f0_hz"],
            voiced=batch["voiced"],
            spectrum=spectrum,
            speaker=batch["speaker"],
            lengths=batch["lengths"],
            noise=RowNoise(batch["seed"], frames, self._options.longest_frames),
            volume=batch["volume"] if self._config.vol_embedding else None,
        )
        return made

    def _real(self, batch: "Batch", made: Synthesized) -> Tensor:
        """(b, 1, n) of the recordings, where the segments are."""
        hop = self._config.hop
        starts = self._spectra.edge + made.starts * hop
        return slice_segments(batch["wave"][:, None], starts, self._config.segment_frames * hop)

    def _parts(self, batch: "Batch", made: Synthesized, real: Tensor) -> dict[str, Tensor]:
        """The parts of the generator's loss that no discriminator has a say in, each the mean over the items."""
        with torch.autocast(real.device.type, enabled=False):
            mels = (self._spectra.mel(wave[:, 0]) for wave in (real, made.wave))
            parts = {
                "mel": mel_loss(*mels),
                "kl": kl_by_item(made.z_p, made.logs_q, made.m_p, made.logs_p, made.mask).mean(),
            }
            if made.predicted_lf0 is not None and made.lf0 is not None:
                parts["lf0"] = lf0_by_item(made.lf0, made.predicted_lf0, made.mask).mean()
            if self._config.decoder == "mb-istft" and made.bands is not None:
                parts["sub_bands"] = sub_band_loss(self._pqmf.analysis(real), made.bands)
        return parts

    @property
    def _weights(self) -> dict[str, float]:
        """The plan's weights count those of the sound, and those of what is said before it sounds."""
        options, sound, said = self._options, self._lesson.mel_weight, self._lesson.text_weight
        return {
            "adversarial": sound * options.adversarial_weight,
            "features": sound * options.feature_weight,
            "mel": sound * options.mel_spectrum_weight,
            "sub_bands": sound * options.sub_band_weight,
            "kl": said * options.kl_weight,
            "lf0": said * options.pitch_weight,
        }

    def _to(self, device: torch.device) -> None:
        self._spectra.to(device)
        self._pqmf.to(device)

    @cached_property
    def _reader(self) -> ItemReader:
        options = self._options
        return ItemReader(
            config=self._config,
            options=options,
            encoder=self._encoder(options),
            tracker=tracker_named(options.pitch, self._store),
            speakers=self._speakers,
        )

    def _encoder(self, options: SovitsTrainingOptions) -> ContentEncoder:
        try:
            return self._engine.encoder(options.content_name, options.content_files)
        except MissingWeights as problem:
            raise MissingWeights(
                f"{problem}\nOr name a file of yours (--set recipe.content_files=FILE), or learn with the encoder that "
                f"is always here: --set recipe.content={AT_HAND}; other programs cannot use such a network"
            ) from problem

    @cached_property
    def _collator(self) -> Collator:
        rate = self._reader.encoder.frames_per_second
        return Collator(config=self._config, options=self._options, edge=self._spectra.edge, content_rate=rate)


def _checked(lesson: Lesson) -> SovitsTrainingOptions:
    if not isinstance(lesson.options, SovitsTrainingOptions):
        raise BadSetting(f"training this network takes SovitsTrainingOptions, not {type(lesson.options).__name__}")
    if lesson.voice is not None:
        raise BadVoice(
            "start: this network does not start from a voice, whose training parts are gone; leave it out, or name the "
            "files of a whole checkpoint: --set recipe.generator=G_0.pth --set recipe.discriminator=D_0.pth"
        )
    if lesson.lora.rank:
        raise BadSetting("this network is learned as a whole, not by adapters; set lora: {rank: 0}")
    return lesson.options

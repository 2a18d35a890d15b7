"""`TuningRecipe`: how a Kokoro voice is tuned on recordings of its speaker.

The weights stay frozen; low-rank adapters and the styles learn. The prosody predictor learns durations, F0 and energy
from the recordings. The decoder plays crops of the recordings from their own words, durations, F0 and energy, and is
compared with the recording. It also says the texts with the prosody that they get by now, and speaker encoders say how
like the speaker that is: the sound of new texts is what counts in the end. (Heard with the start's prosody, the two
networks drift apart: 48 steps lowered the likeness by 0.02.)

b batch · n tokens · t frames (40 per second) · c frames of a crop · s style width
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import inf
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from voicewright.audio.clip import Clip
from voicewright.audio.edit import gain
from voicewright.audio.files import read_clip
from voicewright.audio.loudness import rms_db
from voicewright.audio.pitch import PitchTracker
from voicewright.engines.kokoro.adapters import has_adapters
from voicewright.engines.kokoro.lines import UNLIKE, LineReader
from voicewright.engines.kokoro.losses import SoundLoss, SpeakerLoss
from voicewright.engines.kokoro.network import Kokoro
from voicewright.engines.kokoro.options import TuningOptions
from voicewright.engines.kokoro.prosodic import TunedProsody, gather
from voicewright.engines.kokoro.style import StylePrior
from voicewright.engines.kokoro.tuning import TunedDecoder
from voicewright.engines.recipe import Example, Lesson, Update
from voicewright.errors import BadSetting, BadVoice
from voicewright.measure.similarity import LEVEL_DB, heard
from voicewright.nn.campplus import CAMPlus
from voicewright.nn.ge2e import GE2E
from voicewright.nn.phones import PhoneNetwork
from voicewright.voice.quality import bandwidth_hz
from voicewright.voice.voice import Voice

if TYPE_CHECKING:
    from voicewright.engines.kokoro.engine import KokoroEngine
    from voicewright.engines.recipe import Batch, Item

METHOD = "kokoro tuning 2"
"""Changed whenever items of an earlier version should not be used any more."""
PROSODY = "prosody."
"""What the names of tensors begin with that the prosody predictor learns from."""
CONTENT, PLACE, NOISE = "spoken.content", "spoken.place", "spoken.noise"
"""The whole text's content, which part of it is said (0 to 1), and the seed of the noise in that."""


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What a recipe works with, all of it frozen."""

    network: Kokoro
    prior: StylePrior
    ge2e: GE2E
    campplus: CAMPlus
    phones: PhoneNetwork
    tracker: PitchTracker
    sensible: bool = True
    """Whether what the network says sounds like the text; a twin with random weights does not."""


class TuningRecipe:
    """See `voicewright.engines.recipe.Recipe` for what its methods promise.

    Raises:
        BadVoice: no voice to start from, or one that was tuned already.
        BadSetting: options of something else, or adapters of no rank.
    """

    def __init__(self, engine: "KokoroEngine", lesson: Lesson, tools: Tools) -> None:
        self._engine, self._lesson, self._tools = engine, lesson, tools
        self._voice, self._options = _checked(lesson)
        self._style = engine.style_of(self._voice)
        self._reader = LineReader(
            tools.network,
            tools.prior,
            self._style,
            phones=tools.phones,
            tracker=tools.tracker,
            unlike=UNLIKE if tools.sensible else inf,
        )
        config = tools.network.config
        second = config.rate / config.samples_per_frame
        self._frames = round(self._options.crop_s * second)
        self._spoken_frames = round(self._options.spoken_s * second)
        self._sound = SoundLoss(config.rate)
        self._ears = SpeakerLoss(tools.ge2e, tools.campplus)
        generator = torch.Generator().manual_seed(lesson.seed)
        self._decoder = TunedDecoder(
            tools.network.decoder,
            self._style,
            tools.prior,
            lesson.lora,
            reach=self._options.reach,
            timbre_rate=self._options.timbre_rate,
            generator=generator,
        )
        self._prosody = TunedProsody(
            tools.network.predictor,
            self._style,
            tools.prior,
            replace(lesson.lora, alpha=lesson.lora.alpha * self._options.prosody_rate),
            prosody_rate=self._options.prosody_rate,
            generator=generator,
        )

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return {"decoder": self._decoder, "prosody": self._prosody}

    @property
    def preparation(self) -> str:
        return f"{METHOD}; weights {self._engine.weights[:16]}; {self._reader.preparation}"

    def prepare(self, example: Example) -> "Item":
        return self._completed(self._reader.read(example), read_clip(example.audio))

    def _completed(self, item: dict[str, Tensor], clip: Clip) -> "Item":
        """An item with its content, its recording's band, and how the encoders hear the recording."""
        sound = heard(clip)
        wave = torch.from_numpy(gain(sound, LEVEL_DB - rms_db(sound)).samples.copy())[None]
        with torch.no_grad():
            meaning, content = self._tools.network.read(item["tokens"][None])
            item["ge2e"] = self._tools.ge2e.embed_waveform(wave)[0]
            item["campplus"] = self._tools.campplus.embed_waveform(wave)[0]
        item["content"], item["meaning"] = content[0].half(), meaning[0].half()
        item["band_hz"] = torch.tensor(bandwidth_hz(clip))
        return item

    def length(self, item: "Item") -> int:
        return int(item["durations"].sum())

    def collate(self, items: "Sequence[Item]", generators: Sequence[torch.Generator]) -> "Batch":
        crops = [self._crop(item, generator) for item, generator in zip(items, generators, strict=True)]
        batch = {name: torch.stack([crop[name] for crop in crops]) for name in crops[0]}
        batch[CONTENT] = pad_sequence([item["content"].T.float() for item in items], batch_first=True)
        return batch | {PROSODY + name: tensor for name, tensor in gather(items).items()}

    def updates(self, networks: Mapping[str, nn.Module], batch: "Batch") -> Iterator[Update]:
        if self._lesson.mel_weight:
            yield self._weighed("decoder", self._lesson.mel_weight, self._sound_parts(networks, batch))
        if self._lesson.text_weight:
            yield self._weighed("prosody", self._lesson.text_weight, networks["prosody"](**_of_prosody(batch)))

    def validate(self, networks: Mapping[str, nn.Module], batch: "Batch") -> dict[str, float]:
        """`mel_cepstral_db` (see `SoundLoss.cepstral_db`), `spectral` and `log_mel` of the sound made from the real
        durations, F0 and energy; unlikeness of the texts as they are spoken; and `TunedProsody.figures`."""
        self._sound.to(batch["wave"].device)
        self._ears.to(batch["wave"].device)
        with torch.no_grad():
            made, spoken = (_played(networks["decoder"], each) for each in (batch, self._spoken(networks, batch)))
            with torch.autocast(made.device.type, enabled=False):
                spectral, log_mel = self._sound(made, batch["wave"], batch["band_hz"])
                cepstral = self._sound.cepstral_db(made, batch["wave"], batch["band_hz"])
                ge2e, campplus = self._ears(spoken, batch["ge2e"], batch["campplus"])
        figures = {"mel_cepstral_db": cepstral, "spectral": spectral, "log_mel": log_mel}
        figures |= {"unlike_ge2e": ge2e, "unlike_campplus": campplus}
        figures |= networks["prosody"](**_of_prosody(batch), figures=True)
        return {name: float(figure.mean()) for name, figure in figures.items()}

    def trial(self) -> "tuple[KokoroEngine, Voice]":
        style = self._prosody.tuned(self._decoder.tuned(self._style))
        settings = {"rank": self._lesson.lora.rank, "reach": self._options.reach, "start": dict(self._voice.settings)}
        adapters = {**self._decoder.to_tensors(), **self._prosody.to_tensors()}
        voice = replace(
            self._voice,
            tensors={**self._voice.tensors, **style.to_tensors()} | adapters,
            settings={"tuned": settings},
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            language=self._lesson.language,
            scores={},
            preview=None,
        )
        return self._engine, voice

    def _sound_parts(self, networks: Mapping[str, nn.Module], batch: "Batch") -> dict[str, Tensor]:
        """The parts of the decoder's loss that have a weight, each the mean over the batch."""
        options, device, parts = self._options, batch["wave"].device, {}
        self._sound.to(device)
        self._ears.to(device)
        if options.spectral_weight or options.log_mel_weight:
            made = _played(networks["decoder"], batch)
            with torch.autocast(device.type, enabled=False):
                parts["spectral"], parts["log_mel"] = self._sound(made, batch["wave"], batch["band_hz"])
        if options.likeness_weight:
            made = _played(networks["decoder"], self._spoken(networks, batch))
            with torch.autocast(device.type, enabled=False):
                parts["unlike_ge2e"], parts["unlike_campplus"] = self._ears(made, batch["ge2e"], batch["campplus"])
        return {name: part.mean() for name, part in parts.items()}

    def _weighed(self, network: str, weight: float, parts: Mapping[str, Tensor]) -> Update:
        """The weighed sum of a loss's parts; those that have no weight of their own are not in it."""
        weights = self._weights
        loss = torch.stack([weight * weights[name] * part for name, part in parts.items() if name in weights]).sum()
        return Update(network, loss, {name: float(part.detach()) for name, part in parts.items()})

    @property
    def _weights(self) -> dict[str, float]:
        options = self._options
        return {
            "spectral": options.spectral_weight,
            "log_mel": options.log_mel_weight,
            "unlike_ge2e": options.likeness_weight,
            "unlike_campplus": options.likeness_weight,
            "duration": options.duration_weight,
            "pitch": options.pitch_weight,
            "voicing": options.pitch_weight,
            "energy": options.energy_weight,
        }

    def _crop(self, item: "Item", generator: torch.Generator) -> dict[str, Tensor]:
        """A part of the recording with all that it is played from; and what decides, later, which part of the text is
        said for the speaker encoders, and by what noise.

        What is shorter than the part is filled up with silence.
        """
        scale = self._tools.network.config.samples_per_frame
        spare = int(item["durations"].sum()) - self._frames
        start = int(torch.randint(spare + 1, (), generator=generator)) if spare > 0 else 0
        timbre_shift, _ = self._tools.prior.shift(len(item["tokens"]) - 2)
        played = {name: item[name] for name in ("durations", "f0", "energy")}
        return {
            **self._part_of(item["content"].float(), played, start, self._frames, generator),
            "shift": timbre_shift,
            "wave": _part(item["wave"].float(), scale * start, scale * self._frames),
            **{name: item[name] for name in ("band_hz", "ge2e", "campplus")},
            PLACE: torch.rand((), generator=generator),
            NOISE: torch.randint(2**31, (), generator=generator),
        }

    def _spoken(self, networks: Mapping[str, nn.Module], batch: "Batch") -> dict[str, Tensor]:
        """Parts of the batch's texts as the networks would speak them now, ready to be played."""
        said = networks["prosody"](**_of_prosody(batch), said=True)
        rows = []
        for row, content in enumerate(batch[CONTENT]):
            frames = said["durations"][row]
            total = int(frames.sum())
            curves = {name: said[name][row, : 2 * total] for name in ("f0", "energy")}
            start = int(batch[PLACE][row] * (max(0, total - self._spoken_frames) + 1))
            generator = torch.Generator().manual_seed(int(batch[NOISE][row]))
            given = {"durations": frames, **curves}
            rows.append(self._part_of(content.T[:, : len(frames)], given, start, self._spoken_frames, generator))
        return {name: torch.stack([row[name] for row in rows]) for name in rows[0]} | {"shift": batch["shift"]}

    def _part_of(
        self, content: Tensor, given: Mapping[str, Tensor], start: int, count: int, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """`count` frames from frame `start` on of what the decoder plays: content (width, n) under `durations` (n,),
        with `f0` and `energy` (2t,) of the whole."""
        frames, energy = content.repeat_interleave(given["durations"], dim=1), given["energy"]
        f0_hz = _part(given["f0"], 2 * start, 2 * count)
        with torch.no_grad():
            source = self._decoder.base.generator.m_source(f0_hz[None], generator)[0]
        return {
            "content": _part(frames, start, count, fill=frames[:, -1:]),
            "f0": f0_hz,
            "energy": _part(energy, 2 * start, 2 * count, fill=energy.min()),
            "source": source,
        }


def _checked(lesson: Lesson) -> tuple[Voice, TuningOptions]:
    if not isinstance(lesson.options, TuningOptions):
        raise BadSetting(f"tuning a voice takes TuningOptions, not {type(lesson.options).__name__}")
    if lesson.lora.rank < 1:
        raise BadSetting("a tuned voice is a small file: only adapters are learned; set lora.rank to 1 or more")
    if lesson.voice is None:
        raise BadVoice("tuning needs a voice to start from: make one with voicewright clone, or name one as `start`")
    if has_adapters(lesson.voice.tensors):
        raise BadVoice(f"voice {lesson.voice.name!r} was tuned already; start from the voice that it was made from")
    return lesson.voice, lesson.options


def _played(decoder: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
    wave: Tensor = decoder(*(batch[name] for name in ("content", "f0", "energy", "shift", "source")))
    return wave


def _of_prosody(batch: "Batch") -> dict[str, Tensor]:
    return {name.removeprefix(PROSODY): tensor for name, tensor in batch.items() if name.startswith(PROSODY)}


def _part(x: Tensor, start: int, count: int, fill: Tensor | float = 0.0) -> Tensor:
    """`count` numbers along the last axis from `start` on, with `fill` behind the end."""
    part = x[..., start : start + count]
    missing = count - part.shape[-1]
    if not missing:
        return part
    filler = torch.as_tensor(fill, dtype=x.dtype).expand(*x.shape[:-1], missing)
    return torch.cat([part, filler], dim=-1)

"""Shallow diffusion: a mel spectrogram is given some noise and denoised again, conditioned on what is sung and how.

b batch · c content width · f frames · m mel bins · h hidden · s speakers

As so-vits-svc 4.1 and DDSP-SVC trained them (files `model_*.pt` + `config.yaml`), after DiffSinger (Liu et al., 2021).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from voicewright.audio.clip import Clip
from voicewright.engines.sovits.denoiser import Denoiser
from voicewright.engines.sovits.noise import Noise
from voicewright.engines.sovits.samplers import Walk, check_walk, first_step, sample
from voicewright.engines.sovits.schedule import Tables, at
from voicewright.engines.sovits.vocoder import Vocoder
from voicewright.errors import BadSetting, BadWeights
from voicewright.nn.frozen import fill_frozen
from voicewright.weights.safe import read_foreign

LOWEST_LOG_MEL, HIGHEST_LOG_MEL = -12.0, 2.0  # what is mapped to -1 and 1
MOST_SEMITONES = 5.0  # of the key shifts in training
TABLE_ERROR = 1e-5  # relative; float32 rounds to 6e-8, and some tables are differences


@dataclass(frozen=True, kw_only=True)
class DiffusionConfig:
    """Sizes of a diffusion model and what it was trained with."""

    content: int = 768
    """Width of the content features."""
    speakers: int = 1
    shifted: bool = True
    """Whether it knows by how much a mel spectrogram was shifted in training."""
    mels: int = 128
    layers: int = 20
    channels: int = 512
    hidden: int = 256
    steps: int = 1000
    shallow_steps: int = 0
    """It was trained on the first so many steps only; 0: on all."""
    rate: int = 44_100
    hop_samples: int = 512
    encoder: str = "vec768l12"
    """Upstream's name of the content encoder."""
    vocoder: str = "nsf-hifigan"
    """Upstream's name of the vocoder: nsf-hifigan or nsf-hifigan-log10."""
    voices: Mapping[str, int] = field(default_factory=dict)
    """Number of each speaker by name."""

    @classmethod
    def tiny(cls) -> Self:
        return cls(content=8, mels=6, layers=2, channels=8, hidden=8, steps=100)

    @classmethod
    def from_upstream(cls, told: Mapping[str, Any], *, mels: int = 128) -> Self:
        """From what a config.yaml holds. Raises BadWeights: it is not a diffusion model's."""
        try:
            data, model = told["data"], told["model"]
            return cls(
                content=int(data["encoder_out_channels"]),
                speakers=int(model["n_spk"]),
                shifted=bool(model.get("use_pitch_aug", True)),
                mels=mels,
                layers=int(model["n_layers"]),
                channels=int(model["n_chans"]),
                hidden=int(model["n_hidden"]),
                steps=int(model.get("timesteps", 1000)),
                shallow_steps=int(model.get("k_step_max") or 0),
                rate=int(data["sampling_rate"]),
                hop_samples=int(data["block_size"]),
                encoder=str(data["encoder"]),
                vocoder=str((told.get("vocoder") or {}).get("type", "nsf-hifigan")),
                voices={str(name): int(number) for name, number in (told.get("spk") or {}).items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise BadWeights(f"this is not the config.yaml of a diffusion model: {problem!r}") from problem

    @property
    def reach(self) -> int:
        """From how many steps back it can return."""
        return self.shallow_steps or self.steps


@dataclass(frozen=True, kw_only=True)
class DiffusionOptions:
    """How a mel spectrogram is denoised."""

    k_step: int = 100
    """How many of the model's steps go back: more departs further from what came in."""
    method: str = "dpm-solver++"
    """dpm-solver++, dpm-solver, unipc, pndm, ddim or ddpm."""
    speedup: int = 10
    """Steps at a stride; 1 is every step, with fresh noise at each."""


class Unit2Mel(nn.Module):
    """The diffusion model; parameters and buffers have the published names."""

    def __init__(self, config: DiffusionConfig) -> None:
        super().__init__()
        self.config = config
        self.unit_embed = nn.Linear(config.content, config.hidden)
        self.f0_embed = nn.Linear(1, config.hidden)
        self.volume_embed = nn.Linear(1, config.hidden)
        self.aug_shift_embed = nn.Linear(1, config.hidden, bias=False) if config.shifted else None
        self.spk_embed = nn.Embedding(config.speakers, config.hidden) if config.speakers > 1 else None
        self.decoder = Diffusion(config)

    def condition(
        self,
        content: Tensor,
        f0_hz: Tensor,
        volume: Tensor,
        speaker: Tensor | None = None,
        shift: Tensor | None = None,
    ) -> Tensor:
        """(b, h, f) what the noise is told by.

        Args:
            content: (b, c, f). f0_hz, volume: (b, f).
            speaker: numbers (b,), or shares (b, s) of each in a mixture, or (b, f, s) in one that changes; needed if
                there are several.
            shift: (b,) semitones by which the mel spectrogram was shifted, in training.
        Raises:
            BadSetting: several speakers, and none was named.
        """
        pitch = (1 + f0_hz / 700).log()
        told = self.unit_embed(content.mT) + self.f0_embed(pitch[..., None]) + self.volume_embed(volume[..., None])
        if self.spk_embed is not None:
            if speaker is None:
                raise BadSetting(f"this diffusion model has {self.config.speakers} speakers; name one")
            known = self.spk_embed(speaker) if speaker.ndim == 1 else speaker @ self.spk_embed.weight
            told = told + (known if known.ndim == 3 else known[:, None])
        if self.aug_shift_embed is not None and shift is not None:
            told = told + self.aug_shift_embed(shift[:, None, None] / MOST_SEMITONES)
        return told.mT  # type: ignore[no-any-return]

    def loss(self, mel: Tensor, condition: Tensor, noise: Noise) -> Tensor:
        """(b, m, f) mels of recordings -> how far the noise is told wrong, at a step drawn for each."""
        drawn = noise.uniform((len(mel),), mel)
        step = (drawn * self.config.reach).long().clamp(max=self.config.reach - 1)
        return mse_loss(*self.decoder.guess(self.decoder.normal(mel), step, condition, noise))

    @torch.no_grad()
    def clean(
        self,
        condition: Tensor,
        options: DiffusionOptions,
        noise: Noise,
        *,
        mel: Tensor | None = None,
        original_start: bool = False,
    ) -> Tensor:
        """(b, m, f) mels: `mel` noised by `k_step` steps and denoised, or one from pure noise where there is none.

        Args:
            original_start: with ddim and pndm, start as upstream does: from the noise of step k_step - 1, though these
                methods take it for that of the multiple of `speedup` below, and leave the difference in the sound.
        Raises:
            BadSetting: an unknown method, steps beyond the model's, too few of them, or a model that knows only shallow
                steps and no mel.
        """
        config, model = self.config, self.decoder
        if mel is None and config.reach != config.steps:
            raise BadSetting(f"this model knows only the first {config.reach} steps: it can refine sound, not make it")
        if options.k_step > config.reach:
            raise BadSetting(
                f"k_step is {options.k_step}, and this model knows the first {config.reach} steps; lower it"
            )
        k_step = config.steps if mel is None else options.k_step
        asked = {"k_step": k_step, "speedup": options.speedup}
        check_walk(options.method, steps=config.steps, **asked)
        if mel is None:
            x = noise.normal((len(condition), config.mels, condition.shape[-1]), condition)
        else:
            start = k_step - 1 if original_start else first_step(options.method, **asked)
            x = model.noised(model.normal(mel), torch.full((len(mel),), start, device=mel.device), noise)[0]
        walk = Walk(
            denoise=lambda x, step: model.denoise_fn(x, step, condition), tables=model.tables, noise=noise, **asked
        )
        return model.mel(sample(x, options.method, walk))


class Diffusion(nn.Module):
    """The denoiser and the schedule it was trained on."""

    spec_min: Tensor
    spec_max: Tensor

    def __init__(self, config: DiffusionConfig) -> None:
        super().__init__()
        tables = Tables.linear(config.steps)
        for name in Tables.names():
            self.register_buffer(name, getattr(tables, name))
        self.register_buffer("spec_min", torch.full((1, 1, 1), LOWEST_LOG_MEL))
        self.register_buffer("spec_max", torch.full((1, 1, 1), HIGHEST_LOG_MEL))
        self.denoise_fn = Denoiser(
            mels=config.mels, channels=config.channels, hidden=config.hidden, layers=config.layers
        )

    @property
    def tables(self) -> Tables:
        return Tables(**{name: getattr(self, name) for name in Tables.names()})

    def normal(self, mel: Tensor) -> Tensor:
        """Log mels within [-1, 1], nearly."""
        return (mel - self.spec_min) / (self.spec_max - self.spec_min) * 2 - 1

    def mel(self, normal: Tensor) -> Tensor:
        """The inverse of `normal`."""
        return (normal + 1) / 2 * (self.spec_max - self.spec_min) + self.spec_min

    def noised(self, clean: Tensor, step: Tensor, noise: Noise) -> tuple[Tensor, Tensor]:
        """Normal mels (b, m, f) at whole steps (b,), and the noise in them."""
        drawn = noise.normal(clean.shape, clean)
        kept, added = at(self.tables.sqrt_alphas_cumprod, step), at(self.tables.sqrt_one_minus_alphas_cumprod, step)
        return kept * clean + added * drawn, drawn

    def guess(self, clean: Tensor, step: Tensor, condition: Tensor, noise: Noise) -> tuple[Tensor, Tensor]:
        """The noise that the denoiser tells in noised mels, and the noise that is in them."""
        noised, drawn = self.noised(clean, step, noise)
        return self.denoise_fn(noised, step, condition), drawn


@dataclass(frozen=True)
class ShallowDiffusion:
    """A diffusion model and the vocoder whose mel spectrograms it cleans.

    Raises:
        BadWeights: the vocoder is of another rate, hop or number of mel bins.
    """

    network: Unit2Mel
    vocoder: Vocoder

    def __post_init__(self) -> None:
        wanted, found = self.network.config, self.vocoder.config
        pairs = {
            "Hz": (wanted.rate, found.rate),
            "samples at a hop": (wanted.hop_samples, found.hop_samples),
            "mel bins": (wanted.mels, found.mels),
        }
        if wrong := [f"{ours} {unit}, not {theirs}" for unit, (ours, theirs) in pairs.items() if ours != theirs]:
            raise BadWeights(f"the diffusion model needs another vocoder: one with {' and '.join(wrong)}")

    def refine(
        self,
        wave: Clip,
        content: Tensor,
        f0_hz: Tensor,
        volume: Tensor,
        noise: Noise,
        *,
        speaker: Tensor | None = None,
        options: DiffusionOptions | None = None,
    ) -> Clip:
        """A finished conversion, sung once more by the diffusion model and the vocoder.

        Args:
            wave: at the model's rate.
            content: (1, c, f). f0_hz, volume: (1, f). speaker: (1,), or (1, s) shares.
                What all of these and the wave have in frames is taken.
        Returns: a clip as long as `wave`, but for its last hop.
        Raises:
            BadSetting: as `Unit2Mel.clean` and `Unit2Mel.condition`. BadClip: another rate, or less than a frame.
        """
        mel = self.vocoder.mel(wave)
        frames = min(part.shape[-1] for part in (mel, content, f0_hz, volume))
        f0_hz = f0_hz[..., :frames]
        if speaker is not None and speaker.ndim == 3:
            speaker = speaker[:, :frames]
        told = self.network.condition(content[..., :frames], f0_hz, volume[..., :frames], speaker)
        cleaned = self.network.clean(told, options or DiffusionOptions(), noise, mel=mel[..., :frames])
        return self.vocoder.clip(cleaned, f0_hz, noise)

    def make(self, condition: Tensor, f0_hz: Tensor, noise: Noise, options: DiffusionOptions | None = None) -> Clip:
        """Sound from pure noise, by the diffusion model alone.

        Args:
            condition: (1, h, f) from `Unit2Mel.condition`. f0_hz: (1, f).
        Raises:
            BadSetting: as `Unit2Mel.clean`.
        """
        return self.vocoder.clip(self.network.clean(condition, options or DiffusionOptions(), noise), f0_hz, noise)


def read_diffusion(weights: Path, config: Path | None = None, *, device: str = "cpu") -> Unit2Mel:
    """The model of a `model_*.pt` and its config.yaml (beside it, if not named).

    Raises:
        BadWeights, MissingWeights, UnsafeFile: files that are missing, damaged, of something else, or not plain data.
    """
    told = _read_yaml(config or weights.parent / "config.yaml")
    found = read_foreign(weights)
    state = found.get("model", found)
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise BadWeights(f"{weights}: no diffusion model's weights under 'model'")
    last = state.get("decoder.denoise_fn.output_projection.bias")
    mels = len(last) if last is not None else 128
    return fill(Unit2Mel(DiffusionConfig.from_upstream(told, mels=mels)), state, str(weights)).to(device)


def fill(model: Unit2Mel, state: Mapping[str, Tensor], where: str) -> Unit2Mel:
    """The model with these weights, strictly; its schedule must be the one that the configuration tells.

    Raises:
        BadWeights: names what does not fit.
    """
    expected = Tables.linear(model.config.steps)
    fill_frozen(model, state, where)
    for name in Tables.names():
        found, wanted = getattr(model.decoder, name), getattr(expected, name)
        if not torch.allclose(found, wanted, rtol=TABLE_ERROR, atol=1e-7):
            raise BadWeights(f"{where}: its {name} are not those of a linear schedule in {len(wanted)} steps")
    return model


def _read_yaml(path: Path) -> Mapping[str, Any]:
    import yaml

    try:
        told = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as problem:
        raise BadWeights(f"{path}: cannot be read as a diffusion model's configuration ({problem})") from problem
    if not isinstance(told, Mapping):
        raise BadWeights(f"{path}: this is not the config.yaml of a diffusion model")
    return told

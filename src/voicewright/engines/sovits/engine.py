"""`SovitsEngine`: converts speech and singing with networks of the so-vits-svc family (4.0, its fork, 4.1).

t frames of the network · d width of the content
"""

from collections.abc import Mapping
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.audio.pitch import Pitch
from voicewright.engines.base import OWN_WEIGHTS, ConvertOptions
from voicewright.engines.recipe import Lesson
from voicewright.engines.sovits.clusters import Table, pull_to_clusters, read_clusters
from voicewright.engines.sovits.content import ContentEncoder, find_encoder
from voicewright.engines.sovits.conversion_options import SovitsConvertOptions
from voicewright.engines.sovits.curves import interpolated
from voicewright.engines.sovits.enhancing import enhanced
from voicewright.engines.sovits.noise import Noise, RandomNoise
from voicewright.engines.sovits.normed import fold
from voicewright.engines.sovits.retrieval import pull_to_neighbours, read_index
from voicewright.engines.sovits.shares import check_speakers, shares_of
from voicewright.engines.sovits.singer import NAME, Singer, singer_of
from voicewright.engines.sovits.vocoder import read_vocoder
from voicewright.errors import BadClip, BadSetting, BadVoice
from voicewright.nn.precision import choose_precision
from voicewright.voice.voice import Voice
from voicewright.weights.store import Store

if TYPE_CHECKING:
    from voicewright.engines.sovits.diffusion import ShallowDiffusion
    from voicewright.engines.sovits.recipe import SovitsRecipe

CONTEXT_S = 0.5
"""What the original programs put around every slice."""
LONGEST_S = 40.0
"""Attention looks from every frame at every other: 40 s are 3,400 frames, and memory grows with their square."""
FORMATS = {"checkpoint": "G_0.pth and config.json, for so-vits-svc 4.1 and so-vits-svc-fork"}


class SovitsEngine:
    """The family's engine. It has no weights: every voice brings its own network. See `voicewright.engines.base` and
    `voicewright.engines.recipe.Trains` for what its methods promise.

    Args:
        store: where the content encoders' weights come from.
        device, precision: as for `registry.load`.
        name: its tiny twin has another one.

    Raises:
        BadSetting: an unknown precision.
    """

    def __init__(self, store: Store, *, device: str = "cpu", precision: str = "auto", name: str = NAME) -> None:
        self.dtype = choose_precision(precision, device=device)
        self._store, self._device, self._name = store, device, name
        self._encoders: dict[tuple[str, str], ContentEncoder] = {}

    @property
    def name(self) -> str:
        return self._name

    @property
    def rate(self) -> int:
        """Of every published network; a voice's converter tells its own."""
        return 44_100

    @property
    def weights(self) -> str:
        return OWN_WEIGHTS

    @property
    def licence(self) -> str:
        """A voice's network has the licence that the voice tells."""
        return ""

    def converter(self, voice: Voice, options: ConvertOptions, *, live: bool = False) -> "SovitsConverter":
        if not isinstance(options, SovitsConvertOptions):
            options = SovitsConvertOptions(seed=options.seed)
        singer = singer_of(voice, engine=self._name)
        return SovitsConverter(
            singer, self.encoder(singer.content, options.content), options, device=self._device, dtype=self.dtype
        )

    def encoder(self, name: str, files: str = "") -> ContentEncoder:
        """The content encoder called `name`, loaded once. Raises as `content.find_encoder`."""
        if (name, files) not in self._encoders:
            path = Path(files).expanduser() if files else None
            self._encoders[name, files] = find_encoder(name, self._store, path, device=self._device)
        return self._encoders[name, files]

    def recipe(self, lesson: Lesson) -> "SovitsRecipe":
        from voicewright.engines.sovits.recipe import SovitsRecipe

        return SovitsRecipe(self, lesson, self._store)

    @property
    def formats(self) -> Mapping[str, str]:
        return FORMATS

    def export(self, voice: Voice, format: str, folder: Path) -> list[Path]:
        from voicewright.engines.sovits.exporting import export_checkpoint

        if format not in FORMATS:
            raise BadSetting(f"no format {format!r}; there are {', '.join(FORMATS)}")
        return export_checkpoint(singer_of(voice, engine=self._name), folder)


class SovitsConverter:
    """One voice, ready. See `voicewright.engines.base.Converter`.

    Raises:
        BadSetting: an option that the voice cannot follow. BadVoice, BadWeights: its network is not whole, or the
            content encoder is not the one that it learned with.
    """

    def __init__(
        self,
        singer: Singer,
        encoder: ContentEncoder,
        options: SovitsConvertOptions,
        *,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        if encoder.dimension != singer.config.ssl_dim:
            raise BadVoice(
                f"the network takes {singer.config.ssl_dim} numbers a frame, and the content encoder {encoder.name!r} "
                f"gives {encoder.dimension}"
            )
        if options.auto_pitch and not singer.config.use_automatic_f0_prediction:
            raise BadSetting("auto_pitch: this voice's network was made without the part that finds a melody")
        self._singer, self._encoder, self._options = singer, encoder, options
        self._device, self._dtype = torch.device(device), dtype
        self._network = singer.network()
        fold(self._network)
        self._network.to(self._device)
        check_speakers(options, singer.speakers, singer.speaker, "this voice's network")
        self._clusters = _clusters(singer, options)
        self._index = _index(singer, options)
        self._diffusion = _diffusion(singer, options, device) if options.diffusion_steps else None
        self._enhancer = read_vocoder(Path(options.vocoder).expanduser(), device=device) if options.enhance else None
        self._start_s: float | None = None

    @property
    def rate(self) -> int:
        return self._singer.config.rate

    @property
    def home_hz(self) -> float:
        return self._singer.home_hz

    @property
    def context_s(self) -> float:
        return CONTEXT_S

    @property
    def longest_s(self) -> float:
        return LONGEST_S

    def placed(self, start_s: float) -> "SovitsConverter":
        """The same, for a clip that begins there in its recording: a timeline of speakers needs to know."""
        if not self._options.speaker_timeline:
            return self
        there = copy(self)
        there._start_s = start_s
        return there

    def convert(self, clip: Clip, pitch: Pitch, *, seed: int = 0, part_s: tuple[float, float] | None = None) -> Clip:
        if clip.seconds > LONGEST_S:
            raise BadClip(f"at most {LONGEST_S:g} s are converted at once, this clip has {clip.seconds:.1f} s")
        count, hop = round(clip.seconds * self.rate), self._singer.config.hop_samples
        if count < hop:
            return Clip(np.zeros(count, np.float32), self.rate)
        frames = -(-count // hop)
        times_s = self._times_s(frames)
        noise = RandomNoise(torch.Generator().manual_seed(seed))
        f0_hz, voiced = interpolated(_fitted(pitch.resampled(self.rate / hop).f0_hz, frames))
        loudness = volume(resample(clip, self.rate), hop, frames)
        content = self._listen(clip, frames)
        given = [self._row(values) for values in (f0_hz, voiced, loudness)]
        wave, heard_hz = self._sing(content, times_s, noise, *given)
        samples = _fitted(wave, count)
        if self._diffusion is not None:
            samples = self._refine(Clip(samples, self.rate), content, times_s, heard_hz, given[2], noise)
        if self._enhancer is not None:
            sung, curve = Clip(samples, self.rate), heard_hz[0].cpu().numpy()
            lower = self._options.enhance_semitones
            samples = enhanced(sung, curve, hop / self.rate, self._enhancer, noise, semitones=lower)
        return Clip(np.clip(_fitted(samples, count), -1, 1), self.rate)

    def _times_s(self, frames: int) -> NDArray[np.float64]:
        """(t,) where the frames of a clip lie in its recording. Raises BadSetting: nobody says so, and it matters."""
        if self._start_s is None and self._options.speaker_timeline:
            raise BadSetting("speaker_timeline is for recordings; without one, as live, nothing tells where it is")
        times_s: NDArray[np.float64] = (self._start_s or 0) + np.arange(
            frames
        ) * self._singer.config.hop_samples / self.rate
        return times_s

    def _listen(self, clip: Clip, frames: int) -> Table:
        """(t, d) what is said, drawn to the speaker's own as far as the options say."""
        heard = self._encoder.encode(clip)
        if not len(heard):
            return np.zeros((frames, self._encoder.dimension), np.float32)
        if self._clusters is not None:
            heard = pull_to_clusters(heard, self._clusters, self._options.cluster_ratio)
        if self._index is not None:
            heard = pull_to_neighbours(heard, self._index, self._options.retrieval_ratio)
        times_s = np.arange(frames) * self._singer.config.hop_samples / self.rate
        at = np.floor(times_s * self._encoder.frames_per_second + 1e-6).astype(np.int64)
        return heard[np.minimum(at, len(heard) - 1)]

    @torch.inference_mode()
    def _sing(
        self,
        content: Table,
        times_s: NDArray[np.float64],
        noise: Noise,
        f0_hz: Tensor,
        voiced: Tensor,
        loudness: Tensor,
    ) -> tuple[NDArray[np.float32], Tensor]:
        """Samples, and the curve (1, t) that they follow."""
        given = torch.from_numpy(content.T[None].copy()).to(self._device)
        singer = self._singer
        speaker = shares_of(self._options, singer.speakers, singer.speaker, singer.config.n_speakers, times_s)
        # A melody that the network finds itself is a frequency, for which bfloat16's steps of 0.4 % are too coarse.
        rough = self._dtype != torch.float32 and not self._options.auto_pitch
        with torch.autocast(self._device.type, self._dtype, enabled=rough):
            wave, heard_hz = self._network.infer(
                given,
                f0_hz,
                voiced,
                speaker.to(self._device),
                noise,
                noise_scale=self._options.noise_scale,
                predict_f0=self._options.auto_pitch,
                volume=loudness if singer.config.vol_embedding else None,
            )
        return wave[0, 0].float().cpu().numpy(), heard_hz.float()

    def _refine(
        self,
        sung: Clip,
        content: Table,
        times_s: NDArray[np.float64],
        f0_hz: Tensor,
        loudness: Tensor,
        noise: Noise,
    ) -> NDArray[np.float32]:
        from voicewright.engines.sovits.diffusion import DiffusionOptions

        if self._diffusion is None:
            return sung.samples
        options = self._options
        if options.second_encoding:
            content = self._listen(sung, len(content))
        config, own = self._diffusion.network.config, self._singer.speaker
        shares = shares_of(options, config.voices, own, config.speakers, times_s) if config.speakers > 1 else None
        refined = self._diffusion.refine(
            sung,
            torch.from_numpy(content.T[None].copy()).to(self._device),
            f0_hz,
            loudness,
            noise,
            speaker=None if shares is None else shares.to(self._device),
            options=DiffusionOptions(
                k_step=options.diffusion_steps, method=options.diffusion_method, speedup=options.diffusion_speedup
            ),
        )
        return refined.samples

    def _row(self, values: NDArray[np.floating]) -> Tensor:
        """(t,) → (1, t)"""
        return torch.from_numpy(np.asarray(values, np.float32)[None].copy()).to(self._device)


def volume(clip: Clip, hop: int, frames: int) -> NDArray[np.float32]:
    """(t,) the loudness of a clip as root mean square, in windows as long as a hop around the start of each frame; the
    sound is mirrored at its ends (so-vits-svc 4.1)."""
    before = hop // 2
    padded = np.pad(clip.samples.astype(np.float64) ** 2, (before, (hop + 1) // 2), mode="reflect")
    sums = np.concatenate([[0.0], np.cumsum(padded)])
    starts = np.minimum(np.arange(frames) * hop, len(padded) - hop)
    loudness: NDArray[np.float32] = np.sqrt(np.maximum(sums[starts + hop] - sums[starts], 0) / hop).astype(np.float32)
    return loudness


def _fitted(values: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Cut, or filled up with zeros."""
    return np.pad(values[:count], (0, max(0, count - len(values))))


def _clusters(singer: Singer, options: SovitsConvertOptions) -> Table | None:
    if not options.cluster_ratio:
        return None
    if not options.clusters:
        return _there(singer.clusters, "cluster_ratio", "clusters")
    found = read_clusters(Path(options.clusters).expanduser())
    if len(found) > 1 and singer.speaker not in found:
        raise BadSetting(f"{options.clusters} has clusters of {', '.join(found)}, and none of {singer.speaker!r}")
    return _wide(found.get(singer.speaker, next(iter(found.values()))), singer, options.clusters)


def _index(singer: Singer, options: SovitsConvertOptions) -> Table | None:
    if not options.retrieval_ratio:
        return None
    if not options.index:
        return _there(singer.index, "retrieval_ratio", "index")
    return _wide(read_index(Path(options.index).expanduser()), singer, options.index)


def _there(table: Table | None, ratio: str, option: str) -> Table:
    if table is None:
        raise BadSetting(f"{ratio} is set, and this voice brings nothing for it: name a file with the option {option}")
    return table


def _wide(table: Table, singer: Singer, where: str) -> Table:
    if table.shape[1] != singer.config.ssl_dim:
        raise BadSetting(
            f"{where} was made of content with {table.shape[1]} numbers a frame, and this voice's network takes "
            f"{singer.config.ssl_dim}: it belongs to another content encoder"
        )
    return table


def _diffusion(singer: Singer, options: SovitsConvertOptions, device: str) -> "ShallowDiffusion":
    from voicewright.engines.sovits.diffusion import ShallowDiffusion, read_diffusion

    network = read_diffusion(Path(options.diffusion).expanduser(), device=device)
    config, own = network.config, singer.config
    if (config.content, config.rate, config.hop_samples) != (own.ssl_dim, own.rate, own.hop_samples):
        raise BadSetting(
            f"{options.diffusion} takes {config.content} numbers a frame of {config.hop_samples} samples at "
            f"{config.rate} Hz, and this voice's network {own.ssl_dim}, {own.hop_samples} and {own.rate}: they do not "
            "belong together"
        )
    if config.encoder.removesuffix("-onnx") != singer.content:
        raise BadSetting(f"{options.diffusion} learned with {config.encoder!r}, and this voice with {singer.content!r}")
    if config.speakers > 1:
        check_speakers(options, config.voices, singer.speaker, options.diffusion)
    log10 = config.vocoder.endswith("log10")
    vocoder = read_vocoder(Path(options.vocoder).expanduser(), log10=log10, device=device)
    return ShallowDiffusion(network, vocoder)

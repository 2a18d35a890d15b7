"""What a training begins with: networks drawn at random, or the published ones that a `G_*.pth` and `D_*.pth` hold."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from voicewright.engines.sovits.config import SovitsConfig
from voicewright.engines.sovits.content import ENCODERS
from voicewright.engines.sovits.discriminators import Discriminator, DiscriminatorConfig
from voicewright.engines.sovits.options import SovitsTrainingOptions
from voicewright.engines.sovits.synthesizer import Synthesized, Synthesizer
from voicewright.errors import BadSetting, BadWeights
from voicewright.weights.safe import read_foreign

SPEAKERS = "emb_g.weight"
POSTERIOR = "enc_q."
SHOWN = 5
TINY_SPEC_CHANNELS = 257
"""Windows of 64 ms: those of 16 ms, which suffice to convert, hold too few periods for a loss to tell pitches apart."""
LOWEST_HZ, OCTAVES, BINS_PER_OCTAVE = 32.0, 6, 48


class SingingNetwork(nn.Module):
    """The network that learns, and how high each of its speakers sang so far."""

    heard: Tensor

    def __init__(self, config: SovitsConfig) -> None:
        super().__init__()
        self.synthesizer = Synthesizer(config)
        # How many frames of each speaker had a pitch, by quarters of a semitone. Kept with the weights.
        self.register_buffer("heard", torch.zeros(config.n_speakers, OCTAVES * BINS_PER_OCTAVE))

    def forward(self, **given: Tensor) -> Synthesized:
        """As `Synthesizer.forward`."""
        made: Synthesized = self.synthesizer(**given)
        return made

    @torch.no_grad()
    def hear(self, f0_hz: Tensor, voiced: Tensor, speaker: Tensor) -> None:
        """Take in the pitch of a batch: f0_hz and voiced (b, t), speaker (b,)."""
        height = (f0_hz / LOWEST_HZ).clamp(min=1).log2() * BINS_PER_OCTAVE
        bins = height.long().clamp(max=self.heard.shape[1] - 1)
        for row, where, number in zip(bins, voiced > 0, speaker.tolist(), strict=True):
            self.heard[number].index_add_(0, row[where], torch.ones_like(row[where], dtype=self.heard.dtype))

    def home_hz(self, speaker: int) -> float:
        """A speaker's usual pitch, the median of what was heard of them; 0 before anything was."""
        counts = self.heard[speaker].double()
        half = float(counts.sum()) / 2
        if not half:
            return 0.0
        until = counts.cumsum(0)
        found = int((until < half).sum())
        within = 1 - (float(until[found]) - half) / float(counts[found])
        return float(LOWEST_HZ * 2 ** ((found + within) / BINS_PER_OCTAVE))


def network_config(options: SovitsTrainingOptions, speakers: int) -> SovitsConfig:
    """The network that the options ask for.

    Raises:
        BadSetting: an unknown content encoder, or one that the base network was not made for.
    """
    if options.content_name not in ENCODERS:
        raise BadSetting(f"content: there is no encoder {options.content_name!r}; there are {', '.join(ENCODERS)}")
    width = ENCODERS[options.content_name].dimension
    common = {
        "ssl_dim": width,
        "n_speakers": max(speakers, 1),
        "segment_frames": options.segment_frames,
        "use_automatic_f0_prediction": options.predict_pitch,
        "vol_embedding": options.hears_volume,
    }
    if options.variant == "tiny":
        return SovitsConfig.tiny(**common, spec_channels=TINY_SPEC_CHANNELS, p_dropout=0.0)
    upstream = options.variant == "4.1"
    return SovitsConfig(dialect="upstream" if upstream else "fork", gin_channels=768 if upstream else 256, **common)  # type: ignore[arg-type]


def begin(options: SovitsTrainingOptions, speakers: int, seed: int) -> tuple[SingingNetwork, Discriminator]:
    """Both networks as a run begins with them.

    Raises:
        BadSetting: as `network_config`.
        BadWeights, UnsafeFile: a base file is missing, damaged, or of another network than the options ask for.
    """
    config = network_config(options, speakers)
    given = _base(Path(options.generator).expanduser()) if options.generator else {}
    if SPEAKERS in given:
        config = replace(config, n_speakers=max(config.n_speakers, len(given[SPEAKERS])))
    tiny = options.variant == "tiny"
    with torch.random.fork_rng(devices=[]):  # layers draw what they begin with from torch's own generator
        torch.default_generator.manual_seed(seed)
        network = SingingNetwork(config)
        discriminator = Discriminator(DiscriminatorConfig.tiny() if tiny else DiscriminatorConfig())
    if options.generator:
        _fill_generator(network.synthesizer, given, options.generator)
    if options.discriminator:
        path = Path(options.discriminator).expanduser()
        _fill(discriminator, _model(path), options.discriminator, "discriminator")
    return network, discriminator


def _base(path: Path) -> Mapping[str, Tensor]:
    from voicewright.engines.sovits.upstream import read_checkpoint

    return read_checkpoint(path).tensors


def _fill_generator(network: Synthesizer, tensors: Mapping[str, Tensor], where: str) -> None:
    if not any(name.startswith(POSTERIOR) for name in tensors):
        raise BadWeights(
            f"{where} lacks the part that only training needs ({POSTERIOR}*): it was compressed, or exported to "
            f"convert; start from a whole checkpoint"
        )
    own = network.state_dict()
    known = dict(tensors)
    if SPEAKERS in known:  # more speakers than the base had begin at random
        known[SPEAKERS] = torch.cat([known[SPEAKERS], own[SPEAKERS][len(known[SPEAKERS]) :]])
    _fill(network, known, where, "generator")


def _fill(network: nn.Module, tensors: Mapping[str, Tensor], where: str, what: str) -> None:
    wanted = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    found = {key: tuple(value.shape) for key, value in tensors.items()}
    wrong = sorted(key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key))
    if wrong:
        told = ", ".join(
            f"{key} ({found.get(key, 'missing')}, wanted {wanted.get(key, 'none')})" for key in wrong[:SHOWN]
        )
        raise BadWeights(
            f"{what}: {where} is of another network than the options ask for; {len(wrong)} tensors differ: {told}. "
            f"Set variant, content and volume to what it was trained with"
        )
    network.load_state_dict({key: value.float() for key, value in tensors.items()})


def _model(path: Path) -> dict[str, Tensor]:
    """The weights in a `D_*.pth`."""
    model = read_foreign(path).get("model")
    if not isinstance(model, Mapping) or not all(isinstance(value, Tensor) for value in model.values()):
        raise BadWeights(f"{path}: there are no weights of a discriminator in it; name a D_*.pth")
    return {str(name).removeprefix("module."): value for name, value in model.items()}

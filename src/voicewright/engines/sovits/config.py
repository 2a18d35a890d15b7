"""`SovitsConfig`: the shape of one network of the so-vits-svc family, and how published files write it down."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Self, cast

from voicewright.errors import BadWeights

Dialect = Literal["fork", "upstream"]
Decoder = Literal["nsf-hifigan", "nsf-snake-hifigan", "ms-istft", "mb-istft", "istft"]
DECODERS: tuple[Decoder, ...] = ("nsf-hifigan", "nsf-snake-hifigan", "ms-istft", "mb-istft", "istft")
_ONLY_UPSTREAM = ("vocoder_name", "vol_embedding", "n_flow_layer", "use_automatic_f0_prediction")
_INTEGERS = (
    "inter_channels", "hidden_channels", "filter_channels", "n_heads", "n_layers", "kernel_size", "n_speakers",
    "ssl_dim", "gin_channels", "upsample_initial_channel", "gen_istft_n_fft", "gen_istft_hop_size", "subbands",
    "n_flow_layer", "n_layers_trans_flow",
)  # fmt: skip
_SWITCHES = (
    "vol_embedding", "use_depthwise_conv", "flow_share_parameter", "use_automatic_f0_prediction",
    "use_transformer_flow",
)  # fmt: skip
_ROWS = ("resblock_kernel_sizes", "upsample_rates", "upsample_kernel_sizes")


@dataclass(frozen=True, kw_only=True)
class SovitsConfig:
    """Sizes and switches of a synthesizer; the names are the ones that published config.json files use.

    Raises:
        BadWeights: sizes that do not go together, or a decoder that does not exist.
    """

    dialect: Dialect = "fork"
    """Whose rules hold where two programs differ: so-vits-svc-fork (and 4.0), or 4.1 ("upstream"): how a pitch is put
    into bins, where random segments start, how much the decoder's convolutions pad."""
    rate: int = 44_100
    spec_channels: int = 1025
    segment_frames: int = 20
    hop_samples: int = 512
    """Samples of the recordings for one frame of content, pitch and spectrum."""
    ssl_dim: int = 768
    """Channels of the content features."""
    gin_channels: int = 256
    """Channels of a speaker's embedding."""
    n_speakers: int = 200
    inter_channels: int = 192
    hidden_channels: int = 192
    filter_channels: int = 768
    n_heads: int = 2
    n_layers: int = 6
    kernel_size: int = 3
    p_dropout: float = 0.1
    decoder: Decoder = "nsf-hifigan"
    resblock_kernel_sizes: tuple[int, ...] = (3, 7, 11)
    resblock_dilation_sizes: tuple[tuple[int, ...], ...] = ((1, 3, 5), (1, 3, 5), (1, 3, 5))
    upsample_rates: tuple[int, ...] = (8, 8, 2, 2, 2)
    upsample_kernel_sizes: tuple[int, ...] = (16, 16, 4, 4, 4)
    upsample_initial_channel: int = 512
    gen_istft_n_fft: int = 16
    gen_istft_hop_size: int = 4
    subbands: int = 4
    vol_embedding: bool = False
    use_depthwise_conv: bool = False
    flow_share_parameter: bool = False
    use_automatic_f0_prediction: bool = True
    use_transformer_flow: bool = False
    n_flow_layer: int = 4
    """Layers in each of four couplings; with a transformer flow, the number of couplings."""
    n_layers_trans_flow: int = 3

    def __post_init__(self) -> None:
        if self.decoder not in DECODERS:
            raise BadWeights(f"no decoder is called {self.decoder!r}; there are {', '.join(DECODERS)}")
        if bad := [name for name in (*_INTEGERS, "rate", "hop_samples") if getattr(self, name) < 1]:
            raise BadWeights(f"the config's {', '.join(bad)} must be at least 1")
        if self.hidden_channels % self.n_heads or self.inter_channels % 2:
            raise BadWeights(
                f"{self.hidden_channels} hidden channels do not divide into {self.n_heads} heads, "
                f"or {self.inter_channels} inter channels into two halves"
            )
        if len(self.upsample_rates) != len(self.upsample_kernel_sizes):
            raise BadWeights("upsample_rates and upsample_kernel_sizes differ in length")
        if len(self.resblock_kernel_sizes) != len(self.resblock_dilation_sizes):
            raise BadWeights("resblock_kernel_sizes and resblock_dilation_sizes differ in length")

    @property
    def hop(self) -> int:
        """Samples that the decoder makes of one frame."""
        bands = {"ms-istft": self.subbands, "mb-istft": self.subbands, "istft": 1}
        spectra = self.gen_istft_hop_size * bands[self.decoder] if self.decoder in bands else 1
        return math.prod(self.upsample_rates) * spectra

    @property
    def couplings(self) -> int:
        return self.n_flow_layer if self.use_transformer_flow else 4

    @property
    def has_source(self) -> bool:
        """Whether the decoder follows a pitch curve (the iSTFT decoders do not)."""
        return self.decoder in ("nsf-hifigan", "nsf-snake-hifigan")

    @classmethod
    def tiny(cls, **changes: Any) -> Self:
        """A network that trains and converts in a moment, for tests: 64 samples a frame, 24 channels."""
        small = cls(
            rate=8_000, spec_channels=65, segment_frames=6, hop_samples=64, ssl_dim=16, gin_channels=12, n_speakers=2,
            inter_channels=24, hidden_channels=24, filter_channels=32, n_layers=2, resblock_kernel_sizes=(3, 5),
            resblock_dilation_sizes=((1, 3, 5), (1, 3, 5)), upsample_rates=(4, 4, 2, 2),
            upsample_kernel_sizes=(8, 8, 4, 4), upsample_initial_channel=32,
        )  # fmt: skip
        return replace(small, **changes)

    @classmethod
    def from_json(cls, config: Mapping[str, Any]) -> Self:
        """Out of a config.json as the fork, 4.0 and 4.1 write it.

        Raises:
            BadWeights: it is not such a file, or describes a network that does not exist.
        """
        model, data = _block(config, "model"), _block(config, "data")
        upstream = any(name in model for name in _ONLY_UPSTREAM)
        built = cls.from_constructor(
            {
                **model,
                "spec_channels": _whole(data, "filter_length", 2048) // 2 + 1,
                "sampling_rate": _whole(data, "sampling_rate", 44_100),
            },
            "upstream" if upstream else "fork",
        )
        hop_samples = _whole(data, "hop_length", 512)
        segment = _whole(_block(config, "train"), "segment_size", 10_240)
        return replace(built, hop_samples=hop_samples, segment_frames=segment // max(hop_samples, 1))

    @classmethod
    def from_constructor(cls, given: Mapping[str, Any], dialect: Dialect) -> Self:
        """Out of the arguments of the original's SynthesizerTrn; names that say nothing of the network are passed over.

        Raises:
            BadWeights: a value of the wrong kind, or a network that does not exist.
        """
        if str(given.get("resblock", "1")) != "1":
            raise BadWeights(f"resblock {given['resblock']!r} was never published with this family; only '1' is known")
        values: dict[str, Any] = {name: _whole(given, name, 0) for name in _INTEGERS if name in given}
        values |= {name: bool(given[name]) for name in _SWITCHES if name in given}
        values |= {name: _row(given, name) for name in _ROWS if name in given}
        if "resblock_dilation_sizes" in given:
            rows = dict(enumerate(given["resblock_dilation_sizes"]))
            values["resblock_dilation_sizes"] = tuple(_row(rows, index) for index in rows)
        if "spec_channels" in given:
            values["spec_channels"] = _whole(given, "spec_channels", 0)
        built = cls(
            dialect=dialect,
            rate=_whole(given, "sampling_rate", 44_100),
            segment_frames=_whole(given, "segment_size", 20),
            p_dropout=float(given.get("p_dropout", 0.1)),
            decoder=_decoder(given),
            **values,
        )
        return replace(built, hop_samples=built.hop)

    def to_json(self, speakers: Mapping[str, int], content: str = "") -> dict[str, Any]:
        """A config.json that the original programs read: each its own networks, and 4.1 those of the fork, too.

        Args:
            speakers: the number of every speaker by name.
            content: the content encoder by the name that 4.1 has for it; "" is the usual one for `ssl_dim`.
        """
        names = (*_INTEGERS, *_ROWS, "resblock_dilation_sizes", "p_dropout")
        encoder = {256: "vec256l9", 768: "vec768l12", 1024: "whisper-ppg", 1280: "whisper-ppg-large"}
        model: dict[str, Any] = {name: getattr(self, name) for name in names} | {"resblock": "1"}
        model["speech_encoder"] = content or encoder.get(self.ssl_dim, "vec768l12")
        if self.dialect == "upstream":
            model |= {name: getattr(self, name) for name in _SWITCHES} | {"vocoder_name": self.decoder}
        else:
            model |= {"type_": "hifi-gan" if self.has_source else self.decoder}
            for name in ("n_flow_layer", "n_layers_trans_flow"):
                del model[name]
        data = {
            "sampling_rate": self.rate, "filter_length": 2 * (self.spec_channels - 1), "hop_length": self.hop_samples,
            "win_length": 2 * (self.spec_channels - 1), "n_mel_channels": 80, "mel_fmin": 0.0,
            "mel_fmax": self.rate / 2, "max_wav_value": 32768.0, "unit_interpolate_mode": "nearest",
            "contentvec_final_proj": self.ssl_dim == 256, "training_files": "filelists/train.txt",
            "validation_files": "filelists/val.txt",
        }  # fmt: skip
        train = {
            "segment_size": self.segment_frames * self.hop_samples, "log_interval": 200, "eval_interval": 800,
            "seed": 1234, "epochs": 10_000, "learning_rate": 1e-4, "betas": [0.8, 0.99], "eps": 1e-9, "batch_size": 6,
            "fp16_run": False, "bf16_run": False, "half_type": "fp16", "lr_decay": 0.999875, "warmup_epochs": 0,
            "c_mel": 45, "c_kl": 1.0, "port": "8001", "keep_ckpts": 3, "num_workers": 4, "all_in_mem": False,
            "vol_aug": self.vol_embedding, "log_version": 0, "ckpt_name_by_step": False, "accumulate_grad_batches": 1,
            "use_sr": True, "max_speclen": 512, "init_lr_ratio": 1,
        }  # fmt: skip
        return {"train": train, "data": data, "model": model, "spk": dict(speakers)}


def _decoder(given: Mapping[str, Any]) -> Decoder:
    kind = str(given.get("type_", "hifi-gan"))
    if kind not in ("hifi-gan", "nsf-hifigan"):
        return cast("Decoder", kind)
    vocoder = str(given.get("vocoder_name", "nsf-hifigan"))
    return cast("Decoder", vocoder)


def _block(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    block = config.get(name, {})
    if not isinstance(block, Mapping) or (name == "model" and not block):
        raise BadWeights(f"the config has no block {name!r}; it should be the config.json that came with the model")
    return block


def _whole(given: Mapping[Any, Any], name: Any, default: int) -> int:
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BadWeights(f"the config's {name} is {value!r}; a whole number belongs there")
    return value


def _row(given: Mapping[Any, Any], name: Any) -> tuple[int, ...]:
    values = given[name]
    if not isinstance(values, list | tuple) or not values:
        raise BadWeights(f"the config's {name} is {values!r}; a list of whole numbers belongs there")
    return tuple(_whole(dict(enumerate(values)), index, 0) for index in range(len(values)))

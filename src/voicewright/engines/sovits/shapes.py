"""What the tensors of a checkpoint say of the network that they belong to; where a config disagrees, they are right."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from voicewright.engines.sovits.config import Decoder, SovitsConfig
from voicewright.errors import BadWeights


@dataclass(frozen=True)
class Shapes:
    """The shape of every tensor by its published name.

    Args:
        where: how messages begin.
    """

    by_name: Mapping[str, tuple[int, ...]]
    where: str

    def __contains__(self, name: str) -> bool:
        return name in self.by_name

    def size(self, name: str, axis: int) -> int:
        """Raises BadWeights: there is no such tensor, or it has no such axis."""
        shape = self.by_name.get(name, ())
        if axis >= len(shape):
            raise BadWeights(
                f"{self.where}: this is not the generator of a so-vits-svc model: the tensor {name} "
                f"{f'has the shape {shape}' if name in self.by_name else 'is missing'}; name a G_….pth that is whole"
            )
        return shape[axis]

    def count(self, before: str) -> int:
        """How many different numbers follow `before` in the names."""
        pattern = re.compile(re.escape(before) + r"(\d+)\.")
        return len({found[1] for name in self.by_name if (found := pattern.match(name))})

    def any(self, before: str) -> bool:
        """Whether a name begins so."""
        return any(name.startswith(before) for name in self.by_name)


def fitted(base: SovitsConfig, shapes: Shapes) -> SovitsConfig:
    """`base` with everything that the tensors tell; they do not tell the rates, dilations and the hop of a transform.

    Raises:
        BadWeights: a tensor that every such network has is missing, or the tensors leave open what `base` does not say.
    """
    hidden = shapes.size("pre.weight", 0)
    decoder = _decoder(shapes)
    transformer = shapes.any("flow.flows.0.enc.cond_pre.")
    couplings = shapes.count("flow.flows.")
    if not transformer and couplings != 4:
        raise BadWeights(f"{shapes.where}: its flow has {couplings} steps where there should be 4")
    told: dict[str, Any] = {
        "ssl_dim": shapes.size("pre.weight", 1),
        "hidden_channels": hidden,
        "gin_channels": shapes.size("emb_g.weight", 1),
        "n_speakers": shapes.size("emb_g.weight", 0),
        "inter_channels": shapes.size("enc_p.proj.weight", 0) // 2,
        "filter_channels": shapes.size("enc_p.enc_.ffn_layers.0.conv_1.weight", 0),
        "kernel_size": shapes.size("enc_p.enc_.ffn_layers.0.conv_1.weight", 2),
        "n_layers": shapes.count("enc_p.enc_.attn_layers."),
        "n_heads": hidden // shapes.size("enc_p.enc_.attn_layers.0.emb_rel_k", 2),
        "decoder": decoder,
        "vol_embedding": "emb_vol.weight" in shapes,
        "use_depthwise_conv": shapes.any("flow.flows.0.enc.in_layers.0.depth_conv.")
        or shapes.any("enc_q.enc.in_layers.0.depth_conv."),
        "flow_share_parameter": shapes.any("flow.wn."),
        "use_automatic_f0_prediction": shapes.any("f0_decoder."),
        "use_transformer_flow": transformer,
        "n_flow_layer": couplings if transformer else shapes.count("flow.flows.0.enc.res_skip_layers."),
    }
    if transformer:
        told["n_layers_trans_flow"] = shapes.count("flow.flows.0.enc.self_attn_layers.")
    if "enc_q.pre.weight" in shapes:
        told["spec_channels"] = shapes.size("enc_q.pre.weight", 1)
    only_upstream = ("vol_embedding", "use_depthwise_conv", "flow_share_parameter", "use_transformer_flow")
    if any(told[name] for name in only_upstream) or decoder == "nsf-snake-hifigan":
        told["dialect"] = "upstream"
    return replace(base, **told, **_blocks(base, shapes), **_steps(base, shapes, decoder))


def differences(config: SovitsConfig, other: SovitsConfig) -> list[str]:
    """Where `config` and what was found differ, in words."""
    return [
        f"the config says {field.name} {getattr(config, field.name)!r}, the tensors {getattr(other, field.name)!r}"
        for field in fields(config)
        if getattr(config, field.name) != getattr(other, field.name)
    ]


def _decoder(shapes: Shapes) -> Decoder:
    if shapes.any("dec.m_source."):
        return "nsf-snake-hifigan" if shapes.any("dec.snake_post.") else "nsf-hifigan"
    if shapes.any("dec.multistream_conv_post."):
        return "ms-istft"
    return "mb-istft" if shapes.any("dec.subband_conv_post.") else "istft"


def _blocks(base: SovitsConfig, shapes: Shapes) -> dict[str, Any]:
    """The residual blocks of a step."""
    steps, blocks = shapes.count("dec.ups."), shapes.count("dec.resblocks.")
    if not steps or blocks % steps:
        raise BadWeights(f"{shapes.where}: {blocks} residual blocks do not divide into {steps} steps of the decoder")
    each = range(blocks // steps)
    known = dict(enumerate(base.resblock_dilation_sizes))
    rows = []
    for block in each:
        count = shapes.count(f"dec.resblocks.{block}.convs1.")
        row = known.get(block, (1, 3, 5))
        if len(row) != count:
            raise BadWeights(
                f"{shapes.where}: its residual blocks have {count} convolutions, and the config's "
                f"resblock_dilation_sizes name {len(row)}; use the config.json that came with the file"
            )
        rows.append(row)
    kernels = (shapes.size(f"dec.resblocks.{block}.convs1.0.weight_v", 2) for block in each)
    return {"resblock_kernel_sizes": tuple(kernels), "resblock_dilation_sizes": tuple(rows)}


def _steps(base: SovitsConfig, shapes: Shapes, decoder: Decoder) -> dict[str, Any]:
    """How the decoder lengthens a frame."""
    steps = shapes.count("dec.ups.")
    told: dict[str, Any] = {
        "upsample_initial_channel": shapes.size("dec.conv_pre.weight_v", 0),
        "upsample_kernel_sizes": tuple(shapes.size(f"dec.ups.{step}.weight_v", 2) for step in range(steps)),
    }
    if decoder in ("nsf-hifigan", "nsf-snake-hifigan"):
        strides = [shapes.size(f"dec.noise_convs.{step}.weight", 2) // 2 for step in range(steps - 1)] + [1]
        before = [base.hop_samples, *strides]
        if any(not stride or longer % stride for longer, stride in zip(before, strides, strict=False)):
            raise BadWeights(f"{shapes.where}: a frame of {before[0]} samples does not divide into steps of {strides}")
        return told | {
            "upsample_rates": tuple(longer // stride for longer, stride in zip(before, strides, strict=False))
        }
    if len(base.upsample_rates) != steps:
        raise BadWeights(
            f"{shapes.where}: its decoder has {steps} steps, and the config's upsample_rates {base.upsample_rates}; "
            "use the config.json that came with the file"
        )
    if decoder == "istft":
        return told | {"gen_istft_n_fft": shapes.size("dec.conv_post.weight_v", 0) - 2}
    rows = shapes.size("dec.subband_conv_post.weight_v", 0)
    bands = shapes.size("dec.multistream_conv_post.weight_v", 1) if decoder == "ms-istft" else base.subbands
    if rows % bands:
        raise BadWeights(f"{shapes.where}: {rows} rows of spectra do not divide into {bands} sub-bands")
    return told | {"subbands": bands, "gen_istft_n_fft": rows // bands - 2}

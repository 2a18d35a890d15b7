"""Published checkpoints: read strictly, whatever way they were stored, and written so that they are read again."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from voicewright.engines.sovits.config import SovitsConfig
from voicewright.engines.sovits.noise import RandomNoise
from voicewright.engines.sovits.normed import fold
from voicewright.engines.sovits.synthesizer import Synthesizer
from voicewright.engines.sovits.upstream import load_synthesizer, read_checkpoint, write_upstream
from voicewright.errors import BadWeights, NotWritten, UnsafeFile

SPEAKERS = {"ann": 0, "ben": 1}
VARIANTS: dict[str, dict[str, Any]] = {
    "fork": {},
    "loudness": {"dialect": "upstream", "vol_embedding": True},
    "depthwise, shared": {"dialect": "upstream", "use_depthwise_conv": True, "flow_share_parameter": True},
    "transformer": {"dialect": "upstream", "use_transformer_flow": True, "n_flow_layer": 3, "n_layers_trans_flow": 2},
    "snake": {"dialect": "upstream", "decoder": "nsf-snake-hifigan"},
    "ms-istft": {
        "decoder": "ms-istft",
        "upsample_rates": (2, 2),
        "upsample_kernel_sizes": (4, 4),
    },
}


def network(**changes: Any) -> Synthesizer:
    """Random weights, and a decoder that carries what it is given through to the sound."""
    torch.manual_seed(7)
    net = Synthesizer(SovitsConfig.tiny(**changes)).eval()
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if name.startswith("dec.") and name.endswith("weight_g"):
                parameter *= 2
    return net


def sung(net: Synthesizer) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    content = torch.randn(1, net.config.ssl_dim, 9, generator=generator)
    noise = RandomNoise(torch.Generator().manual_seed(1))
    return net.infer(content, torch.full((1, 9), 220.0), torch.ones(1, 9), torch.tensor([1]), noise)[0]


def written(folder: Path, net: Synthesizer) -> tuple[Path, dict[str, Any]]:
    path = folder / "G_3.pth"
    write_upstream(net, path, speakers=SPEAKERS, iteration=3, learning_rate=5e-5)
    return path, json.loads((folder / "config.json").read_text("utf-8"))


def stored_again(path: Path, change: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> None:
    whole = torch.load(path, weights_only=True)
    torch.save({**whole, "model": change(whole["model"])}, path)


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS)
def test_what_is_written_sings_the_same_when_it_is_read(changes: dict[str, Any], tmp_path: Path) -> None:
    net = network(**changes)
    path, config = written(tmp_path, net)
    again, facts = load_synthesizer(path, config)
    assert again.config == net.config
    assert torch.allclose(sung(again), sung(net), atol=1e-5)
    assert facts.remarks == ()
    assert facts.speakers == SPEAKERS


def test_a_file_has_the_parts_and_names_that_the_originals_read(tmp_path: Path) -> None:
    net = network()
    path, config = written(tmp_path, net)
    whole = torch.load(path, weights_only=True)
    assert list(whole) == ["model", "iteration", "optimizer", "learning_rate"]
    assert list(whole["model"]) == list(net.state_dict())
    assert (whole["iteration"], whole["learning_rate"]) == (3, 5e-5)
    optimizer = torch.optim.AdamW(net.parameters(), 1e-4)
    optimizer.load_state_dict(whole["optimizer"])
    assert optimizer.param_groups[0]["lr"] == 5e-5
    assert config["spk"] == SPEAKERS
    assert config["train"]["segment_size"] == 6 * 64
    assert config["data"]["filter_length"] == 128
    assert {each.name for each in tmp_path.iterdir()} == {"G_3.pth", "config.json"}


def test_a_whole_network_can_be_trained_on_and_a_compressed_one_cannot(tmp_path: Path) -> None:
    path, config = written(tmp_path, network())
    net, facts = load_synthesizer(path, config, training=True)
    assert facts.has_posterior
    assert all(parameter.requires_grad for parameter in net.parameters())
    stored_again(path, lambda model: {name: t for name, t in model.items() if not name.startswith("enc_q.")})
    smaller, facts = load_synthesizer(path, config)
    assert not facts.has_posterior
    assert torch.allclose(sung(smaller), sung(network()), atol=1e-5)
    with pytest.raises(BadWeights, match="compressed"):
        load_synthesizer(path, config, training=True)


def test_half_a_posterior_encoder_is_not_a_compressed_file(tmp_path: Path) -> None:
    path, config = written(tmp_path, network())
    stored_again(path, lambda model: {name: t for name, t in model.items() if not name.startswith("enc_q.proj")})
    with pytest.raises(BadWeights, match=r"2 missing: enc_q\.proj\.weight"):
        read_checkpoint(path, config)


def test_every_way_of_storing_gives_the_same_network(tmp_path: Path) -> None:
    net = network()
    path, config = written(tmp_path, net)
    forms = {"weight_g": "parametrizations.weight.original0", "weight_v": "parametrizations.weight.original1"}

    def renamed(model: dict[str, Tensor]) -> dict[str, Tensor]:
        for old, new in forms.items():
            model = {name.replace(old, new): tensor for name, tensor in model.items()}
        return {f"module.{name}": tensor for name, tensor in model.items()}

    stored_again(path, renamed)
    assert torch.allclose(sung(load_synthesizer(path, config)[0]), sung(net), atol=1e-5)
    other = tmp_path / "voice.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in net.state_dict().items()}, other)
    assert torch.allclose(sung(load_synthesizer(other, config)[0]), sung(net), atol=1e-5)
    bare = tmp_path / "bare.pth"
    torch.save(net.state_dict(), bare)
    assert torch.allclose(sung(load_synthesizer(bare, config)[0]), sung(net), atol=1e-5)


def test_half_precision_becomes_single_precision(tmp_path: Path) -> None:
    net = network()
    path, config = written(tmp_path, net)
    stored_again(path, lambda model: {name: tensor.half() for name, tensor in model.items()})
    again, facts = load_synthesizer(path, config)
    assert facts.half
    assert {parameter.dtype for parameter in again.parameters()} == {torch.float32}
    assert torch.allclose(sung(again), sung(net), atol=5e-3)


def test_the_tensors_are_believed_where_the_config_is_wrong(tmp_path: Path) -> None:
    net = network(ssl_dim=20)
    path, config = written(tmp_path, net)
    config["model"] |= {"ssl_dim": 256, "n_speakers": 200, "n_layers": 6}
    again, facts = load_synthesizer(path, config)
    assert again.config == net.config
    assert "the config says ssl_dim 256, the tensors 20" in facts.remarks
    assert len(facts.remarks) == 3


def test_files_with_the_published_steps_need_no_config(tmp_path: Path) -> None:
    usual = SovitsConfig(
        ssl_dim=16, gin_channels=12, n_speakers=2, hidden_channels=24, inter_channels=24, filter_channels=32,
        n_layers=1, upsample_initial_channel=64,
    )  # fmt: skip
    path, _ = written(tmp_path, Synthesizer(usual))
    assert read_checkpoint(path).config == usual


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda m: {n: t for n, t in m.items() if n != "emb_uv.weight"}, "1 missing: emb_uv.weight"),
        (lambda m: m | {"enc_p.more": torch.zeros(1)}, "1 unknown: enc_p.more"),
        (lambda m: m | {"emb_uv.weight": torch.zeros(3, 24)}, r"emb_uv.weight \(\(3, 24\) instead of \(2, 24\)\)"),
        (lambda m: m | {"pre.bias": torch.full((24,), torch.nan)}, "pre.bias is not finite"),
        (lambda m: m | {"module.pre.bias": m["pre.bias"]}, "pre.bias twice"),
        (lambda m: {"discriminators.0.conv_post.bias": torch.zeros(1)}, "D_….pth"),
        (lambda m: {"decoder.denoise_fn.mlp.0.weight": torch.zeros(1)}, "diffusion"),
        (lambda m: {"something": torch.zeros(1)}, "not the generator"),
        (lambda m: {}, "not a table of tensors"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_name(
    change: Callable[[dict[str, Tensor]], dict[str, Tensor]], told: str, tmp_path: Path
) -> None:
    path, config = written(tmp_path, network())
    stored_again(path, change)
    with pytest.raises(BadWeights, match=told):
        read_checkpoint(path, config)


def test_shared_layers_that_differ_are_refused(tmp_path: Path) -> None:
    path, config = written(tmp_path, network(**VARIANTS["depthwise, shared"]))
    name = "flow.flows.2.enc.cond_layer.bias"
    stored_again(path, lambda model: model | {name: model[name] + 1})
    with pytest.raises(BadWeights, match="should be the same"):
        read_checkpoint(path, config)


def test_filters_are_constants_whatever_a_file_says_of_them(tmp_path: Path) -> None:
    net = network(**VARIANTS["snake"])
    path, config = written(tmp_path, net)
    name = "dec.snake_post.upsample.filter"
    stored_again(path, lambda model: model | {name: model[name] + 1})
    assert torch.allclose(sung(load_synthesizer(path, config)[0]), sung(net), atol=1e-5)


def test_a_config_of_another_frame_is_refused(tmp_path: Path) -> None:
    path, config = written(tmp_path, network(**VARIANTS["ms-istft"]))
    config["data"]["hop_length"] = 512
    with pytest.raises(BadWeights, match="64 samples of a frame"):
        read_checkpoint(path, config)


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NotWritten, match="cannot be written"):
        write_upstream(network(), tmp_path / "file" / "G_0.pth", speakers=SPEAKERS)
    (tmp_path / "config.json").mkdir()
    with pytest.raises(NotWritten, match="cannot be written"):
        write_upstream(network(), tmp_path / "G_0.pth", speakers=SPEAKERS)
    assert not list(tmp_path.glob("*.part"))


class Trap:
    """Runs a command when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.path}",)


def test_code_in_a_file_is_refused_and_not_run(tmp_path: Path) -> None:
    path, config = written(tmp_path, network())
    whole = torch.load(path, weights_only=True)
    torch.save({**whole, "optimizer": Trap(tmp_path / "sprung")}, path)
    with pytest.raises(UnsafeFile):
        load_synthesizer(path, config)
    assert not (tmp_path / "sprung").exists()


def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    path, config = written(tmp_path, network())
    path.write_bytes(path.read_bytes()[:-20_000])
    with pytest.raises(BadWeights, match="fetch it again"):
        read_checkpoint(path, config)
    other = tmp_path / "x.safetensors"
    other.write_bytes(b"nothing")
    with pytest.raises(BadWeights, match="safetensors"):
        read_checkpoint(other, config)


def test_a_folded_network_is_not_exported(tmp_path: Path) -> None:
    net = network()
    fold(net)
    with pytest.raises(BadWeights, match="folded"):
        write_upstream(net, tmp_path / "G_0.pth", speakers=SPEAKERS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({}, "no block 'model'"),
        ({"model": {"ssl_dim": "wide"}}, "ssl_dim is 'wide'"),
        ({"model": {"upsample_rates": 8}}, "upsample_rates is 8"),
        ({"model": {"n_heads": 0}}, "n_heads must be at least 1"),
        ({"model": {"type_": "wavernn"}}, "no decoder is called 'wavernn'"),
        ({"model": {"ssl_dim": 768}, "spk": {"ann": "first"}}, "spk"),
    ],
)
def test_a_broken_config_is_refused_in_words(config: dict[str, Any], told: str, tmp_path: Path) -> None:
    path, right = written(tmp_path, network())
    if "spk" in config:
        config = right | {"spk": config["spk"]}
    with pytest.raises(BadWeights, match=told):
        read_checkpoint(path, config)


def test_configs_of_both_programs_are_told_apart() -> None:
    fork = {"model": {"ssl_dim": 768, "gin_channels": 256, "type_": "hifi-gan"}, "data": {}, "train": {}}
    upstream = {"model": {"ssl_dim": 768, "gin_channels": 768, "vol_embedding": False, "n_flow_layer": 4}}
    assert SovitsConfig.from_json(fork) == SovitsConfig()
    found = SovitsConfig.from_json(upstream)
    assert (found.dialect, found.gin_channels, found.segment_frames) == ("upstream", 768, 20)

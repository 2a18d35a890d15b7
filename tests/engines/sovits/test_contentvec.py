"""ContentVec's layers, against what transformers computes of the same weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from voicewright.audio.clip import Clip
from voicewright.engines.sovits import contentvec
from voicewright.engines.sovits.contentvec import load_contentvec
from voicewright.errors import BadWeights, MissingWeights

transformers = pytest.importorskip("transformers")
WIDTH, PROJECTED = 64, 24


@pytest.fixture(scope="module")
def hubert() -> nn.Module:
    """The network in miniature: as many layers as the real one has, all of them narrow."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        config = transformers.HubertConfig(
            hidden_size=WIDTH,
            num_hidden_layers=12,
            num_attention_heads=1,
            intermediate_size=32,
            conv_dim=(16,) * 7,
            num_conv_pos_embeddings=16,
            num_conv_pos_embedding_groups=4,
            classifier_proj_size=PROJECTED,
        )
        network: nn.Module = transformers.HubertModel(config).eval()
        network.final_proj = nn.Linear(WIDTH, PROJECTED)
    return network


def published(hubert: nn.Module) -> dict[str, Tensor]:
    """Its tensors under the names that the published file has."""
    back = {new: old for old, new in contentvec.OLD_NORM.items()}
    named = {}
    for key, tensor in hubert.state_dict().items():
        for new, old in back.items():
            key = key.replace(new, old)
        named[key] = tensor.clone()
    return named


@pytest.fixture(scope="module")
def folder(hubert: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("contentvec")
    torch.save(published(hubert), folder / "pytorch_model.bin")
    hubert.config.to_json_file(folder / "config.json")
    return folder


def noise(seconds: float, rate: int = 16_000) -> Clip:
    return Clip(np.random.default_rng(1).normal(0, 0.1, round(seconds * rate)).astype(np.float32), rate)


@torch.inference_mode()
def wanted(hubert: nn.Module, clip: Clip) -> tuple[np.ndarray, np.ndarray]:
    """Layer 9 behind the projection, and layer 12, by transformers itself."""
    told = hubert(torch.from_numpy(clip.samples.copy())[None], output_hidden_states=True)
    return hubert.final_proj(told.hidden_states[9])[0].numpy(), told.last_hidden_state[0].numpy()


def test_the_layers_are_those_that_transformers_gives(hubert: nn.Module, folder: Path) -> None:
    clip = noise(0.7)
    ninth, twelfth = wanted(hubert, clip)
    small, large = load_contentvec(folder, "vec256l9"), load_contentvec(folder, "vec768l12")
    assert (small.dimension, large.dimension) == (PROJECTED, WIDTH)
    assert small.frames_per_second == large.frames_per_second == 50
    np.testing.assert_allclose(small.encode(clip), ninth, atol=1e-5)
    np.testing.assert_allclose(large.encode(clip), twelfth, atol=1e-5)


def test_the_converted_file_hears_the_same(folder: Path, tmp_path: Path) -> None:
    contentvec.convert(folder / "pytorch_model.bin", tmp_path / "model.safetensors")
    clip = noise(0.3)
    assert np.array_equal(load_contentvec(tmp_path).encode(clip), load_contentvec(folder).encode(clip))


def test_the_first_names_of_the_tensors_are_known(hubert: nn.Module, folder: Path, tmp_path: Path) -> None:
    renamed = {}
    for key, tensor in published(hubert).items():
        key = key.replace("feature_projection.projection", "post_extract_proj")
        key = key.replace("feature_projection.layer_norm", "layer_norm").replace("pos_conv_embed.conv", "pos_conv.0")
        if key.startswith("encoder.layers."):
            key = key.replace(".layer_norm", ".self_attn_layer_norm").replace(".attention.", ".self_attn.")
            key = key.replace("feed_forward.intermediate_dense", "fc1").replace("feed_forward.output_dense", "fc2")
        if key.startswith("feature_extractor"):
            key = key.replace(".layer_norm.", ".2.").replace(".conv.", ".0.")
        renamed[key.replace("masked_spec_embed", "mask_emb")] = tensor
    torch.save({"model": renamed | {"label_embs_concat": torch.zeros(5, 3)}}, tmp_path / "legacy.pt")
    clip = noise(0.3)
    assert np.array_equal(
        load_contentvec(tmp_path / "legacy.pt", "vec256l9").encode(clip),
        load_contentvec(folder, "vec256l9").encode(clip),
    )


def test_a_long_clip_is_heard_in_windows_and_hardly_otherwise(
    hubert: nn.Module, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder, clip = load_contentvec(folder), noise(3)
    whole = encoder.encode(clip)
    monkeypatch.setattr(contentvec, "CORE", 40)
    monkeypatch.setattr(contentvec, "CONTEXT", 20)
    parts = encoder.encode(clip)
    assert parts.shape == whole.shape
    assert np.corrcoef(parts.ravel(), whole.ravel())[0, 1] > 0.98


def test_windows_cover_every_frame_once() -> None:
    for count in (1, 999, 1300, 1301, 2000, 5017):
        found = list(contentvec.windows(count))
        assert [frame for start, end, _, _ in found for frame in range(start, end)] == list(range(count))
        assert all(first <= start and end <= last and last - first <= 1300 for start, end, first, last in found)


@pytest.mark.parametrize(("samples", "frames"), [(0, 0), (1, 1), (399, 1), (400, 1), (719, 1), (720, 2)])
def test_the_shortest_clips(folder: Path, samples: int, frames: int) -> None:
    clip = Clip(np.zeros(samples, np.float32), 16_000)
    assert load_contentvec(folder).encode(clip).shape == (frames, WIDTH)


def test_another_rate_is_the_same_sound(folder: Path) -> None:
    seconds = np.arange(44_100) / 44_100
    tone = Clip((0.3 * np.sin(2 * np.pi * 300 * seconds)).astype(np.float32), 44_100)
    slower = Clip((0.3 * np.sin(2 * np.pi * 300 * np.arange(16_000) / 16_000)).astype(np.float32), 16_000)
    encoder = load_contentvec(folder)
    assert np.abs(encoder.encode(tone)[5:-5] - encoder.encode(slower)[5:-5]).max() < 0.05


def test_what_does_not_fit_is_told(hubert: nn.Module, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match="no such file"):
        load_contentvec(tmp_path / "nothing.bin")
    with pytest.raises(MissingWeights, match=r"pytorch_model\.bin"):
        load_contentvec(tmp_path)
    tensors = {key: tensor for key, tensor in published(hubert).items() if not key.startswith("final_proj")}
    save_file(tensors, tmp_path / "plain.safetensors")
    assert load_contentvec(tmp_path / "plain.safetensors").dimension == WIDTH
    with pytest.raises(BadWeights, match="final_proj"):
        load_contentvec(tmp_path / "plain.safetensors", "vec256l9")
    short = {key: tensor for key, tensor in tensors.items() if ".layers.11." not in key}
    save_file(short, tmp_path / "short.safetensors")
    with pytest.raises(BadWeights, match="11 layers"):
        load_contentvec(tmp_path / "short.safetensors")
    less = {key: t for key, t in load_file(tmp_path / "plain.safetensors").items() if "layers.3.attention.k" not in key}
    save_file(less, tmp_path / "less.safetensors")
    with pytest.raises(BadWeights, match=r"layers\.3\.attention\.k_proj"):
        load_contentvec(tmp_path / "less.safetensors")
    save_file({"a.weight": torch.zeros(2, 2)}, tmp_path / "other.safetensors")
    with pytest.raises(BadWeights, match="not a HuBERT"):
        load_contentvec(tmp_path / "other.safetensors")

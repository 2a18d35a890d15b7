"""The converted weights compute what the published int8 graph computes in ONNX Runtime, part by part.

The graph quantises its activations to 8 bits at every convolution, which the network here does not: hence the margins.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from voicewright.engines.kokoro.network import Kokoro, Score, load_network
from voicewright.engines.kokoro.style import StylePrior
from voicewright.text.tokens import encode
from voicewright.weights.store import Store

PHRASE = "ðə kwˈɪk bɹˈWn fˈɑks ʤˈʌmps."
GENERATOR = "/decoder/decoder/generator"
TAPS = {
    "f0_hz": "/encoder/F0_proj/Conv_output_0",
    "energy": "/encoder/N_proj/Conv_output_0",
    "content": "/encoder/MatMul_1_output_0",
    "source": f"{GENERATOR}/m_source/l_tanh/Tanh_output_0",
    "harmonics": f"{GENERATOR}/Concat_3_output_0",
    "spectrum": f"{GENERATOR}/conv_post/Conv_output_0",
}
FLOAT_CONVOLUTIONS = ("pool", "conv_post", "ups.0", "ups.1", "l_linear")
EXPORT_GAIN = 1.5
"""The export's inverse STFT adds its windows up and leaves out to divide by their sum of squares."""


@dataclass
class Graph:
    """What the published graph says: its sound and some of what it passes through on the way there."""

    tokens: Tensor
    style: Tensor
    audio: Tensor
    taps: dict[str, Tensor]

    @property
    def styles(self) -> Tensor:
        return self.style[:, None, :128].expand(-1, 3, -1)


def run_graph(file: Path, tokens: list[int], style: Tensor) -> dict[str, NDArray[np.float32]]:
    import onnx
    import onnxruntime

    model = onnx.load(str(file))
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in TAPS.values())
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL  # else names are fused away
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    feed = {"tokens": np.array([tokens], np.int64), "style": style.numpy(), "speed": np.ones(1, np.float32)}
    return dict(zip(("audio", *TAPS), session.run(["audio", *TAPS.values()], feed), strict=True))


@pytest.fixture(scope="module")
def graph(onnx_file: Path, prior: StylePrior) -> Graph:
    tokens = [0, *encode(PHRASE), 0]
    said = run_graph(onnx_file, tokens, prior.mean[None])
    taps = {name: torch.from_numpy(said[name]) for name in TAPS}
    for name in ("f0_hz", "energy", "source"):
        taps[name] = taps[name].reshape(1, -1)
    return Graph(torch.tensor([tokens]), prior.mean[None], torch.from_numpy(said["audio"]).reshape(1, -1), taps)


@pytest.fixture(scope="module")
def network(store: Store) -> Kokoro:
    return load_network(store.file("kokoro", "model.safetensors"))[0]


@pytest.fixture(scope="module")
def score(network: Kokoro, graph: Graph) -> Score:
    with torch.inference_mode():
        return network.perform(*network.read(graph.tokens), graph.style[:, 128:])


def correlation(a: Tensor, b: Tensor) -> float:
    assert a.shape == b.shape
    return float(torch.corrcoef(torch.stack([a.flatten(), b.flatten()]).double())[0, 1])


def relative(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().mean() / b.abs().mean())


def test_the_phrase_lasts_as_long(score: Score, graph: Graph) -> None:
    assert int(score.durations.sum()) * 600 == graph.audio.shape[1]


def test_pitch_energy_and_content_are_the_graphs(score: Score, graph: Graph) -> None:
    assert correlation(score.f0_hz, graph.taps["f0_hz"]) > 0.999
    assert relative(score.f0_hz, graph.taps["f0_hz"]) < 0.02
    assert correlation(score.energy, graph.taps["energy"]) > 0.9999
    assert correlation(score.content, graph.taps["content"]) > 0.9999  # token by token, so every duration is the same
    assert relative(score.content, graph.taps["content"]) < 0.02


def test_the_source_is_the_graphs(network: Kokoro, graph: Graph) -> None:
    with torch.inference_mode():
        source = network.decoder.generator.m_source(graph.taps["f0_hz"], None)
    assert correlation(source, graph.taps["source"]) > 0.9999


def test_the_decoder_plays_the_graphs_score_as_the_graph_does(network: Kokoro, graph: Graph) -> None:
    taps = graph.taps
    with torch.inference_mode():
        wave = network.decoder(taps["content"], taps["f0_hz"], taps["energy"], graph.styles, taps["source"])
    assert correlation(wave, graph.audio) > 0.96


def test_with_activations_of_8_bits_the_decoder_is_nearer_still(
    network: Kokoro, graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left between the two is the graph's rounding, not another computation."""
    taps = graph.taps
    # a component that is zero but for rounding has a phase of ±π by chance: both get the graph's
    monkeypatch.setattr(network.decoder.generator, "_spectrum", lambda _: taps["harmonics"])
    rounded = [
        module.register_forward_pre_hook(lambda _, given: (to_8_bits(given[0]), *given[1:]))
        for name, module in network.decoder.named_modules()
        if isinstance(module, nn.Conv1d | nn.Linear) and not name.endswith(FLOAT_CONVOLUTIONS)
    ]
    try:
        with torch.inference_mode():
            wave = network.decoder(taps["content"], taps["f0_hz"], taps["energy"], graph.styles, taps["source"])
    finally:
        for hook in rounded:
            hook.remove()
    assert correlation(wave, graph.audio) > 0.99
    assert float((wave * graph.audio).sum() / wave.square().sum()) == pytest.approx(EXPORT_GAIN, rel=0.03)


def to_8_bits(x: Tensor) -> Tensor:
    """As DynamicQuantizeLinear does it: from the least to the greatest in 255 steps, zero among them."""
    low, high = x.amin().clamp(max=0), x.amax().clamp(min=0)
    step = (high - low) / 255
    zero = (-low / step).round()
    return ((x / step).round().add_(zero).clamp_(0, 255) - zero) * step


def test_the_inverse_stft_differs_by_a_constant_gain_only(network: Kokoro, graph: Graph) -> None:
    wave = network.decoder.generator._wave(graph.taps["spectrum"])
    assert correlation(wave, graph.audio) > 0.999999
    assert float((wave * graph.audio).sum() / wave.square().sum()) == pytest.approx(EXPORT_GAIN, rel=1e-5)

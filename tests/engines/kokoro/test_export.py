import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from voicewright.engines.base import Exports
from voicewright.engines.kokoro.adapters import merge
from voicewright.engines.kokoro.config import KokoroConfig
from voicewright.engines.kokoro.engine import KokoroEngine, tiny_parts
from voicewright.engines.kokoro.export import FORMATS, WEIGHT_NORMED, export_voice, folded, styles
from voicewright.engines.kokoro.network import Kokoro, load_network
from voicewright.engines.kokoro.onnx_export import RealGenerator, Whole, angle
from voicewright.engines.kokoro.style import Style, StylePrior
from voicewright.engines.kokoro.twin import tiny_network, tiny_prior
from voicewright.engines.kokoro.upstream import convert_pth
from voicewright.errors import BadVoice, StaleVoice
from voicewright.text.tokens import VOCABULARY
from voicewright.voice.voice import Voice
from voicewright.weights.store import Store

TOKENS = torch.tensor([[0, 5, 6, 7, 50, 16, 3, 44, 20, 10, 11, 0]])


@pytest.fixture(scope="module")
def network() -> Kokoro:
    return tiny_network()[0]


@pytest.fixture(scope="module")
def prior() -> StylePrior:
    return tiny_prior()


@pytest.fixture(scope="module")
def style(network: Kokoro) -> Style:
    draw = torch.Generator().manual_seed(0)
    config = network.config
    timbre = torch.randn(config.stages, config.style, generator=draw)
    return Style(timbre=timbre, prosody=torch.randn(config.style, generator=draw), stretch=1.25, gain=0.8)


@pytest.fixture(scope="module")
def tuned(network: Kokoro, style: Style) -> Voice:
    draw = np.random.default_rng(0)
    weight = network.decoder.encode.conv1.weight.flatten(1)
    name = "adapter.decoder.encode.conv1.weight"
    adapter = {
        f"{name}.down": draw.normal(size=(2, weight.shape[1])).astype(np.float32),
        f"{name}.up": draw.normal(0, 0.1, size=(weight.shape[0], 2)).astype(np.float32),
    }
    return Voice(name="mine", engine="kokoro", weights="", tensors={**style.to_tensors(), **adapter})


def spoken(network: Kokoro, prior: StylePrior, style: Style) -> torch.Tensor:
    """As the engine speaks, without its random noise."""
    timbre_shift, prosody_shift = prior.shift(TOKENS.shape[1] - 2)
    with torch.no_grad():
        meaning, content = network.read(TOKENS)
        score = network.perform(meaning, content, (style.prosody + prosody_shift)[None], stretch=style.stretch)
        wave: torch.Tensor = network.play(score, (style.timbre + timbre_shift)[None])[0] * style.gain
    return wave


def test_stages_and_gain_are_folded_exactly(network: Kokoro, prior: StylePrior, style: Style) -> None:
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    whole, row = folded(network, style), styles(prior, style)[TOKENS.shape[1] - 3]
    half = network.config.style
    with torch.no_grad():
        meaning, content = whole.read(TOKENS)
        score = whole.perform(meaning, content, row[:, half:], stretch=style.stretch)
        made = whole.play(score, row[:, :half])[0]
    torch.testing.assert_close(made, spoken(network, prior, style), atol=1e-4, rtol=1e-4)
    plain = Style(timbre=style.timbre[:1].expand(3, -1), prosody=style.prosody, stretch=style.stretch, gain=style.gain)
    assert (spoken(network, prior, plain) - made).abs().max() > 0.01
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_the_table_has_a_style_for_every_length(prior: StylePrior, style: Style) -> None:
    table = styles(prior, style)
    assert table.shape == (510, 1, 2 * prior.width)
    timbre_shift, prosody_shift = prior.shift(300)
    torch.testing.assert_close(
        table[299, 0], torch.cat([style.timbre[0] + timbre_shift, style.prosody + prosody_shift])
    )


def test_upstream_files_give_the_tuned_network_back(
    network: Kokoro, prior: StylePrior, style: Style, tuned: Voice, tmp_path: Path
) -> None:
    files = export_voice(network, prior, tuned, style, "upstream", tmp_path / "out")
    assert {path.name for path in files} == {"kokoro-v1_0.pth", "mine.pt", "config.json", "README.txt"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {path.name for path in files}
    convert_pth(tmp_path / "out" / "kokoro-v1_0.pth", tmp_path / "back.safetensors")
    back, _ = load_network(tmp_path / "back.safetensors", KokoroConfig.tiny())
    wanted = folded(merge(network, tuned.tensors), style).state_dict()
    assert not torch.equal(wanted["decoder.encode.conv1.weight"], network.decoder.encode.conv1.weight)
    for name, tensor in back.state_dict().items():
        torch.testing.assert_close(tensor, wanted[name], msg=name)
    table = torch.load(tmp_path / "out" / "mine.pt", weights_only=True)
    assert table.shape == (510, 1, 16)
    told = json.loads((tmp_path / "out" / "config.json").read_text("utf-8"))
    assert told["vocab"] == VOCABULARY
    assert "speed=0.800" in (tmp_path / "out" / "README.txt").read_text("utf-8")


def test_the_official_file_holds_plain_tensors_in_five_parts(
    network: Kokoro, prior: StylePrior, style: Style, tuned: Voice, tmp_path: Path
) -> None:
    export_voice(network, prior, tuned, style, "upstream", tmp_path)
    state = torch.load(tmp_path / "kokoro-v1_0.pth", weights_only=True)
    assert set(state) == {"bert", "bert_encoder", "predictor", "decoder", "text_encoder"}
    assert all(name.startswith("module.") for part in state.values() for name in part)
    decoder = state["decoder"]
    assert {"module.encode.conv1.weight_g", "module.encode.conv1.weight_v"} <= set(decoder)
    assert "module.encode.conv1.weight" not in decoder
    assert decoder["module.generator.ups.0.weight_g"].shape == (16, 1, 1)
    assert decoder["module.encode.norm1.norm.weight"].eq(1).all()


def test_upstream_norms_all_convolutions_but_a_few(network: Kokoro) -> None:
    plain = {
        name
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv1d | nn.ConvTranspose1d) and not WEIGHT_NORMED.match(f"{name}.weight")
    }
    noise = {f"decoder.generator.noise_convs.{i}" for i in range(2)}
    assert plain == {"predictor.F0_proj", "predictor.N_proj", *noise}


def test_a_row_without_any_weight_survives(
    network: Kokoro, prior: StylePrior, style: Style, tuned: Voice, tmp_path: Path
) -> None:
    empty = folded(network, style)
    with torch.no_grad():
        empty.decoder.encode.conv1.weight[0] = 0
    plain = Voice(name="mine", engine="kokoro", weights="", tensors=style.to_tensors())
    export_voice(empty, prior, plain, style, "upstream", tmp_path)
    convert_pth(tmp_path / "kokoro-v1_0.pth", tmp_path / "back.safetensors")
    back, _ = load_network(tmp_path / "back.safetensors", KokoroConfig.tiny())
    assert not back.decoder.encode.conv1.weight[0].any()


def test_real_arithmetic_gives_what_complex_arithmetic_gives(network: Kokoro) -> None:
    real = RealGenerator(network.config)
    draw = torch.Generator().manual_seed(0)
    wave, bins = torch.randn(1, 3000, generator=draw), torch.randn(1, 22, 80, generator=draw)
    ours, theirs = real._spectrum(wave), network.decoder.generator._spectrum(wave)
    # at the ends the wave is mirrored, and rounding alone decides whether an angle is π or -π
    torch.testing.assert_close(ours[..., 1:-1], theirs[..., 1:-1], atol=2e-3, rtol=1e-3)
    torch.testing.assert_close(real._wave(bins), network.decoder.generator._wave(bins), atol=1e-4, rtol=1e-3)
    a, b = torch.tensor([1.0, -1, 0, 0, -1, 0, 1]), torch.tensor([0.0, 0, 1, -1, -1e-9, 0, -1])
    torch.testing.assert_close(angle(a, b), torch.atan2(b, a))


def test_the_onnx_network_speaks_as_the_voice_does(
    network: Kokoro, prior: StylePrior, style: Style, tuned: Voice, tmp_path: Path
) -> None:
    import onnxruntime

    export_voice(network, prior, tuned, style, "onnx", tmp_path)
    session = onnxruntime.InferenceSession(str(tmp_path / "mine.onnx"), providers=["CPUExecutionProvider"])
    assert {each.name: each.type for each in session.get_inputs()} == {
        "tokens": "tensor(int64)",
        "style": "tensor(float)",
        "speed": "tensor(float)",
    }
    table = np.load(tmp_path / "voices.bin", allow_pickle=False)["mine"]
    whole = Whole(folded(merge(network, tuned.tensors), style), stretch=style.stretch)
    for count, speed in ((10, 1.0), (25, 1.5)):
        tokens = np.array([[0, *range(3, 3 + count), 0]])
        row = table[count - 1]
        inputs = {"tokens": tokens, "style": row, "speed": np.full(1, speed, np.float32)}
        made, again = (session.run(None, inputs)[0] for _ in range(2))
        with torch.no_grad():
            wanted = whole(torch.tensor(tokens), torch.tensor(row), torch.full((1,), speed)).numpy()
        assert made.shape == wanted.shape
        assert np.sum((made - wanted) ** 2) < 1e-3 * np.sum(wanted**2)
        assert np.array_equal(made, again)


def test_onnx_durations_and_sound_are_the_networks_own(network: Kokoro, prior: StylePrior, style: Style) -> None:
    folded_network, row = folded(network, style), styles(prior, style)[TOKENS.shape[1] - 3]
    whole, half = Whole(folded_network, stretch=style.stretch), network.config.style
    with torch.no_grad():
        made = whole(TOKENS, row, torch.ones(1))
        meaning, content = folded_network.read(TOKENS)
        score = folded_network.perform(meaning, content, row[:, half:], stretch=style.stretch)
        timbre = row[:, None, :half].expand(-1, 3, -1)
        source = whole.source(score.f0_hz)
        wanted = folded_network.decoder(score.content, score.f0_hz, score.energy, timbre, source)[0]
    assert made.shape == wanted.shape
    assert (made - wanted).square().sum() < 1e-3 * wanted.square().sum()


def test_a_name_that_is_no_files_name_is_refused(
    network: Kokoro, prior: StylePrior, style: Style, tmp_path: Path
) -> None:
    voice = Voice(name="../out", engine="kokoro", weights="", tensors=style.to_tensors())
    for format in FORMATS:
        with pytest.raises(BadVoice):
            export_voice(network, prior, voice, style, format, tmp_path / "in")
    assert list(tmp_path.iterdir()) == []


def test_the_engine_exports_in_full_precision(network: Kokoro, style: Style, tmp_path: Path) -> None:
    engine = KokoroEngine(Store(tmp_path / "home", offline=True), precision="bfloat16", parts=tiny_parts())
    voice = Voice(name="mine", engine=engine.name, weights=engine.weights, tensors=style.to_tensors())
    assert isinstance(engine, Exports)
    assert set(engine.formats) == {"upstream", "onnx"}
    engine.export(voice, "upstream", tmp_path / "out")
    state = torch.load(tmp_path / "out" / "kokoro-v1_0.pth", weights_only=True)
    assert {tensor.dtype for part in state.values() for tensor in part.values()} == {torch.float32}
    with pytest.raises(StaleVoice):
        engine.export(Voice(name="old", engine=engine.name, weights="0", tensors=style.to_tensors()), "onnx", tmp_path)

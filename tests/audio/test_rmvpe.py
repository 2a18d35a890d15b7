"""RMVPE's sound goes in as it should, and its answer is read as it should; the network itself is made up here."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from voicewright.audio.clip import Clip
from voicewright.audio.mel import to_hz, to_mel
from voicewright.audio.pitch import find_tracker
from voicewright.audio.rmvpe import RmvpePitch
from voicewright.audio.salience import hz_of_bins
from voicewright.errors import BadSetting, BadWeights

MELS, BINS = 128, 360


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that hears pure tones: each bin is as salient as the mel bin at its pitch is loud."""
    ends = to_mel(np.array([30.0, 8000.0]), "htk")
    centres = to_hz(np.linspace(ends[0], ends[1], MELS + 2), "htk")[1:-1]
    apart = np.abs(np.log2(centres[:, None] / hz_of_bins(np.arange(BINS))[None]))
    weights = (np.exp(-((apart / 0.1) ** 2))).astype(np.float32)
    nodes = [
        helper.make_node("Exp", ["mel"], ["power"]),
        helper.make_node("Transpose", ["power"], ["frames"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["frames", "weights"], ["loud"]),
        helper.make_node("Tanh", ["loud"], ["salience"]),
    ]
    return save(tmp_path_factory.mktemp("onnx") / "rmvpe.onnx", nodes, {"weights": 0.1 * weights})


def save(path: Path, nodes: list, constants: dict[str, np.ndarray], name: str = "mel", rows: int = MELS) -> Path:
    graph = helper.make_graph(
        nodes,
        "rmvpe",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, rows, "t"])],
        [helper.make_tensor_value_info("salience", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, key) for key, value in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(made, str(path))
    return path


def tones(*parts: tuple[float, float], rate: int = 16_000) -> Clip:
    sound = [0.3 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate) for hz, seconds in parts]
    return Clip(np.concatenate(sound), rate)


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_tones_are_heard_when_they_sound(model: Path, rate: int) -> None:
    pitch = find_tracker("rmvpe", model).track(tones((300, 0.5), (0, 0.3), (1000, 0.5), rate=rate))
    assert pitch.hop_s == 0.01
    assert len(pitch.f0_hz) == 130
    for part, hz in ((slice(4, 46), 300), (slice(84, 126), 1000)):
        assert pitch.voiced[part].all()
        assert np.abs(12 * np.log2(pitch.f0_hz[part] / hz)).max() < 1.5
    assert not pitch.voiced[54:76].any()


def test_a_long_sound_has_no_seams(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = tones((200, 0.7), (400, 0.8), (800, 0.613))
    whole = find_tracker("rmvpe", model).track(clip)
    monkeypatch.setattr(RmvpePitch, "_PART", 50)
    monkeypatch.setattr(RmvpePitch, "_CONTEXT", 13)
    parts = find_tracker("rmvpe", model).track(clip)
    assert parts.f0_hz == pytest.approx(whole.f0_hz, rel=1e-5)


def test_little_or_nothing_is_unvoiced(model: Path) -> None:
    tracker = find_tracker("rmvpe", model)
    for clip in (Clip([], 16_000), Clip([0.001] * 20, 16_000), Clip.silence(0.3, 8_000)):
        pitch = tracker.track(clip)
        assert not pitch.voiced.any()
        assert abs(pitch.seconds - clip.seconds) <= 0.01


def test_the_range_is_kept(model: Path) -> None:
    pitch = find_tracker("rmvpe", model, low_hz=100, high_hz=500).track(tones((1000, 0.3), (300, 0.3)))
    assert pitch.f0_hz.max() <= 500
    with pytest.raises(BadSetting, match=r"32\.7"):
        find_tracker("rmvpe", model, low_hz=20)


def test_another_network_is_refused_with_where_to_find_it(tmp_path: Path) -> None:
    (tmp_path / "junk.onnx").write_bytes(b"junk")
    nodes = [helper.make_node("Identity", ["sound"], ["salience"])]
    other = save(tmp_path / "other.onnx", nodes, {}, name="sound", rows=80)
    same = save(tmp_path / "same.onnx", [helper.make_node("Identity", ["mel"], ["salience"])], {})
    for path in (tmp_path / "none.onnx", tmp_path / "junk.onnx", other):
        with pytest.raises(BadWeights, match="VoiceConversionWebUI"):
            find_tracker("rmvpe", path)
    with pytest.raises(BadWeights, match="not RMVPE"):
        find_tracker("rmvpe", same).track(tones((300, 0.2)))

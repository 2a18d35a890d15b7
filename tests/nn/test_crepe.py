"""CREPE's network loads strictly, and its answer is read as it should; whether it hears well is in test_trackers."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from voicewright.audio.clip import Clip
from voicewright.audio.pitch import find_tracker
from voicewright.audio.salience import BINS, hz_of_bins, likeliest_path, local_average
from voicewright.errors import BadSetting, BadWeights, MissingWeights
from voicewright.nn.crepe import Crepe, CrepeConfig, CrepePitch, load_crepe


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("crepe") / "model.safetensors"
    save_file(Crepe(CrepeConfig.tiny()).state_dict(), path)
    return path


def salience(bins: list[float], height: float = 0.9) -> np.ndarray:
    """(f, k) a bump at each frame's bin."""
    return (height * np.exp(-(((np.arange(BINS) - np.array(bins)[:, None]) / 2) ** 2))).astype(np.float32)


def test_the_published_sizes_and_names() -> None:
    for capacity, values in ((32, 22_239_976), (4, 486_552)):
        network = Crepe(CrepeConfig(capacity=capacity))
        assert sum(parameter.numel() for parameter in network.parameters()) == values
    keys = set(network.state_dict())
    assert {"conv1.weight", "conv6_BN.running_var", "classifier.bias"} <= keys
    assert len(keys) == 6 * 7 + 2


def test_a_saved_network_answers_as_before(model: Path) -> None:
    torch.manual_seed(0)
    windows = torch.randn(3, 1024)
    before, after = Crepe(CrepeConfig.tiny()).eval(), load_crepe(model)
    before.load_state_dict(after.state_dict())
    with torch.no_grad():
        assert torch.equal(before(windows), after(windows))
        assert torch.allclose(after(windows)[1], after(windows[1:2])[0], atol=1e-6)


def test_files_that_are_not_the_network_are_refused(tmp_path: Path) -> None:
    (tmp_path / "junk").write_bytes(b"junk")
    save_file({"w": torch.ones(2)}, tmp_path / "other")
    save_file({"conv1.weight": torch.ones(32, 1, 512, 1)}, tmp_path / "part")
    for name in ("junk", "other", "part"):
        with pytest.raises(BadWeights, match=r"CREPE|Crepe"):
            find_tracker("crepe", tmp_path / name)
    with pytest.raises(MissingWeights):
        find_tracker("crepe", tmp_path / "none")


@pytest.mark.parametrize("hop_s", [0.005, 0.008, 0.01])
def test_frames_come_at_the_hop_asked_for(model: Path, hop_s: float) -> None:
    pitch = CrepePitch(model, hop_s=hop_s).track(Clip(0.1 * np.sin(np.arange(22_050) / 20), 44_100))
    assert pitch.hop_s == hop_s
    assert pitch.seconds == pytest.approx(0.5, abs=hop_s)


def test_settings_out_of_range_are_refused(model: Path) -> None:
    with pytest.raises(BadSetting, match=r"0\.005 to 0\.01"):
        CrepePitch(model, hop_s=0.02)
    with pytest.raises(BadSetting, match="looks between"):
        CrepePitch(model, high_hz=2500)


def test_bins_are_the_published_pitches() -> None:
    assert hz_of_bins(np.array([0.0, 359.0])) == pytest.approx([31.70, 2005.5], rel=1e-3)
    assert hz_of_bins(np.array([60.0]))[0] == pytest.approx(2 * hz_of_bins(np.array([0.0]))[0])


def test_between_two_bins_the_average_is_exact() -> None:
    at = [100.0, 100.3, 200.5, 0.0, 359.0]
    found = local_average(salience(at), salience(at).argmax(axis=1))
    cents = 1200 * np.log2(found / hz_of_bins(np.array(at)))
    assert np.abs(cents[:3]).max() < 1
    assert np.abs(cents[3:]).max() < 40  # at the ends half of the bump is missing


def test_the_path_ignores_a_flicker_and_follows_a_leap() -> None:
    held = [150.0] * 40
    both = np.maximum(salience(held, 0.6), salience([210.0] * 40, 0.2))
    both[20:23] = np.maximum(salience([150.0] * 3, 0.4), salience([210.0] * 3, 0.6))
    assert (likeliest_path(both) == 150).all()
    leap = salience([150.0] * 20 + [210.0] * 20 + [90.0] * 20)
    assert likeliest_path(leap).tolist() == [150] * 20 + [210] * 20 + [90] * 20
    glide = salience(list(np.linspace(60, 300, 60)))
    assert np.abs(likeliest_path(glide) - np.linspace(60, 300, 60)).max() <= 1
    assert likeliest_path(np.zeros((0, BINS), np.float32)).tolist() == []

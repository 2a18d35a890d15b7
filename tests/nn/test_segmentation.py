"""The segmentation network hears what the published network hears."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import pad

from voicewright.audio.files import read_clip
from voicewright.errors import BadWeights, MissingWeights
from voicewright.nn.segmentation import PyanNet, PyanNetConfig, load_segmentation

ROOT = Path(__file__).parents[2]
BUNDLED = ROOT / "src/voicewright/weights/bundled/segmentation.safetensors"
SAMPLES = ROOT / "src/voicewright/samples/austen"


@pytest.fixture(scope="module")
def network() -> PyanNet:
    return load_segmentation(BUNDLED)


def sample(name: str) -> Tensor:
    """(1, t) of 10 s, filled up with silence."""
    wave = torch.tensor(read_clip(SAMPLES / f"austen-{name}.flac").samples)[None]
    return pad(wave, (0, 160_000 - wave.shape[1]))


def test_a_recording_is_heard_as_by_the_published_network(network: PyanNet) -> None:
    golden = load_file(ROOT / "tests/golden/segmentation.safetensors")["austen-0870"]
    with torch.inference_mode():
        ours = network(sample("0870"))[0, ::8]
    assert torch.allclose(ours.exp(), golden.exp(), atol=2e-3)


def test_one_reader_is_one_speaker_and_silence_is_nobody(network: PyanNet) -> None:
    with torch.inference_mode():
        active = network.activity(sample("0870"))[0] > 0.5
    seconds = active.sum(0) * network.config.hop / network.config.rate
    assert sorted(seconds.tolist())[:2] == [0, 0]
    assert 5 < seconds.max() < 7.2
    assert not active[int(7.3 * 16_000 / network.config.hop) :].any()


def test_frames_and_sets() -> None:
    config = PyanNetConfig()
    assert (config.window, config.hop, config.reach) == (160_000, 270, 991)
    assert config.sets == ((), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2))


def test_the_tiny_twin_gives_probabilities_and_batches_do_not_mix() -> None:
    config = PyanNetConfig.tiny()
    network = PyanNet(config).eval()
    wave = torch.randn(3, config.window, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        together = network(wave)
        alone = network(wave[1:2])
    assert torch.allclose(together.exp().sum(-1), torch.ones(together.shape[:2]))
    assert torch.allclose(together[1:2], alone, atol=1e-5)
    assert together.shape[1] == 1 + (config.window - config.reach) // config.hop


def test_other_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadWeights, match="does not fit PyanNet"):
        load_segmentation(BUNDLED.with_name("ge2e.safetensors"))
    with pytest.raises(MissingWeights):
        load_segmentation(tmp_path / "none.safetensors")

"""What the engine's tests share: a tiny twin of the network, and the real one, converted once."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from voicewright.engines.kokoro import load
from voicewright.engines.kokoro.config import KokoroConfig
from voicewright.engines.kokoro.engine import KokoroEngine, tiny_parts
from voicewright.engines.kokoro.inversion import Inversion
from voicewright.engines.kokoro.network import Kokoro
from voicewright.engines.kokoro.style import Style, StylePrior, load_prior
from voicewright.engines.kokoro.target import Target
from voicewright.engines.kokoro.twin import tiny_network
from voicewright.engines.kokoro.twin import tiny_prior as make_prior
from voicewright.errors import MissingWeights
from voicewright.weights.catalogue import known_sets
from voicewright.weights.store import Store


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="session")
def tiny() -> Kokoro:
    """The network in miniature, with random weights and a pitch that counts as a voice."""
    return tiny_network()[0]


@pytest.fixture(scope="session")
def twin(tmp_path_factory: pytest.TempPathFactory) -> KokoroEngine:
    """The engine in miniature, in float32."""
    return KokoroEngine(
        Store(tmp_path_factory.mktemp("weights"), offline=True), precision="float32", parts=tiny_parts()
    )


@pytest.fixture(scope="session")
def tiny_prior() -> StylePrior:
    return make_prior(ge2e=10, campplus=12)


class Ear(nn.Module):
    """A speaker encoder without weights: the shape of the long-term spectrum, in bands."""

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.bands = bands

    def embed_waveform(self, wave: Tensor) -> Tensor:
        """(b, t) → (b, bands), each of length 1"""
        spectrum = torch.stft(wave, 512, 256, window=torch.hann_window(512), return_complex=True)
        power = torch.view_as_real(spectrum).square().sum(-1).mean(2)
        levels = (F.adaptive_avg_pool1d(power, self.bands) + 1e-8).log()
        return F.normalize(levels - levels.mean(1, keepdim=True), dim=1)


@pytest.fixture(scope="session")
def tiny_inversion(tiny: Kokoro, tiny_prior: StylePrior) -> Inversion:
    return Inversion(tiny, tiny_prior, Ear(10), Ear(12))


@pytest.fixture
def tiny_style() -> Style:
    config = KokoroConfig.tiny()
    timbre = torch.randn(config.stages, config.style, generator=seeded(3))
    return Style(timbre=timbre, prosody=torch.randn(config.style, generator=seeded(4)))


@pytest.fixture
def tiny_target(tiny_inversion: Inversion, tiny_style: Style) -> Target:
    """Somebody else: what the two ears hear of another style."""
    other = replace(
        tiny_style, timbre=-1.5 * tiny_style.timbre, prosody=tiny_style.prosody + 0.5 * tiny_style.prosody.sign()
    )
    with torch.inference_mode():
        wave, _ = tiny_inversion.speak(other, tiny_inversion.read(range(1, 25)), seeded(5))
        wave = wave * 0.1 / wave.square().mean().sqrt()
        ge2e, campplus = (net.embed_waveform(wave)[0] for net in (tiny_inversion.ge2e, tiny_inversion.campplus))
    return Target(
        ge2e=ge2e.clone(),
        campplus=campplus.clone(),
        log_f0=5.1,
        log_f0_spread=0.1,
        level_db=-20.0,
        articulation=0.0,
    )


@pytest.fixture(scope="session")
def onnx_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The published int8 graph, joined from the packages that carry it."""
    folder = tmp_path_factory.mktemp("published")
    raw = {"kokoro": replace(known_sets()["kokoro"], makes="")}  # the same files, not to be converted
    try:
        yield Store(folder, offline=True, sets=raw).file("kokoro", "kokoro-v1.0.int8.onnx")
    except MissingWeights as problem:
        pytest.skip(str(problem))
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory, onnx_file: Path) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("weights")
    yield Store(folder, offline=True, extra_folder=onnx_file.parents[1])
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def engine(store: Store) -> KokoroEngine:
    """The real engine in the precision that this processor is best at."""
    return load(store)


@pytest.fixture(scope="session")
def prior(store: Store) -> StylePrior:
    return load_prior(store.file("kokoro-prior"))

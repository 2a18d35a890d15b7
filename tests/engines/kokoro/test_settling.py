"""A settled decoder treats every sound alike: a part is what it is in the whole."""

import numpy as np
import pytest
import torch

from voicewright.audio.clip import Clip
from voicewright.audio.pitch import Pitch
from voicewright.engines.kokoro.conversion import LiveKokoroConverter
from voicewright.engines.kokoro.conversion_options import KokoroConvertOptions
from voicewright.engines.kokoro.engine import KokoroEngine
from voicewright.engines.kokoro.network import Kokoro, Score
from voicewright.engines.kokoro.settling import settled
from voicewright.engines.kokoro.style import Style

FRAME = 600


def made_up(frames: int, network: Kokoro, seed: int = 0) -> Score:
    random = torch.Generator().manual_seed(seed)
    content = torch.randn(1, network.config.width, frames, generator=random)
    f0_hz = 120 + 20 * torch.rand(1, 2 * frames, generator=random)
    return Score(content, f0_hz, 5 + torch.rand(1, 2 * frames, generator=random), torch.ones(1, frames))


@pytest.fixture(scope="module")
def style(twin: KokoroEngine) -> Style:
    return twin.style_of(twin.own_voice())


@torch.inference_mode()
def played(network: Kokoro, score: Score, style: Style) -> np.ndarray:
    samples: np.ndarray = network.play(score, style.timbre[None], torch.Generator().manual_seed(0))[0].numpy()
    return samples


@torch.inference_mode()
def test_a_part_sounds_as_it_does_in_the_whole(twin: KokoroEngine, style: Style) -> None:
    network = twin._network
    whole = made_up(120, network)
    part = whole.between(30, 90)
    source = network.decoder.generator.m_source(whole.f0_hz, torch.Generator().manual_seed(0))
    apart = []
    for each in (settled(network, [whole], style.timbre), network):
        within, alone = (
            each.decoder(score.content, score.f0_hz, score.energy, style.timbre[None], wave)[0]
            for score, wave in ((whole, source), (part, source[:, 30 * FRAME : 90 * FRAME]))
        )
        inner = alone[20 * FRAME : 40 * FRAME], within[50 * FRAME : 70 * FRAME]
        apart.append(float((inner[0] - inner[1]).abs().mean() / inner[1].abs().mean()))
    assert apart[0] < 0.2 * apart[1]


def test_the_network_it_was_made_from_stays_as_it_is(twin: KokoroEngine, style: Style) -> None:
    network, score = twin._network, made_up(40, twin._network)
    before = played(network, score, style)
    settled(network, [made_up(40, network, seed=1)], style.timbre)
    assert np.array_equal(played(network, score, style), before)


def test_what_it_was_settled_on_sounds_the_same(twin: KokoroEngine, style: Style) -> None:
    score = made_up(60, twin._network)
    own = settled(twin._network, [score], style.timbre)
    assert np.allclose(played(own, score, style), played(twin._network, score, style), atol=1e-3)


def test_live_only_the_part_that_is_needed_is_played(twin: KokoroEngine) -> None:
    converter = twin.converter(twin.own_voice(), KokoroConvertOptions(), live=True)
    assert isinstance(converter, LiveKokoroConverter)
    at = np.arange(32_000) / 16_000
    clip = Clip(0.1 * np.sin(2 * np.pi * 150 * at), 16_000)
    pitch = Pitch(np.full(200, 150, np.float32), np.ones(200, np.float32), 0.01)
    made = converter.convert(clip, pitch, part_s=(1.2, 1.5)).samples
    assert len(made) == 48_000
    assert made[round(1.2 * 24_000) : round(1.5 * 24_000)].any()
    assert not made[:24_000].any()
    assert not made[round(1.7 * 24_000) :].any()


def test_live_the_level_does_not_leap_from_block_to_block(twin: KokoroEngine) -> None:
    converter = twin.converter(twin.own_voice(), KokoroConvertOptions(), live=True)
    at = np.arange(32_000) / 16_000
    pitch = Pitch(np.full(200, 150, np.float32), np.ones(200, np.float32), 0.01)
    levels = []
    for loud in (0.1, 0.1, 0.1, 0.2):
        clip = Clip(loud * np.sin(2 * np.pi * 150 * at), 16_000)
        made = converter.convert(clip, pitch, part_s=(1.0, 1.2)).samples
        levels.append(float(made[24_000:28_800].std()))
    assert levels[3] < 1.7 * levels[2]

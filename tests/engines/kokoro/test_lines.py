"""What is learned from a recording: its tokens, when they are said, and its sound, in step."""

from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
import torch
from torch import Tensor

from voicewright.audio.clip import Clip
from voicewright.audio.loudness import loudness_lufs
from voicewright.audio.pitch import SwiftPitch
from voicewright.audio.writer import write_clip
from voicewright.engines.kokoro.engine import KokoroEngine
from voicewright.engines.kokoro.lines import LineReader, energy_of, f0_of, without_octave_leaps
from voicewright.engines.kokoro.network import Kokoro
from voicewright.engines.kokoro.style import Style, StylePrior
from voicewright.engines.options import SpeakOptions
from voicewright.engines.recipe import Example
from voicewright.errors import BadClip, BadText
from voicewright.nn.phones import load_phones
from voicewright.text.piece import Piece
from voicewright.weights.store import Store

TEXT = "The strange old house, they say, was never sold again."
Item: TypeAlias = Mapping[str, Tensor]


def example(audio: Path, text: str = TEXT) -> Example:
    return Example(id="one", audio=audio, sha256="", seconds=3.0, text=text)


@pytest.fixture(scope="module")
def reader(engine: KokoroEngine, prior: StylePrior, store: Store) -> LineReader:
    style = engine.style_of(engine.own_voice())
    phones, tracker = load_phones(store.file("phones")), SwiftPitch(store.file("swift-f0"))
    return LineReader(engine._network, prior, style, phones=phones, tracker=tracker)


@pytest.fixture(scope="module")
def spoken(engine: KokoroEngine, prior: StylePrior) -> tuple[Clip, Style]:
    """The text by another voice, faster and far too loud, without the silence around it."""
    width = prior.width
    timbre = prior.voices[3, :width].repeat(engine._network.config.stages, 1)
    style = Style(timbre=timbre, prosody=prior.voices[3, width:], gain=1.5)
    clip = engine.speak(Piece(text=TEXT, spoken=TEXT), style, SpeakOptions(speed=1.1))
    loud = np.flatnonzero(np.abs(clip.samples) > 0.01)
    return clip.with_samples(clip.samples[loud[0] - 500 : loud[-1] + 500]), style


@pytest.fixture(scope="module")
def recording(spoken: tuple[Clip, Style], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recordings") / "one.wav"
    write_clip(path, spoken[0])
    return path


@pytest.fixture(scope="module")
def item(reader: LineReader, recording: Path) -> Item:
    return reader.read(example(recording))


def test_everything_is_in_step(item: Item) -> None:
    frames = int(item["durations"].sum())
    assert item["durations"].shape == item["tokens"].shape
    assert item["durations"].min() >= 1
    assert (item["tokens"][0], item["tokens"][-1]) == (0, 0)
    assert {name: len(item[name]) for name in ("f0", "energy", "wave")} == {
        "f0": 2 * frames, "energy": 2 * frames, "wave": 600 * frames,
    }  # fmt: skip


def test_another_voice_is_read_as_it_spoke(
    item: Item, engine: KokoroEngine, prior: StylePrior, spoken: tuple[Clip, Style]
) -> None:
    """Whose durations are known: those of the engine, at that voice's pace."""
    style, count = spoken[1], len(item["tokens"]) - 2
    with torch.inference_mode():
        meaning, content = engine._network.read(item["tokens"][None])
        prosody = (style.prosody + prior.shift(count)[1])[None]
        true = engine._network.perform(meaning, content, prosody, speed=1.1).durations[0]
    edges, found = (durations[1:-2].cumsum(0).numpy() for durations in (true, item["durations"]))
    away_s = 0.025 * np.abs(edges - found)
    assert np.median(away_s) <= 0.025
    assert np.quantile(away_s, 0.9) <= 0.05


def test_the_recording_comes_at_the_level_of_the_start_voice(item: Item, reader: LineReader) -> None:
    loudness = loudness_lufs(Clip(item["wave"].float().numpy(), 24_000))
    assert loudness == pytest.approx(reader._level.lufs, abs=1.0)


def test_energy_agrees_with_what_the_network_predicts(reader: LineReader) -> None:
    with torch.inference_mode():
        said = reader._say(reader._tokens(example(Path("none"), "She has read every book of his.")))
    measured = energy_of(said.wave, reader._level.amplitude)
    assert np.corrcoef(measured, said.energy)[0, 1] > 0.97
    assert np.abs(measured - said.energy)[said.energy > 3].mean() < 1.0


def test_silence_around_the_text_belongs_to_no_phone(item: Item) -> None:
    lead, first = 2 * int(item["durations"][0]), 2 * int(item["durations"][1])
    assert item["energy"][: lead - 8].max() < 0
    assert item["energy"][lead - 4 : lead + first].max() > 0
    assert (item["f0"][: lead - 8] == 0).all()


def test_another_text_is_refused(reader: LineReader, recording: Path) -> None:
    with pytest.raises(BadClip, match="does not sound like its text"):
        reader.read(example(recording, "Please call me back tomorrow morning at seven."))


def test_nothing_to_say_and_nothing_to_hear(reader: LineReader, recording: Path, tmp_path: Path) -> None:
    with pytest.raises(BadText, match="one"):
        reader.read(example(recording, "— …"))
    write_clip(tmp_path / "silent.wav", Clip.silence(1.0, 16_000))
    with pytest.raises(BadClip, match="without enough sound"):
        reader.read(example(tmp_path / "silent.wav"))


def test_items_of_another_start_voice_are_not_used_again(reader: LineReader, prior: StylePrior) -> None:
    other = Style(timbre=reader._style.timbre, prosody=prior.voices[0, prior.width :])
    again = LineReader(reader._network, prior, other, phones=reader._phones, tracker=reader._tracker)
    assert again.preparation != reader.preparation


def test_a_twin_reads_any_recording(
    tiny: Kokoro, tiny_prior: StylePrior, tiny_style: Style, reader: LineReader, recording: Path
) -> None:
    twin = LineReader(tiny, tiny_prior, tiny_style, phones=reader._phones, tracker=reader._tracker, unlike=inf)
    item = twin.read(example(recording))
    assert len(item["wave"]) == 600 * int(item["durations"].sum())
    assert all(torch.isfinite(item[name].float()).all() for name in item)


def test_twice_as_loud_is_more_energy() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 24_000).astype(np.float32)
    assert np.median(energy_of(2 * noise) - energy_of(noise)) == pytest.approx(np.log(4), abs=0.01)
    assert len(energy_of(noise)) == 80


def test_pitch_runs_in_step_with_the_sound(store: Store) -> None:
    times_s = np.arange(24_000) / 24_000
    voice = sum(np.sin(2 * np.pi * 220 * k * times_s) / k for k in range(1, 8)) * 0.1 * (times_s > 0.5)
    f0_hz = f0_of(voice.astype(np.float32), SwiftPitch(store.file("swift-f0")))
    assert len(f0_hz) == 80
    assert (f0_hz[:36] == 0).all()
    assert f0_hz[46:76] == pytest.approx(220, rel=0.01)


def test_an_octave_leap_is_mended_and_a_glide_is_not() -> None:
    glide = np.geomspace(120, 260, 80).astype(np.float32)
    leaping = glide.copy()
    leaping[30:33] /= 2
    leaping[60] = 0
    mended = without_octave_leaps(leaping)
    assert mended[60] == 0
    mended[60] = glide[60]
    assert mended == pytest.approx(glide, rel=1e-4)

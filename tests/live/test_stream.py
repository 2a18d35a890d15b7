"""A live voice is as late as it says, quiet where it is quiet, and without clicks."""

import math

import numpy as np
import pytest
from simulated import Fake, FlatPitch, delay_samples, speech_like

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.errors import BadDevice, BadSetting
from voicewright.live.options import LiveOptions
from voicewright.live.stream import LiveStream

RATES = [(48_000, 48_000, 24_000), (44_100, 48_000, 24_000), (48_000, 44_100, 44_100), (16_000, 22_050, 24_000)]


def stream_of(
    converter: Fake | None = None, rates: tuple[int, int] = (48_000, 48_000), **options: object
) -> LiveStream:
    chosen = LiveOptions(**options)
    return LiveStream(converter or Fake(), FlatPitch(), chosen, input_rate=rates[0], output_rate=rates[1])


def run(stream: LiveStream, sound: np.ndarray, block_s: float = 0.1) -> np.ndarray:
    size = stream.block_samples(block_s)
    blocks = [sound[at : at + size] for at in range(0, len(sound) - size + 1, size)]
    return np.concatenate([stream.process(block) for block in blocks])


@pytest.mark.parametrize(("heard", "played", "rate"), RATES)
def test_the_delay_is_what_it_says(heard: int, played: int, rate: int) -> None:
    sound = speech_like(3.0, heard)
    stream = stream_of(Fake(rate=rate), (heard, played))
    out = run(stream, sound)
    before = resample(Clip(sound, heard), played).samples[: len(out)]
    found = delay_samples(before, out, round(0.3 * played))
    assert abs(found / played - stream.delay_s) <= 1.5 / played


@pytest.mark.parametrize("block_s", [0.02, 0.05, 0.333, 1.0])
def test_the_delay_depends_on_no_block(block_s: float) -> None:
    sound = speech_like(3.0, 48_000)
    stream = stream_of()
    out = run(stream, sound, block_s)
    assert abs(delay_samples(sound[: len(out)], out, 14_400) - stream.delay_s * 48_000) <= 1


def test_what_is_not_changed_is_heard_as_it_was() -> None:
    sound = speech_like(2.0, 48_000)
    stream = stream_of(Fake(rate=48_000), gate_db=-120, transpose=0)
    out = run(stream, sound)
    delay = round(stream.delay_s * 48_000)
    assert np.abs(out[12_000:] - sound[12_000 - delay : len(out) - delay]).max() < 1e-4


def test_quiet_is_quiet_and_costs_nothing() -> None:
    converter = Fake(gain=100.0)  # whatever it makes of hiss would be heard
    hiss = np.random.default_rng(0).standard_normal(96_000).astype(np.float32) * 1e-4
    assert not run(stream_of(converter), hiss).any()
    assert converter.windows_s == []


def test_a_word_between_pauses_is_whole_and_fades() -> None:
    sound = np.zeros(96_000, np.float32)
    sound[40_000:56_000] = 0.3 * np.sin(2 * np.pi * 200 * np.arange(16_000) / 48_000)
    stream = stream_of(Fake(rate=48_000), gate_hold_ms=50, transpose=0)
    out = run(stream, sound)
    delay = round(stream.delay_s * 48_000)
    assert np.abs(out[40_000 + delay : 56_000 + delay] - sound[40_000:56_000]).max() < 0.01
    assert not out[: 38_000 + delay].any()
    assert not out[62_000 + delay :].any()


def test_a_steady_hum_that_ends_has_no_click_at_the_gate() -> None:
    hum = (0.2 * np.sin(2 * np.pi * 100 * np.arange(96_000) / 48_000)).astype(np.float32)
    hum[48_000:] *= 0.005  # falls below the gate at once, and is still there
    out = run(stream_of(Fake(rate=48_000), gate_hold_ms=100, transpose=0, gate_db=-40), hum)
    steepest = 0.2 * 2 * np.pi * 100 / 48_000
    ending = out[60_000:]
    assert np.abs(np.diff(ending)).max() < steepest
    assert not ending[-12_000:].any()


def test_pitch_goes_to_the_voices_home_and_stays() -> None:
    converter = Fake(home_hz=200.0)
    stream = stream_of(converter)
    run(stream, speech_like(5.0, 48_000))
    assert stream.transpose == 12
    assert np.allclose(converter.pitches[-1].f0_hz, 200, rtol=1e-3)
    stream.change(transpose=-12)
    run(stream, speech_like(0.5, 48_000))
    assert np.allclose(converter.pitches[-1].f0_hz, 50, rtol=1e-3)
    assert stream.heard.transpose == -12


def test_a_voice_without_a_home_is_not_transposed_and_that_is_said() -> None:
    stream = stream_of(Fake(home_hz=0.0))
    run(stream, speech_like(1.0, 48_000))
    assert stream.transpose == 0
    assert "usual pitch" in stream.note


def test_switching_to_the_own_voice_and_back_does_not_click() -> None:
    sound = (0.3 * np.sin(2 * np.pi * 150 * np.arange(144_000) / 48_000)).astype(np.float32)
    stream = stream_of(Fake(rate=48_000, gain=0.5), gate_db=-120, transpose=0)
    parts = [run(stream, sound[:48_000])]
    stream.change(passthrough=True)
    parts.append(run(stream, sound[48_000:96_000]))
    stream.change(passthrough=False)
    parts.append(run(stream, sound[96_000:]))
    out = np.concatenate(parts)[9600:]
    assert np.abs(np.diff(out)).max() < 1.1 * 0.3 * 2 * np.pi * 150 / 48_000
    assert np.abs(out[48_000:76_800]).max() == pytest.approx(0.3, rel=0.01)
    assert np.abs(out[-24_000:]).max() == pytest.approx(0.15, rel=0.01)


def test_gains_are_what_they_say_and_rise_smoothly() -> None:
    sound = (0.1 * np.sin(2 * np.pi * 150 * np.arange(96_000) / 48_000)).astype(np.float32)
    stream = stream_of(Fake(rate=48_000), transpose=0)
    before = run(stream, sound)[-9600:]
    stream.change(output_gain_db=6.0)
    out = run(stream, sound)
    assert np.abs(out[-9600:]).max() == pytest.approx(2 * np.abs(before).max(), rel=0.02)
    assert np.abs(np.diff(out)).max() < 1.1 * 0.2 * 2 * np.pi * 150 / 48_000


def test_too_loud_is_cut_and_counted() -> None:
    stream = stream_of(Fake(gain=20.0), transpose=0)
    out = run(stream, speech_like(1.0, 48_000))
    assert np.abs(out).max() == 1.0
    assert stream.heard.clipped > 0


def test_levels_are_told() -> None:
    stream = stream_of()
    stream.process(np.zeros(4800, np.float32))
    assert stream.heard.input_db == -math.inf
    run(stream, speech_like(1.0, 48_000))
    assert stream.heard.is_open
    assert -30 < stream.heard.input_db < -15
    assert stream.heard.pitch_hz == pytest.approx(100)


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(BadSetting, match="context_ms"):
        stream_of(Fake(longest_s=0.5))
    with pytest.raises(BadDevice, match="44100 or 48000"):
        stream_of(rates=(44_101, 48_000))
    with pytest.raises(BadSetting, match="multiple"):
        stream_of().process(np.zeros(4801, np.float32))
    with pytest.raises(BadSetting, match="cannot be changed"):
        stream_of().change(context_ms=100)
    with pytest.raises(BadSetting, match="transpose"):
        stream_of().change(transpose=400)


def test_no_context_no_look_ahead_and_no_search_work() -> None:
    stream = stream_of(Fake(rate=48_000), context_ms=0, look_ahead_ms=0, search_ms=0, crossfade_ms=2)
    sound = speech_like(2.0, 48_000)
    out = run(stream, sound)
    assert stream.delay_s == pytest.approx(0.002)
    assert abs(delay_samples(sound[: len(out)], out, 4800) - 96) <= 1

"""A session is as late as it says, counts what went wrong, helps itself, and ends cleanly."""

import numpy as np
import pytest
from simulated import Broken, Fake, FlatPitch, SimulatedCard, delay_samples, play, speech_like

from voicewright.errors import BadSetting
from voicewright.live.options import LiveOptions
from voicewright.live.session import LiveSession


def slow(card: SimulatedCard, fixed_s: float, share: float) -> Fake:
    """A converter that takes some time for each window and some for each second of it."""
    return Fake(takes=lambda seconds: card.passes(fixed_s + share * seconds))


def test_a_quick_converter_never_drops_out_and_the_delay_is_what_is_told() -> None:
    card = SimulatedCard(speech_like(6.0, 48_000))
    session, said = play(card, slow(card, 0.01, 0.01), LiveOptions())
    status = session.status()
    assert status.counts.dropouts == 0
    assert status.late_blocks == 0
    assert status.block_ms == 60
    assert status.algorithmic_ms <= 250
    found = delay_samples(card.sound[: len(card.output)], card.output, 24_000)
    assert abs(1000 * found / 48_000 - status.delay_ms) < 1
    assert 0 < status.load < 0.7
    assert "60 ms at a time" in said[0]


def test_two_rates_and_a_card_that_is_late_now_and_then() -> None:
    card = SimulatedCard(speech_like(6.0, 44_100), input_rate=44_100, jitter_s=0.008)
    session, _ = play(card, slow(card, 0.02, 0.05), LiveOptions())
    assert session.status().counts.dropouts == 0
    assert session.status().counts.overruns == 0
    assert np.abs(card.output[48_000:]).max() > 0.1


def test_a_slower_converter_gets_a_longer_block() -> None:
    blocks = []
    for share in (0.01, 0.1, 0.3):
        card = SimulatedCard(speech_like(4.0, 48_000))
        session, _ = play(card, slow(card, 0.02, share), LiveOptions())
        blocks.append(session.status().block_ms)
        assert session.status().counts.dropouts == 0
        assert session.status().load <= 0.75
    assert blocks == sorted(set(blocks))


def test_a_converter_that_can_never_keep_up_is_told_and_counted() -> None:
    card = SimulatedCard(speech_like(40.0, 48_000))
    session, said = play(card, slow(card, 0.0, 1.3), LiveOptions(context_ms=400.0))
    status = session.status()
    assert status.load > 1
    assert status.counts.dropouts > 0
    assert any("more time than there is" in line for line in said)


def test_the_own_block_is_kept_even_if_it_is_late() -> None:
    card = SimulatedCard(speech_like(6.0, 48_000))
    session, said = play(card, slow(card, 0.15, 0.0), LiveOptions(block_ms=100))
    status = session.status()
    assert status.block_ms == 100
    assert status.late_blocks > 0
    assert status.counts.dropouts > 0
    assert any("drop out" in line for line in said)


def test_a_machine_that_becomes_slow_gets_longer_blocks() -> None:
    card = SimulatedCard(speech_like(12.0, 48_000))
    cost = [0.01]
    converter = Fake(takes=lambda seconds: card.passes(cost[0]))
    session, said = play(card, converter, LiveOptions(), at={3.0: lambda _: cost.__setitem__(0, 0.09)})
    status = session.status()
    assert status.block_ms >= 90
    assert any("from now on" in line for line in said)
    dropped = status.counts.dropouts
    assert 0 < dropped < 12
    lost_s = status.counts.silent_s
    assert lost_s < 1.0


def test_a_single_hiccup_is_one_dropout_that_fades_and_the_delay_tells_it() -> None:
    tone = (0.3 * np.sin(2 * np.pi * 150 * np.arange(8 * 48_000) / 48_000)).astype(np.float32)
    card = SimulatedCard(tone)
    hiccup = [0.0]

    def takes(seconds: float) -> None:
        card.passes(0.01 + hiccup[0])
        hiccup[0] = 0.0

    at = {4.0: lambda _: hiccup.__setitem__(0, 0.3)}
    session, _ = play(card, Fake(rate=48_000, takes=takes), LiveOptions(block_ms=100, transpose=0), at=at)
    status = session.status()
    assert status.counts.dropouts == 1
    assert 0.1 < status.counts.silent_s < 0.4
    played = card.output[24_000:]
    assert np.abs(np.diff(played)).max() < 2 * 0.3 * 2 * np.pi * 150 / 48_000
    assert status.delay_ms > status.algorithmic_ms + 150


def test_after_a_long_hiccup_silence_is_left_out_to_be_quick_again() -> None:
    sound = speech_like(10.0, 48_000)
    sound[5 * 48_000 : 8 * 48_000] = 0
    card = SimulatedCard(sound)
    hiccup = [0.0]

    def takes(seconds: float) -> None:
        card.passes(0.01 + hiccup[0])
        hiccup[0] = 0.0

    at = {3.0: lambda _: hiccup.__setitem__(0, 0.35)}
    session, _ = play(card, Fake(takes=takes), LiveOptions(block_ms=100), at=at)
    status = session.status()
    assert status.counts.skipped_s > 0.05
    assert status.delay_ms < status.algorithmic_ms + 150


@pytest.mark.parametrize(("block_ms", "stuck_s", "most_ms"), [(100, 3.0, 2500), (1000, 10.0, 6000)])
def test_a_backlog_is_lost_rather_than_played_ever_later(block_ms: float, stuck_s: float, most_ms: float) -> None:
    card = SimulatedCard(speech_like(12.0 + stuck_s, 48_000))
    stuck = [0.0]

    def takes(seconds: float) -> None:
        card.passes(0.01 + stuck[0])
        stuck[0] = 0.0

    at = {3.0: lambda _: stuck.__setitem__(0, stuck_s)}
    session, _ = play(card, Fake(takes=takes), LiveOptions(block_ms=block_ms), at=at)
    assert session.status().counts.overruns > 0
    assert session.status().delay_ms < most_ms


def test_the_delay_is_told_before_the_first_sound() -> None:
    card = SimulatedCard(speech_like(3.0, 48_000))
    told_ms = []
    at = {0.0: lambda session: told_ms.append(session.status().delay_ms)}
    session, _ = play(card, slow(card, 0.05, 0.01), LiveOptions(block_ms=200), at=at)
    assert told_ms[0] > session.status().algorithmic_ms > 200
    assert session.status().delay_ms == pytest.approx(told_ms[0], abs=1000 * card.period_s)


def test_what_is_said_while_muted_is_never_heard() -> None:
    sound = speech_like(6.0, 48_000)
    card = SimulatedCard(sound)
    converter = Fake()
    at = {2.0: lambda s: s.change(muted=True), 4.0: lambda s: s.change(muted=False)}
    session, _ = play(card, converter, LiveOptions(block_ms=100, gate_db=-120), at=at)
    delay_s = session.status().delay_ms / 1000
    silent = card.output[round((2.05 + delay_s) * 48_000) : round((3.98 + delay_s) * 48_000)]
    assert np.abs(silent).max() < 1e-4
    heard = card.output[round((4.1 + delay_s) * 48_000) :]
    assert np.abs(heard).max() > 0.1
    assert session.status().counts.dropouts == 0


def test_a_session_can_begin_muted() -> None:
    card = SimulatedCard(speech_like(2.0, 48_000))
    play(card, Fake(), LiveOptions(muted=True, block_ms=100))
    assert not card.output.any()


def test_pass_through_is_the_own_voice_as_late_as_the_other() -> None:
    card = SimulatedCard(speech_like(4.0, 48_000))
    converter = Fake(gain=0.0)
    session, _ = play(card, converter, LiveOptions(block_ms=100, passthrough=True))
    found = delay_samples(card.sound[: len(card.output)], card.output, 24_000)
    assert abs(1000 * found / 48_000 - session.status().delay_ms) < 1
    assert np.abs(card.output).max() == pytest.approx(np.abs(card.sound).max(), rel=0.05)


class Threaded:
    """A card with a thread of its own, as quick as it goes, that can be unplugged."""

    input_rate = output_rate = 48_000
    period_s, latency_s, waits, name, finished = 0.01, 0.0, True, "threaded", False

    def __init__(self) -> None:
        self.stopped = False

    def start(self, capture, playback) -> None:
        self.capture, self.playback = capture, playback

    def stop(self) -> None:
        self.stopped = True


def test_an_error_ends_the_session_with_silence_and_is_told() -> None:
    card = Threaded()
    session = LiveSession(Broken(), FlatPitch(), LiveOptions(block_ms=100), card)
    sound = speech_like(10.0, 48_000)
    played = []

    def run() -> None:
        with session:
            for at in range(0, len(sound) - 480, 480):
                card.capture(sound[at : at + 480])
                played.append(card.playback(480))

    with pytest.raises(RuntimeError, match="the network is gone"):
        run()
    out = np.concatenate(played)
    assert np.abs(out[48_000:72_000]).max() > 0.05
    assert not out[-48_000:].any()
    assert card.stopped


def test_a_session_that_was_not_started_has_no_status() -> None:
    session = LiveSession(Fake(), FlatPitch(), LiveOptions(), Threaded())
    with pytest.raises(BadSetting, match="not started"):
        session.status()


def test_the_status_is_plain_data() -> None:
    card = SimulatedCard(np.zeros(96_000, np.float32))
    session, _ = play(card, Fake(), LiveOptions())
    plain = session.status().as_dict()
    assert plain["heard"]["output_db"] is None
    assert plain["counts"]["dropouts"] == 0

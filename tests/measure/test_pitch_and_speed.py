import time
from pathlib import Path

import numpy as np
import pytest

from voicewright.audio.clip import Clip
from voicewright.audio.edit import join
from voicewright.audio.files import write_clip
from voicewright.audio.pitch import Pitch, find_tracker
from voicewright.errors import BadClip
from voicewright.measure.pitch import pitch_facts, pitch_match, usual_pitch_hz
from voicewright.measure.speed import Stopwatch, pace, peak_memory_bytes, syllable_times, syllables


def melody(*, base_hz: float = 120.0, sway: float = 3.0, hop_s: float = 0.01, seconds: float = 2.0) -> Pitch:
    """A pitch that sways by `sway` semitones, silent in the middle fifth."""
    times = np.arange(round(seconds / hop_s)) * hop_s
    f0_hz = base_hz * 2 ** (sway * np.sin(2 * np.pi * times) / 12)
    f0_hz[(times > 0.4 * seconds) & (times < 0.6 * seconds)] = 0
    return Pitch(f0_hz.astype(np.float32), (f0_hz > 0).astype(np.float32), hop_s)


class TestPitch:
    def test_height_and_range(self) -> None:
        facts = pitch_facts(melody(sway=4.0))
        assert facts is not None
        assert facts.median_hz == pytest.approx(120, rel=0.02)
        assert 7 < facts.range_semitones < 8
        assert facts.voiced == pytest.approx(0.8, abs=0.02)

    def test_the_usual_pitch_of_recordings_is_the_median_of_all_their_frames(self, tmp_path: Path) -> None:
        for name, hz, seconds in (("low", 110, 2.0), ("high", 200, 3.0), ("silent", 0, 4.0)):
            times = np.arange(round(seconds * 22_050)) / 22_050
            wave = sum(np.sin(2 * np.pi * k * hz * times) / k for k in range(1, 6))
            write_clip(tmp_path / f"{name}.wav", Clip((0.2 * wave).astype(np.float32), 22_050))
        tracker = find_tracker("yin")
        paths = [tmp_path / f"{name}.wav" for name in ("low", "high", "silent")]
        assert usual_pitch_hz(paths, tracker) == pytest.approx(200, rel=0.02)
        assert usual_pitch_hz(paths[:1], tracker) == pytest.approx(110, rel=0.02)
        with pytest.raises(BadClip, match=r"no voice was found in .*silent\.wav"):
            usual_pitch_hz(paths[2:], tracker)

    def test_a_transposed_melody_follows_exactly(self) -> None:
        match = pitch_match(melody(base_hz=240.0), melody())
        assert match is not None
        assert match.correlation > 0.999
        assert match.shift_semitones == pytest.approx(12, abs=0.01)
        assert match.error_cents < 1
        assert match.voicing == 1

    def test_another_frame_rate_changes_nothing(self) -> None:
        match = pitch_match(melody(hop_s=0.016), melody(hop_s=0.005))
        assert match is not None
        assert match.correlation > 0.99

    def test_an_inverted_melody_does_the_contrary(self) -> None:
        match = pitch_match(melody(sway=-3.0), melody())
        assert match is not None
        assert match.correlation < -0.99

    def test_nothing_voiced_says_nothing(self) -> None:
        silent = Pitch(np.zeros(100, np.float32), np.zeros(100, np.float32), 0.01)
        assert pitch_facts(silent) is None
        assert pitch_match(silent, melody()) is None


class TestPace:
    def test_read_sentences_have_a_reading_pace(self, austen: dict[str, Clip], texts: dict[str, str]) -> None:
        for name, clip in austen.items():
            found = pace(clip, texts[name])
            assert 3 < found.articulation < 6
            assert found.syllables_s is not None
            assert 0.7 < found.articulation / found.syllables_s < 1.4
            assert found.words_min is not None
            assert 120 < found.words_min < 240

    def test_a_pause_slows_the_words_but_not_the_articulation(self, austen: dict[str, Clip]) -> None:
        clip, text = austen["0930"], "word " * 8
        paused = join([clip, Clip.silence(2.0, clip.rate), clip])
        plain, slower = pace(clip, text), pace(paused, text * 2)
        assert slower.articulation == pytest.approx(plain.articulation, rel=0.2)
        assert slower.pauses > plain.pauses + 0.15
        assert slower.words_min is not None
        assert plain.words_min is not None
        assert slower.words_min < 0.85 * plain.words_min

    def test_syllables_are_heard_one_by_one(self) -> None:
        rate, beats = 16_000, 8
        times = np.arange(rate * 2) / rate
        voice = np.sign(np.sin(2 * np.pi * 140 * times)) * np.maximum(0.02, np.sin(np.pi * beats / 2 * times) ** 2)
        assert len(syllable_times(Clip(0.3 * voice, rate))) == beats

    @pytest.mark.parametrize("seconds", [0.0, 0.01, 1.0])
    def test_silence_has_no_pace(self, seconds: float) -> None:
        assert pace(Clip.silence(seconds, 24_000), "hello").articulation == 0

    @pytest.mark.parametrize(
        ("word", "count"),
        [("the", 1), ("make", 1), ("table", 2), ("wanted", 2), ("asked", 1), ("horses", 2), ("café", 2),
         ("beautiful", 3), ("piano", 3), ("nation", 2), ("rhythm", 1), ("don't", 1), ("twenty-one", 3), ("", 0)],
    )  # fmt: skip
    def test_syllables_of_words(self, word: str, count: int) -> None:
        assert syllables(word) == count


class TestCost:
    def test_a_stopwatch_tells_waiting_from_working(self) -> None:
        with Stopwatch() as watch:
            time.sleep(0.05)
        assert 0.045 < watch.wall_s < 1
        assert watch.cpu_s < 0.04
        assert watch.real_time_factor(2 * watch.wall_s) == pytest.approx(0.5)

    def test_peak_memory_covers_what_was_held(self) -> None:
        block = np.ones(12_500_000)
        assert block.nbytes < peak_memory_bytes() < 100e9

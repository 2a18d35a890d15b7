"""Sound that is encoded while it is made can be read by what people read it with."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import soundfile

from voicewright.apps.http.sound import Encoder
from voicewright.audio.files import describe, read_clip

RATE = 24_000
HUM = np.rint(8000 * np.sin(np.arange(2 * RATE) * 2 * np.pi * 220 / RATE)).astype(np.int16)


def encoded(kind: str) -> list[bytes]:
    encoder = Encoder(kind, RATE)
    return [*(encoder.feed(part) for part in np.array_split(HUM, 4)), encoder.end()]


@pytest.mark.parametrize("kind", ["wav", "flac", "mp3", "opus"])
def test_libsndfile_reads_it_and_knows_its_length(kind: str) -> None:
    samples, rate = soundfile.read(BytesIO(b"".join(encoded(kind))))
    assert abs(len(samples) / rate - 2) < 0.1  # a codec's frames are whole
    assert abs(np.abs(samples[rate // 2 : rate]).max() - 8000 / 32768) < 0.02


@pytest.mark.parametrize("kind", ["wav", "pcm", "mp3", "opus", "aac"])
def test_it_is_sent_while_it_is_made(kind: str) -> None:
    assert all(encoded(kind)[1:4])


def test_a_stream_whose_head_does_not_know_its_length_is_read_to_its_end(tmp_path: Path) -> None:
    whole = b"".join(encoded("flac"))
    unknown = bytearray(whole)
    unknown[21] &= 0xF0  # the 36 bits that count samples: 8 bytes of marks, 13 bytes and a half of STREAMINFO before
    unknown[22:26] = bytes(4)
    (tmp_path / "stream.flac").write_bytes(unknown)
    assert describe(tmp_path / "stream.flac").seconds == pytest.approx(2)
    assert np.array_equal(np.rint(read_clip(tmp_path / "stream.flac").samples * 32768), HUM)


@pytest.mark.parametrize("kind", ["mp3", "opus", "aac"])
def test_what_is_high_in_a_voice_is_still_there(kind: str, tmp_path: Path) -> None:
    hiss = np.random.default_rng(0).normal(0, 3000, 2 * RATE).clip(-32767, 32767).astype(np.int16)
    encoder = Encoder(kind, RATE)
    path = tmp_path / f"hiss.{kind}"
    path.write_bytes(encoder.feed(hiss) + encoder.end())
    high = [level_db(sound, 8500, 10500) for sound in (hiss / 32768, read_clip(path, rate=RATE).samples)]
    assert abs(high[1] - high[0]) < 3


def level_db(sound: np.ndarray, low_hz: float, high_hz: float) -> float:
    power, hz = np.abs(np.fft.rfft(sound)) ** 2 / len(sound), np.fft.rfftfreq(len(sound), 1 / RATE)
    return float(10 * np.log10(power[(hz >= low_hz) & (hz < high_hz)].mean()))

"""What a person hands over is read as it sounds; what cannot be read is refused in words."""

import hashlib
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from voicewright.audio.clip import Clip
from voicewright.audio.edit import join, resample
from voicewright.audio.files import SoundWriter, describe, read_blocks, read_clip, sha256_of, write_clip
from voicewright.errors import BadClip

MakeTone = Callable[..., Clip]
Encode = Callable[..., Path]


def likeness(heard: Clip, original: Clip) -> float:
    """Correlation after the best shift within 50 ms; 1 is the same wave."""
    assert heard.rate == original.rate
    size = min(len(heard), len(original))
    a, b = heard.samples[:size], original.samples[:size]
    spectrum = np.fft.rfft(a, 2 * size) * np.fft.rfft(b, 2 * size).conj()
    shifts = np.fft.irfft(spectrum)
    near = round(0.05 * heard.rate)
    best = max(shifts[:near].max(), shifts[-near:].max())
    return float(best / (np.linalg.norm(a) * np.linalg.norm(b)))


@pytest.mark.parametrize(
    ("kind", "codec", "step"),
    [
        ("WAV", "PCM_U8", 2**-7),
        ("WAV", "PCM_16", 2**-15),
        ("WAV", "PCM_24", 2**-23),
        ("WAV", "PCM_32", 2**-23),
        ("WAV", "FLOAT", 2**-23),
        ("WAV", "DOUBLE", 2**-23),
        ("WAV", "ULAW", 0.03),
        ("WAV", "ALAW", 0.03),
        ("WAVEX", "PCM_16", 2**-15),
        ("WAVEX", "PCM_24", 2**-23),
        ("RF64", "PCM_16", 2**-15),
        ("AIFF", "PCM_16", 2**-15),
        ("CAF", "PCM_24", 2**-23),
        ("AU", "PCM_16", 2**-15),
        ("W64", "PCM_16", 2**-15),
        ("FLAC", "PCM_16", 2**-15),
        ("FLAC", "PCM_24", 2**-23),
    ],
)
def test_uncompressed_and_lossless_files_read_as_they_were(
    tmp_path: Path, tone: MakeTone, kind: str, codec: str, step: float
) -> None:
    clip = tone(amplitude=0.7, rate=22_050)
    path = tmp_path / "sound.bin"
    soundfile.write(path, clip.samples, clip.rate, format=kind, subtype=codec)
    heard = read_clip(path)
    assert heard.rate == clip.rate
    assert len(heard) == len(clip)
    assert np.abs(heard.samples - clip.samples).max() <= 1.01 * step
    assert describe(path).codec == codec.lower()
    assert describe(path).seconds == clip.seconds


def test_a_24_bit_file_reads_like_its_16_bit_copy(tmp_path: Path, speech: Clip) -> None:
    write_clip(tmp_path / "a.wav", speech, bits=16)
    write_clip(tmp_path / "b.wav", speech, bits=24)
    write_clip(tmp_path / "c.flac", speech, bits=24)
    soundfile.write(tmp_path / "d.wav", speech.samples, speech.rate, format="WAVEX", subtype="PCM_24")
    sixteen = read_clip(tmp_path / "a.wav")
    for name in ("b.wav", "c.flac", "d.wav"):
        assert np.abs(read_clip(tmp_path / name).samples - sixteen.samples).max() < 1e-4


@pytest.mark.parametrize(
    ("name", "codec", "rate", "extra"),
    [
        ("voice.m4a", "aac", 44_100, {}),
        ("voice memo.m4a", "alac", 44_100, {}),
        ("faststart.m4a", "aac", 48_000, {"movflags": "faststart"}),
        ("fragments.mp4", "aac", 48_000, {"movflags": "frag_keyframe+empty_moov"}),
        ("plain.aac", "aac", 24_000, {}),
        ("film.mp4", "aac", 48_000, {"picture": True}),
        ("film.mkv", "libopus", 48_000, {"picture": True}),
        ("browser.webm", "libopus", 48_000, {}),
        ("five-one.m4a", "aac", 48_000, {"layout": "5.1"}),
        ("stereo.mka", "flac", 48_000, {"layout": "stereo"}),
        ("phone.amr", "libopencore_amrnb", 8_000, {}),
        ("song.mp3", "libmp3lame", 44_100, {}),
        ("song.opus", "libopus", 48_000, {}),
        ("old.avi", "mp2", 44_100, {"picture": True}),
        ("stimme – 声音 🎙.m4a", "aac", 22_050, {}),
    ],
)
def test_what_phones_browsers_and_films_hold_can_be_heard(
    tmp_path: Path, speech: Clip, encode: Encode, name: str, codec: str, rate: int, extra: dict[str, str]
) -> None:
    original = resample(speech.between(0, 3), rate)
    path = encode(tmp_path / name, original, codec, **extra)
    info, heard = describe(path), read_clip(path)
    assert info.rate == rate
    assert heard.rate == rate
    assert info.channels == {"5.1": 6, "stereo": 2}.get(extra.get("layout", ""), 1)
    assert heard.seconds == pytest.approx(3.0, abs=0.1)  # AAC keeps silence at its ends
    assert info.seconds == pytest.approx(heard.seconds, abs=0.1)
    assert likeness(heard, original) > (0.4 if codec == "libopencore_amrnb" else 0.9)  # AMR does not keep phase
    assert np.std(heard.samples) == pytest.approx(np.std(original.samples), rel=0.15)


def test_opus_from_another_encoder_is_right_from_its_first_sample(tmp_path: Path, speech: Clip, encode: Encode) -> None:
    original = resample(speech, 48_000)
    heard = read_clip(encode(tmp_path / "a.opus", original, "libopus"))
    for start in range(6):
        assert likeness(heard.between(start, start + 1), original.between(start, start + 1)) > 0.95


def test_channels_are_averaged(tmp_path: Path, tone: MakeTone) -> None:
    left, right = tone(200), tone(300)
    six = np.stack([left.samples, right.samples, *[np.zeros(len(left))] * 4], axis=1)
    soundfile.write(tmp_path / "two.wav", six[:, :2], 16_000, subtype="FLOAT")
    soundfile.write(tmp_path / "six.wav", six, 16_000, subtype="FLOAT", format="WAVEX")
    both = left.samples + right.samples
    np.testing.assert_allclose(read_clip(tmp_path / "two.wav").samples, both / 2, atol=1e-6)
    np.testing.assert_allclose(read_clip(tmp_path / "six.wav").samples, both / 6, atol=1e-6)


@pytest.mark.parametrize("rate", [8_000, 44_100, 96_000])
def test_the_rate_asked_for_keeps_pitch_and_seconds(tmp_path: Path, tone: MakeTone, rate: int) -> None:
    write_clip(tmp_path / "a.wav", tone(1000, rate=rate, seconds=2), bits=24)
    heard = read_clip(tmp_path / "a.wav", rate=24_000)
    assert heard.rate == 24_000
    assert heard.seconds == pytest.approx(2)
    middle = heard.between(0.5, 1.5).samples
    assert np.abs(np.fft.rfft(middle * np.hanning(len(middle)))).argmax() == 1000
    assert np.abs(middle).max() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "a.flac", "a.m4a"])
@pytest.mark.parametrize("rate", [None, 16_000, 44_100])
def test_blocks_joined_are_the_whole(tmp_path: Path, speech: Clip, encode: Encode, name: str, rate: int | None) -> None:
    path = tmp_path / name
    if name == "a.m4a":
        encode(path, resample(speech, 48_000), "aac")
    else:
        write_clip(path, resample(speech, 24_000))
    blocks = list(read_blocks(path, rate=rate, block_s=0.73))
    assert {round(block.seconds, 2) for block in blocks[:-1]} == {0.73}
    whole = read_clip(path, rate=rate)
    assert np.array_equal(join(blocks).samples, whole.samples)
    native = read_clip(path)
    np.testing.assert_allclose(resample(native, whole.rate).samples, whole.samples, atol=1e-6)


def test_a_limit_reads_the_beginning(tmp_path: Path, speech: Clip) -> None:
    write_clip(tmp_path / "a.wav", speech)
    whole = read_clip(tmp_path / "a.wav", rate=24_000)
    part = read_clip(tmp_path / "a.wav", rate=24_000, limit_s=2.5)
    assert part.seconds == 2.5
    assert np.array_equal(part.samples, whole.samples[: len(part)])
    assert len(read_clip(tmp_path / "a.wav", rate=24_000, limit_s=99)) == len(whole)


def test_an_hour_is_read_with_the_memory_of_a_block(tmp_path: Path) -> None:
    path = tmp_path / "hour.wav"
    minute = Clip(0.1 * np.random.default_rng(3).standard_normal(60 * 8_000), 8_000)
    with SoundWriter(path, 8_000) as file:
        for _ in range(60):
            file.write(minute)
    tracemalloc.start()
    try:
        seconds = sum(block.seconds for block in read_blocks(path, rate=16_000, block_s=10))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert seconds == 3600
    assert peak < 8e6, "the whole hour would be 230 MB"


@pytest.mark.parametrize("length", [0, 0xFFFFFFFF, 0x7FFFF000, 0x7FFFFFFF])
def test_a_streamed_wav_without_its_length_is_read_to_the_end(tmp_path: Path, tone: MakeTone, length: int) -> None:
    path = tmp_path / "stream.wav"
    write_clip(path, tone())
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = struct.pack("<I", length)
    assert bytes(data[36:40]) == b"data"
    path.write_bytes(data)
    assert len(read_clip(path)) == 16_000


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("text.wav", b"This is not a recording.\n" * 50, "not a recording that can be read"),
        ("notes.txt", b"hello\n" * 50, "not a recording that can be read"),
        ("samples.raw", bytes(range(256)) * 100, "headerless samples need a WAV header"),
        ("samples.ul", bytes(range(256)) * 100, "headerless samples need a WAV header"),
        ("noise.mp3", np.random.default_rng(1).bytes(20_000), "not a recording that can be read"),
        ("list.m3u8", b"#EXTM3U\n#EXTINF:10,\n/etc/hostname\n", "not a recording that can be read"),
        ("list.ffconcat", b"ffconcat version 1.0\nfile /etc/hostname\n", "not a recording that can be read"),
        ("empty.wav", b"", "is empty"),
        ("header.wav", b"RIFF\x24\0\0\0WAVE", "not a recording that can be read"),
        ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(200), "not a recording that can be read"),
    ],
)
def test_what_is_no_sound_is_refused_in_words(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    for read in (read_clip, describe, lambda p: list(read_blocks(p))):
        with pytest.raises(BadClip, match=words) as refusal:
            read(path)
        assert name in str(refusal.value)


def test_missing_files_folders_and_devices_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(BadClip, match="there is no file"):
        read_clip(tmp_path / "nowhere.wav")
    with pytest.raises(BadClip, match="is a folder"):
        read_clip(tmp_path)
    with pytest.raises(BadClip, match="not an ordinary file"):
        read_clip("/dev/null")
    with pytest.raises(BadClip, match="there is no file"):
        read_clip("concat:/etc/hostname|/etc/hostname")


def test_a_film_without_sound_is_refused(tmp_path: Path, tone: MakeTone, encode: Encode) -> None:
    path = encode(tmp_path / "silent film.mp4", tone(), "", picture=True)
    with pytest.raises(BadClip, match="no sound track"):
        read_clip(path)


def test_a_header_without_samples_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 16_000)
    with pytest.raises(BadClip, match="no sound after it"):
        read_clip(tmp_path / "none.wav")
    with pytest.raises(BadClip, match="no sound after it"):
        list(read_blocks(tmp_path / "none.wav", rate=8_000))


def test_samples_that_are_not_numbers_are_refused_with_their_place(tmp_path: Path) -> None:
    samples = np.zeros(16_000, np.float32)
    samples[4_000] = np.nan
    soundfile.write(tmp_path / "nan.wav", samples, 16_000, subtype="FLOAT")
    with pytest.raises(BadClip, match=r"nan\.wav .*first at 0\.25 s"):
        read_clip(tmp_path / "nan.wav")


def test_the_content_decides_not_the_name(tmp_path: Path, tone: MakeTone) -> None:
    write_clip(tmp_path / "a.mp3", tone())
    (tmp_path / "a.mp3").rename(tmp_path / "a.wav")
    write_clip(tmp_path / "b.wav", tone())
    (tmp_path / "b.wav").rename(tmp_path / "b.raw")
    assert describe(tmp_path / "a.wav").container == "mp3"
    assert len(read_clip(tmp_path / "b.raw")) == 16_000


def test_a_content_hash_is_the_files_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc" * 1_000_000)
    assert sha256_of(tmp_path / "a") == hashlib.sha256(b"abc" * 1_000_000).hexdigest()
    with pytest.raises(BadClip, match="there is no file"):
        sha256_of(tmp_path / "b")


def test_a_telephone_prompt_without_a_header_is_read(tmp_path: Path) -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000, dtype=np.float32) * 0.5
    path = tmp_path / "prompt.g722"
    with av.open(str(path), "w", format="g722") as file:
        stream = file.add_stream("g722", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray((tone[None] * 32767).astype(np.int16), format="s16", layout="mono")
        frame.rate = 16_000
        file.mux([*stream.encode(frame), *stream.encode(None)])
    clip = read_clip(path)
    assert clip.rate == 16_000
    assert clip.seconds == pytest.approx(1, abs=0.01) == describe(path).seconds
    spectrum = np.abs(np.fft.rfft(clip.samples[1000:15000]))
    assert np.fft.rfftfreq(14_000, 1 / 16_000)[spectrum.argmax()] == pytest.approx(440, abs=2)

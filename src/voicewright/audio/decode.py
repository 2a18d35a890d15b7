"""Sound files, decoded as a stream of mono samples: by libsndfile where it can, by FFmpeg for the rest."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voicewright.audio.clip import Samples
from voicewright.audio.wholeness import check_whole
from voicewright.errors import BadClip

if TYPE_CHECKING:
    import soundfile

BLOCK_SAMPLES = 65_536  # per channel and read; 256 KiB of float32
# libsndfile also opens formats without sound in them (MATLAB) or without a sure mark (raw, HTK).
SOUNDFILE_FORMATS = {"WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "OGG", "MP3", "NIST"}
# Only containers that hold sound themselves: FFmpeg would also follow playlists to other files and read plain
# text as a picture, and a file from a stranger must do neither.
CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,ogg,mp3,aac,flac,wav,w64,aiff,au,caf,asf,avi,flv,mpegts,mpeg,"
    "amr,amrnb,amrwb,ac3,eac3,dts,ape,wv,tta,tak,mpc,mpc8,dsf,iff,voc,nut,mxf,truehd"
)
# Sound without a header whose ending says all there is to know: ITU-T G.722 is always 16 kHz mono, 4 bits a sample.
HEADERLESS = {".g722": "g722"}
# An MP3's header counts frames; a player's rounding of its first and last may differ by one each.
MP3_SLACK_SAMPLES = 2 * 1152
UNKNOWN_FRAMES = 2**62
"""libsndfile gives the length of a FLAC stream, whose head was sent before its end was known, as 2⁶³ - 1."""
CONVERT = "convert it first, for instance: ffmpeg -i IN -ac 1 out.wav"


@dataclass(frozen=True, slots=True)
class SoundInfo:
    """What a sound file says of itself."""

    seconds: float
    rate: int
    """Samples per second."""
    channels: int
    codec: str
    """How the samples are stored: pcm_16, pcm_24, float, vorbis, aac, …"""
    container: str
    """The kind of file: wav, flac, mp4, matroska, …"""


@dataclass(frozen=True, slots=True)
class Sound:
    """An open file: what it is, and its samples in order, each (t,) and the mean of all channels."""

    info: SoundInfo
    parts: Iterator[Samples]


@contextmanager
def open_sound(path: Path) -> Iterator[Sound]:
    """The sound in a file, whatever its format; nothing is decoded before `parts` is read.

    Raises:
        BadClip: there is no such file, it is empty, cut off, damaged, or holds no sound that can be read.
    """
    with libsndfile(path) as file:
        # no frames: an empty file, or a stream whose header was never completed, which FFmpeg reads to its end
        if file is not None and file.format in SOUNDFILE_FORMATS and 0 < file.frames < UNKNOWN_FRAMES:
            yield Sound(_soundfile_info(file), _finite(path, file.samplerate, _soundfile_parts(path, file)))
            return
    with _ffmpeg(path) as sound:
        yield sound


@contextmanager
def libsndfile(path: Path) -> Iterator["soundfile.SoundFile | None"]:
    """The file as libsndfile opens it; None if it does not know the format.

    Raises:
        BadClip: there is no such file, it is empty, or cut off.
    """
    check_file(path)
    check_whole(path)
    import soundfile

    with path.open("rb", buffering=0) as raw:
        try:
            # by descriptor, so that the name's ending (.raw, .wav on an MP3) decides nothing
            file = soundfile.SoundFile(raw.fileno(), closefd=False)
        except soundfile.LibsndfileError:
            file = None
        with file or nullcontext():
            yield file


def check_file(path: Path) -> None:
    """Pass if there is a file with something in it that may be read.

    Raises:
        BadClip: otherwise.
    """
    if path.is_dir():
        raise BadClip(f"{path} is a folder, not a recording; give the files in it")
    if not path.exists():
        raise BadClip(f"there is no file {path}; check the name and the folder")
    if not path.is_file():
        raise BadClip(f"{path} is not an ordinary file; save the sound to a file first")
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise BadClip(f"{path} is empty (0 bytes); copy or record it again")
    except PermissionError:
        raise BadClip(f"{path} may not be read; check its permissions") from None


def _soundfile_info(file: "soundfile.SoundFile") -> SoundInfo:
    seconds = file.frames / file.samplerate
    return SoundInfo(seconds, file.samplerate, file.channels, file.subtype.lower(), file.format.lower())


def _soundfile_parts(path: Path, file: "soundfile.SoundFile") -> Iterator[Samples]:
    import soundfile

    read = 0
    try:
        if file.subtype == "OPUS":
            # libsndfile 1.2.2 garbles the first read of an Opus file with long pages (FFmpeg's), unless it has sought
            file.seek(0)
        while len(block := file.read(BLOCK_SAMPLES, dtype="float32", always_2d=True)):
            read += len(block)
            yield _mono(block)
    except soundfile.LibsndfileError as problem:
        raise BadClip(_damaged(path, read / file.samplerate, str(problem))) from problem
    if file.frames - read > (MP3_SLACK_SAMPLES if file.format == "MP3" else 0):
        raise BadClip(
            f"{path} is cut off: it promises {file.frames / file.samplerate:.2f} s and ends after "
            f"{read / file.samplerate:.2f} s; copy or download it again"
        )


@contextmanager
def _ffmpeg(path: Path) -> Iterator[Sound]:
    import av

    try:
        container = _container(path)
    except av.FFmpegError as problem:
        raise BadClip(
            f"{path} is not a recording that can be read: no known sound format, or its beginning is damaged or "
            f"missing (headerless samples need a WAV header); {CONVERT}"
        ) from problem
    with container:
        if not container.streams.audio:
            raise BadClip(f"{path} ({container.format.name}) has no sound track; give a file with sound in it")
        stream = container.streams.audio[0]
        if not stream.codec_context or not stream.rate or not stream.channels:
            raise BadClip(f"{path} has a sound track of an unknown kind; {CONVERT}")
        info = SoundInfo(
            _ffmpeg_seconds(path, container, stream),
            stream.rate,
            stream.channels,
            stream.codec_context.name,
            _container_name(path, container.format.name),
        )
        yield Sound(info, _finite(path, info.rate, _ffmpeg_parts(path, container, stream, info.rate)))


def _container(path: Path) -> Any:
    import av

    headerless = HEADERLESS.get(path.suffix.lower())
    options = {"protocol_whitelist": "file"} | ({} if headerless else {"format_whitelist": CONTAINERS})
    # "file:" keeps a name like "concat:…" or "http://…" from being more than a name
    return av.open(f"file:{path}", format=headerless, options=options, metadata_errors="ignore")


def _container_name(path: Path, names: str) -> str:
    """One of FFmpeg's many names for a container: the file's own ending if it is among them."""
    known = names.split(",")
    own = path.suffix.lower().lstrip(".")
    return own if own in known else known[0]


def _ffmpeg_seconds(path: Path, container: Any, stream: Any) -> float:
    """Length from the header where a header has it; else the sum of the packets, without decoding them."""
    if container.format.name in HEADERLESS.values():
        return path.stat().st_size * 2 / int(stream.rate)
    if container.format.name.startswith("mov") and stream.duration:
        return float(stream.duration * stream.time_base)
    if container.format.name.startswith("matroska") and container.duration:
        import av

        return float(container.duration) / float(av.time_base)
    with _container(path) as again:
        track = again.streams.audio[0]
        return sum(float((packet.duration or 0) * (packet.time_base or 0)) for packet in again.demux(track))


def _ffmpeg_parts(path: Path, container: Any, stream: Any, rate: int) -> Iterator[Samples]:
    import av

    done, layout, planar = 0, "", None
    try:
        for frame in container.decode(stream):
            if frame.sample_rate != rate:
                raise BadClip(f"{path} changes its rate from {rate} to {frame.sample_rate} Hz on the way; {CONVERT}")
            if planar is None or frame.layout.name != layout:
                layout, planar = frame.layout.name, av.AudioResampler(format="fltp")
            for part in planar.resample(frame):
                done += part.samples
                yield _mono(part.to_ndarray().T.astype(np.float32, copy=False))
    except av.FFmpegError as problem:
        raise BadClip(_damaged(path, done / rate, str(problem))) from problem


def _damaged(path: Path, at_s: float, why: str) -> str:
    return f"{path} is damaged or cut off after {at_s:.2f} s ({why}); copy or download it again, or {CONVERT}"


def _mono(block: Samples) -> Samples:
    """(t, channels) → (t,): the mean over channels."""
    mono: Samples = block[:, 0] if block.shape[1] == 1 else block.mean(axis=1, dtype=np.float32)
    return mono


def _finite(path: Path, rate: int, parts: Iterator[Samples]) -> Iterator[Samples]:
    done = 0
    for part in parts:
        if not np.isfinite(part).all():
            at_s = (done + int(np.flatnonzero(~np.isfinite(part))[0])) / rate
            raise BadClip(f"{path} holds samples that are not numbers (NaN or infinity), first at {at_s:.2f} s")
        done += len(part)
        yield part

"""A server in a process of its own, and a client that asks it over HTTP and nothing else."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import numpy as np
import openai

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.audio.files import read_clip
from voicewright.audio.writer import write_clip
from voicewright.samples import samples

OFF = {"check": {"check": "off"}}
LOOK_EVERY_S, REST_S = 0.1, 5.0
SPEEDS = {"reader": 1.0, "higher": 1.19, "deeper": 0.87, "highest": 1.38}
"""Speakers that are made up of one: how fast the recordings are played."""
SOUNDS = {".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".g722"}
Facts = dict[str, Any]


def load_average() -> float:
    """Processes that wanted a core in the last minute, the server's own among them."""
    return round(os.getloadavg()[0], 1)


@dataclass(frozen=True, kw_only=True)
class Streamed:
    """A speech as its client got it: 16-bit samples, and when.

    Args:
        stalled_s: how long a listener who began at the first sound had to wait afterwards, in all.
    """

    sound: Clip
    first_s: float
    whole_s: float
    stalled_s: float
    job: str
    load: float

    def facts(self) -> Facts:
        """The times, and how busy the machine was."""
        return {
            "first_sound_s": round(self.first_s, 2),
            "whole_s": round(self.whole_s, 2),
            "seconds": round(self.sound.seconds, 2),
            "rtf": round(self.whole_s / self.sound.seconds, 3),
            "stalled_s": round(self.stalled_s, 2),
            "load_average": self.load,
        }


class Arrivals:
    """Samples and the time they came."""

    def __init__(self) -> None:
        self._began_s, self._parts = time.perf_counter(), list[bytes]()
        self._at: list[tuple[float, int]] = []
        self._bytes = 0

    def take(self, data: bytes) -> None:
        """Some bytes of sound came."""
        self._at.append((time.perf_counter() - self._began_s, self._bytes))
        self._parts.append(data)
        self._bytes += len(data)

    def over(self, rate: int, job: str = "") -> Streamed:
        """That was all."""
        first_s = self._at[0][0]
        late = [at_s - first_s - before / 2 / rate for at_s, before in self._at]
        return Streamed(
            sound=clip_of(b"".join(self._parts), rate),
            first_s=first_s,
            whole_s=time.perf_counter() - self._began_s,
            stalled_s=max(0.0, *late),
            job=job,
            load=load_average(),
        )


class Server:
    """`voicewright serve` with a home, from its start to its end, and a client of it."""

    def __init__(self, home: Path, *words: str) -> None:
        self.home, began_s = home, time.perf_counter()
        command = [sys.executable, "-m", "voicewright", "--home", str(home), "serve", "--port", "0", *words]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self._process.stderr
        line = self._process.stderr.readline()
        if " is at " not in line:
            sys.exit(line + self._process.stderr.read())
        self.address = line.split(" is at ")[1].split()[0]
        self.sockets = self.address.replace("http", "ws")
        self.http = httpx.Client(base_url=self.address, timeout=900)
        while not self._answers():
            time.sleep(0.02)
        self.start_s = time.perf_counter() - began_s

    def _answers(self) -> bool:
        try:
            return self.http.get("/api/v1/about").is_success
        except httpx.TransportError:
            return False

    def end(self, *, at_once: bool = False) -> None:
        """As Ctrl-C ends it; or with kill -9."""
        self.http.close()
        self._process.kill() if at_once else self._process.terminate()
        self._process.wait(60)

    @property
    def memory_mb(self) -> float:
        """What the process holds in memory."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text("utf-8").split()[1])
        return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)

    def rested_mb(self) -> float:
        """What it holds when it had nothing to do for a moment."""
        time.sleep(REST_S)
        return self.memory_mb

    def upload(self, name: str, data: bytes) -> str:
        """The id of a file that was sent."""
        answer = self.http.post("/api/v1/uploads", files={"file": (name, data)})
        return str(told(answer)["id"])

    def begin(self, route: str, wish: Facts) -> str:
        """The id of a job that was asked for."""
        return str(told(self.http.post(f"/api/v1/{route}", json=wish))["id"])

    def done(self, job: str) -> Facts:
        """A job, once it is done."""
        while (now := told(self.http.get(f"/api/v1/jobs/{job}")))["state"] in ("waiting", "running"):
            time.sleep(LOOK_EVERY_S)
        assert now["state"] == "done", now["message"]
        return now

    def sound(self, job: Facts) -> bytes:
        """The sound that came out of a job."""
        (url,) = (file["url"] for file in job["files"] if file["type"] == "audio/wav")
        return self.http.get(url).raise_for_status().content

    def piece(self, job: str, index: int) -> bytes | None:
        """A piece of a speech as WAV; None when it was not spoken yet."""
        answer = self.http.get(f"/api/v1/speech/{job}/pieces/{index}/audio")
        return answer.content if answer.is_success else None

    def stream(self, text: str, voice: str, **settings: Any) -> Streamed:
        """A text over OpenAI's route, as it comes."""
        wish = {"model": "tts-1", "voice": voice, "input": text, "response_format": "pcm", "settings": settings}
        arrivals = Arrivals()
        with self.http.stream("POST", "/v1/audio/speech", json=wish) as answer:
            if not answer.is_success:
                sys.exit(answer.read().decode())
            for data in answer.iter_raw():
                arrivals.take(data)
            return arrivals.over(int(answer.headers["x-sample-rate"]), answer.headers["x-job"])

    def measured(self, sound: Clip | bytes, text: str = "", like: Sequence[str] = ()) -> Facts:
        """What the meters say: words wrong of how many, likeness (0 another speaker, 1 the same), naturalness."""
        data = sound if isinstance(sound, bytes) else wav_of(sound)
        wish = {"upload": self.upload("sound", data), "text": text, "like": list(like)}
        report = self.done(self.begin("measures", wish))["result"]
        found: Facts = {"seconds": round(report["seconds"], 2)}
        if report["words"]:
            found |= {"words_wrong": report["words"]["wrong"], "words": report["words"]["words"]}
        if like:
            found |= {"likeness": round(report["likeness_share"], 3)}
            found |= {name: round(value, 3) for name, value in report["similarity"].items()}
        return found | {"naturalness": round(report["marks"]["overall"], 2)}


@dataclass(kw_only=True)
class Speaker:
    """Somebody's recordings; the last one is held back, and its words are known or heard."""

    name: str
    used: list[Clip]
    held: Clip
    words: str = ""


@dataclass(kw_only=True)
class Trial:
    """The server of the moment, and what was made so far."""

    home: Path
    speakers: list[Speaker]
    server: Server = field(init=False)
    _sent: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.server = Server(self.home)

    def again(self, *words: str, at_once: bool = False) -> None:
        """End the server and start it anew."""
        self.server.end(at_once=at_once)
        self.server = Server(self.home, *words)

    def sent(self, speaker: Speaker) -> list[str]:
        """The speaker's recordings on the server."""
        if speaker.name not in self._sent:
            sounds = [(f"{speaker.name}-{n}.wav", wav_of(clip)) for n, clip in enumerate(speaker.used)]
            self._sent[speaker.name] = [self.server.upload(*each) for each in sounds]
        return self._sent[speaker.name]

    def voice(self, speaker: Speaker) -> str:
        """The speaker's voice, made now unless it is there."""
        if self.server.http.get(f"/api/v1/voices/{speaker.name}").status_code == 404:
            self.made(speaker)
        return speaker.name

    def made(self, speaker: Speaker) -> Facts:
        """What the job said that made the speaker's voice."""
        wish = {"name": speaker.name, "uploads": self.sent(speaker), "consent": "for this benchmark"}
        wish |= {"replace": True, "options": {"preset": "quick"}}
        return dict(self.server.done(self.server.begin("voices", wish))["result"])

    def heard(self, clip: Clip) -> str:
        """The words in a sound."""
        with opened(wav_of(clip)) as file:
            return self.client.audio.transcriptions.create(model="whisper-1", file=file).text

    @property
    def client(self) -> openai.OpenAI:
        """The client that everybody has."""
        return openai.OpenAI(base_url=f"{self.server.address}/v1", api_key="none", max_retries=0, timeout=900)


def made_up() -> list[Speaker]:
    """Four speakers of the sample recordings."""
    clips, words = [read_clip(each.path) for each in samples()], samples()[-1].text
    return [
        Speaker(name=name, used=played[:-1], held=played[-1], words=words)
        for name, speed in SPEEDS.items()
        if (played := [_played(clip, speed) for clip in clips])
    ]


def _played(clip: Clip, speed: float) -> Clip:
    """Faster and higher, or slower and deeper."""
    return Clip(resample(clip, round(clip.rate / speed)).samples, clip.rate)


def speakers_in(folder: Path) -> Iterator[Speaker]:
    """One for each folder with three recordings or more."""
    for place in sorted(folder.iterdir()):
        clips = [read_clip(path) for path in sorted(place.glob("*")) if path.suffix.lower() in SOUNDS]
        if len(clips) > 1:
            yield Speaker(name=place.name, used=clips[:-1], held=clips[-1])


def told(answer: httpx.Response) -> Facts:
    """What an answer says; ends the program where it says no."""
    if not answer.is_success:
        sys.exit(f"{answer.request.url}: {answer.status_code} {answer.text}")
    return dict(answer.json())


def clip_of(data: bytes, rate: int) -> Clip:
    """16-bit samples as a clip."""
    return Clip(np.frombuffer(data, "<i2").astype(np.float32) / 32768, rate)


@contextmanager
def as_file(data: bytes, ending: str) -> Iterator[Path]:
    """A file for a moment."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"sound.{ending}"
        path.write_bytes(data)
        yield path


def decoded(data: bytes, ending: str) -> Clip:
    """A sound file as a clip."""
    with as_file(data, ending) as path:
        return read_clip(path)


def wav_of(clip: Clip) -> bytes:
    """A clip as a WAV file."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sound.wav"
        write_clip(path, clip)
        return path.read_bytes()


def envelope(clip: Clip, frame_s: float = 0.01) -> np.ndarray:
    """(frames,) the level in dB, at -60 dB or above, with a mean of 0."""
    size = round(frame_s * clip.rate)
    frames = clip.samples[: len(clip) // size * size].reshape(-1, size)
    level = 10 * np.log10(np.maximum(1e-6, (frames.astype(np.float64) ** 2).mean(1)))
    return level - level.mean()


def later_s(clip: Clip, source: Clip, most_s: float = 4.0, frame_s: float = 0.01) -> float:
    """By how much the loud and the soft come later in `clip` than in `source`."""
    made, given = envelope(clip, frame_s), envelope(source, frame_s)
    size = min(len(made), len(given))
    lags = range(round(most_s / frame_s))
    best = max(lags, key=lambda lag: float(np.corrcoef(made[lag:size], given[: size - lag])[0, 1]))
    return best * frame_s


def opened(data: bytes) -> BytesIO:
    """Bytes as a file with a name, as the openai client wants one."""
    file = BytesIO(data)
    file.name = "speech.wav"
    return file


def rows(facts: Facts, before: str = "") -> Iterator[tuple[str, object]]:
    """Figures in a row."""
    for name, value in facts.items():
        if isinstance(value, dict):
            yield from rows(value, f"{before}{name} ")
        else:
            yield f"{before}{name}", value

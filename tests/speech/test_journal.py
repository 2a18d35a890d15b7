"""A job that was stopped, however rudely, goes on where it was, and ends as if it had never been stopped."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tones import ToneEngine, pieces_of, voice

from voicewright.errors import BadJob
from voicewright.speech.assemble import Narration, assemble
from voicewright.speech.journal import Journal, job_id
from voicewright.speech.options import CheckOptions, SpeakOptions, SpeechSettings

Narrate = Callable[..., Narration]
JOB = "ab" * 32
SLOW_JOB = """
import sys, time
from pathlib import Path
from conftest import TEXT
from tones import ToneEngine, ToneRecogniser, pieces_of, voice
from voicewright.speech.assemble import Narration, assemble
from voicewright.speech.checks import Checker
from voicewright.speech.journal import Journal
from voicewright.speech.options import SpeechSettings

class Slow(ToneEngine):
    def stream(self, pieces, voice, options):
        time.sleep(0.2)
        yield from super().stream(pieces, voice, options)

folder = Path(sys.argv[1])
engine = Slow(faults={("Who could that be at this hour?", 0): "word"})
journal = Journal(folder / "jobs", "ab" * 32)
checker = Checker(recogniser=ToneRecogniser(TEXT))
narration = Narration(engine, voice(), pieces_of(TEXT), SpeechSettings(), checker=checker, journal=journal)
assemble(narration, folder / "out.wav")
"""


def start(folder: Path) -> "subprocess.Popen[bytes]":
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    return subprocess.Popen(
        [sys.executable, "-c", SLOW_JOB, str(folder)],
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_process_resumes_to_the_same_sound(narrate: Narrate, tmp_path: Path, blow: signal.Signals) -> None:
    faults = {("Who could that be at this hour?", 0): "word"}
    whole = assemble(narrate(engine=ToneEngine(faults=faults)), tmp_path / "whole.wav")

    process = start(tmp_path)
    lines = tmp_path / "jobs" / JOB[:32] / "pieces.jsonl"
    deadline = time.monotonic() + 60
    while not (lines.is_file() and lines.read_bytes().count(b"\n") >= 2):
        assert process.poll() is None, process.communicate()[1].decode()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(blow)
    _, told = process.communicate()
    assert process.returncode != 0
    assert blow != signal.SIGINT or b"KeyboardInterrupt" in told
    assert not (tmp_path / "out.wav").exists()

    finished = Journal(tmp_path / "jobs", JOB).finished
    assert 2 <= finished < 6
    engine = ToneEngine(faults=faults)
    resumed = assemble(narrate(engine=engine, journal=Journal(tmp_path / "jobs", JOB)), tmp_path / "out.wav")
    assert len({spoken for spoken, _, _ in engine.calls}) == len([p for p in whole.parts[finished:] if p.spoken])
    assert (tmp_path / "out.wav").read_bytes() == (tmp_path / "whole.wav").read_bytes()
    for ours, theirs in zip(resumed.parts, whole.parts, strict=True):
        assert (ours.piece, ours.start_s, ours.end_s) == (theirs.piece, theirs.start_s, theirs.end_s)
        assert ours.take.scores == theirs.take.scores
    assert resumed.scores.retries == whole.scores.retries == 1
    assert not (tmp_path / "jobs" / JOB[:32]).exists()


@pytest.fixture
def filled(narrate: Narrate, tmp_path: Path) -> Journal:
    """A journal with two finished pieces."""
    journal = Journal(tmp_path, JOB)
    clips = iter(narrate(journal=journal))
    next(clips), next(clips)
    return journal


def test_it_says_what_it_holds(filled: Journal) -> None:
    assert filled.finished == 2
    found = filled.find(0)
    assert found is not None
    assert filled.bytes_used > found[0].samples.nbytes
    assert filled.find(7) is None
    filled.finish()
    assert (filled.finished, filled.bytes_used) == (0, 0)


@pytest.mark.parametrize("ending", [b'{"job": "abab', b"not json\n", b'{"job": 3}\n', b"\xff\xfe\n"])
def test_a_damaged_last_line_is_dropped(filled: Journal, tmp_path: Path, narrate: Narrate, ending: bytes) -> None:
    with (filled.folder / "pieces.jsonl").open("ab") as lines:
        lines.write(ending)
    again = Journal(tmp_path, JOB)
    assert again.finished == 2
    list(narrate(journal=again))  # what is appended now is whole
    assert Journal(tmp_path, JOB).finished == 6


def test_a_damaged_line_before_the_last_is_an_error(filled: Journal, tmp_path: Path) -> None:
    lines = filled.folder / "pieces.jsonl"
    first, second = lines.read_bytes().splitlines()
    lines.write_bytes(first[:20] + b"\n" + second + b"\n")
    with pytest.raises(BadJob, match=r"line 1 is damaged; delete .* to start this job afresh"):
        Journal(tmp_path, JOB)


def test_a_journal_of_another_job_is_never_mixed_in(filled: Journal, tmp_path: Path) -> None:
    other = JOB[:32] + "cd" * 16
    with pytest.raises(BadJob, match="another job"):
        Journal(tmp_path, other)
    assert Journal(tmp_path, "cd" * 32).finished == 0


def test_a_piece_whose_sound_is_damaged_is_spoken_again(filled: Journal, tmp_path: Path, narrate: Narrate) -> None:
    sound = filled.folder / "000000.npy"
    data = bytearray(sound.read_bytes())
    data[-5] ^= 0xFF
    sound.write_bytes(data)
    (filled.folder / "000001.npy").unlink()
    engine = ToneEngine()
    resumed = assemble(narrate(engine=engine, journal=Journal(tmp_path, JOB)))
    assert len(engine.calls) == 5
    np.testing.assert_array_equal(resumed.clip.samples, assemble(narrate()).clip.samples)


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path, narrate: Narrate) -> None:
    (tmp_path / "jobs").write_text("a file, not a folder")
    with pytest.raises(BadJob, match=r"cannot be (written|read)"):
        list(narrate(journal=Journal(tmp_path / "jobs", JOB)))


def changed_jobs() -> Iterator[str]:
    pieces, settings, engine = pieces_of("One two. Three four."), SpeechSettings(), ToneEngine()
    yield job_id(pieces, voice(), engine, settings)
    yield job_id(pieces_of("One two. Three five."), voice(), engine, settings)
    yield job_id(pieces_of("One two. Three four.", pause_s=0.5), voice(), engine, settings)
    yield job_id(pieces, voice(value=2.0), engine, settings)
    yield job_id(pieces, voice(), ToneEngine(weights="1" * 64), settings)
    yield job_id(pieces, voice(), engine, replace(settings, speak=SpeakOptions(speed=1.1)))
    yield job_id(pieces, voice(), engine, replace(settings, check=CheckOptions(takes=2)))


def test_whatever_changes_the_result_changes_the_job() -> None:
    jobs = list(changed_jobs())
    assert len(set(jobs)) == len(jobs)
    assert jobs == list(changed_jobs())


def test_a_renamed_voice_is_the_same_job() -> None:
    pieces = pieces_of("One two.")
    one, other = (job_id(pieces, voice(name), ToneEngine(), SpeechSettings()) for name in ("anna", "bella"))
    assert one == other

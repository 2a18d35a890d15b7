import json
import math
from pathlib import Path

import numpy as np
import pytest

from voicewright.audio.clip import Clip
from voicewright.errors import BadClip, MissingWeights
from voicewright.measure.intelligibility import Recogniser, Transcript
from voicewright.measure.naturalness import Marks
from voicewright.measure.plot import draw
from voicewright.measure.report import ENCODERS, Report, measure
from voicewright.measure.similarity import Embedding, SpeakerEncoder, load_encoder


class Parrot:
    """Hears what it was told."""

    def __init__(self, text: str) -> None:
        self.text = text

    def transcribe(self, clip: Clip, *, beam: int = 1, word_times: bool = False) -> Transcript:
        return Transcript(text=self.text)


class Friendly:
    def score(self, clip: Clip) -> Marks:
        return Marks(3.4, 3.6, 4.0)


class LevelEncoder:
    """Tells speakers by how loud they are."""

    rate = 16_000

    def __init__(self, name: str) -> None:
        self.name = name

    def embed(self, clip: Clip) -> Embedding:
        angle = float(np.abs(clip.samples).mean()) * 40
        return np.array([math.cos(angle), math.sin(angle)], np.float32)


class Pretend:
    """Meters without networks; `missing` ones are not on this machine."""

    def __init__(self, heard: str = "", missing: tuple[str, ...] = ()) -> None:
        self.heard, self.missing = heard, missing

    def encoder(self, name: str) -> SpeakerEncoder:
        if name in self.missing:
            raise MissingWeights(f"{name} is nowhere")
        return LevelEncoder(name)

    def recogniser(self, language: str) -> Recogniser | None:
        return Parrot(self.heard) if language.startswith("en") else None

    def naturalness(self) -> Friendly | None:
        return None if "naturalness" in self.missing else Friendly()


@pytest.fixture
def clip(austen: dict[str, Clip]) -> Clip:
    return austen["0930"]


def test_a_full_report(clip: Clip) -> None:
    report = measure(
        clip, Pretend("he might even have made himself"), like=[clip], text="He might even have been made himself."
    )
    assert set(report.similarity) == set(ENCODERS)
    assert report.share is not None
    assert report.share >= 1
    assert report.words is not None
    assert report.words.wrong == 1
    assert report.marks == Marks(3.4, 3.6, 4.0)
    assert report.pitch is not None
    assert report.pitch_like is not None
    assert report.pitch.median_hz == report.pitch_like.median_hz
    assert 70 < report.pitch.median_hz < 140
    assert report.left_out == {}
    assert set(report.cost_s) == {"level", "pace", "pitch", *ENCODERS, "naturalness", "words"}


def test_the_sentences_say_what_was_found(clip: Clip) -> None:
    report = measure(clip, Pretend("Heard nothing"), like=[clip], text="Said something")
    said = str(report)
    assert "as like as two recordings of one speaker" in said
    assert "2 of 2 wrong" in said or "1 of 2 wrong" in said
    assert "Heard: Heard nothing" in said
    assert "no fitting ever used it" in said
    quiet = clip.with_samples(0.01 * clip.samples)
    assert "another speaker" in str(measure(clip, Pretend(), like=[quiet]))


def test_what_is_missing_is_said_and_the_rest_is_measured(clip: Clip) -> None:
    report = measure(clip, Pretend(missing=("dvector", "naturalness")), like=[clip], text="hola", language="es")
    assert set(report.similarity) == {"ge2e", "campplus"}
    assert report.marks is None
    assert report.words is None
    assert set(report.left_out) == {"dvector", "naturalness", "words"}
    assert "Not measured: dvector (dvector is nowhere)." in report.lines()


def test_without_recordings_and_text_only_the_sound_is_measured(clip: Clip) -> None:
    report = measure(clip, Pretend())
    assert report.similarity == {}
    assert report.share is None
    assert report.words is None
    assert report.heard is None
    assert report.left_out == {}
    assert not any(line.startswith(("Likeness", "Words")) for line in report.lines())


@pytest.mark.parametrize("samples", [np.zeros(8000), np.full(8000, 0.5), np.zeros(3), np.ones(1)])
def test_any_sound_has_a_report_that_is_json(samples: np.ndarray, tmp_path: Path) -> None:
    clip = Clip(samples, 22_050)
    report = measure(clip, Pretend("x"), like=[clip], text="x")
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["seconds"] == clip.seconds
    assert report.lines()
    draw(report, clip, tmp_path / "any.png")


def test_an_empty_clip_is_refused() -> None:
    with pytest.raises(BadClip, match="empty"):
        measure(Clip.silence(0, 16_000), Pretend())


def test_clipping_is_told(clip: Clip) -> None:
    report = measure(clip.with_samples(np.clip(8 * clip.samples, -0.7, 0.7)), Pretend())
    assert "of it is clipped" in str(report)
    assert report.to_dict()["clipped_share"] > 0.001


def test_progress_ends_before_its_total(clip: Clip) -> None:
    steps: list[tuple[str, float, float]] = []
    measure(clip, Pretend("a"), like=[clip], text="a", progress=lambda *step: steps.append(step))
    assert [done for _, done, _ in steps] == list(range(len(steps)))
    assert all(done < total for _, done, total in steps)
    assert steps[-1][1] + 1 == steps[-1][2]


def picture(report: Report, clip: Clip, path: Path) -> np.ndarray:
    from matplotlib.image import imread

    draw(report, clip, path)
    pixels: np.ndarray = imread(path)
    return pixels


def test_the_picture_shows_the_sound_and_the_scores(clip: Clip, tmp_path: Path) -> None:
    report = measure(clip, Pretend("a"), like=[clip], text="a")
    full = picture(report, clip, tmp_path / "full.png")
    assert full.shape[0] > 600
    assert full.shape[1] > 800
    silent = picture(report, Clip.silence(clip.seconds, clip.rate), tmp_path / "silent.png")
    bare = picture(measure(clip, Pretend()), clip, tmp_path / "bare.png")
    height = len(full)
    assert not np.array_equal(full[: height // 2], silent[: height // 2])
    assert not np.array_equal(full[3 * height // 4 :], bare[3 * height // 4 :])
    draw(report, clip, tmp_path / "report.svg")
    assert (tmp_path / "report.svg").read_text("utf-8").lstrip().startswith("<?xml")


def test_the_real_networks_tell_a_reader_from_a_hum(
    clip: Clip, austen: dict[str, Clip], encoder_files: dict[str, Path]
) -> None:
    class Real(Pretend):
        def encoder(self, name: str) -> SpeakerEncoder:
            return load_encoder(name, encoder_files[name])

    times = np.arange(3 * 16_000) / 16_000
    hum = Clip(0.2 * np.sign(np.sin(2 * np.pi * 110 * times)), 16_000)
    same = measure(clip, Real(), like=[austen["0870"], austen["0920"]]).share
    other = measure(hum, Real(), like=[austen["0870"], austen["0920"]]).share
    assert same is not None
    assert other is not None
    assert same > 0.75
    assert other < 0.4

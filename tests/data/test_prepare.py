"""Recordings in, a dataset out: with real speech, real networks, and everything that can go wrong with files."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from voicewright.audio.clip import Clip
from voicewright.audio.edit import join
from voicewright.audio.files import read_clip, write_clip
from voicewright.data.datasets import Datasets
from voicewright.data.edits import Anchor, SetText
from voicewright.data.options import KeepRules, PrepareOptions, SliceOptions
from voicewright.data.tasks import Bench, Task
from voicewright.data.utterance import Utterance
from voicewright.errors import BadClip, BadDataset
from voicewright.measure.intelligibility import word_errors
from voicewright.samples import samples

OPTIONS = PrepareOptions(speaker="reader", keep=KeepRules(naturalness=1.0))


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample recordings, under names that need care."""
    folder = tmp_path_factory.mktemp("recordings")
    names = ("one.flac", "with space.flac", "sub/three.flac", "🎙️.flac", "line\nbreak.flac")
    for sample, name in zip(samples(), names, strict=True):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(sample.path, folder / name)
    return folder


@pytest.fixture(scope="module")
def made(recordings: Path, tmp_path_factory: pytest.TempPathFactory, weights: Path) -> Path:
    """A dataset from them."""
    folder = tmp_path_factory.mktemp("made") / "reader"
    Datasets(weights).prepare([recordings], folder, options=OPTIONS)
    return folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("weights")


@pytest.fixture
def worked(monkeypatch: pytest.MonkeyPatch) -> list[Task]:
    """Every task that is really done, in order."""
    done: list[Task] = []
    original = Bench.do

    def do(self: Bench, task: Task) -> None:
        done.append(task)
        original(self, task)

    monkeypatch.setattr(Bench, "do", do)
    return done


def utterances(folder: Path, weights: Path) -> dict[str, Utterance]:
    return {each.id: each for each in Datasets(weights).open(folder).utterances()}


def recording_of(utterance: Utterance) -> str:
    assert utterance.source
    return utterance.source.recording


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def played(clip: Clip, rate: int) -> Clip:
    """At another rate, roughly: nobody listens for the aliases."""
    return Clip(np.interp(np.arange(0, len(clip), clip.rate / rate), np.arange(len(clip)), clip.samples), rate)


def stages(tasks: Sequence[Task]) -> set[str]:
    return {task.stage for task in tasks}


def test_every_recording_becomes_clips_with_the_words_that_are_said(made: Path, weights: Path) -> None:
    found = utterances(made, weights)
    assert {"one", "with-space", "sub-three", "🎙️", "line-break"} == {
        each.source.recording for each in found.values() if each.source
    }
    said = " ".join(
        each.text for each in sorted(found.values(), key=lambda each: each.source.recording if each.source else "")
    )
    asked = {"one": 0, "with-space": 1, "sub-three": 2, "🎙️": 3, "line-break": 4}
    text = " ".join(samples()[asked[name]].text for name in sorted(asked))
    assert word_errors(text, said).rate < 0.2
    for each in found.values():
        clip = read_clip(made / each.audio)
        assert clip.rate == each.rate == 24_000
        assert clip.seconds == pytest.approx(each.seconds, abs=1e-3)
        assert each.speaker == "reader"
        assert not each.gold
        assert each.scores.snr_db is not None
        assert all(0 <= w.start_s < w.end_s <= each.seconds + 0.01 for w in each.words)


def test_the_report_plays_every_clip(made: Path, weights: Path) -> None:
    page = (made / "report.html").read_text("utf-8")
    for each in utterances(made, weights).values():
        assert each.id in page


def test_a_second_run_does_nothing_and_changes_nothing(
    made: Path, recordings: Path, weights: Path, worked: list[Task]
) -> None:
    before = contents(made)
    Datasets(weights).prepare([recordings], made)
    assert worked == []
    assert contents(made) == before


def test_one_more_recording_costs_one_more_recording(
    made: Path, recordings: Path, weights: Path, worked: list[Task], tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(made, folder)
    extra = tmp_path / "extra.wav"
    write_clip(extra, join([read_clip(samples()[0].path), read_clip(samples()[4].path)]))
    Datasets(weights).prepare([extra], folder)
    assert {task.name.split("/")[0] for task in worked} == {"extra"}
    assert len(utterances(folder, weights)) > len(utterances(made, weights))


def test_other_slices_hear_no_words_again(
    made: Path, recordings: Path, weights: Path, worked: list[Task], tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(made, folder)
    options = PrepareOptions(speaker="reader", slices=SliceOptions(longest_s=4.0, likely_s=2.5))
    Datasets(weights).prepare([recordings], folder, options=options)
    assert stages(worked) <= {"slices", "scores"}
    assert all(each.seconds <= 4.01 or "too long" in each.dropped for each in utterances(folder, weights).values())


def test_corrections_survive_and_a_check_hears_only_what_changed(
    made: Path, recordings: Path, weights: Path, worked: list[Task], tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(made, folder)
    datasets = Datasets(weights)
    chosen = utterances(folder, weights)["with-space"]
    datasets.open(folder).edit(SetText(at=Anchor.of(chosen), text="He was a well disposed young man,"))
    datasets.check(folder)
    assert [task.name for task in worked] == ["with-space/0000"]
    datasets.prepare([recordings], folder)
    assert utterances(folder, weights)["with-space"].text == "He was a well disposed young man,"


def test_a_human_text_is_laid_along_and_its_slips_are_found(weights: Path, tmp_path: Path) -> None:
    folder, lines = tmp_path / "recordings", []
    folder.mkdir()
    for number, sample in enumerate(samples()):
        shutil.copy(sample.path, folder / f"line{number}.flac")
        lines.append(f"line{number}: {sample.text}")
    lines[2] = "line2: unless to be rather warm hearted and quite generous is to be ill disposed."
    lines[4] = "line4: It rained all day in the mountains."
    (tmp_path / "text.txt").write_text("\n".join(lines) + "\n", "utf-8")
    outcome = Datasets(weights).prepare([folder], tmp_path / "gold", options=OPTIONS, transcript=tmp_path / "text.txt")
    found = utterances(tmp_path / "gold", weights)
    assert all(each.gold for each in found.values())
    wrong = {recording_of(each) for each in found.values() if each.dropped}
    assert wrong == {"line2", "line4"}
    told = " ".join(str(each) for each in outcome.findings.disagreements)
    assert "line2.flac" in told
    assert "line4.flac" in told
    assert " ".join(w.text for w in found["line0"].words) == samples()[0].text


def test_bad_files_are_reported_each_and_harm_nothing_else(weights: Path, tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    shutil.copy(samples()[1].path, folder / "good.flac")
    shutil.copy(samples()[1].path, folder / "same again.flac")
    (folder / "empty.wav").write_bytes(b"")
    (folder / "text.mp3").write_text("this is no sound at all", "utf-8")
    (folder / "torn.flac").write_bytes(samples()[0].path.read_bytes()[:20_000])
    write_clip(folder / "silence.wav", Clip.silence(3.0, 16_000))
    noise = np.random.default_rng(0).standard_normal(48_000) * 0.1
    write_clip(folder / "noise.wav", Clip(noise, 16_000))
    outcome = Datasets(weights).prepare([folder], tmp_path / "made", options=OPTIONS)
    told = {problem.where: problem.what for problem in outcome.findings.problems}
    assert set(told) == {"empty.wav", "text.mp3", "torn.flac", "silence.wav", "noise.wav", "same again.flac"}
    assert "empty" in told["empty.wav"]
    assert "no speech" in told["silence.wav"]
    assert "good.flac" in told["same again.flac"]
    assert all(str(folder) not in what for what in told.values())  # once each
    assert list(utterances(tmp_path / "made", weights)) == ["good"]


def test_an_empty_folder_is_an_error_that_says_what_was_looked_for(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(BadClip, match=r"\.flac"):
        Datasets(weights).prepare([tmp_path], tmp_path / "made")


def test_a_transcript_that_cannot_be_read_stops_before_any_work(
    weights: Path, tmp_path: Path, worked: list[Task]
) -> None:
    shutil.copy(samples()[1].path, tmp_path / "good.flac")
    (tmp_path / "text.txt").write_bytes(b"")
    with pytest.raises(BadDataset, match=r"text\.txt"):
        Datasets(weights).prepare([tmp_path / "good.flac"], tmp_path / "made", transcript=tmp_path / "text.txt")
    assert worked == []


def test_clips_for_conversion_need_no_words(weights: Path, tmp_path: Path, worked: list[Task]) -> None:
    options = PrepareOptions(task="convert", speakers=1)
    Datasets(weights).prepare([samples()[0].path, samples()[3].path], tmp_path / "sings", options=options)
    assert "words" not in stages(worked)
    found = utterances(tmp_path / "sings", weights)
    assert found
    assert all(each.rate == 44_100 and each.seconds <= 10.0 and each.kept for each in found.values())


def test_two_people_are_told_apart_and_the_wanted_one_is_picked(weights: Path, tmp_path: Path) -> None:
    """The reader, and the same reader lifted by a third: two voices to any ear, taking turns."""
    turns = []
    for number, sample in enumerate(samples()):
        clip = read_clip(sample.path)
        lifted = Clip(clip.samples, round(clip.rate * 1.35))
        turns += [clip if number % 2 == 0 else lifted, Clip.silence(0.6, 16_000)]
    rates = [
        Clip(np.interp(np.arange(0, len(c), c.rate / 16_000), np.arange(len(c)), c.samples), 16_000) for c in turns
    ]
    write_clip(tmp_path / "talk.wav", join(rates))
    sample = tmp_path / "sample.wav"
    write_clip(sample, rates[2])
    options = PrepareOptions(speaker="other")
    Datasets(weights).prepare([tmp_path / "talk.wav"], tmp_path / "talk", options=options, like=sample)
    kept = [each for each in utterances(tmp_path / "talk", weights).values() if each.speaker == "other"]
    said = " ".join(each.text for each in kept)
    wanted = f"{samples()[1].text} {samples()[3].text}"
    assert word_errors(wanted, said).rate < 0.5


def test_the_manifest_names_only_files_inside_the_dataset(made: Path) -> None:
    for line in (made / "manifest.jsonl").read_text("utf-8").splitlines():
        assert not Path(json.loads(line)["audio"]).is_absolute()


def test_nothing_in_the_manifest_depends_on_where_the_dataset_is(
    made: Path, recordings: Path, weights: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "elsewhere" / "reader"
    Datasets(weights).prepare([recordings], folder, options=OPTIONS)
    for name in ("manifest.jsonl", "dataset.json", "report.html"):
        assert (folder / name).read_bytes() == (made / name).read_bytes()
    assert subprocess.run(["diff", "-r", str(folder), str(made)], capture_output=True).returncode == 0


def test_turns_that_are_known_are_taken_as_they_are(weights: Path, tmp_path: Path, worked: list[Task]) -> None:
    write_clip(tmp_path / "talk.wav", join(read_clip(samples()[n].path) for n in (1, 4)))
    first_s = read_clip(samples()[1].path).seconds
    lines = [
        f"SPEAKER talk 1 0.0 {first_s} <NA> <NA> anna <NA> <NA>",
        f"SPEAKER talk 1 {first_s} 3.0 <NA> <NA> bert <NA> <NA>",
    ]
    (tmp_path / "talk.rttm").write_text("\n".join(lines) + "\n", "utf-8")
    options = PrepareOptions(diarizer=f"rttm:{tmp_path / 'talk.rttm'}", speaker="bert")
    Datasets(weights).prepare([tmp_path / "talk.wav"], tmp_path / "made", options=options)
    found = list(utterances(tmp_path / "made", weights).values())
    assert "voices" not in stages(worked)
    assert [each.speaker for each in sorted(found, key=lambda each: each.id)] == ["anna", "bert"]
    assert word_errors(samples()[4].text, found[1].text).rate < 0.3
    assert "anna" in next(each.dropped for each in found if each.speaker == "anna")


def test_known_turns_that_cannot_be_read_stop_before_any_work(
    weights: Path, tmp_path: Path, worked: list[Task]
) -> None:
    options = PrepareOptions(diarizer=f"rttm:{tmp_path / 'nowhere.rttm'}")
    with pytest.raises(BadDataset, match=r"nowhere\.rttm"):
        Datasets(weights).prepare([samples()[1].path], tmp_path / "made", options=options)
    assert worked == []

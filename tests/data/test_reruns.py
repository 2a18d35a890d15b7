"""What a run does again and what it leaves alone: recordings that change, move, vanish or cannot be read for a while.

The stages that listen are replaced by ones that only say what they were asked.
"""

import base64
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from voicewright.audio.clip import Clip
from voicewright.audio.files import write_clip
from voicewright.data import orders, tasks
from voicewright.data.datasets import Datasets, Outcome
from voicewright.data.options import PrepareOptions, SliceOptions, TranscribeOptions
from voicewright.data.stages.scores import score_key
from voicewright.data.tasks import Bench, Task
from voicewright.data.utterance import Utterance
from voicewright.data.voices import Piece, Voices
from voicewright.errors import BadClip, BadDataset, BadSetting, NotWritten
from voicewright.settings import from_dict

OPTIONS = PrepareOptions(speaker="anna", speakers=1)
RATE = 16_000
SPANS = [[0.3, 1.3], [1.9, 2.8]]


class Ears:
    """Stages that hear nothing, and remember what they were asked; `broken` cannot be read by those stages."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.broken: set[tuple[str, str]] = set()

    def _hear(self, task: Task) -> None:
        self.asked.append((task.stage, task.name))
        if (task.stage, task.name.partition("/")[0]) in self.broken:
            raise BadClip("the disk does not answer")

    def speech(self, bench: Bench, task: Task) -> Mapping[str, Any]:
        self._hear(task)
        return {"seconds": 3.0, "spans": SPANS, "sections": [[0.0, 3.0]], "lufs": -23.0, "peak_db": -3.0}

    def words(self, bench: Bench, task: Task) -> Mapping[str, Any]:
        self._hear(task)
        words = [{"text": "Words.", "start_s": start_s, "end_s": end_s, "score": 0.9} for start_s, end_s in SPANS]
        return {"words": words, "sure": [0.9, 0.9]}

    def scores(self, bench: Bench, task: Task) -> Mapping[str, Any]:
        self.asked.append((task.stage, task.name))
        clips = [from_dict(Utterance, each) for each in task.given["utterances"]]
        for each in clips:
            if (task.stage, each.id) in self.broken:
                return {"clips": [{"id": each.id, "key": "k", "problem": "no; not now"}], "problem": "no; not now"}
        noise = np.random.default_rng(0)
        prints = [base64.b64encode(noise.normal(size=64).astype("<f2").tobytes()).decode() for _ in clips]
        return {
            "clips": [
                {"id": each.id, "key": score_key(each, bench.options, []), "scores": {}, "voice": "", "print": mark}
                for each, mark in zip(clips, prints, strict=True)
            ]
        }

    def voices(self, bench: Bench, task: Task) -> Mapping[str, Any]:
        """The first speaks twice as long as the second."""
        self._hear(task)
        pieces = (Piece(0.2, 1.4, 0, 0), Piece(1.8, 2.4, 1, 1))
        return {
            "voices": Voices(seconds=3, encoder="campplus", pieces=pieces, embeddings=np.eye(2, dtype="<f2")).to_dict()
        }

    def sample(self, bench: Bench, task: Task) -> Mapping[str, Any]:
        """Sounds like the second."""
        self._hear(task)
        return {"voice": [0.0, 1.0], "speaker": task.given["speaker"]}

    def stages(self) -> set[str]:
        return {stage for stage, _ in self.asked}


@pytest.fixture
def ears(monkeypatch: pytest.MonkeyPatch) -> Ears:
    ears = Ears()
    monkeypatch.setitem(sys.modules, "fake_ears", SimpleNamespace(**{n: getattr(ears, n) for n in FAKED}))
    for stage in FAKED:
        monkeypatch.setitem(tasks.STAGES, stage, f"fake_ears:{stage}")
    monkeypatch.setattr(orders, "transcriber_id", lambda options, language, store: "whisper")
    return ears


FAKED = ("speech", "words", "voices", "sample", "scores")


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Two recordings, each of another noise."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    for number, name in enumerate(("a.wav", "b.wav")):
        write_clip(folder / name, noise(number))
    return folder


def noise(seed: int) -> Clip:
    return Clip(np.random.default_rng(seed).normal(0, 0.1, 3 * RATE).astype(np.float32), RATE)


@pytest.fixture
def run(tmp_path: Path, recordings: Path, ears: Ears) -> Callable[..., Outcome]:
    def prepared(options: PrepareOptions = OPTIONS, given: Path = recordings, **more: Any) -> Outcome:
        ears.asked.clear()
        return Datasets(tmp_path / "weights").prepare([given], tmp_path / "made", options=options, **more)

    return prepared


def ids(tmp_path: Path) -> set[str]:
    return {each.id for each in Datasets(tmp_path).open(tmp_path / "made").utterances()}


def told(outcome: Outcome) -> dict[str, str]:
    return {problem.where: problem.what for problem in outcome.findings.problems}


Run = Callable[..., Outcome]


def test_each_option_redoes_what_depends_on_it(run: Run, ears: Ears) -> None:
    run()
    run(replace(OPTIONS, transcribe=TranscribeOptions(beam=5)))
    assert ears.stages() == {"words"}
    run(replace(OPTIONS, language="en-gb"))
    assert "words" in ears.stages()
    assert "speech" not in ears.stages()


def test_conversion_and_speaking_with_one_engine_are_cut_differently(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut: list[str] = []
    original = Bench.do

    def do(self: Bench, task: Task) -> None:
        cut.append(task.stage)
        original(self, task)

    monkeypatch.setattr(Bench, "do", do)
    run(replace(OPTIONS, engine="sovits", task="speak"))
    cut.clear()
    run(replace(OPTIONS, engine="sovits", task="convert"))
    assert cut.count("slices") == 2


def test_other_weights_hear_again(run: Run, ears: Ears, monkeypatch: pytest.MonkeyPatch) -> None:
    run()
    monkeypatch.setattr(orders, "transcriber_id", lambda options, language, store: "another")
    run()
    assert ears.stages() == {"words"}
    monkeypatch.setattr(orders, "weights_of", lambda store, *names: ["new" for _ in names])
    run()
    assert "speech" in ears.stages()


def test_a_recording_that_was_copied_anew_is_not_heard_again(run: Run, recordings: Path, ears: Ears) -> None:
    run()
    (recordings / "a.wav").touch()
    run()
    assert ears.asked == []


def test_a_recording_that_changed_is_heard_again(run: Run, recordings: Path, ears: Ears) -> None:
    run()
    write_clip(recordings / "a.wav", noise(7))
    run()
    assert {name.partition("/")[0] for _, name in ears.asked} == {"a"}


def test_recordings_that_moved_keep_their_names_and_are_not_heard_again(
    run: Run, recordings: Path, ears: Ears, tmp_path: Path
) -> None:
    run()
    before = ids(tmp_path)
    recordings.rename(tmp_path / "elsewhere")
    outcome = run(given=tmp_path / "elsewhere")
    assert ears.asked == []
    assert ids(tmp_path) == before
    assert told(outcome) == {}
    assert told(run(given=tmp_path / "elsewhere")) == {}
    outcome = run(replace(OPTIONS, slices=SliceOptions(tail_s=0.1)), given=tmp_path / "elsewhere")
    assert told(outcome) == {}


def test_a_clip_that_was_deleted_is_said_by_check_and_cut_again_by_prepare(run: Run, tmp_path: Path) -> None:
    run()
    datasets = Datasets(tmp_path / "weights")
    lost, *others = datasets.open(tmp_path / "made").utterances()
    content = (tmp_path / "made" / lost.audio).read_bytes()
    (tmp_path / "made" / lost.audio).unlink()
    datasets.check(tmp_path / "made")
    found = {each.id: each for each in datasets.open(tmp_path / "made").utterances()}
    assert "not there" in found[lost.id].dropped
    assert all("not there" not in found[each.id].dropped for each in others)
    run()
    assert (tmp_path / "made" / lost.audio).read_bytes() == content
    assert "not there" not in next(datasets.open(tmp_path / "made").utterances()).dropped


def test_options_that_cannot_be_carried_out_are_not_remembered(run: Run, tmp_path: Path) -> None:
    datasets = Datasets(tmp_path / "weights")
    with pytest.raises(BadSetting, match="nonsense"):
        run(replace(OPTIONS, engine="nonsense"))
    assert datasets.options_of(tmp_path / "made") == PrepareOptions()
    run()
    with pytest.raises(BadSetting, match="nonsense"):
        run(replace(OPTIONS, engine="nonsense"))
    assert datasets.options_of(tmp_path / "made") == OPTIONS


def test_a_full_disk_stops_the_run_and_is_no_fault_of_the_recording(
    run: Run, ears: Ears, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(bench: Bench, task: Task) -> Mapping[str, Any]:
        raise NotWritten("the disk is full")

    with monkeypatch.context() as patch:
        patch.setitem(tasks.STAGES, "slices", "fake_ears:full")
        patch.setattr(sys.modules["fake_ears"], "full", full, raising=False)
        with pytest.raises(NotWritten, match="full"):
            run()
    assert told(run()) == {}
    assert ids(tmp_path)


def test_a_recording_that_is_gone_keeps_its_clips(run: Run, recordings: Path, ears: Ears, tmp_path: Path) -> None:
    run()
    before = ids(tmp_path)
    (recordings / "a.wav").unlink()
    outcome = run()
    assert ears.asked == []
    assert ids(tmp_path) == before
    assert "gone" in told(outcome)["a.wav"]
    for _ in range(2):  # cut anew as far as there is something to cut
        run(replace(OPTIONS, slices=SliceOptions(tail_s=0.1)))
        assert ids(tmp_path) == before
    shutil.rmtree(recordings)
    recordings.mkdir()
    write_clip(recordings / "c.wav", noise(5))
    run()
    assert ids(tmp_path) > before


def test_what_could_not_be_read_for_a_while_is_read_later(run: Run, ears: Ears, tmp_path: Path) -> None:
    for stage in ("speech", "words"):
        ears.broken = {(stage, "a")}
        outcome = run()
        assert told(outcome) == {"a.wav": "the disk does not answer"}
        assert {name.partition("-")[0] for name in ids(tmp_path)} == {"b"}
    ears.broken = set()
    assert told(run()) == {}
    assert {name.partition("-")[0] for name in ids(tmp_path)} == {"a", "b"}
    ears.broken = {("words", "a")}
    run(replace(OPTIONS, transcribe=TranscribeOptions(beam=5)))
    ears.broken = set()
    run()
    assert ("speech", "a") not in ears.asked, "what was known of it is kept while it cannot be read"


def test_a_clip_that_could_not_be_read_is_used_when_it_can(run: Run, ears: Ears, tmp_path: Path) -> None:
    ears.broken = {("scores", "a")}
    outcome = run()
    dropped = [each.dropped for each in Datasets(tmp_path).open(tmp_path / "made").utterances()]
    assert any("the clip cannot be read (no, not now)" in why for why in dropped)
    assert outcome.summary.dropped.utterances == 1
    ears.broken = set()
    Datasets(tmp_path / "weights").check(tmp_path / "made")
    dropped = [each.dropped for each in Datasets(tmp_path).open(tmp_path / "made").utterances()]
    assert not any("cannot be read" in why for why in dropped)


def test_the_dataset_is_no_recording(run: Run, tmp_path: Path, recordings: Path) -> None:
    run()
    before = ids(tmp_path)
    assert told(run(given=tmp_path)) == {}
    assert ids(tmp_path) == before


def test_a_copy_that_sorts_first_does_not_take_the_place(
    run: Run, recordings: Path, ears: Ears, tmp_path: Path
) -> None:
    run()
    before = ids(tmp_path)
    shutil.copy(recordings / "b.wav", recordings / "0.wav")
    outcome = run()
    assert ids(tmp_path) == before
    assert told(outcome) == {"0.wav": "left out: it is the same recording as b.wav"}


def test_a_file_beside_a_recording_that_is_no_transcript_is_told_and_harms_nothing(
    run: Run, recordings: Path, tmp_path: Path
) -> None:
    (recordings / "a.txt").write_bytes(b"")
    outcome = run()
    assert "a.txt" in told(outcome)["a.wav"]
    assert {name.partition("-")[0] for name in ids(tmp_path)} == {"a", "b"}


def test_a_transcript_that_cannot_be_read_is_not_remembered(run: Run, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_bytes(b"")
    with pytest.raises(BadDataset, match=r"text\.txt"):
        run(transcript=tmp_path / "text.txt")
    assert told(run()) == {}


def test_recordings_that_the_transcript_does_not_know_are_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("other: Words.\nthird: Words.\n", "utf-8")
    outcome = run(transcript=tmp_path / "text.txt")
    assert all("text.txt says nothing about it" in told(outcome)[name] for name in ("a.wav", "b.wav"))


@pytest.mark.parametrize(
    ("options", "more", "wanted"),
    [
        (replace(OPTIONS, engine="nobody"), {}, "nobody"),
        (replace(OPTIONS, slices=SliceOptions(longest_s=0.5)), {}, "shortest"),
        (replace(OPTIONS, speaker=""), {"like": "sample.wav"}, "--speaker"),
    ],
)
def test_options_that_cannot_work_stop_before_any_work(
    run: Run, ears: Ears, options: PrepareOptions, more: dict[str, Any], wanted: str
) -> None:
    with pytest.raises(BadSetting, match=wanted):
        run(options, **more)
    assert ears.asked == []


def test_the_sample_of_a_speaker_is_remembered_for_that_speaker(run: Run, ears: Ears, tmp_path: Path) -> None:
    write_clip(tmp_path / "sample.wav", noise(9))
    options = PrepareOptions(speaker="anna")

    def anna() -> set[str]:
        found = Datasets(tmp_path).open(tmp_path / "made").utterances()
        return {each.id for each in found if each.speaker == "anna"}

    run(options, like=tmp_path / "sample.wav")
    second = anna()
    run(options)
    assert ears.asked == []
    assert anna() == second
    run(replace(options, speaker="berta"))
    run(options, like=None)
    assert anna() == second, "the sample is hers, whoever was asked for in between"
    shutil.rmtree(tmp_path / "made")
    run(options)
    assert anna()
    assert anna().isdisjoint(second), "without a sample it is who speaks most"


def test_how_many_people_there_are_is_asked_of_another_diarizer_only(run: Run, ears: Ears) -> None:
    run(PrepareOptions(speakers=2))
    run(PrepareOptions(speakers=3))
    assert "voices" not in ears.stages()
    run(PrepareOptions(speakers=2, diarizer="pyannote:folder"))
    ears.asked.clear()
    run(PrepareOptions(speakers=3, diarizer="pyannote:folder"))
    assert "voices" in ears.stages()


def test_the_only_name_in_a_text_is_the_speakers(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def text(bench: Bench, task: Task) -> Mapping[str, Any]:
        words = [{"text": "Words.", "start_s": start_s, "end_s": end_s, "score": 0.9} for start_s, end_s in SPANS]
        return {"words": words, "lines": [0, 0], "disagreements": [], "doubts": []}

    monkeypatch.setitem(sys.modules, "fake_text", SimpleNamespace(text=text))
    monkeypatch.setitem(tasks.STAGES, "text", "fake_text:text")
    (tmp_path / "recordings" / "a.txt").write_text("Berta: Words. Words.\n", "utf-8")
    run(replace(OPTIONS, speaker=""))
    speakers = {each.speaker for each in Datasets(tmp_path).open(tmp_path / "made").utterances() if each.gold}
    assert speakers == {"Berta"}


@pytest.mark.parametrize("diarizer", ["mine", "pyannote:", "mine:folder"])
def test_an_unknown_diarizer_is_refused_at_once(diarizer: str) -> None:
    with pytest.raises(BadSetting, match="pyannote:FOLDER"):
        PrepareOptions(diarizer=diarizer)


def test_clips_that_came_otherwise_are_never_replaced(run: Run, recordings: Path, tmp_path: Path) -> None:
    run()
    datasets = Datasets(tmp_path / "weights")
    datasets.merge([tmp_path / "made"], tmp_path / "merged")
    before = (tmp_path / "merged" / "manifest.jsonl").read_bytes()
    with pytest.raises(BadDataset, match="merge"):
        datasets.prepare([recordings], tmp_path / "merged")
    assert (tmp_path / "merged" / "manifest.jsonl").read_bytes() == before


def test_no_recordings_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadClip, match="no recordings"):
        Datasets(tmp_path / "weights").prepare([], tmp_path / "made")


def test_a_changed_method_hears_again(run: Run, ears: Ears, monkeypatch: pytest.MonkeyPatch) -> None:
    run()
    ears.asked.clear()
    monkeypatch.setitem(tasks.METHODS, "words", 2)
    run()
    assert ears.stages() == {"words"}

"""`prepare`: recordings in, a dataset out. Stage by stage; what is finished is never done again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from voicewright.audio.files import sha256_of
from voicewright.data.dataset import Dataset
from voicewright.data.diarization import Vectors
from voicewright.data.findings import Findings
from voicewright.data.finish import Assessor, run_stage
from voicewright.data.manifest import to_plain
from voicewright.data.problems import Problem
from voicewright.data.rttm import write_rttm
from voicewright.data.runners import Runner
from voicewright.data.sources import (
    SOURCES,
    Recording,
    find_recordings,
    read_recordings,
    with_recordings,
    write_recordings,
)
from voicewright.data.stages.speech import ACTIVITY, SECTION_S
from voicewright.data.tasks import Task
from voicewright.data.transcripts.line import Line, Transcript
from voicewright.data.transcripts.reading import beside, for_recording, read_transcript
from voicewright.data.turns import Turn
from voicewright.data.utterance import TimedWord, Utterance
from voicewright.data.voices import Voices
from voicewright.data.who import Section, Spoken, who_speaks
from voicewright.data.work import Work, key_of
from voicewright.errors import BadClip
from voicewright.progress import Progress, silent
from voicewright.settings import from_dict

STEPS = {
    "ingest": "looking at the recordings",
    "sound": "making the sound ready",
    "speech": "finding speech",
    "voices": "hearing who speaks",
    "words": "hearing the words",
    "text": "laying the text along the sound",
    "slices": "cutting clips",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What came out: every utterance, and what a human should know of the recordings and their texts."""

    utterances: list[Utterance]
    findings: Findings


@dataclass(slots=True)
class Item:
    """A recording on its way through the stages."""

    recording: Recording
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What the stages that look at a whole recording found out."""
    tasks: dict[str, list[Task]] = field(default_factory=dict)
    """What the stages that look at sections were asked; their results stay in the work folder."""
    keys: dict[str, list[str]] = field(default_factory=dict)
    """What each stage's results were made from."""
    doubts: list[dict[str, Any]] = field(default_factory=list)
    """Stretches where the speaker's name in the text and the voice in the sound are not the same."""

    @property
    def name(self) -> str:
        return self.recording.name

    def __getitem__(self, stage: str) -> dict[str, Any]:
        return self.facts[stage]


class Preparation:
    """One run of `prepare` over a dataset's recordings.

    Args:
        dataset: its options say how.
        runner: does the work.
        like: a recording of the wanted speaker alone, if there is one.
    """

    def __init__(
        self, dataset: Dataset, runner: Runner, *, like: Path | None = None, progress: Progress = silent
    ) -> None:
        self._dataset, self._runner, self._like, self._progress = dataset, runner, like, progress
        self._options = dataset.info.options
        self._work = Work(dataset.folder / "work")
        self._problems: list[Problem] = []
        self._disagreements: list[Problem] = []

    def run(self, recordings: Sequence[Path], *, transcript: Path | None = None) -> Prepared:
        """Prepare these recordings together with those that the dataset knows already.

        Args:
            recordings: files and folders; () for those that it knows.
            transcript: the human text of the one recording, or a table with the texts of many.

        Raises:
            BadClip: nothing to prepare. BadDataset: a transcript that cannot be read.
        """
        listed = self._work.folder / SOURCES
        known = read_recordings(listed)
        if recordings:
            found, problems = find_recordings(recordings)
            self._problems += problems
            known = with_recordings(known, found, transcript=transcript)
            write_recordings(listed, known)
        self._lines = texts_of(known)
        items = self._stage("ingest", [Item(recording) for recording in known], _ingest)
        items = self._once_each(items)
        items = self._stage("sound", items, self._sound)
        items = self._stage("speech", items, self._speech)
        self._words(items)
        self._texts(items)
        turns = self._turns(items)
        items = self._stage("slices", items, lambda item: self._slices(item, turns.get(item.name, [])))
        base = [from_dict(Utterance, each, where=item.name) for item in items for each in item["slices"]["utterances"]]
        sounds = {item.name: item["sound"]["sound"] for item in items}
        assess = Assessor(dataset=self._dataset, runner=self._runner, sounds=sounds, progress=self._progress)
        return Prepared(
            utterances=self._dataset.replace_base(base, change=assess),
            findings=Findings(problems=tuple(self._problems), disagreements=tuple(self._disagreements)),
        )

    def _stage(self, stage: str, items: Sequence[Item], task_of: Callable[[Item], Task]) -> list[Item]:
        """Every recording through one stage; those that it cannot use are reported and left out from here."""
        tasks = {item.name: task_of(item) for item in items}
        run_stage(self._runner, self._work, list(tasks.values()), self._progress, STEPS[stage])
        left = []
        for item in items:
            task = tasks[item.name]
            item.facts[stage] = self._work.find(stage, task.name, task.key) or {}
            item.keys[stage] = [task.key]
            if problem := item[stage].get("problem"):
                self._problems.append(Problem(where=item.recording.label, what=problem))
            else:
                left.append(item)
        return left

    def _sections(self, stage: str, items: Sequence[Item], tasks_of: Callable[[Item], list[Task]]) -> None:
        """Every section of every recording through one stage. The results stay in the work folder."""
        for item in items:
            item.tasks[stage] = tasks_of(item)
            item.keys[stage] = [task.key for task in item.tasks[stage]]
        tasks = [task for item in items for task in item.tasks[stage]]
        run_stage(self._runner, self._work, tasks, self._progress, STEPS[stage])

    def _sound(self, item: Item) -> Task:
        facts, options = item["ingest"], self._options
        return Task(
            stage="sound",
            name=item.name,
            key=key_of(item.keys["ingest"], options.separate, options.denoise),
            given={"path": item.recording.path, "container": facts["container"], "rate": facts["rate"]},
            seconds=facts["seconds"],
        )

    def _speech(self, item: Item) -> Task:
        return Task(
            stage="speech",
            name=item.name,
            key=key_of(item.keys["sound"], ACTIVITY, SECTION_S),
            given={"sound": item["sound"]["sound"]},
            seconds=item["ingest"]["seconds"],
        )

    def _section_tasks(self, item: Item, stage: str, *settings: Any) -> list[Task]:
        """A task for every section of a recording that holds speech."""
        tasks = []
        for number, (start_s, end_s) in enumerate(item["speech"]["sections"]):
            spans = [span for span in item["speech"]["spans"] if span[1] > start_s and span[0] < end_s]
            given = {"sound": item["sound"]["sound"], "section": [start_s, end_s], "spans": spans}
            key = key_of(item.keys["sound"], given["section"], spans, *settings)
            name = f"{item.name}/{number:04d}"
            if spans:
                tasks.append(Task(stage=stage, name=name, key=key, given=given, seconds=end_s - start_s))
        return tasks

    def _turns(self, items: Sequence[Item]) -> dict[str, list[Turn]]:
        """Who speaks when in each recording; {} if nobody asked."""
        if self._options.speakers == 1 and not self._like:
            return {}
        self._sections("voices", items, lambda item: self._section_tasks(item, "voices", self._options.diarizer))
        sections = [
            Section(recording=item.name, start_s=task.given["section"][0], voices=self._voices(task))
            for item in items
            for task in item.tasks["voices"]
        ]
        who = who_speaks(
            sections,
            {item.name: self._spoken(item) for item in items if item.facts.get("text", {}).get("words")},
            speakers=self._options.speakers,
            wanted=self._options.speaker,
            sample=self._sample(),
        )
        self._problems += who.problems
        for item in items:
            for conflict in who.conflicts.get(item.name, ()):
                where = f"{item.recording.label}, {conflict.place}"
                self._disagreements.append(Problem(where=where, what=conflict.message))
                item.doubts.append(
                    {"start_s": conflict.start_s, "end_s": conflict.end_s, "sure": False, "what": conflict.message}
                )
        for name, own in who.turns.items():
            path = self._work.path("turns", name, ".rttm")
            path.parent.mkdir(parents=True, exist_ok=True)
            write_rttm(path, {name: own})
        self._work.tidy("turns", who.turns)
        return dict(who.turns)

    def _spoken(self, item: Item) -> Spoken:
        words = [from_dict(TimedWord, word, where=item.name) for word in item["text"]["words"]]
        return Spoken(lines=self._lines[item.name], words=list(zip(item["text"]["lines"], words, strict=True)))

    def _voices(self, task: Task) -> Voices:
        held = self._work.find(task.stage, task.name, task.key) or {}
        return Voices.from_dict(held.get("voices", {}), where=str(self._work.path(task.stage, task.name)))

    def _sample(self) -> Vectors | None:
        """How the wanted speaker sounds, if there is a recording of them."""
        if self._like is None:
            return None
        task = Task(stage="sample", name="sample", key=sha256_of(self._like)[:16], given={"path": str(self._like)})
        run_stage(self._runner, self._work, [task], self._progress, STEPS["voices"])
        held = self._work.find(task.stage, task.name, task.key) or {}
        if "problem" in held:
            raise BadClip(held["problem"])
        return np.array(held["voice"], np.float32)

    def _words(self, items: Sequence[Item]) -> None:
        """What is said in each recording; not asked where clips need no text and there is none."""
        wanted = [item for item in items if self._options.limits.text or item.name in self._lines]
        how = (self._options.transcribe, self._options.language)
        self._sections("words", wanted, lambda item: self._section_tasks(item, "words", *how))

    def _texts(self, items: Sequence[Item]) -> None:
        """The human text of the recordings that have one, laid along their sound."""
        with_text = [item for item in items if item.name in self._lines]
        self._stage("text", with_text, self._text)
        for item in with_text:
            if "disagreements" in item["text"]:
                self._disagreements += [Problem(**each) for each in item["text"]["disagreements"]]

    def _text(self, item: Item) -> Task:
        lines = [to_plain(line) for line in self._lines[item.name]]
        words = [[task.name, task.key] for task in item.tasks["words"]]
        return Task(
            stage="text",
            name=item.name,
            key=key_of(item.keys["speech"], item.keys["words"], lines, self._options.language),
            given={"lines": lines, "words": words, "sound": item["sound"]["sound"], "label": item.recording.label}
            | {"seconds": item["speech"]["seconds"], "spans": item["speech"]["spans"]},
            seconds=item["ingest"]["seconds"],
        )

    def _slices(self, item: Item, turns: Sequence[Turn]) -> Task:
        options, speech = self._options, item["speech"]
        text = [item.name, item.keys["text"][0]] if "text" in item.facts else []
        given = {
            "sha256": item["ingest"]["sha256"],
            "sound": item["sound"]["sound"],
            "seconds": speech["seconds"],
            "spans": speech["spans"],
            "lufs": speech["lufs"],
            "peak_db": speech["peak_db"],
            "turns": [to_plain(turn) for turn in turns],
            "words": [[task.name, task.key] for task in item.tasks.get("words", [])],
            "text": text,
            "doubts": item.doubts,
        }
        how = (options.slices, options.limits, options.rate, options.loudness_lufs, options.language, options.speaker)
        key = key_of(item.keys, given["turns"], item.doubts, how)
        return Task(stage="slices", name=item.name, key=key, given=given, seconds=speech["seconds"])

    def _once_each(self, items: Sequence[Item]) -> list[Item]:
        """Without recordings whose bytes are those of an earlier one: a copy teaches nothing new."""
        first: dict[str, Item] = {}
        for item in items:
            earlier = first.setdefault(item["ingest"]["sha256"], item)
            if earlier is not item:
                what = f"left out: it is the same recording as {earlier.recording.label}"
                self._problems.append(Problem(where=item.recording.label, what=what))
        return list(first.values())


def _ingest(item: Item) -> Task:
    path = Path(item.recording.path)
    about = path.stat() if path.is_file() else None
    key = key_of(item.recording.path, about and (about.st_size, about.st_mtime_ns))
    return Task(stage="ingest", name=item.name, key=key, given={"path": item.recording.path})


def texts_of(recordings: Sequence[Recording]) -> dict[str, list[Line]]:
    """The human text of each recording that has one: in the transcript given for it, else in a file beside it.

    Raises:
        BadDataset: a transcript cannot be read.
    """
    read: dict[Path, Transcript] = {}
    names = [recording.label for recording in recordings]
    found = {}
    for recording in recordings:
        path = Path(recording.transcript) if recording.transcript else beside(Path(recording.path))
        if path is None:
            continue
        if path not in read:
            read[path] = read_transcript(path, names)
        alone = recording.alone or not recording.transcript
        lines = for_recording(read[path], recording.name, recording.label, alone)
        if lines is not None:
            found[recording.name] = lines
    return found

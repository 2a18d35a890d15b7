"""`prepare`: recordings in, a dataset out. Stage by stage; what is finished is never done again."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from voicewright.data.dataset import Dataset
from voicewright.data.diarization import Vectors
from voicewright.data.findings import Findings
from voicewright.data.finish import Assessor, run_stage, weights_of
from voicewright.data.items import Item, texts_of
from voicewright.data.orders import Orders
from voicewright.data.paths import same_id_key
from voicewright.data.problems import Problem
from voicewright.data.rttm import read_rttm, write_rttm
from voicewright.data.runners import Runner
from voicewright.data.sources import (
    SOURCES,
    Recording,
    find_recordings,
    read_recordings,
    with_recordings,
    write_recordings,
)
from voicewright.data.stages.scores import NETWORKS
from voicewright.data.tasks import Task
from voicewright.data.transcripts.names import key_of, match_key
from voicewright.data.turns import Turn
from voicewright.data.utterance import TimedWord, Utterance
from voicewright.data.voices import Voices
from voicewright.data.who import Section, Spoken, who_speaks
from voicewright.data.work import Work
from voicewright.errors import BadClip, BadSetting
from voicewright.progress import Progress, silent
from voicewright.settings import from_dict
from voicewright.weights.store import Store

STEPS = {
    "ingest": "looking at the recordings",
    "sound": "making the sound ready",
    "speech": "finding speech",
    "voices": "hearing who speaks",
    "words": "hearing the words",
    "text": "laying the text along the sound",
    "slices": "cutting clips",
}
OTHER_VOICE = "the voice may not be the one that the text names"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What came out: every utterance, and what a human should know of the recordings and their texts."""

    utterances: list[Utterance]
    findings: Findings


class Preparation:
    """One run of `prepare` over a dataset's recordings.

    Args:
        dataset: its options say how.
        runner: does the work.
        store: where the weights are; those of the networks are part of what results were made from.
        like: a recording of the wanted speaker alone, if there is one.

    Raises:
        BadSetting: options that contradict each other. BadDataset: known turns that cannot be read.
    """

    def __init__(
        self, dataset: Dataset, runner: Runner, store: Store, *, like: Path | None = None, progress: Progress = silent
    ) -> None:
        self._store = store
        self._dataset, self._runner, self._like, self._progress = dataset, runner, like, progress
        self._options = dataset.info.options
        self._work = Work(dataset.folder / "work")
        self._problems: list[Problem] = []
        self._disagreements: list[Problem] = []
        self._cut: dict[str, list[dict[str, Any]]] = {}
        self._known: list[Recording] = []
        kind, _, place = self._options.diarizer.partition(":")
        self._rttm = read_rttm(Path(place)) if kind == "rttm" else {}
        self._orders = Orders(self._options, self._work, store)
        self._options.slices.within(self._options.limits)
        if like and not self._options.speaker:
            raise BadSetting("a sample says how the wanted speaker sounds; say the name too: --speaker NAME")

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
            found, problems = find_recordings(recordings, beside=self._dataset.folder)
            self._problems += problems
            known = with_recordings(known, found, transcript=transcript)
        if not known:
            raise BadClip("there are no recordings; name files or folders")
        self._known = known
        self._labels = Counter(recording.label for recording in known)
        self._lines, problems = texts_of(known)
        self._problems += problems
        if self._options.limits.text or self._lines:
            _ = self._orders.transcriber  # one that is not there stops everything before any work
        write_recordings(listed, known)
        sample = self._sample()
        items = self._once_each(self._ingested([Item(recording) for recording in known]))
        write_recordings(listed, self._known)
        items = self._stage("sound", items, self._orders.sound)
        items = self._stage("speech", items, self._orders.speech)
        items = self._words(items)
        items = self._texts(items)
        items, turns = self._turns(items, sample)
        items = self._stage("slices", items, partial(self._slices, turns))
        self._cut |= {item.name: item.facts.pop("slices")["utterances"] for item in items}
        base = [from_dict(Utterance, each, where=name) for name in sorted(self._cut, key=same_id_key)
                for each in self._cut.pop(name)]  # fmt: skip
        assess = Assessor(
            dataset=self._dataset,
            runner=self._runner,
            sounds={item.name: item["sound"]["sound"] for item in items},
            weights=weights_of(self._store, *NETWORKS),
            progress=self._progress,
        )
        assess.scored(base)  # before the dataset is locked, so that corrections need not wait
        return Prepared(
            utterances=self._dataset.replace_base(base, change=assess),
            findings=Findings(problems=tuple(self._problems), disagreements=tuple(self._disagreements)),
        )

    def _stage(self, stage: str, items: Sequence[Item], task_of: Callable[[Item], Task]) -> list[Item]:
        """Every recording through one stage; those that it cannot use are reported and left out from here."""
        tasks = {item.name: task_of(item) for item in items}
        self._do(stage, list(tasks.values()))
        left = []
        for item in items:
            task = tasks[item.name]
            item.facts[stage] = self._work.find(stage, task.name, task.key) or {}
            item.keys[stage] = [task.key]
            if problem := item[stage].get("problem"):
                self._leave_out(item, problem)
            else:
                left.append(item)
        return left

    def _do(self, stage: str, tasks: Sequence[Task]) -> dict[str, str]:
        """The tasks of a stage; what was wrong. What is known of the recordings without any stays."""
        resting = self._others({task.name.partition("/")[0] for task in tasks})
        return run_stage(self._runner, self._work, tasks, self._progress, STEPS[stage], resting=resting)

    def _others(self, names: Collection[str]) -> set[str]:
        """The recordings of the dataset that are none of these."""
        return {recording.name for recording in self._known} - set(names)

    def _leave_out(self, item: Item, problem: str) -> None:
        """Go on without a recording. The clips of one that is gone stay as they were cut."""
        if item.before:
            self._work.keep("slices", item.name, item.before["key"], item.before)
            self._cut[item.name] = item.before["utterances"]
            return
        own = f"{item.recording.path} "  # "take.wav: it is cut off" says the name once
        what = f"it {problem.removeprefix(own)}" if problem.startswith(own) else problem
        self._problems.append(Problem(where=self._called(item.recording), what=what))

    def _ingested(self, items: Sequence[Item]) -> list[Item]:
        """The recordings that can be read, and those that are gone and were read before."""
        ready = {
            item.name for item in self._stage("ingest", [item for item in items if not item.gone], self._orders.ingest)
        }
        for item in items:
            if item.gone:
                item.facts["ingest"] = self._work.latest("ingest", item.name)
                slices = self._work.latest("slices", item.name)
                item.before = slices if "utterances" in slices else {}
                if "sha256" in item["ingest"]:
                    ready.add(item.name)
                else:
                    self._leave_out(item, "there is no such file any more")
            if item.name in ready:
                item.keys["ingest"] = [item["ingest"]["sha256"]]  # wherever it lies, whenever it was copied there
        return [item for item in items if item.name in ready]

    def _called(self, recording: Recording) -> str:
        """What people call it; with the whole path where two folders hold recordings of that name."""
        return recording.path if self._labels[recording.label] > 1 else recording.label

    def _sections(self, stage: str, items: Sequence[Item], tasks_of: Callable[[Item], list[Task]]) -> set[str]:
        """Every section of every recording through one stage, results in the work folder; who cannot be used."""
        for item in items:
            item.tasks[stage] = tasks_of(item)
            item.keys[stage] = [task.key for task in item.tasks[stage]]
        wrong: dict[str, str] = {}
        for name, problem in self._do(stage, [task for item in items for task in item.tasks[stage]]).items():
            wrong.setdefault(name.partition("/")[0], problem)
        for item in items:
            if item.name in wrong:
                self._leave_out(item, wrong[item.name])
        return set(wrong)

    def _turns(self, items: Sequence[Item], sample: Vectors | None) -> tuple[list[Item], dict[str, list[Turn]]]:
        """The recordings that can be used, and who speaks when in each; {} if nobody asked."""
        options = self._options
        turns = self._known_turns(items)
        if options.speakers == 1 and sample is None:
            return list(items), turns
        asked = [item for item in items if item.name not in turns]
        wrong = self._sections("voices", asked, self._orders.voices)
        items, asked = ([item for item in some if item.name not in wrong] for some in (items, asked))
        sections = [
            Section(recording=item.name, start_s=task.given["section"][0], voices=self._voices(task))
            for item in asked
            for task in item.tasks["voices"]
        ]
        who = who_speaks(
            sections,
            {item.name: self._spoken(item) for item in asked if item.facts.get("text", {}).get("words")},
            speakers=options.speakers,
            wanted=options.speaker,
            sample=sample,
        )
        self._problems += who.problems
        for item in items:
            for conflict in who.conflicts.get(item.name, ()):
                what = conflict.message.removeprefix(f"{conflict.place}: ")
                where = f"{item.recording.label}, {conflict.place}"
                self._disagreements.append(Problem(where=where, what=what))
                told = f"{OTHER_VOICE} ({what})"
                item.doubts.append({"start_s": conflict.start_s, "end_s": conflict.end_s, "sure": False, "what": told})
        turns |= who.turns
        for name, own in turns.items():
            path = self._work.path("turns", name, ".rttm")
            path.parent.mkdir(parents=True, exist_ok=True)
            write_rttm(path, {name: own})
        self._work.tidy("turns", turns, resting=self._others(turns))
        return items, turns

    def _known_turns(self, items: Sequence[Item]) -> dict[str, list[Turn]]:
        """The turns of the recordings that the RTTM file in the options knows."""
        keys = (
            (item, match_key(self._rttm, item.name) or match_key(self._rttm, item.recording.label)) for item in items
        )
        by_key = {key_of(name): turns for name, turns in self._rttm.items()}
        return {item.name: by_key[key] for item, key in keys if key is not None}

    def _spoken(self, item: Item) -> Spoken:
        words = [from_dict(TimedWord, word, where=item.name) for word in item["text"]["words"]]
        return Spoken(lines=self._lines[item.name], words=list(zip(item["text"]["lines"], words, strict=True)))

    def _voices(self, task: Task) -> Voices:
        held = self._work.find(task.stage, task.name, task.key) or {}
        return Voices.from_dict(held.get("voices", {}), where=str(self._work.path(task.stage, task.name)))

    def _sample(self) -> Vectors | None:
        """How the wanted speaker sounds, if there is a recording of them, now or on an earlier run."""
        speaker = self._options.speaker
        if self._like:
            order = self._orders.sample(self._like)
            problems = run_stage(self._runner, self._work, [order], self._progress, STEPS["voices"])
            if problems:
                raise BadClip(problems["sample"])
        held = self._work.latest("sample", "sample")
        return np.array(held["voice"], np.float32) if "voice" in held and held["speaker"] == speaker else None

    def _words(self, items: Sequence[Item]) -> list[Item]:
        """What is said in each recording; not asked where clips need no text and there is none."""
        wanted = [item for item in items if self._options.limits.text or item.name in self._lines]
        wrong = self._sections("words", wanted, self._orders.words)
        return [item for item in items if item.name not in wrong]

    def _texts(self, items: Sequence[Item]) -> list[Item]:
        """The human text of the recordings that have one, laid along their sound."""
        with_text = [item for item in items if item.name in self._lines]
        usable = {
            item.name
            for item in self._stage("text", with_text, lambda item: self._orders.text(item, self._lines[item.name]))
        }
        for item in with_text:
            if item.name in usable:
                self._disagreements += [Problem(**each) for each in item["text"]["disagreements"]]
        return [item for item in items if item.name in usable or item.name not in self._lines]

    def _slices(self, turns: Mapping[str, list[Turn]], item: Item) -> Task:
        speaker = self._options.speaker or self._only_name(item) or "speaker1"
        return self._orders.slices(item, turns.get(item.name, []), speaker)

    def _only_name(self, item: Item) -> str:
        """The speaker, if the text of a recording names just one."""
        names = {line.speaker for line in self._lines.get(item.name, ()) if line.speaker}
        return names.pop() if len(names) == 1 else ""

    def _once_each(self, items: Sequence[Item]) -> list[Item]:
        """Without copies. Of two alike the one worked on before stays; if it is gone, it was moved to the other's."""
        first: dict[str, Item] = {}
        for item in sorted(items, key=lambda item: not self._work.path("slices", item.name).is_file()):
            earlier = first.setdefault(item["ingest"]["sha256"], item)
            if earlier is item:
                continue
            if earlier.gone and not item.gone:
                self._move(earlier, item)
            else:
                what = f"left out: it is the same recording as {self._called(earlier.recording)}"
                self._problems.append(Problem(where=self._called(item.recording), what=what))
        left = [item for item in items if first[item["ingest"]["sha256"]] is item]
        for item in left:
            if item.gone:
                what = "it is gone; what it gave before stays"
                self._problems.append(Problem(where=self._called(item.recording), what=what))
        return left

    def _move(self, item: Item, found: Item) -> None:
        """A recording that lies elsewhere now, where it was taken for a new one."""
        self._known = [recording for recording in self._known if recording not in (item.recording, found.recording)]
        item.recording, item.before = replace(found.recording, name=item.name), {}
        self._known = sorted([*self._known, item.recording], key=lambda recording: same_id_key(recording.name))
        if lines := self._lines.pop(found.name, None):
            self._lines[item.name] = lines

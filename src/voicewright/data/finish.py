"""The last steps, for new and for changed datasets alike: scores, rules, splits, report."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from voicewright.data.dataset import Dataset
from voicewright.data.duplicates import Fingerprint, alike
from voicewright.data.manifest import to_plain
from voicewright.data.paths import nearest_id
from voicewright.data.rules import JOINT, judge_all, kind_of, reasons
from voicewright.data.runners import Runner
from voicewright.data.scoring import centre_of, with_likeness
from voicewright.data.splits import assign
from voicewright.data.stages.scores import score_key, unpacked
from voicewright.data.tasks import Task, task_key
from voicewright.data.utterance import Scores, Utterance
from voicewright.data.work import Work
from voicewright.measure.similarity import Embedding
from voicewright.progress import Progress, silent
from voicewright.settings import from_dict
from voicewright.weights.store import Store

GROUP_S = 180.0
"""Clips of this much of a recording are scored together."""
GROUP_CLIPS = 40
"""And this many clips that come from no recording."""
UNREADABLE = "the clip cannot be read"


@dataclass(frozen=True, kw_only=True)
class Assessor:
    """Scores what is new or changed, then judges and shares out everything."""

    dataset: Dataset
    runner: Runner
    sounds: Mapping[str, str]
    """The sound file of each recording, by its name; those that are gone are missing."""
    weights: Sequence[str]
    """What the listening networks are (`weights_of`)."""
    progress: Progress = silent

    def __call__(self, utterances: list[Utterance]) -> list[Utterance]:
        options = self.dataset.info.options
        scored, prints = self.scored(utterances)
        return assign(judge_all(scored, options, alike=alike(prints)), options.split)

    def scored(self, utterances: Sequence[Utterance]) -> tuple[list[Utterance], dict[str, Fingerprint]]:
        """With scores, and the fingerprints of the clips. What was scored before, as it is now, is not heard again."""
        work = Work(self.dataset.folder / "work")
        groups = _groups(utterances)
        tasks = [self._task(name, group) for name, group in sorted(groups.items())]
        run_stage(self.runner, work, tasks, self.progress, "scoring clips")
        scores: dict[str, Scores] = {}
        voices: dict[str, Embedding] = {}
        prints: dict[str, Fingerprint] = {}
        problems: dict[str, str] = {}
        for task in tasks:
            for held in (work.find(task.stage, task.name, task.key) or {}).get("clips", []):
                if "problem" in held:
                    problems[held["id"]] = held["problem"]
                    continue
                scores[held["id"]] = from_dict(Scores, held["scores"], where=held["id"])
                prints[held["id"]] = unpacked(held["print"])
                if held["voice"]:
                    voices[held["id"]] = unpacked(held["voice"])
        gone = (each for each in utterances if not self.dataset.audio(each).is_file())
        problems |= {each.id: "its file is not there; prepare cuts it again" for each in gone}
        found = [_with(utterance, scores.get(utterance.id), problems) for utterance in utterances]
        return _with_likenesses(found, voices), prints

    def _task(self, name: str, group: Sequence[Utterance]) -> Task:
        source = group[0].source
        sound = self.sounds.get(source.recording, "") if source else ""
        return Task(
            stage="scores",
            name=name,
            key=task_key(
                "scores",
                [score_key(utterance, self.dataset.info.options, self.weights) for utterance in group],
                [utterance.id for utterance in group],
            ),
            given={
                "utterances": [to_plain(utterance) for utterance in group],
                "sound": sound,
                "weights": list(self.weights),
            },
            seconds=sum(utterance.seconds for utterance in group),
        )


def run_stage(
    runner: Runner, work: Work, tasks: Sequence[Task], progress: Progress, step: str, *, resting: Collection[str] = ()
) -> dict[str, str]:
    """Do the tasks of one stage that are not finished yet, telling how far it is in seconds of sound.

    What could not be done is tried again on every run: a file that nobody could read may be readable by now.

    Args:
        resting: recordings without a task here, whose results stay all the same.

    Returns:
        What was wrong, by the names of the tasks.
    """
    waiting = [task for task in tasks if not _is_done(work.find(task.stage, task.name, task.key))]
    if waiting:
        total_s = sum(_weight(task) for task in tasks)
        done_s = total_s - sum(_weight(task) for task in waiting)
        progress(step, done_s, total_s)

        def told(task: Task) -> None:
            nonlocal done_s
            done_s += _weight(task)
            progress(step, done_s, total_s)

        runner.run(waiting, told)
    if tasks:
        work.tidy(tasks[0].stage, [task.name for task in tasks], resting=resting)
    results = ((task.name, work.find(task.stage, task.name, task.key) or {}) for task in waiting)
    return {name: str(result["problem"]) for name, result in results if "problem" in result}


def _is_done(result: Mapping[str, Any] | None) -> bool:
    return result is not None and "problem" not in result


def _weight(task: Task) -> float:
    return max(0.1, task.seconds)


def weights_of(store: Store, *names: str) -> list[str]:
    """The content of networks' weights, for keys: others hear something else. "" for what is not on this machine."""
    here = {status.name for status in store.status() if status.ready}
    return [store.content_id(name) if name in here else "" for name in names]


def _groups(utterances: Sequence[Utterance]) -> dict[str, list[Utterance]]:
    """Utterances that are scored together, by the name of their task."""
    groups: dict[str, list[Utterance]] = defaultdict(list)
    loose = 0
    for utterance in sorted(utterances, key=lambda each: each.id):
        if utterance.source:
            recording = nearest_id(utterance.source.recording)  # a manifest from elsewhere may say anything
            groups[f"{recording}/{int(utterance.source.start_s // GROUP_S):04d}"].append(utterance)
        else:
            groups[f"+/{loose // GROUP_CLIPS:04d}"].append(utterance)
            loose += 1
    return groups


def _with(utterance: Utterance, scores: Scores | None, problems: Mapping[str, str]) -> Utterance:
    others = [reason for reason in reasons(utterance.dropped) if kind_of(reason) != UNREADABLE]
    if utterance.id in problems:
        what = f"{UNREADABLE} ({problems[utterance.id]})".replace(JOINT, ", ")
        return replace(utterance, scores=Scores(), dropped=JOINT.join([*others, what]))
    if len(others) < len(reasons(utterance.dropped)):
        utterance = replace(utterance, dropped=JOINT.join(others))
    if scores is None:
        return utterance
    given = utterance.scores
    return replace(utterance, scores=replace(scores, overlap=given.overlap, sureness=given.sureness))


def _with_likenesses(utterances: Sequence[Utterance], voices: Mapping[str, Embedding]) -> list[Utterance]:
    """Each compared with the centre of its speaker's clips."""
    spoken: dict[str, list[Embedding]] = defaultdict(list)
    for each in utterances:
        if each.id in voices:
            spoken[each.speaker].append(voices[each.id])
    centres = {speaker: centre_of(own) for speaker, own in spoken.items()}
    return [with_likeness(each, voices.get(each.id), centres.get(each.speaker)) for each in utterances]

"""A task: one item of one stage. Where tasks are done, and by how many at once, is the runners' business."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from voicewright.data.options import PrepareOptions
from voicewright.data.work import Work, key_of
from voicewright.errors import BadClip, NotWritten
from voicewright.meters import Meters
from voicewright.weights.store import Store

STAGES = {
    "ingest": "voicewright.data.stages.ingest:ingest",
    "sound": "voicewright.data.stages.sound:improve",
    "speech": "voicewright.data.stages.speech:find_speech",
    "voices": "voicewright.data.stages.voices:hear_voices",
    "sample": "voicewright.data.stages.voices:hear_sample",
    "words": "voicewright.data.stages.words:hear_words",
    "text": "voicewright.data.stages.text:align_text",
    "slices": "voicewright.data.stages.slices:cut_slices",
    "scores": "voicewright.data.stages.scores:score_clips",
}
METHODS = dict.fromkeys(STAGES, 1)
"""Raised when what a stage does changes, so that results of the old way are made again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One item of one stage, as plain data that can go to another process or machine."""

    stage: str
    name: str
    key: str
    """Stands for everything the result depends on."""
    given: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    """Of sound in it: how much work it is."""


def task_key(stage: str, *made_from: Any) -> str:
    """The key of a task whose result depends on these, and on how the stage works."""
    return key_of(METHODS[stage], *made_from)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where work is done: the dataset's folder, the weights, the options. Plain data."""

    folder: Path
    weights: Path
    options: PrepareOptions
    offline: bool = False


class Bench:
    """One worker's tools, each loaded when a task first needs it."""

    def __init__(self, place: Place) -> None:
        self.folder, self.options = place.folder, place.options
        self.work = Work(place.folder / "work")
        self.weights, self.offline = place.weights, place.offline

    @cached_property
    def meters(self) -> Meters:
        return Meters(self.store)

    @cached_property
    def store(self) -> Store:
        return Store(self.weights, offline=self.offline)

    @cached_property
    def tools(self) -> dict[str, Any]:
        """What a stage has loaded for itself and wants to keep, by name."""
        return {}

    def do(self, task: Task) -> None:
        """Do the task and keep its result. A recording that cannot be read is a result too: its problem.

        Raises:
            NotWritten: the disk is full; that is not the recording's fault.
        """
        module, _, function = STAGES[task.stage].partition(":")
        perform = cast(Callable[["Bench", Task], Mapping[str, Any]], getattr(import_module(module), function))
        try:
            result = perform(self, task)
        except NotWritten:
            raise
        except BadClip as problem:
            result = {"problem": str(problem)}
        self.work.keep(task.stage, task.name, task.key, result)


def leave_with_parent() -> None:
    """End this worker process when the one that started it is gone, even if that was killed."""
    import multiprocessing
    import os

    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()

"""Recordings on their way through the stages, and the human texts that belong to them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voicewright.data.problems import Problem
from voicewright.data.sources import Recording
from voicewright.data.tasks import Task
from voicewright.data.transcripts.line import Line, Transcript
from voicewright.data.transcripts.reading import beside, for_recording, read_transcript
from voicewright.errors import BadDataset


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
    before: dict[str, Any] = field(default_factory=dict)
    """Of a recording that is gone: its clips as they were cut before."""
    doubts: list[dict[str, Any]] = field(default_factory=list)
    """Stretches where the speaker's name in the text and the voice in the sound are not the same."""

    @property
    def name(self) -> str:
        return self.recording.name

    @property
    def gone(self) -> bool:
        return not Path(self.recording.path).is_file()

    def __getitem__(self, stage: str) -> dict[str, Any]:
        return self.facts[stage]


def texts_of(recordings: Sequence[Recording]) -> tuple[dict[str, list[Line]], list[Problem]]:
    """The human text of each recording that has one: in the transcript given for it, else in a file beside it.

    A file beside a recording that is no transcript, and recordings that the given one does not know, are problems.

    Raises:
        BadDataset: a transcript that was given cannot be read.
    """
    read: dict[Path, Transcript] = {}
    names = [recording.label for recording in recordings]
    found, problems = {}, []
    for recording in recordings:
        path = Path(recording.transcript) if recording.transcript else beside(Path(recording.path))
        if path is None:
            continue
        try:
            if path not in read:
                read[path] = read_transcript(path, names)
        except BadDataset as problem:
            if recording.transcript:
                raise
            problems.append(Problem(where=recording.label, what=f"the file beside it is not used: {problem}"))
            continue
        alone = recording.alone or not recording.transcript
        lines = for_recording(read[path], recording.name, recording.label, alone)
        if lines is not None:
            found[recording.name] = lines
        elif recording.transcript:
            what = f"{path.name} says nothing about it, so its text is what was heard"
            problems.append(Problem(where=recording.label, what=what))
    return found, problems

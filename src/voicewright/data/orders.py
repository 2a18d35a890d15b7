"""`Orders`: what each stage is asked to do for a recording. A task's key holds all that its result depends on."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from voicewright.audio.files import sha256_of
from voicewright.data.finish import weights_of
from voicewright.data.items import Item
from voicewright.data.manifest import to_plain
from voicewright.data.options import PrepareOptions
from voicewright.data.stages.sound import SEEKABLE
from voicewright.data.stages.speech import ACTIVITY, SECTION_S
from voicewright.data.tasks import Task, task_key
from voicewright.data.transcription import transcriber_id
from voicewright.data.transcripts.line import Line
from voicewright.data.turns import Turn
from voicewright.data.work import Work
from voicewright.weights.store import Store

LISTENERS = ("silero-vad", "phones", "segmentation", "campplus")


class Orders:
    """The tasks of one run.

    Args:
        work: results whose files are gone are forgotten there, so that they are made again.
        store: where the weights are; those of the networks are part of what results are made from.
    """

    def __init__(self, options: PrepareOptions, work: Work, store: Store) -> None:
        self._options, self._work, self._store = options, work, store
        self._weights = dict(zip(LISTENERS, weights_of(store, *LISTENERS), strict=True))

    @cached_property
    def transcriber(self) -> str:
        """What hears the words, for keys. Raises BadSetting, MissingWeights: there is no such recogniser here."""
        return transcriber_id(self._options.transcribe, self._options.language, self._store)

    def sample(self, path: Path) -> Task:
        """Hear how the one speaker of a recording sounds."""
        given = {"path": str(path.absolute()), "speaker": self._options.speaker}
        key = task_key("sample", sha256_of(path), self._options.speaker, self._weights["campplus"])
        return Task(stage="sample", name="sample", key=key, given=given)

    def ingest(self, item: Item) -> Task:
        """Look at a file. Its size and time stand for its content: hashing it is what the stage does."""
        path = Path(item.recording.path)
        about = path.stat() if path.is_file() else None
        key = task_key("ingest", item.recording.path, about and (about.st_size, about.st_mtime_ns))
        return Task(stage="ingest", name=item.name, key=key, given={"path": item.recording.path})

    def sound(self, item: Item) -> Task:
        """Make the sound ready."""
        facts, options = item["ingest"], self._options
        in_place = facts["container"] in SEEKABLE and not options.separate and not options.denoise
        held = self._work.latest("sound", item.name)
        made = [self._work.folder.parent / held[name] for name in ("sound", "heard") if name in held]
        if (held.get("sound") != item.recording.path) if in_place else not all(path.is_file() for path in made):
            self._work.path("sound", item.name).unlink(missing_ok=True)
        return Task(
            stage="sound",
            name=item.name,
            key=task_key("sound", item.keys["ingest"], options.separate, options.denoise),
            given={"path": item.recording.path, "container": facts["container"], "rate": facts["rate"]},
            seconds=facts["seconds"],
        )

    def speech(self, item: Item) -> Task:
        """Find speech."""
        return Task(
            stage="speech",
            name=item.name,
            key=task_key("speech", item.keys["sound"], ACTIVITY, SECTION_S, self._weights["silero-vad"]),
            given={"sound": item["sound"]["sound"]},
            seconds=item["ingest"]["seconds"],
        )

    def words(self, item: Item) -> list[Task]:
        """Hear the words of every section."""
        options = self._options
        how = (options.transcribe, options.language, self.transcriber, self._weights["phones"])
        return self._sections(item, "words", *how)

    def voices(self, item: Item) -> list[Task]:
        """Hear who speaks in every section."""
        other = self._options.diarizer if self._options.diarizer.startswith("pyannote:") else ""
        how = (other, other and self._options.speakers, self._weights["segmentation"], self._weights["campplus"])
        return self._sections(item, "voices", *how)

    def _sections(self, item: Item, stage: str, *settings: Any) -> list[Task]:
        """A task for every section of a recording that holds speech."""
        tasks = []
        for number, (start_s, end_s) in enumerate(item["speech"]["sections"]):
            spans = [span for span in item["speech"]["spans"] if span[1] > start_s and span[0] < end_s]
            given = {"sound": item["sound"]["heard"], "section": [start_s, end_s], "spans": spans}
            key = task_key(stage, item.keys["sound"], given["section"], spans, *settings)
            name = f"{item.name}/{number:04d}"
            if spans:
                tasks.append(Task(stage=stage, name=name, key=key, given=given, seconds=end_s - start_s))
        return tasks

    def text(self, item: Item, written: Sequence[Line]) -> Task:
        """Lay a human text along the sound."""
        label, lines = item.recording.label, [to_plain(line) for line in written]
        made_from = (item.keys["speech"], item.keys["words"], lines, label)
        return Task(
            stage="text",
            name=item.name,
            key=task_key("text", *made_from, self._options.language, self._weights["phones"]),
            given={
                "lines": lines,
                "words": [[task.name, task.key] for task in item.tasks["words"]],
                "sound": item["sound"]["heard"],
                "label": label,
                "seconds": item["speech"]["seconds"],
            },
            seconds=item["ingest"]["seconds"],
        )

    def slices(self, item: Item, turns: Sequence[Turn], speaker: str) -> Task:
        """Cut clips; `speaker` is whose they are where nobody found out who speaks."""
        options, speech = self._options, item["speech"]
        self._work.forget_without_clips("slices", item.name)
        given = {
            "sha256": item["ingest"]["sha256"],
            "sound": item["sound"]["sound"],
            "seconds": speech["seconds"],
            "spans": speech["spans"],
            "lufs": speech["lufs"],
            "peak_db": speech["peak_db"],
            "turns": [to_plain(turn) for turn in turns],
            "words": [[task.name, task.key] for task in item.tasks.get("words", [])],
            "text": [item.name, item.keys["text"][0]] if "text" in item.facts else [],
            "doubts": item.doubts,
            "speaker": speaker,
        }
        how = (options.task, options.slices, options.limits, options.rate, options.loudness_lufs, options.language)
        key = task_key("slices", item.keys, given["turns"], item.doubts, speaker, how)
        return Task(stage="slices", name=item.name, key=key, given=given, seconds=speech["seconds"])

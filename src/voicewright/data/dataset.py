"""`Dataset`: a folder of clips and what is known about them.

    dataset.json           the name, and the options it was prepared with
    manifest.jsonl         the truth: one utterance a line, edits applied
    edits.jsonl            what humans decided; only ever appended to
    clips/…                the sound
    work/utterances.jsonl  the base: what preparation or an import produced, before edits

Nothing in these files depends on where the folder is. Nothing is ever deleted: what a trainer must not use is marked.
"""

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

from voicewright.audio.files import describe, sha256_of
from voicewright.data import manifest
from voicewright.data.cutting import Cutter, Sound, nowhere
from voicewright.data.edits import NAME as EDITS
from voicewright.data.edits import Edit, LoggedEdit, Undo, append_log, in_force, read_log
from voicewright.data.options import PrepareOptions
from voicewright.data.paths import inside, same_id_key, utterance_id
from voicewright.data.problems import Problem
from voicewright.data.replay import Applied, Orphan, anchored, apply
from voicewright.data.summary import Summary, summarise
from voicewright.data.utterance import Split, Utterance
from voicewright.errors import BadClip, BadDataset, BadSetting
from voicewright.progress import Progress, silent
from voicewright.settings import from_dict, to_dict

FORMAT = 1
INFO = "dataset.json"
CLIPS = "clips"
WORK = "work"
BASE = "utterances.jsonl"
STALE = "manifest.stale"
LOCK_WAIT_S = 600

EMPTY: Mapping[str, Utterance] = MappingProxyType({})

Change = Callable[[list[Utterance]], list[Utterance]]


@dataclass(frozen=True, kw_only=True)
class DatasetInfo:
    """What `dataset.json` holds."""

    format: int = FORMAT
    name: str = ""
    options: PrepareOptions = field(default_factory=PrepareOptions)


class Dataset:
    """A dataset in its folder. Make one with `open` or `create`.

    Every change holds a lock, so that two programs do not write over each other, and replaces files at once.

    Args:
        folder: the dataset's.
        info: what its `dataset.json` says.
        sound: finds a recording's file by its name; needed to merge clips that do not touch.
    """

    def __init__(self, folder: Path, info: DatasetInfo, *, sound: Sound = nowhere) -> None:
        self.folder, self.info = folder, info
        self._cutter = Cutter(folder, sound)

    @classmethod
    def open(cls, folder: Path, *, sound: Sound = nowhere) -> "Dataset":
        """The dataset in `folder`.

        Raises:
            BadDataset: there is none, it is of another version, or its `dataset.json` cannot be read.
        """
        path = folder / INFO
        if not path.is_file():
            raise BadDataset(
                f"{folder} is not a dataset (no {INFO}); make one: voicewright prepare RECORDINGS -o {folder}"
            )
        dataset = cls(folder, _read_info(path), sound=sound)
        if (folder / WORK / STALE).exists():  # a crash came between the log of edits and the manifest
            dataset.rebuild()
        return dataset

    @classmethod
    def create(
        cls, folder: Path, name: str = "", options: PrepareOptions | None = None, *, sound: Sound = nowhere
    ) -> "Dataset":
        """A new, empty dataset; if there is one in `folder`, that one with another name and other options.

        Args:
            name: the folder's own when empty.
        """
        info = DatasetInfo(name=name or folder.resolve().name, options=options or PrepareOptions())
        try:
            for part in (CLIPS, WORK):
                (folder / part).mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise BadDataset(f"{folder}: no dataset can be made here ({problem.strerror}); name another") from problem
        dataset = cls(folder, info, sound=sound)
        with dataset._lock():
            part_file = folder / f"{INFO}.part"
            part_file.write_text(json.dumps(to_dict(info), indent=2, ensure_ascii=False) + "\n", "utf-8")
            part_file.replace(folder / INFO)
            if not dataset.manifest.exists():
                manifest.write_manifest(dataset.manifest, [])
        return dataset

    @property
    def manifest(self) -> Path:
        """Where the manifest is."""
        return self.folder / manifest.NAME

    def utterances(self) -> Iterator[Utterance]:
        """All utterances, line by line, dropped ones too. Raises BadDataset: a line that cannot be read."""
        return manifest.read_manifest(self.manifest)

    def kept(self) -> Iterator[Utterance]:
        """The utterances that a trainer may use."""
        return (utterance for utterance in self.utterances() if utterance.kept)

    def base(self) -> Iterator[Utterance]:
        """The utterances before edits."""
        path = self.folder / WORK / BASE
        return manifest.read_manifest(path if path.is_file() else self.manifest)

    def log(self) -> list[LoggedEdit]:
        """Every edit that was ever made, those that were taken back too."""
        return read_log(self.folder / EDITS)

    def orphans(self) -> list[Orphan]:
        """Edits that find no utterance any more, and why."""
        return self._applied(self.base(), self.log()).orphans

    def audio(self, utterance: Utterance) -> Path:
        """The file of an utterance's clip; it may be missing. Raises BadDataset: the path leads out of the folder."""
        return inside(self.folder, utterance.audio)

    def summary(self) -> Summary:
        """The dataset in figures."""
        return summarise(self.utterances())

    def edit(self, *edits: Edit) -> list[Utterance]:
        """Carry out edits and keep them in the log: all of them or, if one is impossible, none.

        An anchor may be no more than an id (`Anchor(id=…)`); the log gets the whole of it.

        Returns:
            The utterances that are new or different now.

        Raises:
            BadDataset: an utterance that is not there, a cut outside its clip, two clips that cannot be merged.
        """
        return self._append(edits)

    def undo(self, number: int | None = None) -> list[Utterance]:
        """Take back the edit with this number in the log (`LoggedEdit.number`), or the last that stands.

        Edits of clips that the edit had made lose their ground and become orphans.

        Returns:
            The utterances that are new or different now.

        Raises:
            BadDataset: there is no such edit.
        """
        log = self.log()
        standing, _ = in_force(log)
        if number is None and not standing:
            raise BadDataset(f"{self.folder}: there is no edit to take back")
        if number is not None and not 1 <= number <= len(log):
            raise BadDataset(f"{self.folder}: there is no edit number {number}; the log has {len(log)}")
        return self._append([Undo(number=standing[-1].number if number is None else number)])

    def rebuild(self, change: Change | None = None) -> list[Utterance]:
        """Write the manifest anew from the base and the log of edits, after `change` had its say; what it holds now.

        What was measured since the base was made stays with clips and texts that are the same.
        """
        with self._lock():
            return self._rebuild(self.log(), change=change)

    def replace_base(self, utterances: Iterable[Utterance], change: Change | None = None) -> list[Utterance]:
        """A new base; the edits are applied to it, then `change` (rules, splits); what the manifest holds now.

        Raises:
            BadDataset: two utterances with one id, or an id or path that is not allowed.
        """
        with self._lock():
            fresh = self._checked(utterances)
            manifest.write_manifest(self.folder / WORK / BASE, fresh)
            return self._rebuild(self.log(), change=change, fresh=True)

    def update(self, change: Change) -> list[Utterance]:
        """Replace the manifest's utterances by what `change` makes of them (scores, rules, splits); what it made.

        The base stays. Raises BadDataset as `replace_base`.
        """
        with self._lock():
            before = list(self.utterances())
            base = self.folder / WORK / BASE
            if not base.is_file():
                manifest.write_manifest(base, before)
            changed = self._checked(change(before))
            manifest.write_manifest(self.manifest, changed)
            return changed

    def verify(self, progress: Progress = silent) -> list[Problem]:
        """What is wrong with the dataset: lines that cannot be read, ids that occur twice, paths that lead out of the
        folder, sound that is missing or was changed. All of it is found; nothing is raised and nothing is mended."""
        problems: list[Problem] = []
        seen: dict[str, str] = {}
        lines = self.manifest.read_bytes().splitlines() if self.manifest.is_file() else []
        if not self.manifest.is_file():
            problems.append(Problem(where=manifest.NAME, what="there is no such file"))
        for number, line in enumerate(lines, start=1):
            progress("comparing the clips with the manifest", number, len(lines))
            where = f"{manifest.NAME}, line {number}"
            try:
                utterance = _read_line(line, where)
            except BadDataset as problem:
                problems.append(Problem(where=where, what=str(problem).removeprefix(f"{where}: ")))
                continue
            problems += self._problems(utterance, seen)
        try:
            problems += [Problem(where=f"{EDITS}, line {each.line.number}", what=each.why) for each in self.orphans()]
        except BadDataset as problem:
            problems.append(Problem(where=EDITS, what=str(problem)))
        return problems

    def _problems(self, utterance: Utterance, seen: dict[str, str]) -> Iterator[Problem]:
        where, key = utterance.id, same_id_key(utterance.id)
        if key in seen:
            yield Problem(where=where, what=f"the id occurs twice (also as {seen[key]!r})")
        seen[key] = utterance.id
        try:
            utterance_id(utterance.id)
            path = self.audio(utterance)
            if sha256_of(path) != utterance.sha256:
                yield Problem(where=where, what=f"{utterance.audio} was changed since it was listed")
            elif (rate := describe(path).rate) != utterance.rate:
                yield Problem(where=where, what=f"{utterance.audio} has {rate} Hz, the manifest says {utterance.rate}")
        except (BadDataset, BadClip) as problem:
            yield Problem(where=where, what=str(problem))

    def _append(self, edits: Iterable[Edit | Undo]) -> list[Utterance]:
        with self._lock():
            before = {utterance.id: utterance for utterance in self.utterances()}
            log = self.log()
            new = [anchored(edit, before) for edit in edits]
            fresh = [LoggedEdit(number=len(log) + i, edit=edit) for i, edit in enumerate(new, start=1)]
            if not (self.folder / WORK / BASE).is_file():
                manifest.write_manifest(self.folder / WORK / BASE, before.values())
            applied = self._applied(_measured(self.base(), before), [*log, *fresh])
            _refuse(applied, fresh)
            for cut in applied.cuts:
                self._cutter.make(cut)
            (self.folder / WORK / STALE).touch()
            append_log(self.folder / EDITS, new)
            after = self._settle(applied, before)
        return [each for each in after if before.get(each.id) != each]

    def _rebuild(self, log: list[LoggedEdit], *, change: Change | None = None, fresh: bool = False) -> list[Utterance]:
        known = {utterance.id: utterance for utterance in self.utterances()} if self.manifest.is_file() else {}
        applied = self._applied(self.base() if fresh else _measured(self.base(), known), log)
        for cut in applied.cuts:
            self._cutter.make(cut)
        return self._settle(applied, known, change=change, fresh=fresh)

    def _settle(
        self, applied: Applied, known: Mapping[str, Utterance], *, change: Change | None = None, fresh: bool = False
    ) -> list[Utterance]:
        """Write what edits made of the base as the manifest, whose utterances were `known` before."""
        found = [_with_measures(self._listed(each), known.get(each.id), fresh=fresh) for each in applied.utterances]
        if change is not None:
            found = change(found)
        found = self._checked(found, read=known)
        manifest.write_manifest(self.manifest, found)
        (self.folder / WORK / STALE).unlink(missing_ok=True)
        return found

    def _applied(self, base: Iterable[Utterance], log: list[LoggedEdit]) -> Applied:
        return apply(base, log, possible=self._cutter.objection)

    def _listed(self, utterance: Utterance) -> Utterance:
        """With the hash and the length of a clip that was cut just now."""
        if utterance.sha256:
            return utterance
        path = self.audio(utterance)
        return replace(utterance, sha256=sha256_of(path), seconds=describe(path).seconds)

    def _checked(self, utterances: Iterable[Utterance], read: Mapping[str, Utterance] = EMPTY) -> list[Utterance]:
        """As a manifest holds them: numbers rounded, ids and paths allowed, no id twice.

        Args:
            read: utterances that come from a manifest as they are, and need no rounding.
        """
        seen: dict[str, str] = {}
        found = []
        for utterance in utterances:
            key = same_id_key(utterance_id(utterance.id))
            if key in seen:
                raise BadDataset(f"two utterances share the id {utterance.id!r} (the other is {seen[key]!r})")
            seen[key] = utterance.id
            inside(self.folder, utterance.audio)
            if utterance is not read.get(utterance.id):
                utterance = from_dict(Utterance, manifest.to_plain(utterance), where=utterance.id)
            found.append(utterance)
        return found

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        from filelock import FileLock, Timeout

        lock = FileLock(self.folder / WORK / "dataset.lock")
        try:
            (self.folder / WORK).mkdir(exist_ok=True)
            lock.acquire(timeout=LOCK_WAIT_S)
        except Timeout as problem:
            raise BadDataset(f"another program has been busy with {self.folder} for ten minutes") from problem
        except OSError as problem:
            raise BadDataset(f"{self.folder} cannot be written to ({problem.strerror})") from problem
        try:
            yield
        finally:
            lock.release()


def _measured(base: Iterable[Utterance], known: Mapping[str, Utterance]) -> Iterator[Utterance]:
    """The base with what was measured since, where no human changed anything."""
    for utterance in base:
        other = known.get(utterance.id)
        untouched = other is not None and not other.edited
        yield _with_measures(utterance, other, fresh=False) if untouched else utterance


def _with_measures(utterance: Utterance, known: Utterance | None, *, fresh: bool) -> Utterance:
    """With what was measured and decided by rules since the base was made.

    Args:
        known: the line that the manifest has; None if it has none.
        fresh: the base is newer than the manifest, which then knows more only of what humans changed.
    """
    if known is None or (fresh and not utterance.edited):
        return utterance
    if not utterance.split_fixed and not known.split_fixed and not fresh:
        utterance = replace(utterance, split=known.split)
    heard_both = (utterance.sha256, utterance.text, utterance.language, utterance.speaker)
    if heard_both != (known.sha256, known.text, known.language, known.speaker):
        return utterance
    judged = utterance
    if not utterance.decision and not known.decision:
        judged = replace(utterance, dropped=known.dropped)
    measured = replace(judged, heard=known.heard, words=known.words, scores=known.scores, flags=known.flags)
    return known if measured == known else measured


def _refuse(applied: Applied, fresh: list[LoggedEdit]) -> None:
    numbers = {line.number for line in fresh}
    for orphan in applied.orphans:
        if orphan.line.number in numbers:
            raise BadDataset(f"this edit is impossible: {orphan.why}")
    for line in applied.superseded:
        if line.number in numbers:
            raise BadDataset("this edit is impossible: the utterance was divided or merged; edit what became of it")


def _read_line(line: bytes, where: str) -> Utterance:
    try:
        given: Any = json.loads(line)
        if not isinstance(given, dict):
            raise BadDataset(f"{where}: expected an object, found {type(given).__name__}")
        if "split" in given and given["split"] not in get_args(Split):
            raise BadDataset(f"{where}: unknown split {given['split']!r}; known are {', '.join(get_args(Split))}")
        return from_dict(Utterance, given, where=where)
    except BadSetting as problem:
        raise BadDataset(str(problem)) from None
    except ValueError as problem:
        raise BadDataset(f"{where}: not JSON ({problem})") from None


def _read_info(path: Path) -> DatasetInfo:
    try:
        given = json.loads(path.read_text("utf-8"))
    except ValueError as problem:
        raise BadDataset(f"{path}: not JSON ({problem})") from None
    if not isinstance(given, dict) or given.get("format") != FORMAT:
        shown = given.get("format") if isinstance(given, dict) else None
        raise BadDataset(f"{path}: format {shown!r}, this version of voicewright reads {FORMAT}")
    try:
        return from_dict(DatasetInfo, given, where=str(path))
    except BadSetting as problem:
        raise BadDataset(str(problem)) from None

"""`Datasets`: what a user may wish of datasets, one method each."""

import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from voicewright.data.dataset import INFO, WORK, Dataset
from voicewright.data.findings import Findings, read_findings, write_findings
from voicewright.data.formats.base import Exported, ExportOptions, ImportOptions
from voicewright.data.options import PrepareOptions, SplitOptions
from voicewright.data.summary import Summary, summarise
from voicewright.data.work import Work
from voicewright.errors import BadDataset, BadSetting, BadWeights, MissingExtra
from voicewright.progress import Progress, silent

if TYPE_CHECKING:
    from voicewright.data.formats.intake import Imported
    from voicewright.data.tasks import Place
    from voicewright.data.utterance import Utterance
    from voicewright.weights.store import Store

REPORT = "report.html"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A dataset after something was done to it."""

    folder: Path
    summary: Summary
    findings: Findings

    @property
    def report(self) -> Path:
        """The page that shows every clip, with its sound."""
        return self.folder / REPORT


class Datasets:
    """Makes datasets, checks and changes them.

    Args:
        weights: where the networks' weights are kept.
        offline: never ask a model hub.
    """

    def __init__(self, weights: str | Path, *, offline: bool = False) -> None:
        self._weights, self._offline = Path(weights), offline

    def open(self, folder: str | Path) -> Dataset:
        """The dataset in `folder`: its utterances, its log of edits, and `edit`. Raises BadDataset: there is none."""
        folder = Path(folder)
        return Dataset.open(folder, sound=lambda name: _sounds(folder).get(name))

    def options_of(self, folder: str | Path) -> PrepareOptions:
        """The options that a dataset was prepared with; the defaults for a new one. Raises BadDataset."""
        folder = Path(folder)
        return Dataset.open(folder).info.options if (folder / INFO).is_file() else PrepareOptions()

    def prepare(
        self,
        recordings: Sequence[str | Path],
        folder: str | Path,
        *,
        options: PrepareOptions | None = None,
        transcript: str | Path | None = None,
        like: str | Path | None = None,
        workers: int = 1,
        cluster: str = "",
        progress: Progress = silent,
    ) -> Outcome:
        """Make a dataset from recordings, or add recordings to one that is there.

        Finished work is kept: the same call after a crash goes on where it stopped, and other options redo only what
        depends on them. What humans decided is applied again.

        Args:
            recordings: files, and folders with all that is below them.
            options: by default the dataset's own.
            transcript: the human text of the one recording, or a table with the texts of many.
            like: a recording of the wanted speaker alone.
            workers: processes; 0: one for each core, four at most.
            cluster: address of a Ray cluster that does the work instead.

        Raises:
            BadClip: there is no recording. BadDataset: a transcript or the folder cannot be used.
            BadSetting, MissingExtra, MissingWeights: something that the options need is not there.
        """
        from voicewright.data.prepare import Preparation
        from voicewright.data.runners import runner_for

        folder = Path(folder)
        with _alone(folder):
            before = self.options_of(folder)
            dataset = self._to_prepare(folder, options)
            try:
                with runner_for(self._place(dataset), workers=workers, cluster=cluster) as runner:
                    preparation = Preparation(
                        dataset, runner, self._store, like=Path(like) if like else None, progress=progress
                    )
                    prepared = preparation.run(
                        [Path(path) for path in recordings], transcript=Path(transcript) if transcript else None
                    )
            except (BadSetting, BadWeights, MissingExtra):
                Dataset.create(folder, dataset.info.name, before)  # what cannot be done is not remembered
                raise
            write_findings(folder, prepared.findings)
        return _told(dataset, prepared.utterances, prepared.findings)

    def check(self, folder: str | Path, *, workers: int = 1, progress: Progress = silent) -> Outcome:
        """Compare every clip with the manifest, score what is new or changed, judge everything, write the report anew.

        Raises: BadDataset.
        """
        from voicewright.data.finish import Assessor, weights_of
        from voicewright.data.runners import runner_for
        from voicewright.data.stages.scores import NETWORKS

        dataset = self.open(folder)
        problems = dataset.verify(progress)
        with runner_for(self._place(dataset), workers=workers) as runner:
            sounds = {name: str(path.absolute()) for name, path in _sounds(dataset.folder).items()}
            weights = weights_of(self._store, *NETWORKS)
            assess = Assessor(dataset=dataset, runner=runner, sounds=sounds, weights=weights, progress=progress)
            assess.scored(list(dataset.utterances()))  # before the dataset is locked: corrections need not wait
            utterances = dataset.rebuild(assess)
        findings = read_findings(dataset.folder).with_problems(problems)
        return _told(dataset, utterances, findings)

    def split(self, folder: str | Path, options: SplitOptions) -> Outcome:
        """Share the utterances out anew between training, validation and test. Raises BadDataset."""
        from voicewright.data.splits import assign

        info = self.open(folder).info
        dataset = Dataset.create(Path(folder), info.name, replace(info.options, split=options))
        utterances = dataset.update(lambda found: assign(found, options))
        return _told(dataset, utterances, read_findings(dataset.folder))

    def export(
        self,
        folder: str | Path,
        format_name: str,
        out: str | Path,
        options: ExportOptions | None = None,
        *,
        progress: Progress = silent,
    ) -> Exported:
        """Write a dataset to a new folder as another program keeps it; `formats.table.FORMATS` lists them.

        Raises: BadDataset: there is no dataset, or `out` is not empty. BadSetting: no such format.
        """
        from voicewright.data.formats.table import export_dataset

        with _whole(Path(out)) as part:
            exported = export_dataset(self.open(folder), format_name, part, options, progress)
        return replace(exported, folder=Path(out))

    def take_over(
        self,
        folder: str | Path,
        out: str | Path,
        *,
        format_name: str = "",
        options: ImportOptions | None = None,
        progress: Progress = silent,
    ) -> Outcome:
        """Make a dataset from what another program keeps in `folder`. Its clips are not scored yet: see `check`.

        Args:
            format_name: "" finds out.

        Raises: BadDataset: no format is recognised, nothing can be used, or `out` is not empty. BadSetting.
        """
        from voicewright.data.formats.base import ImportOptions
        from voicewright.data.formats.table import import_dataset

        options = options or ImportOptions()
        options = replace(options, name=options.name or Path(out).resolve().name)
        with _whole(Path(out)) as part:
            imported = import_dataset(Path(folder), part, format_name, options, progress)
        return self._taken(Path(out), imported)

    def merge(self, folders: Sequence[str | Path], out: str | Path, *, progress: Progress = silent) -> Outcome:
        """A new dataset with the utterances of several; a sound that occurs in two is taken once. Raises BadDataset."""
        from voicewright.data.merge import merge

        name = Path(out).resolve().name
        with _whole(Path(out)) as part:
            merged = merge([self.open(folder) for folder in folders], part, name=name, progress=progress)
        return self._taken(Path(out), merged)

    @property
    def _store(self) -> "Store":
        from voicewright.weights.store import Store

        return Store(self._weights, offline=self._offline)

    def _place(self, dataset: Dataset) -> "Place":
        from voicewright.data.tasks import Place

        return Place(
            folder=dataset.folder.absolute(),
            weights=self._weights.absolute(),
            options=dataset.info.options,
            offline=self._offline,
        )

    def _to_prepare(self, folder: Path, options: PrepareOptions | None) -> Dataset:
        """The dataset in `folder`, or a new one, with these options. Raises BadDataset: its clips came otherwise."""
        from voicewright.data.sources import SOURCES

        if not (folder / INFO).is_file():
            return Dataset.create(folder, options=options)
        there = Dataset.open(folder)
        if not (folder / WORK / SOURCES).is_file() and any(True for _ in there.base()):
            raise BadDataset(
                f"{folder} holds clips that were not made from recordings there, and preparing would take their place; "
                f"prepare into another folder and put the two together: voicewright dataset merge {folder} OTHER -o NEW"
            )
        return Dataset.create(folder, there.info.name, options or there.info.options)

    def _taken(self, folder: Path, imported: "Imported") -> Outcome:
        findings = Findings(problems=imported.problems)
        write_findings(folder, findings)
        dataset = Dataset.open(folder)
        return _told(dataset, list(dataset.utterances()), findings)


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    """A hidden folder beside `out` that becomes `out` when the block ends well, and is removed when it does not."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadDataset(f"{out} is there already and not empty; name another folder")
    part = out.absolute().with_name(f".{out.name}.{secrets.token_hex(4)}.part")
    try:
        part.mkdir(parents=True)
    except OSError as problem:
        raise BadDataset(f"{out} cannot be made ({problem.strerror}); name another folder") from problem
    try:
        yield part
        if out.exists():
            out.rmdir()
        part.rename(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two runs on one dataset would undo each other's work."""
    from filelock import FileLock, Timeout

    lock = FileLock(folder / WORK / "prepare.lock")
    try:
        (folder / WORK).mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise BadDataset(f"{folder} is being prepared by another program; wait for it, or end it") from None
    except OSError as problem:
        raise BadDataset(f"{folder}: no dataset can be made here ({problem.strerror}); name another") from problem
    try:
        yield
    finally:
        lock.release()


def _told(dataset: Dataset, utterances: "Sequence[Utterance]", findings: Findings) -> Outcome:
    """The report written, and the figures."""
    from voicewright.data.report.page import write_report

    write_report(
        dataset.folder,
        utterances,
        dataset.folder / REPORT,
        findings=[str(problem) for problem in (*findings.problems, *findings.disagreements)],
    )
    return Outcome(folder=dataset.folder, summary=summarise(utterances), findings=findings)


def _sounds(folder: Path) -> Mapping[str, Path]:
    """The sound file of each recording that is still at hand, by its name."""
    from voicewright.data.sources import SOURCES, read_recordings

    work = Work(folder / WORK)
    found = {}
    for recording in read_recordings(work.folder / SOURCES):
        held = work.latest("sound", recording.name).get("sound")
        if held and (folder / held).is_file():
            found[recording.name] = folder / held
    return found

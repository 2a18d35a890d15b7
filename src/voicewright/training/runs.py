"""`Runs`: the training runs below one folder, by name."""

from dataclasses import dataclass
from pathlib import Path

from voicewright.errors import BadRun, BadVoice
from voicewright.training.run import Run, RunState
from voicewright.voice.names import voice_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of a list of runs; of a damaged one, why it is."""

    name: str
    folder: Path
    voice: str = ""
    dataset: str = ""
    state: RunState | None = None
    damaged: str = ""


class Runs:
    """The runs that lie directly in `folder`. Links that lead out of it are not followed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def list(self) -> list[Entry]:
        """Every run, by name; a folder that is a run itself is the only one."""
        if Run.holds(self.folder):
            return [_entry(self.folder)]
        if not self.folder.is_dir():
            return []
        return [_entry(each) for each in sorted(self.folder.iterdir()) if Run.holds(each) and self._within(each)]

    def open(self, name: str) -> Run:
        """The run called `name`: for names that come from strangers. A path is opened with `Run.open`.

        Raises:
            BadRun: it cannot be a name, or no run of this folder has it.
        """
        try:
            folder = self.folder / voice_name(name)
        except BadVoice as problem:
            raise BadRun(str(problem).replace("a voice's name", "a run's name")) from None
        if not self._within(folder):
            raise BadRun(f"{folder} is a link that leads out of {self.folder}; move the run there")
        return Run.open(folder)

    def _within(self, folder: Path) -> bool:
        return folder.resolve().parent == self.folder.resolve()


def _entry(folder: Path) -> Entry:
    try:
        run = Run.open(folder)
        plan = run.plan
        return Entry(name=folder.name, folder=folder, voice=plan.voice, dataset=plan.dataset, state=run.state())
    except BadRun as problem:
        return Entry(name=folder.name, folder=folder, damaged=str(problem))

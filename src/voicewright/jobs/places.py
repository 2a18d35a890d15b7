"""`Places`: where datasets, plans and runs are, by names that strangers may give."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from voicewright.errors import BadDataset, BadPlan, BadSetting, BadVoice, UnknownName
from voicewright.settings import load, save
from voicewright.training.options import TrainingPlan
from voicewright.training.run import Run
from voicewright.training.runs import Runs
from voicewright.voice.names import voice_name

PLACES = frozenset({
    "clusters", "index", "diffusion", "vocoder", "content_files", "generator", "discriminator", "diarizer", "lexicon",
    "input", "output", "dataset", "run",
})  # fmt: skip
"""Options that name a file, a folder or a device of the machine that they are used on."""
NAMES = frozenset({"content", "pitch", "model", "start", "device"})
"""Options that may do so, and may hold a mere name."""
NAME = re.compile(r"(?!.*\.(?:voice|safetensors|pth?|onnx|bin)$)[A-Za-z0-9][\w .+-]*")


@dataclass(frozen=True, kw_only=True)
class Places:
    """Three folders whose members are known by name. A name becomes part of a path only after `voice_name` took it.

    Args:
        datasets, plans, runs: the folders; made when something is first kept there.
    """

    datasets: Path
    plans: Path
    runs: Path

    def dataset(self, name: str, *, new: bool = False) -> Path:
        """The folder of a dataset that is there, or `new`. Raises BadDataset: no name. UnknownName: there is none."""
        try:
            folder = self.datasets / voice_name(name)
        except BadVoice as problem:
            raise BadDataset(str(problem).replace("a voice's name", "a dataset's name")) from None
        if folder.is_symlink():
            raise BadDataset(f"the dataset {name!r} is a link; move the dataset itself to {self.datasets}")
        if not new and not (folder / "dataset.json").is_file():
            raise UnknownName(f"there is no dataset {name!r}; there are: {', '.join(self.dataset_names()) or 'none'}")
        return folder

    def recordings(self, name: str) -> Path:
        """Where the recordings are kept that a dataset was made from, beside it. Raises BadDataset: it is no name."""
        return self.datasets / ".recordings" / self.dataset(name, new=True).name

    def dataset_names(self) -> list[str]:
        """Every dataset that is there."""
        if not self.datasets.is_dir():
            return []
        return sorted(each.name for each in self.datasets.iterdir() if (each / "dataset.json").is_file())

    def plan(self, name: str) -> TrainingPlan:
        """A plan by name, with its folders as they are here. Raises UnknownName."""
        path = self._plan_file(name)
        if not path.is_file():
            raise UnknownName(f"there is no plan {name!r}; there are: {', '.join(self.plan_names()) or 'none'}")
        return self.placed(load(TrainingPlan, path), name)

    def plan_names(self) -> list[str]:
        """Every plan that is there."""
        return sorted(each.stem for each in self.plans.glob("*.yaml")) if self.plans.is_dir() else []

    def keep_plan(self, name: str, plan: TrainingPlan) -> None:
        """Keep a plan under a name. Raises BadPlan: it is no name."""
        path = self._plan_file(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        save(plan, part)
        part.replace(path)

    def remove_plan(self, name: str) -> None:
        """Delete a plan; its run stays. Raises UnknownName."""
        self.plan(name)
        self._plan_file(name).unlink()

    def placed(self, plan: TrainingPlan, name: str) -> TrainingPlan:
        """A plan whose dataset, run, start and source are in these folders, whatever it says. Raises BadPlan."""
        if plan.start and plan.start.casefold().endswith(".voice"):
            raise BadPlan(f"start is the name of a voice of the library here, got {plan.start!r}")
        source = self.checkpoint(plan.source) if plan.source else ""
        dataset = self.dataset(Path(plan.dataset).name)
        return replace(plan, dataset=str(dataset), run=str(self.run_folder(name)), source=source)

    def run_folder(self, name: str) -> Path:
        """Where the run of a name is or will be. Raises BadPlan: it is no name."""
        try:
            return self.runs / voice_name(name)
        except BadVoice as problem:
            raise BadPlan(str(problem).replace("a voice's name", "a run's name")) from None

    def run(self, name: str) -> Run:
        """The run called so. Raises UnknownName; BadRun: it is damaged, or a link."""
        if not Run.holds(self.run_folder(name)):
            raise UnknownName(f"there is no run {name!r}; there are: {', '.join(self.run_names()) or 'none'}")
        return Runs(self.runs).open(name)

    def run_names(self) -> list[str]:
        """Every run that is there."""
        return [each.name for each in Runs(self.runs).list()]

    def checkpoint(self, told: str) -> str:
        """A checkpoint's folder from "RUN/step-00000120" or a path that ends so. Raises BadPlan, BadRun."""
        run, _, step = told.rpartition("/")
        run = Path(run).parent.name if Path(run).name == "checkpoints" else Path(run).name
        folder = self.run(run).checkpoint_folder / step
        if not step.startswith("step-") or "/" in step or not folder.is_dir():
            raise BadPlan(f"source is a checkpoint of a run here, as RUN/step-00000120; got {told!r}")
        return str(folder)

    def _plan_file(self, name: str) -> Path:
        try:
            return self.plans / f"{voice_name(name)}.yaml"
        except BadVoice as problem:
            raise BadPlan(str(problem).replace("a voice's name", "a plan's name")) from None


def refuse_places(given: Mapping[str, Any], where: str) -> None:
    """Nothing, if no option names a place on this machine: those are for its own command line.

    Raises: BadSetting.
    """
    for name, value in given.items():
        if isinstance(value, Mapping):
            refuse_places(value, f"{where}: {name}")
        elif not isinstance(value, str) or not value:
            continue
        elif name in PLACES or (name in NAMES and (not NAME.fullmatch(value) or Path(value).exists())):
            raise BadSetting(f"{where}: {name} names a file or folder of the server; only its command line takes those")

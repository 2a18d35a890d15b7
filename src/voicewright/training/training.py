"""`Training`: what a user may wish of plans and runs, one method each."""

import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voicewright.audio.files import sha256_of
from voicewright.data.dataset import Dataset
from voicewright.engines.base import Converts, Engine, Speaks
from voicewright.engines.options import EnrollOptions
from voicewright.engines.recipe import Lesson, Recipe, Trains
from voicewright.errors import BadPlan, BadRun
from voicewright.measure.report import Meters
from voicewright.progress import Progress, silent
from voicewright.training.audition import Auditor
from voicewright.training.choice import Best, best
from voicewright.training.examples import Examples, examples_of
from voicewright.training.machine import this_machine
from voicewright.training.options import TrainingPlan
from voicewright.training.planning import Planned, Trial, check_plan, make_plan
from voicewright.training.run import START, Run, step_name
from voicewright.training.start import best_clips, fit_start
from voicewright.voice.consent import Consent
from voicewright.voice.file import read_voice, write_voice
from voicewright.voice.voice import Source, Voice

if TYPE_CHECKING:
    from voicewright.training.checkpoint import Checkpoint
    from voicewright.training.comparison import Comparison
    from voicewright.training.estimate import Costs
    from voicewright.training.loop import Listen, Outcome

RESULT = "best.voice"
SCORES = ("ge2e", "campplus", "dvector", "dnsmos", "words_wrong")
"""Figures of an audition that a voice carries."""
QUICK_FITS = {"quick": 1.0, "standard": 4.3, "best": 16.0}
"""About how many times longer than a quick fit, by the steps of each: a trial need not make the whole of it."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What became of a run: how it ended, which checkpoint was best (None: nothing was heard), and the voice that came
    out. Only the first of several processes tells the last two."""

    run: Run
    outcome: "Outcome"
    best: Best | None
    voice: Path | None


class Training:
    """Plans runs, trains them, and speaks with what they learned.

    Args:
        engine: loads an engine by name.
        voice: finds a voice by its name or its file.
        voices: the names of all voices.
        meters: the listening networks.
    """

    def __init__(
        self,
        *,
        engine: Callable[[str], Engine],
        voice: Callable[[str], Voice],
        voices: Callable[[], list[str]],
        meters: Meters,
    ) -> None:
        self._engine, self._voice, self._voices, self._meters = engine, voice, voices, meters

    def plan(
        self, dataset: str | Path, given: Mapping[str, Any], *, trial: bool = True, progress: Progress = silent
    ) -> Planned:
        """A plan with good values for a dataset and this machine, under those that are `given`; checked.

        Args:
            given: fields of `TrainingPlan` as plain data.
            trial: measure what a run will take, in some minutes.

        Raises: BadDataset, BadPlan, BadSetting; MissingExtra: the packages of the extra "train" are missing.
        """
        folder = Path(dataset)
        machine = this_machine(str(given.get("device", "cpu")), Path(str(given.get("run") or folder.parent)))
        measure = self._trial(progress) if trial else None
        return make_plan(Dataset.open(folder), given, machine=machine, trial=measure, voices=self._voices())

    def check(self, plan: TrainingPlan, *, trial: bool = True, progress: Progress = silent) -> Planned:
        """A plan as it would be carried out here, with a sentence for every change. Raises as `plan`."""
        return self._checked(plan, self._trial(progress) if trial else None)

    def train(self, plan: TrainingPlan, *, progress: Progress = silent) -> Trained:
        """Carry out a plan, or go on with its run where it stopped.

        With several processes (`accelerate launch`, torchrun) each of them calls this.

        Raises:
            BadDataset, BadPlan, BadSetting: what is asked for cannot be done.
            BadRun: the run is being trained by another process, or its losses are no numbers any more.
            BadCheckpoint: the newest checkpoint is damaged.
            MissingExtra: the packages of the extra "train" are missing.
        """
        from voicewright.training.loop import train

        run = self.begin(plan)
        examples = self._examples(run.plan)
        auditor = self._auditor(run.plan, examples)
        outcome = train(
            run.plan,
            lambda: self._begin(run, progress),
            examples.train,
            run,
            held_out=examples.validation,
            listen=self._listener(run, auditor, progress) if auditor.tasks else None,
            progress=progress,
        )
        return self._finished(run, outcome)

    def begin(self, plan: TrainingPlan) -> Run:
        """The run of a plan, checked and with its folder, ready to be trained. Raises as `train`."""
        wanted = replace(plan, dataset=str(Path(plan.dataset).absolute()))
        checked = self._checked(wanted, None).plan
        return Run.create(plan.run, checked) if _first_process() else Run(Path(plan.run), checked)

    def at(self, run: Run, checkpoint: "Checkpoint | None") -> tuple[Speaks | Converts, Voice]:
        """The engine and the voice as a checkpoint of a run has them; None: as the run started.

        Raises: BadCheckpoint: it is damaged or of another run's shape.
        """
        start = self._start(run)
        if checkpoint is None and start is not None:
            return self._speaks(run.plan.engine), start
        engine, voice = self.recipe_at(run, checkpoint).trial()
        return engine, self._told(voice, run, checkpoint) if checkpoint else voice

    def recipe_at(self, run: Run, checkpoint: "Checkpoint | None") -> Recipe:
        """The run's recipe with the weights of a checkpoint; None: as the run started."""
        from voicewright.training.checkpoint import load_into

        recipe = self._recipe(run.plan, self._start(run))
        if checkpoint is not None:
            load_into(recipe.networks, checkpoint)
        return recipe

    def auditor(self, run: Run) -> Auditor:
        """Who listens to a run's checkpoints. Raises BadDataset: its dataset is gone."""
        return self._auditor(run.plan, self._examples(run.plan))

    def compare(
        self, run: Run, *, checkpoint: "Checkpoint | None" = None, sentences: int = 24, progress: Progress = silent
    ) -> "Comparison":
        """Whether a run's best checkpoint (or a named one) beats the voice that it started from: a plain verdict.

        Raises: BadRun: there is no checkpoint.
        """
        from voicewright.training.comparison import compare

        return compare(
            run,
            lambda each: self.at(run, each),
            self.auditor(run),
            checkpoint=checkpoint,
            sentences=sentences,
            progress=progress,
        )

    def voice_of(self, run: Run, name: str = "") -> Voice:
        """The voice that a run gives: that of its best checkpoint, or the one it started from if none is better.

        Raises: BadRun: the run has no voice yet, or it is not called `name`.
        """
        if name and name != run.plan.voice:
            raise BadRun(
                f"{run.folder} speaks as {run.plan.voice!r}, not as {name!r}; leave --engine out to speak as {name!r}"
            )
        if self._result(run).is_file():
            return read_voice(self._result(run))
        if not run.start_voice.is_file() and not any(run.checkpoint_folder.glob("step-*")):
            raise BadRun(f"{run.folder} has no voice yet; train it: voicewright train {run.plan_file}")
        return self.at(run, self._taken(run, best(run)))[1]

    def _begin(self, run: Run, progress: Progress) -> Recipe:
        """The recipe at the start of a run; the voice to start from is made if it is not there."""
        from voicewright.training.checkpoint import load_into, read_checkpoint

        plan = run.plan
        if self._wants_start(plan) and not run.start_voice.is_file():
            run.update(status="preparing", message="making the voice to start from")
            write_voice(self._first_voice(plan, progress), run.start_voice)
        recipe = self._recipe(plan, self._start(run))
        if plan.source:
            load_into(recipe.networks, read_checkpoint(Path(plan.source)))
        return recipe

    def _first_voice(self, plan: TrainingPlan, progress: Progress) -> Voice:
        """The voice that the plan names, that its source started from, or one fitted to the dataset's best clips."""
        if plan.start:
            return self._voice(plan.start)
        if plan.source:
            return read_voice(_start_of(Path(plan.source)))
        dataset = Dataset.open(Path(plan.dataset))
        speaker = self._examples(plan).speaker
        clips = best_clips(each for each in dataset.kept() if each.speaker == speaker)
        return fit_start(
            self._speaks(plan.engine),
            [(each, dataset.audio(each)) for each in clips],
            name=plan.voice,
            consent=Consent(plan.consent),
            options=EnrollOptions(preset=plan.start_preset, language=plan.language, seed=plan.seed),
            progress=progress,
        )

    def _listener(self, run: Run, auditor: Auditor, progress: Progress) -> "Listen":
        def listen(recipe: Recipe, step: int) -> Mapping[str, float]:
            return auditor.hear(*recipe.trial(), run.auditions, step, progress=progress).figures()

        return listen

    def _recipe(self, plan: TrainingPlan, voice: Voice | None) -> Recipe:
        engine = self._engine(plan.engine)
        if not isinstance(engine, Trains):
            raise BadPlan(f"the engine {plan.engine!r} cannot be trained")
        return engine.recipe(
            Lesson(
                options=plan.recipe_settings(),
                voice=voice,
                language=plan.language,
                speakers=(self._examples(plan).speaker, *plan.others),
                lora=plan.lora,
                mel_weight=plan.mel_weight,
                text_weight=plan.text_weight,
                seed=plan.seed,
            )
        )

    def _examples(self, plan: TrainingPlan) -> Examples:
        return examples_of(Dataset.open(Path(plan.dataset)), plan.speaker, engine=plan.engine, others=plan.others)

    def _auditor(self, plan: TrainingPlan, examples: Examples) -> Auditor:
        held, train = (
            [each for each in side if each.speaker == examples.speaker]
            for side in (examples.validation, examples.train)
        )
        converts = not isinstance(self._engine(plan.engine), Speaks)
        return Auditor(self._meters, plan.audition, language=plan.language, held=held, train=train, converts=converts)

    def _finished(self, run: Run, outcome: "Outcome") -> Trained:
        """Keep the voice of the best checkpoint, or the start's if none is better, beside the run."""
        if not _first_process():
            return Trained(run=run, outcome=outcome, best=None, voice=None)
        heard = (run.auditions / step_name(0)).exists()
        chosen = best(run) if heard else None
        _, voice = self.at(run, self._taken(run, chosen) if chosen else outcome.checkpoint)
        write_voice(voice, self._result(run))
        return Trained(run=run, outcome=outcome, best=chosen, voice=self._result(run))

    def _taken(self, run: Run, chosen: Best) -> "Checkpoint | None":
        """The checkpoint whose voice a run gives. Where none beat the start it is the start, if that was a voice; else
        the checkpoint that came nearest."""
        return chosen.checkpoint or (None if self._wants_start(run.plan) else chosen.leading)

    def _told(self, voice: Voice, run: Run, checkpoint: "Checkpoint") -> Voice:
        """The voice of a checkpoint with what it was made from, and what it reached."""
        figures = {name: value for name, value in checkpoint.figures.items() if isinstance(value, float | int)}
        heard = {name: float(figures[name]) for name in SCORES if name in figures}
        plan = run.plan
        return replace(
            voice,
            name=plan.voice or voice.name,
            consent=Consent(plan.consent) if plan.consent else voice.consent,
            sources=voice.sources or (self._dataset_source(plan),),
            scores=dict(voice.scores) | heard,
            settings=dict(voice.settings) | {"trained": {"step": checkpoint.step, "epoch": round(checkpoint.epoch, 3)}},
        )

    def _dataset_source(self, plan: TrainingPlan) -> Source:
        """What a network learned from that had no voice to start from; the manifest tells the hash of every clip."""
        examples = self._examples(plan)
        seconds = sum(each.seconds for each in examples.train if each.speaker == examples.speaker)
        manifest = Dataset.open(Path(plan.dataset)).manifest
        return Source(sha256=sha256_of(manifest), seconds=seconds, name=Path(plan.dataset).name)

    def _checked(self, plan: TrainingPlan, trial: Trial | None) -> Planned:
        return check_plan(
            plan,
            Dataset.open(Path(plan.dataset)),
            machine=this_machine(plan.device, Path(plan.run)),
            trial=trial,
            voices=self._voices(),
            begun=Run.holds(plan.run),
        )

    def _trial(self, progress: Progress) -> Trial:
        def measure(plan: TrainingPlan, examples: Examples) -> "Costs":
            from voicewright.training.trial import timed

            voice, start_s = self._trial_voice(plan, progress)
            auditor = self._auditor(plan, examples)
            with tempfile.TemporaryDirectory() as place:
                hear = _one_sentence(auditor, Path(place)) if auditor.tasks else None
                costs = timed(self._recipe(plan, voice), examples, plan, hear=hear, progress=progress)
            return replace(costs, start_s=start_s)

        return measure

    def _trial_voice(self, plan: TrainingPlan, progress: Progress) -> tuple[Voice | None, float]:
        """A voice to try a plan with, and what the one to start from will take (seconds)."""
        if plan.start:
            return self._voice(plan.start), 0.0
        if not self._wants_start(plan):
            return None, 0.0
        if plan.source:
            return read_voice(_start_of(Path(plan.source))), 0.0
        quick = replace(plan, start_preset="quick")
        since = time.perf_counter()
        voice = self._first_voice(quick, progress)
        return voice, (time.perf_counter() - since) * QUICK_FITS[plan.start_preset]

    def _speaks(self, name: str) -> Speaks:
        engine = self._engine(name)
        if not isinstance(engine, Speaks):
            raise BadPlan(f"the engine {name!r} cannot speak")
        return engine

    def _wants_start(self, plan: TrainingPlan) -> bool:
        """Whether a run begins with a voice. An engine that makes none from recordings begins with its recipe's
        networks."""
        return bool(plan.start) or isinstance(self._engine(plan.engine), Speaks)

    def _start(self, run: Run) -> Voice | None:
        return read_voice(run.start_voice) if self._wants_start(run.plan) else None

    def _result(self, run: Run) -> Path:
        return run.folder / RESULT


def _first_process() -> bool:
    """As torchrun and accelerate tell each of their processes."""
    return os.environ.get("RANK", "0") == "0"


def _start_of(checkpoint: Path) -> Path:
    """The voice that a checkpoint's run started from. Raises BadPlan: it is not there."""
    voice = checkpoint.resolve().parent.parent / START
    if not voice.is_file():
        raise BadPlan(f"source: {checkpoint} is in no run, so where it started from is unknown; name that voice: start")
    return voice


def _one_sentence(auditor: Auditor, place: Path) -> Callable[[Speaks | Converts, Voice], None]:
    """Speaks and scores one sentence, or converts and scores one recording, as an audition does."""

    def hear(engine: Speaks | Converts, voice: Voice) -> None:
        ears, task = auditor.ears(place), auditor.tasks[0]
        ears.listen(task, ears.perform(engine, voice, task), sound="")

    return hear

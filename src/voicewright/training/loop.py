"""The one training loop. It owns order, devices, precision, optimizers, files, stopping and going on; a recipe knows
its networks, items and losses.

    items are prepared → the newest checkpoint is read → for each batch: the recipe's updates, one after the other →
    at the ends of epochs: validation, a checkpoint, which is heard → the last checkpoint
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from voicewright.engines.recipe import Example, Recipe
from voicewright.errors import BadPlan, BadRun, VoicewrightError
from voicewright.progress import Progress, silent
from voicewright.training.batches import steps_per_epoch
from voicewright.training.checkpoint import (
    SCORE,
    Checkpoint,
    best_in,
    newest_in,
    prune,
    with_figures,
    write_checkpoint,
)
from voicewright.training.feeding import Lot, feed, validation
from voicewright.training.items import Items, prepare_items
from voicewright.training.learner import Learned, Learner
from voicewright.training.monitor import Monitor
from voicewright.training.options import TrainingPlan
from voicewright.training.run import Run, step_name
from voicewright.training.saving import Counts, Standing, restore, snapshot
from voicewright.training.schedules import rate_at
from voicewright.training.state import finite
from voicewright.training.stopping import StopSignals
from voicewright.training.team import Team, peak_memory_mb

Listen = Callable[[Recipe, int], Mapping[str, float]]
"""Hears a recipe's trial at a step; its figure "score", higher is better, ranks checkpoints."""

TOLD_PROBLEMS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a session of a run ended."""

    status: Literal["finished", "stopped"]
    step: int
    steps: int
    epoch: float
    checkpoint: Checkpoint | None
    """The newest."""
    best: Checkpoint | None
    """The kept one that did best in its audition; None: none was heard."""
    early: bool = False
    """It finished before its last epoch, because the auditions got no better."""
    skipped: int = 0
    """Steps that were not taken because a loss or a gradient was not a number."""
    problems: tuple[tuple[str, str], ...] = ()
    """Examples that were left out, and why."""


def train(
    plan: TrainingPlan,
    make: Callable[[], Recipe],
    examples: Sequence[Example],
    run: Run,
    *,
    held_out: Sequence[Example] = (),
    listen: Listen | None = None,
    progress: Progress = silent,
) -> Outcome:
    """Carry a plan out, from its start or from the run's newest checkpoint, until it is done or asked to stop.

    The recipe's networks learn in the modes (train, eval) and with the frozen parameters that they come with. Each
    batch must give the same updates with figures of the same names. In several processes (torchrun, `accelerate
    launch`) all of them call this with the same arguments; the main one writes and listens.

    Args:
        make: makes the recipe, under the run's lock; the main process does so first and the others after it, so that
            what it leaves in the run's folder (a voice to start from) is theirs too.
        held_out: what validation looks at; never learned from.
        listen: hears the start (step 0) and every checkpoint, with the moving average in place if there is one; only in
            the main process, and not where the weights are shared out (FSDP): those are heard afterwards.
        progress: "preparing" in clips, "training" in steps.

    Raises:
        BadPlan: what cannot be had on this machine.
        BadDataset: not one clip can be learned from.
        BadCheckpoint: the newest checkpoint is damaged, or of another plan. An older one is not taken in silence.
        BadRun: the run is being trained already; losses were not numbers too often in a row (the state from before is
            saved); or the last state could not be saved.
    """
    team = Team(plan)
    try:
        with ExitStack() as stack:
            if team.main:
                stack.enter_context(run.lock())
            signals = stack.enter_context(StopSignals())
            session = _Session(plan, run, team, signals)
            session.recipe = _made(make, team)
            session.listen = None if team.sharded else listen
            session.progress = progress if team.main else silent
            try:
                session.prepare(examples, held_out)
            except _StopAskedError:
                return session.nothing_done()
            session.begin(stack, told=listen is not None)
            return session.go()
    finally:
        team.close()


def _made(make: Callable[[], Recipe], team: Team) -> Recipe:
    first = make() if team.main else None
    team.everybodys(None)
    return first or make()


class _StopAskedError(Exception):
    """Somebody asked to stop before the first step."""


class _Session:
    """One process's part of a session: from start or resume to the end or a stop."""

    monitor: Monitor | None = None
    newest: Checkpoint | None = None
    recipe: Recipe
    listen: Listen | None = None
    progress: Progress = staticmethod(silent)

    def __init__(self, plan: TrainingPlan, run: Run, team: Team, signals: StopSignals) -> None:
        self.plan, self.run, self.team, self.signals = plan, run, team, signals
        self.counts, self.standing = Counts(), Standing()
        self.figures: dict[str, float] = {}

    @property
    def epoch(self) -> float:
        return self.counts.step / self.per_epoch

    # Before the first step

    def prepare(self, examples: Sequence[Example], held_out: Sequence[Example]) -> None:
        """Items of all examples, made or found."""
        self._state(status="preparing", epochs=self.plan.epochs)
        self.items = self._prepared(examples)
        self.held = self._prepared(held_out) if held_out else Items(self.run.items)
        self.per_epoch = steps_per_epoch(len(self.items), self.plan.batch_size)
        self.steps = self.per_epoch * self.plan.epochs
        smallest = len(self.items) // self.per_epoch
        if smallest < self.team.size:
            raise BadPlan(
                f"batches of {smallest} clips cannot be shared by {self.team.size} processes; raise batch_size, or "
                f"train with fewer processes"
            )

    def _prepared(self, examples: Sequence[Example]) -> Items:
        """Every process makes its share; then all see all."""
        make = partial(prepare_items, self.recipe, examples, self.run.items)
        if self.team.size == 1:
            return make(progress=self._stoppable)
        own = make(share=(self.team.number, self.team.size), progress=self.progress)
        return make(known=dict(problem for problems in self.team.everybodys(own.problems) for problem in problems))

    def _stoppable(self, step: str, done: float, total: float) -> None:
        if self._asked():
            raise _StopAskedError
        self.progress(step, done, total)

    def begin(self, stack: ExitStack, *, told: bool) -> None:
        """The networks as at the newest checkpoint, or as the recipe made them; `told`: a listener was given."""
        self.base = self.recipe.trial()[0].weights
        self.learner = Learner(self.plan, self.recipe, self.team)
        self.newest = newest_in(self.run.checkpoint_folder)
        if self.newest:
            self.counts, self.standing = restore(self.learner, self.items, self.newest)
        if self.team.main:
            self.monitor = stack.enter_context(Monitor(self.run, self.plan.tensorboard, self.counts.step))
        self._state(status="training", step=self.counts.step, steps=self.steps, epoch=self.epoch)
        self._tell_start(told)
        if not self.newest:
            self._validate()  # what tuning starts from is what it is compared with
            self._hear()
        elif self.newest.score is None and self._due(self.plan.save_every):
            self._hear()  # it was killed between saving and hearing

    def _tell_start(self, told: bool) -> None:
        problems = (*self.items.problems, *self.held.problems)
        for name, reason in problems[:TOLD_PROBLEMS]:
            self._note(f"left out: {name}: {reason}")
        if len(problems) > TOLD_PROBLEMS:
            self._note(f"left out: {len(problems) - TOLD_PROBLEMS} more clips")
        if self.newest:
            self._note(f"going on from step {self.counts.step}")
        if self.team.size < self.plan.processes:  # accelerate starts a single one on CPUs, and says nothing
            self._note(f"{self.team.size} of the plan's {self.plan.processes} processes train: the same steps, slower")
        if told and self.team.sharded:
            self._note("weights that are shared out (FSDP) are not heard while they learn: voicewright runs audition")

    def go(self) -> Outcome:
        """Every step that is left, and what is due between them."""
        rate = rate_at(self.plan, self.per_epoch)
        begun_s = time.perf_counter()
        for lot in feed(self.recipe, self.items, self.plan, self.team, self.counts.step) if not self._enough() else ():
            step = self.counts.step
            with self.team.drawing("step", self.plan.seed, step):
                learned = self.learner.step(lot.parts, rate(step))
            self._count(learned)
            self._row(learned, lot, rate(step), time.perf_counter() - begun_s)
            if self.team.any(self._asked()):
                return self._end("stopped")
            if self.counts.step % self.per_epoch == 0:
                self._end_of_epoch()
                if self._enough():
                    break
            begun_s = time.perf_counter()
        return self._end("finished")

    def _asked(self) -> bool:
        return self.signals.asked or (self.team.main and self.run.stopping)

    def _enough(self) -> bool:
        return self.counts.step >= self.steps or self._early()

    def _early(self) -> bool:
        return bool(self.plan.early_stop) and self.standing.since >= self.plan.early_stop

    def _due(self, every: int) -> bool:
        """At the end of an epoch: whether this one or the last one is it."""
        epoch, rest = divmod(self.counts.step, self.per_epoch)
        return bool(every and epoch and not rest) and (epoch % every == 0 or epoch == self.plan.epochs)

    def _count(self, learned: Learned) -> None:
        """The step is over, whether it was taken or not."""
        self.counts.step += 1
        self.counts.skipped += learned.skipped
        self.counts.bad = self.counts.bad + learned.bad if learned.skipped else 0
        if self.learner.average and not learned.skipped:
            self.learner.average.follow(self.counts.step)
        if self.counts.bad < self.plan.bad_losses:
            return
        often, self.counts.bad = self.counts.bad, 0
        where = (
            f"the weights as they were before are in {self.newest and self.newest.folder}"
            if self._save()
            else self._unsaved()
        )
        raise BadRun(
            f"{self.run.folder}: a loss or a gradient was not a number {often} steps in a row, up to step "
            f"{self.counts.step}; {where}. Lower learning_rate or set precision: float32, then go on from there or "
            f"from an older checkpoint"
        )

    def _row(self, learned: Learned, lot: Lot, rate: float, step_s: float) -> None:
        taken = {name: value for name, value in learned.figures.items() if math.isfinite(value)}
        self.figures |= taken
        self.progress("training", self.counts.step, self.steps)
        if self.monitor:
            costs = {"step_s": step_s, "audio_s": lot.seconds / step_s, "memory_mb": peak_memory_mb(self.team.device)}
            figures = {**learned.figures, "lr": rate, "skipped": self.counts.skipped, **costs}
            self.monitor.row("step", self.counts.step, self.epoch, **figures)

    def _end_of_epoch(self) -> None:
        if self._due(self.plan.validate_every):
            self._validate()
        if self._due(self.plan.save_every) and self._save():
            self._hear()
            self._prune()

    def _validate(self) -> None:
        if not (self.held and self.plan.validate_every):
            return
        with self.learner.as_heard(), self.team.drawing("validation", self.plan.seed):
            found = validation(self.learner, self.held)
        self.figures |= {f"validation_{name}": value for name, value in found.items()}
        if self.monitor:
            self.monitor.row("validation", self.counts.step, self.epoch, **found)

    def _save(self) -> bool:
        """Whether everything up to this step is on disk now."""
        if self.newest and self.newest.step == self.counts.step:
            return True
        if self.team.any(not finite(self.learner.networks)):
            raise BadRun(
                f"{self.run.folder}: the weights at step {self.counts.step} are not all numbers and are not saved; "
                f"{self._unsaved()}. Lower learning_rate or set precision: float32, and go on from there"
            )
        contents = snapshot(self.learner, self.items, self._info(), self.counts, self.standing)
        written: Checkpoint | str = ""
        if self.team.main:
            try:
                written = write_checkpoint(self.run.checkpoint_folder, contents)
            except OSError as problem:
                written = problem.strerror or str(problem)
        written = self.team.everybodys(written)[0]
        if isinstance(written, str):
            self._note(f"the checkpoint of step {self.counts.step} cannot be written ({written}); make room")
            return False
        self.newest = written
        if self.monitor:
            self.monitor.row("checkpoint", self.counts.step, self.epoch, name=written.folder.name)
        return True

    def _info(self) -> Checkpoint:
        return Checkpoint(
            folder=self.run.checkpoint_folder,
            step=self.counts.step,
            steps=self.steps,
            epoch=self.epoch,
            engine=self.plan.engine,
            weights=self.base,
            parent=self.newest.folder.name if self.newest else self.plan.source,
            figures=self.figures,
        )

    def _hear(self) -> None:
        """The main process listens, the others wait."""
        figures: dict[str, float] = {}
        step = self.counts.step
        if self.listen and self.team.main and self.monitor:
            try:
                with self.learner.as_heard(), self.team.drawing("audition", self.plan.seed, step):
                    figures = dict(self.listen(self.recipe, step))
            except VoicewrightError as problem:
                if not step:
                    raise
                self._note(f"step {step} could not be heard: {problem}")
            else:
                self.monitor.row("audition", step, self.epoch, **figures)
                self.monitor.heard(step, self.run.auditions / step_name(step))
        figures = self.team.everybodys(figures)[0]
        if self.newest and figures:
            self._mark(self.newest, figures)

    def _mark(self, checkpoint: Checkpoint, figures: Mapping[str, float]) -> None:
        """Write what was heard of a checkpoint into it."""
        if SCORE in figures:
            self.standing.hear(checkpoint.step, figures[SCORE])
        if self.team.main:
            try:
                self.newest = with_figures(checkpoint, figures)
            except OSError as problem:
                self._note(f"what was heard of step {checkpoint.step} cannot be written ({problem.strerror})")

    def _prune(self) -> None:
        if self.team.main:
            with suppress(OSError):  # what cannot be removed now is removed after the next save
                prune(self.run.checkpoint_folder, self.plan.keep_last, self.plan.keep_best)

    # The end

    def _end(self, status: Literal["finished", "stopped"]) -> Outcome:
        if not self._save():
            raise BadRun(
                f"{self.run.folder}: what was learned up to step {self.counts.step} could not be saved; "
                f"{self._unsaved()}; make room on the disk and go on: voicewright train {self.run.plan_file}"
            )
        self._prune()
        early = status == "finished" and self.counts.step < self.steps and self._early()
        message = f"no better audition in {self.standing.since} checkpoints" if early else ""
        self._state(status=status, step=self.counts.step, epoch=self.epoch, message=message)
        return self._outcome(status, early)

    def nothing_done(self) -> Outcome:
        """Stopped before the first step; the items that were made are kept."""
        self._state(status="stopped", message="stopped while the clips were prepared")
        return Outcome(status="stopped", step=0, steps=0, epoch=0.0, checkpoint=None, best=None)

    def _outcome(self, status: Literal["finished", "stopped"], early: bool) -> Outcome:
        best = best_in(self.run.checkpoint_folder) if self.team.main else None
        newest, best = self.team.everybodys((self.newest, best))[0]
        return Outcome(
            status=status,
            step=self.counts.step,
            steps=self.steps,
            epoch=self.epoch,
            checkpoint=newest,
            best=best,
            early=early,
            skipped=self.counts.skipped,
            problems=(*self.items.problems, *self.held.problems),
        )

    def _unsaved(self) -> str:
        return f"the last checkpoint is {self.newest.folder}" if self.newest else "there is no checkpoint yet"

    def _note(self, text: str) -> None:
        if self.monitor:
            self.monitor.note(self.counts.step, self.epoch, text)

    def _state(self, **fields: Any) -> None:
        """Tell how far it is. A full disk is no reason to stop."""
        if self.team.main:
            with suppress(OSError):
                self.run.update(**fields)

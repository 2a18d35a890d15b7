"""`Run`: one training run, a folder. Nothing in it depends on where it lies, and nothing heavy is imported.

plan.yaml  start.voice  state.json  stop  metrics.jsonl  log.txt
items/  tensorboard/  checkpoints/step-00000120/  auditions/step-00000120/
"""

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from voicewright.errors import BadRun, BadSetting
from voicewright.settings import from_dict, load, save
from voicewright.training.changes import check_changes
from voicewright.training.options import TrainingPlan

if TYPE_CHECKING:
    from voicewright.training.checkpoint import Checkpoint

Status = Literal["new", "preparing", "training", "stopped", "finished", "failed"]
BUSY = ("preparing", "training")

START = "start.voice"
PLAN, STATE, METRICS, STOP, LOCK = "plan.yaml", "state.json", "metrics.jsonl", "stop", "lock"
BEFORE_A_RUN = {PLAN, "log.txt", LOCK}
"""What may lie in a folder before it becomes a run: somebody wrote the plan there, or a log was begun."""
LINGER_S = 10.0
"""How long the helpers of a trainer that was killed may hold its lock after it: they look for it every 5 s."""


def step_name(step: int) -> str:
    """The folder of a step's checkpoint, or of its audition."""
    return f"step-{step:08d}"


@dataclass(frozen=True, kw_only=True)
class RunState:
    """How far a run is."""

    status: Status = "new"
    step: int = 0
    steps: int = 0
    """Steps of the whole run; 0 while that is not known."""
    epoch: float = 0.0
    epochs: int = 0
    pid: int = 0
    """The process that trains, or trained last."""
    host: str = ""
    birth: str = ""
    """When that process began, as its system says it: another one may get the same number."""
    started: str = ""
    """ISO 8601, UTC."""
    updated: str = ""
    eta_s: float | None = None
    """Seconds that are left, by what the steps of this session took, with everything between them."""
    step_s: float | None = None
    """Seconds that the last step took."""
    message: str = ""

    @property
    def busy(self) -> bool:
        """Whether a process is at it."""
        return self.status in BUSY


class Run:
    """One training run. One process at a time trains it (`lock`); any number may look."""

    def __init__(self, folder: Path, plan: TrainingPlan) -> None:
        self.folder, self.plan = folder, plan

    @classmethod
    def create(cls, folder: str | Path, plan: TrainingPlan) -> Self:
        """A new run in `folder`; or, when a run is there, the same one, to go on with `plan`.

        Raises:
            BadRun: the folder holds something else, cannot be made, or is being trained with another plan.
            BadPlan: the run that is there cannot go on with this plan; the message names the field.
        """
        folder = Path(folder)
        if cls.holds(folder):
            run = cls.open(folder)
            if check_changes(folder, run.plan, plan):
                with run.held():
                    run._write_plan(plan)
            return run
        try:
            folder.mkdir(parents=True, exist_ok=True)
            strangers = sorted(
                {each.name for each in folder.iterdir() if not each.name.endswith(".part")} - BEFORE_A_RUN
            )
            if strangers:
                raise BadRun(f"{folder} holds something else ({strangers[0]}); a run needs a folder of its own")
            run = cls(folder, replace(plan, run=str(folder)))
            run._write_plan(plan)
            run._write(RunState(updated=_now()))
        except OSError as problem:
            raise BadRun(f"{folder}: no run can be made here ({problem.strerror}); name another folder") from problem
        return run

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """The run in `folder`, wherever that lies now.

        Raises:
            BadRun: there is none, or its plan cannot be read.
        """
        folder = Path(folder)
        if not cls.holds(folder):
            raise BadRun(f"{folder}: no training run is here; list yours: voicewright runs list FOLDER")
        try:
            plan = load(TrainingPlan, folder / PLAN)
        except BadSetting as problem:
            raise BadRun(f"{problem}; mend the run's plan") from None
        return cls(folder, replace(plan, run=str(folder)))

    @staticmethod
    def holds(folder: str | Path) -> bool:
        """Whether this folder is a run."""
        return all((Path(folder) / name).is_file() for name in (PLAN, STATE))

    @property
    def plan_file(self) -> Path:
        return self.folder / PLAN

    @property
    def start_voice(self) -> Path:
        return self.folder / START

    @property
    def items(self) -> Path:
        return self.folder / "items"

    @property
    def checkpoint_folder(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def auditions(self) -> Path:
        return self.folder / "auditions"

    @property
    def metrics(self) -> Path:
        return self.folder / METRICS

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"

    @property
    def tensorboard(self) -> Path:
        return self.folder / "tensorboard"

    @cached_property
    def stop_file(self) -> Path:
        """While it is there, the trainer is asked to save and stop."""
        return self.folder / STOP

    def checkpoints(self) -> "list[Checkpoint]":
        """The checkpoints that are kept, the oldest first."""
        from voicewright.training.checkpoint import checkpoints_in

        return checkpoints_in(self.checkpoint_folder)

    def state(self) -> RunState:
        """How far it is. A run whose process died without a word is told as stopped.

        Raises:
            BadRun: the state cannot be read.
        """
        state = self._read()
        if state.busy and not _lives(state):
            why = f"its process is gone; go on with: voicewright train {self.plan_file}"
            return replace(state, status="stopped", eta_s=None, message=why)
        return state

    def update(self, **fields: Any) -> RunState:
        """Write how far it is, whole or not at all. For the process that trains.

        Raises:
            OSError: the disk is full or cannot be written to; the state that was there stays.
        """
        state = replace(self._read(), **{"updated": _now(), **fields})
        self._write(state)
        return state

    @property
    def stopping(self) -> bool:
        """Whether somebody asked the trainer to save and stop. Costs some microseconds: look at every step."""
        return os.path.lexists(self.stop_file)

    def request_stop(self) -> None:
        """Ask the trainer, on whatever machine, to save and stop.

        Raises:
            BadRun: nobody is training it.
        """
        state = self.state()
        if not state.busy:
            raise BadRun(f"{self.folder} is not being trained ({state.status}); there is nothing to stop")
        self.stop_file.touch()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Train alone. Inside, the state carries this process; a run that nobody finished is "stopped" afterwards, or
        "failed" with the error's words.

        Raises:
            BadRun: another process trains it; the message says which, and how to watch or stop it.
        """
        with self.held():
            before = self._read()
            if not _of_this_process(before):
                self.stop_file.unlink(missing_ok=True)  # it was meant for a trainer before this one
            with self._owned():
                yield

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody trains meanwhile, and this process does not either: to change the plan, to start a trainer.

        Raises:
            BadRun: as `lock`.
        """
        from filelock import FileLock, Timeout

        lock, state = FileLock(self.folder / LOCK), self._read()
        try:
            lock.acquire(timeout=0 if state.busy and _lives(state) and not _of_this_process(state) else LINGER_S)
        except Timeout:
            state = self._read()
            raise BadRun(
                f"{self.folder} is being trained by process {state.pid} on {state.host}; look at it: voicewright "
                f"runs watch {self.folder}; or stop it: voicewright runs stop {self.folder}"
            ) from None
        except OSError as problem:
            raise BadRun(f"{self.folder} cannot be written to ({problem.strerror})") from problem
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def _owned(self) -> Iterator[None]:
        """This process is the trainer; what became of it is written down."""
        me = {"pid": os.getpid(), "host": platform.node(), "birth": _birth(os.getpid()) or ""}
        self.update(**me, started=_now(), message="", eta_s=None)
        ended: tuple[Status, str] = ("stopped", "")
        try:
            yield
        except Exception as problem:
            ended = ("failed", str(problem) or type(problem).__name__)
            raise
        finally:
            with suppress(OSError, BadRun):  # a full disk must not hide why training ended
                if self._read().busy:
                    self.update(status=ended[0], message=ended[1], eta_s=None)
            self.stop_file.unlink(missing_ok=True)

    def rows(self, kind: str = "") -> Iterator[dict[str, Any]]:
        """What was written down, in order: everything, or one kind. A line that a crash cut short is left out."""
        if self.metrics.is_file():
            with self.metrics.open("rb") as file:
                for line in file:
                    row = read_row(line)
                    if row is not None and kind in ("", row["kind"]):
                        yield row

    def forget_after(self, step: int) -> int:
        """Drop the rows after a step that training goes on from, so that no step is there twice; how many went."""
        kept = [row for row in self.rows() if row["step"] <= step]
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept)
        before = self.metrics.read_bytes().count(b"\n") if self.metrics.is_file() else 0
        if self.metrics.is_file():
            _replace(self.metrics, lines)
        return before - len(kept)

    def _write_plan(self, plan: TrainingPlan) -> None:
        part = _part(self.plan_file)
        save(replace(plan, run=str(self.folder)), part)
        part.replace(self.plan_file)
        self.plan = replace(plan, run=str(self.folder))

    def _write(self, state: RunState) -> None:
        _replace(self.folder / STATE, json.dumps(asdict(state), indent=2, ensure_ascii=False) + "\n")

    def _read(self) -> RunState:
        path = self.folder / STATE
        try:
            given = json.loads(path.read_text("utf-8"))
            return from_dict(RunState, given, where=str(path))
        except (OSError, ValueError, TypeError, AttributeError) as problem:
            raise BadRun(f"{path}: cannot be read ({problem}); is this the folder of a run?") from None


def read_row(line: bytes) -> dict[str, Any] | None:
    """One whole line of metrics.jsonl; None when it is cut short or damaged."""
    if not line.endswith(b"\n"):
        return None
    try:
        row = json.loads(line)
    except ValueError:
        return None
    good = isinstance(row, dict) and isinstance(row.get("kind"), str) and isinstance(row.get("step"), int)
    return row if good else None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}.{os.getpid()}.part")


def _replace(path: Path, text: str) -> None:
    """A file's new content, as a whole or not at all."""
    part = _part(path)
    try:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _lives(state: RunState) -> bool:
    """Whether the process of a state is still there. One on another machine cannot be seen, and is believed."""
    if state.host != platform.node():
        return True
    birth = _birth(state.pid)
    return birth is not None and (not state.birth or not birth or birth == state.birth)


def _of_this_process(state: RunState) -> bool:
    """Whether a starter wrote down this process, or the launcher above it, before it took over."""
    return state.busy and state.host == platform.node() and state.pid in (os.getpid(), os.getppid())


def _birth(pid: int) -> str | None:
    """When a process began, in its system's own count ("" where that cannot be had); None: there is none."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.parent.parent.joinpath("self").exists():
        try:
            words = stat.read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:
            return None
        return None if words[0] in "ZX" else words[19]  # field 3 is the state, field 22 the start (man 5 proc)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return ""
    return ""

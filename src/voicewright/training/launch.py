"""Trainers in processes of their own: started, stopped, and their last words. They outlive whoever started them."""

import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

from voicewright.errors import BadRun
from voicewright.training.run import Run, RunState

STOP_WAIT_S = 120.0
"""How long a trainer may take to finish its step, save, and end; an audition of a checkpoint takes a minute."""
LOOK_EVERY_S = 0.2
LOG_BYTES = 16_384


def trainer_command(run: Run, flags: Sequence[str] = ()) -> list[str]:
    """The command that trains a run: one process, or several by torchrun (PyTorch's own launcher, on this machine).

    Args:
        flags: of voicewright itself, before its command: ("--home", "…").
    """
    trainer = ["-m", "voicewright", *flags, "train", str(run.plan_file.absolute())]
    if run.plan.processes == 1:
        return [sys.executable, *trainer]
    several = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={run.plan.processes}"]
    return [sys.executable, *several, *trainer]


def launch(run: Run, command: Sequence[str]) -> RunState:
    """Start a trainer in the background, in a session of its own: it goes on when the terminal closes or this process
    ends. What it prints goes to the end of the run's log.txt. Look at the run to see how it does.

    Args:
        command: from `trainer_command`.

    Raises:
        BadRun: it is being trained already.
        OSError: the process cannot be started.
    """
    with run.held():
        state = run.state()
        if state.busy:
            raise BadRun(f"{run.folder} is being trained already, by process {state.pid} on {state.host}")
        run.stop_file.unlink(missing_ok=True)
        with run.log.open("ab") as log:
            trainer = subprocess.Popen(  # noqa: S603 - our own command, as a list
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=_environment(run.plan.processes),
            )
        # A child that nobody waits for stays in the table of processes after its end.
        threading.Thread(target=trainer.wait, daemon=True).start()
        return run.update(
            status="preparing", pid=trainer.pid, host=platform.node(), birth="", eta_s=None, message="starting"
        )


def _environment(processes: int) -> dict[str, str]:
    """Lines reach the log at once. Several processes share the cores: torchrun would give each a single one."""
    shared = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // processes))} if processes > 1 else {}
    return {**shared, **os.environ, "PYTHONUNBUFFERED": "1"}


def stop(run: Run, wait_s: float = STOP_WAIT_S, *, kill: bool = False) -> RunState:
    """Ask the trainer to save and stop, and wait until it did.

    Args:
        wait_s: seconds to wait; 0 only asks.
        kill: end it by force when it has not stopped by then. What it learned since its last checkpoint is lost.

    Raises:
        BadRun: nobody trains it; it did not stop in time; it is to be killed and runs on another machine.
    """
    run.request_stop()
    if _stops(run, wait_s) or not wait_s:
        return run.state()
    state = run.state()
    if not kill:
        raise BadRun(
            f"{run.folder}: process {state.pid} on {state.host} has not stopped within {wait_s:.0f} s; it was asked to "
            f"and may be saving: look at {run.log}; by force: voicewright runs stop {run.folder} --kill"
        )
    if state.host != platform.node():
        raise BadRun(f"{run.folder} is being trained on {state.host}: end process {state.pid} there")
    os.kill(state.pid, signal.SIGKILL)
    _stops(run, STOP_WAIT_S)
    run.stop_file.unlink(missing_ok=True)
    return run.state()


def _stops(run: Run, wait_s: float) -> bool:
    until_s = time.monotonic() + wait_s
    while run.state().busy:
        if time.monotonic() >= until_s:
            return False
        time.sleep(LOOK_EVERY_S)
    return True


def last_words(run: Run, lines: int = 8) -> list[str]:
    """The end of what the trainers printed."""
    if not run.log.is_file():
        return []
    with run.log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_BYTES))
        text = file.read().decode("utf-8", "replace")
    printed = ["".join(c for c in line if c.isprintable() or c == "\t").rstrip() for line in text.splitlines()]
    return [line for line in printed if line][-lines:]

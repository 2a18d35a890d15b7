"""Where tasks are done: in this process, in several, or on the machines of a Ray cluster."""

import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from voicewright.data.tasks import Bench, Place, Task, leave_with_parent
from voicewright.errors import BadDataset, BadSetting, MissingExtra

MOST_WORKERS = 4
"""By default: each holds about half a gigabyte of networks."""
AHEAD = 4
"""Tasks for each processor of a cluster that are handed over before the first is done."""

Told = Callable[[Task], None]


class Runner(Protocol):
    """Does tasks. Their results are in the work folder afterwards."""

    def run(self, tasks: Sequence[Task], told: Told) -> None:
        """Do all tasks, in any order; `told` is called in this process whenever one is done."""


@contextmanager
def runner_for(place: Place, *, workers: int = 0, cluster: str = "") -> Iterator[Runner]:
    """The runner for a number of `workers` (0: one for each core, four at most) or for a Ray cluster's address.

    Raises:
        BadSetting: a negative number of workers. MissingExtra: Ray is not installed.
    """
    if workers < 0:
        raise BadSetting(f"workers must not be negative, got {workers}")
    workers = workers or min(MOST_WORKERS, os.cpu_count() or 1)
    if cluster:
        with _on_cluster(place, cluster) as runner:
            yield runner
    elif workers == 1:
        yield Here(place)
    else:
        processes = Processes(place, workers)
        try:
            yield processes
        except BaseException:
            processes.end()
            raise
        processes.close()


class Here:
    """One task after the other, in this process."""

    def __init__(self, place: Place) -> None:
        self._bench = Bench(place)

    def run(self, tasks: Sequence[Task], told: Told) -> None:
        for task in tasks:
            self._bench.do(task)
            told(task)


class Processes:
    """Several worker processes on this machine; they stay for all stages and keep their networks."""

    def __init__(self, place: Place, workers: int) -> None:
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor

        self._place = place
        spawn = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(workers, mp_context=spawn, initializer=_become_worker)
        self._workers: set[Any] = set()

    def run(self, tasks: Sequence[Task], told: Told) -> None:
        import multiprocessing
        from concurrent.futures import as_completed
        from concurrent.futures.process import BrokenProcessPool

        others = set(multiprocessing.active_children()) - self._workers
        try:
            done = {self._pool.submit(_do, self._place, task): task for task in _longest_first(tasks)}
            self._workers = set(multiprocessing.active_children()) - others
            for future in as_completed(done):
                future.result()
                told(done[future])
        except BrokenProcessPool as problem:
            raise BadDataset(
                "a worker process was ended from outside, perhaps for want of memory; what was finished is kept: "
                "give the same command again, with fewer --workers"
            ) from problem

    def close(self) -> None:
        """When all is done."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def end(self) -> None:
        """Now: nobody waits for the tasks at hand, some of which take an hour."""
        for worker in self._workers:
            worker.terminate()
        self._pool.shutdown(cancel_futures=True)


class Cluster:
    """The machines of a Ray cluster. All of them must see the dataset's folder and the recordings at the same paths."""

    def __init__(self, place: Place) -> None:
        import ray

        self._ray: Any = ray
        self._place = place
        self._remote = ray.remote(num_cpus=1, max_retries=3)(_do_on_cluster)

    def run(self, tasks: Sequence[Task], told: Told) -> None:
        waiting = list(reversed(_longest_first(tasks)))
        most = AHEAD * max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        running: dict[Any, Task] = {}
        try:
            while waiting or running:
                while waiting and len(running) < most:
                    task = waiting.pop()
                    running[self._remote.remote(self._place, task)] = task
                for finished in self._ray.wait(list(running))[0]:
                    self._ray.get(finished)
                    told(running.pop(finished))
        except self._ray.exceptions.RayTaskError as problem:
            raise problem.cause from problem
        except self._ray.exceptions.RayError as problem:
            raise BadDataset(
                f"the cluster lost a worker ({str(problem).splitlines()[0]}); what was finished is kept: "
                "give the same command again"
            ) from problem
        finally:
            for left in running:
                self._ray.cancel(left, force=True)


@contextmanager
def _on_cluster(place: Place, address: str) -> Iterator[Runner]:
    try:
        import ray
    except ImportError:
        raise MissingExtra("ray", needed_for="preparing on a cluster", extra="cluster") from None
    if not _answers(address):
        raise BadSetting(f"no Ray cluster answers at {address!r}; start one: ray start --head")
    joined = not ray.is_initialized()
    if joined:
        try:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except ConnectionError as problem:
            raise BadSetting(
                f"no Ray cluster answers at {address!r} ({problem}); start one: ray start --head"
            ) from None
    try:
        yield Cluster(place)
    finally:
        if joined:
            ray.shutdown()


def _answers(address: str) -> bool:
    """Whether anybody listens at HOST:PORT; Ray itself would ask for many minutes. Other addresses are left to Ray."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return True
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=5.0).close()
    except (OSError, OverflowError):
        return False
    return True


def _longest_first(tasks: Sequence[Task]) -> list[Task]:
    """So that nobody is left alone with a long one at the end."""
    return sorted(tasks, key=lambda task: -task.seconds)


@cache
def _bench(place: Place) -> Bench:
    """One for each worker process: its networks are loaded once."""
    return Bench(place)


def _become_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.environ["OMP_NUM_THREADS"] = "1"  # before torch is loaded: the workers share the cores among themselves
    with contextlib.suppress(ImportError):  # faster-whisper's; its own lock would be told of as a leak after Ctrl-C
        import_module("tqdm").tqdm.set_lock(threading.RLock())
    leave_with_parent()


def _do(place: Place, task: Task) -> None:
    _bench(place).do(task)


def _do_on_cluster(place: Place, task: Task) -> None:
    if not place.folder.is_dir():
        raise BadDataset(
            f"a machine of the cluster does not see {place.folder}; use a folder that all of them share, at one path"
        )
    path = task.given.get("path", "") if task.stage in ("ingest", "sample") else ""
    if path and not Path(path).is_file():
        raise BadDataset(f"a machine of the cluster does not see {path}; use a folder that all of them share")
    _do(place, task)

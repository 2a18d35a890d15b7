"""`JobQueue`: work waits its turn, is done one at a time, and survives the program."""

import logging
import math
import shutil
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from voicewright.errors import BadJob, QueueFull, UnknownJob, VoicewrightError
from voicewright.jobs.changes import Changes
from voicewright.jobs.job import ENDED, Job, is_id, new_id, now
from voicewright.jobs.memory import give_back
from voicewright.jobs.pruning import Policy, outdated
from voicewright.jobs.store import JobStore
from voicewright.jobs.turns import Turns
from voicewright.jobs.work import Does, Stopped, Work
from voicewright.progress import Progress

Lane = Literal["voice", "long"]
MOST_ATTEMPTS = 3
"""A job during which the program died so often is not begun again: it may be what kills it."""
PRUNE_EVERY = 25
REST_S = 1.0
"""When a lane was idle for so long, memory is given back."""
USUAL_S = 5.0
"""What a job is taken to last before one has ended."""
LONGEST_RETRY_S = 300.0
log = logging.getLogger(__name__)


class JobQueue:
    """One bounded queue with two lanes: voices are made and used in one, what takes long is done beside it.

    Owners take turns; the jobs of one owner are done in their order. What was being done when the program died is begun
    again. Only one queue at a time may use a folder.

    Args:
        folder: where jobs are kept: `jobs.sqlite`, and a folder for each.
        does: carries out a job; what it returns is plain data, the job's result.
        long_kinds: kinds for the lane beside.
        longest: how many jobs may wait.
        workers: threads for the lane of voices.
        policy: how long results are kept.

    Raises:
        BadJob: the folder cannot be used, or another program uses it.
    """

    def __init__(
        self,
        folder: Path,
        does: Does,
        *,
        long_kinds: frozenset[str] = frozenset(),
        longest: int = 64,
        workers: int = 1,
        policy: Policy | None = None,
    ) -> None:
        from filelock import FileLock, Timeout

        self._folder, self._does, self._long_kinds = folder, does, long_kinds
        self.longest, self._workers, self._policy = longest, workers, policy or Policy()
        folder.mkdir(parents=True, exist_ok=True)
        self._alone = FileLock(folder / "queue.lock", thread_local=False)  # whichever thread ends the program
        try:
            self._alone.acquire(timeout=0)
        except Timeout:
            raise BadJob(
                f"{folder} is used by another voicewright server; end it, or give this one another home"
            ) from None
        self.store = JobStore(folder / "jobs.sqlite")
        self._changed = threading.Condition(threading.RLock())
        self._live: OrderedDict[str, Job] = OrderedDict()  # what waits or runs, in the order it came
        self._wanted_off: set[str] = set()
        self._turns, self._changes = Turns(), Changes()
        self._ended = 0
        self._took_s: deque[float] = deque(maxlen=20)
        self._closing = False
        self._threads: list[threading.Thread] = []
        self._recover()

    def start(self) -> None:
        """Begin to work."""
        self._prune()
        for lane, count in (("voice", self._workers), ("long", 1)):
            for number in range(count):
                name = f"{lane} worker {number + 1}"
                self._threads.append(threading.Thread(target=self._work, args=(lane,), name=name, daemon=True))
        for thread in self._threads:
            thread.start()

    def close(self, wait_s: float = 30.0) -> None:
        """Stop at the next chance; what is in hand waits for the next start."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        until_s = time.monotonic() + wait_s
        for thread in self._threads:
            thread.join(max(0.0, until_s - time.monotonic()))
        if not any(thread.is_alive() for thread in self._threads):
            self.store.close()
        self._alone.release()

    def folder(self, name: str) -> Path:
        """The folder of a job. Raises UnknownJob: it cannot be an id."""
        if not is_id(name):
            raise UnknownJob(f"there is no job {name[:40]!r}")
        return self._folder / name

    def submit(
        self, kind: str, request: Mapping[str, Any], *, owner: str = "", files: Mapping[str, Path] | None = None
    ) -> Job:
        """A new job at the end of its owner's row.

        Args:
            files: what the job needs, by plain file names; copied into its folder.

        Raises: QueueFull: too much is waiting.
        """
        self._require_room()
        job = Job(id=new_id(), kind=kind, request=dict(request), owner=owner, created=now())
        place = self.folder(job.id)
        (place / "in").mkdir(parents=True)
        try:
            for name, path in (files or {}).items():
                shutil.copyfile(path, place / "in" / Path(name).name)
            with self._changed:
                self._require_room()
                self.store.add(job)
                self._live[job.id] = job
                self._tell(job)
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
        return job

    def get(self, name: str) -> Job:
        """A job as it is now. Raises UnknownJob."""
        if (job := self._live.get(name)) is not None:
            return job  # without the lock, which is held while the disk is written to: who follows a job looks often
        with self._changed:
            return self._live.get(name) or self.store.get(name)

    def ahead(self, job: Job) -> int:
        """How many jobs wait before this one, as the owners take turns now."""
        with self._changed:
            order = [each.id for each in self._turns.order(self._waiting(self._lane(job)))]
        return order.index(job.id) if job.id in order else 0

    def cancel(self, name: str) -> Job:
        """End a job: at once if it waits, at its next step if it runs; one that is over stays as it is."""
        with self._changed:
            job = self.get(name)
            if job.state == "waiting":
                return self._over(job, "cancelled", "it was cancelled before it began")
            if job.state == "running":
                self._wanted_off.add(name)
            return job

    def remove(self, name: str) -> None:
        """Delete a job that is over, and its files. Raises UnknownJob; BadJob: it is not over."""
        with self._changed:
            if not self.get(name).over:
                raise BadJob(f"job {name} is not over; cancel it first")
            self.store.remove(name)
            self._changes.forget(name)
        shutil.rmtree(self.folder(name), ignore_errors=True)

    def wait(self, name: str, timeout_s: float | None = None) -> Job:
        """The job once it is over, or as it is after `timeout_s`."""
        until_s = math.inf if timeout_s is None else time.monotonic() + timeout_s
        with self._changed:
            while not (job := self.get(name)).over and (left_s := until_s - time.monotonic()) > 0:
                self._changed.wait(min(left_s, 60.0))
            return job

    @property
    def last_change(self) -> int:
        """The number of the last change."""
        return self._changes.last

    def events(self, after: int) -> list[tuple[int, Job]]:
        """What changed after change number `after`, each job once and as it is now, the oldest change first."""
        with self._changed:
            return [(number, self.get(name)) for number, name in self._changes.since(after)]

    def _require_room(self) -> None:
        with self._changed:
            waiting = sum(job.state == "waiting" for job in self._live.values())
        if waiting >= self.longest:
            usual_s = sum(self._took_s) / len(self._took_s) if self._took_s else USUAL_S
            retry_s = min(LONGEST_RETRY_S, max(1.0, usual_s * waiting / (2 * self._workers)))
            raise QueueFull(f"the queue is full ({waiting} waiting); ask again in {math.ceil(retry_s)} s", retry_s)

    def _lane(self, job: Job) -> Lane:
        return "long" if job.kind in self._long_kinds else "voice"

    def _waiting(self, lane: Lane) -> list[Job]:
        """What waits in a lane, in the order it came."""
        return [job for job in self._live.values() if job.state == "waiting" and self._lane(job) == lane]

    def _take(self, lane: Lane) -> Job | None:
        """The next job of a lane, now running; None when the program ends."""
        with self._changed:
            while not self._closing:
                if waiting := self._waiting(lane):
                    job = self._turns.take(waiting)
                    job = replace(job, state="running", started=now(), attempts=job.attempts + 1, stage="", message="")
                    self._live[job.id] = job
                    self._keep(job)
                    self._tell(job)
                    return job
                self._changed.wait(60.0)
        return None

    def _work(self, lane: Lane) -> None:
        while (job := self._take(lane)) is not None:
            began_s = time.monotonic()
            self._carry_out(job)
            if lane == "voice":
                self._took_s.append(time.monotonic() - began_s)
            self._ended += 1
            if self._ended % PRUNE_EVERY == 0:
                self._prune()
            if self._may_rest(lane):
                give_back()

    def _may_rest(self, lane: Lane) -> bool:
        """Whether nothing comes for a moment; back at once when something does."""
        with self._changed:
            return not self._changed.wait_for(lambda: self._closing or self._waiting(lane), REST_S)

    def _carry_out(self, job: Job) -> None:
        work = Work(
            job=job,
            folder=self.folder(job.id),
            progress=self._progress(job.id),
            wanted_off=lambda: job.id in self._wanted_off,
            of=self._of,
        )
        try:
            result = self._does(work)
            self._over(self.get(job.id), "done", "", result)
        except Stopped:
            if job.id in self._wanted_off:
                self._over(self.get(job.id), "cancelled", "it was cancelled")
            else:
                self._again(self.get(job.id))
        except VoicewrightError as problem:
            told = str(problem).replace(f"{work.files_in}/", "")  # to who asked, it is the file that they sent
            self._over(self.get(job.id), "failed", told)
        except Exception as problem:  # a fault of ours ends this job and no other
            log.exception("job %s (%s) met a fault", job.id, job.kind)
            told = f"a fault in voicewright itself ended it ({type(problem).__name__}); the server's log says more"
            self._over(self.get(job.id), "failed", told)

    def _progress(self, name: str) -> Progress:
        def tell(step: str, done: float, total: float) -> None:
            with self._changed:
                if self._closing or name in self._wanted_off:
                    raise Stopped
                self._live[name] = replace(self._live[name], stage=step, done=float(done), total=float(total))
                self._tell(self._live[name])

        return tell

    def _of(self, name: str) -> tuple[Job, Path]:
        return self.get(name), self.folder(name)

    def _over(
        self,
        job: Job,
        state: Literal["done", "failed", "cancelled"],
        message: str,
        result: Mapping[str, Any] | None = None,
    ) -> Job:
        out = self.folder(job.id) / "out"
        files = tuple(sorted(file.name for file in out.iterdir() if file.is_file())) if out.is_dir() else ()
        job = replace(job, state=state, message=message, result=result, files=files, ended=now())
        with self._changed:
            self._keep(job)
            self._live.pop(job.id, None)
            self._wanted_off.discard(job.id)
            self._tell(job)
        return job

    def _again(self, job: Job) -> None:
        """Back to where it waited; ending the program is no fault of the job's."""
        with self._changed:
            job = replace(job, state="waiting", started="", attempts=job.attempts - 1, stage="", done=0.0, total=0.0)
            self._live[job.id] = job
            self._keep(job)
            self._tell(job)

    def _keep(self, job: Job) -> None:
        """Write a job down. A disk that is full does not end the work: the next start begins this job again."""
        try:
            self.store.put(job)
        except BadJob as problem:
            log.error("%s", problem)

    def _tell(self, job: Job) -> None:
        """Number this change. The lock is held."""
        self._changes.note(job.id)
        self._changed.notify_all()

    def _recover(self) -> None:
        """What waited waits on; what ran when the program died is begun again, unless it died of it too often."""
        for job in self.store.find(states=("waiting", "running"), newest=False):
            if not self.folder(job.id).is_dir():
                self._over(job, "failed", "its files are gone; ask for it again")
            elif job.state == "running" and job.attempts >= MOST_ATTEMPTS:
                times = f"the server ended {job.attempts} times in the middle of this"
                self._over(
                    job, "failed", f"{times}, so it is not tried again; look at the server's log, or ask for less"
                )
            else:
                self._live[job.id] = replace(job, state="waiting", stage="", done=0.0, total=0.0)
                self.store.put(self._live[job.id])
        for place in self._folder.iterdir():
            if is_id(place.name) and place.is_dir() and not self._known(place.name):
                shutil.rmtree(place, ignore_errors=True)

    def _known(self, name: str) -> bool:
        try:
            self.store.get(name)
        except UnknownJob:
            return False
        return True

    def _prune(self) -> None:
        for job in outdated(self.store.find(states=tuple(sorted(ENDED))), self.folder, self._policy):
            with suppress(UnknownJob):  # somebody was quicker
                self.remove(job.id)

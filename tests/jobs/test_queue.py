"""Work waits its turn, ends when it is told to, and outlives the program."""

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from voicewright.errors import BadClip, BadJob, QueueFull, UnknownJob
from voicewright.jobs.job import Job, new_id, now
from voicewright.jobs.pruning import Policy
from voicewright.jobs.queue import JobQueue
from voicewright.jobs.store import JobStore
from voicewright.jobs.work import Work


class Worker:
    """Writes down what it is given; a request {"until": NAME} works on until that event is set."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.gates: dict[str, threading.Event] = {}
        self.begun = threading.Semaphore(0)

    def gate(self, name: str) -> threading.Event:
        return self.gates.setdefault(name, threading.Event())

    def __call__(self, work: Work) -> Mapping[str, Any]:
        self.order.append(f"{work.job.owner}{work.request.get('name', '')}")
        self.begun.release()
        if "until" in work.request:
            while not self.gate(work.request["until"]).wait(0.01):
                work.progress("working", 1, 2)
        if work.request.get("fails"):
            raise BadClip("the sound is silent; record it again")
        if work.request.get("breaks"):
            raise RuntimeError("a fault")
        (work.out / "result.txt").write_text("made", "utf-8")
        return {"name": work.request.get("name", "")}


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.fixture
def queue(tmp_path: Path, worker: Worker) -> Iterator[JobQueue]:
    queue = JobQueue(tmp_path, worker, long_kinds=frozenset({"train"}), longest=4)
    queue.start()
    yield queue
    for gate in worker.gates.values():
        gate.set()
    queue.close()


def test_a_job_is_done_and_its_files_are_told(queue: JobQueue) -> None:
    job = queue.wait(queue.submit("speak", {"name": "a"}).id, 5)
    assert (job.state, job.result, job.files) == ("done", {"name": "a"}, ("result.txt",))
    assert job.created <= job.started <= job.ended


def test_a_failure_is_told_in_the_sentence_of_the_error_and_ends_no_other_job(queue: JobQueue) -> None:
    failed = queue.submit("speak", {"fails": True})
    broken = queue.submit("speak", {"breaks": True})
    good = queue.submit("speak", {})
    assert queue.wait(failed.id, 5).message == "the sound is silent; record it again"
    assert "RuntimeError" in queue.wait(broken.id, 5).message
    assert queue.wait(good.id, 5).state == "done"


def test_owners_take_turns_and_keep_their_own_order(queue: JobQueue, worker: Worker) -> None:
    queue.submit("speak", {"until": "go"}, owner="x")
    worker.begun.acquire(timeout=5)
    jobs = [queue.submit("speak", {"name": n}, owner=owner) for owner, n in (("a", 1), ("a", 2), ("a", 3), ("b", 1))]
    assert [queue.ahead(job) for job in jobs] == [0, 2, 3, 1]
    worker.gate("go").set()
    for job in jobs:
        queue.wait(job.id, 5)
    assert worker.order == ["x", "a1", "b1", "a2", "a3"]


def test_more_than_may_wait_is_refused_with_a_time(queue: JobQueue, worker: Worker) -> None:
    queue.submit("speak", {"until": "go"})
    worker.begun.acquire(timeout=5)
    for _ in range(4):
        queue.submit("speak", {})
    with pytest.raises(QueueFull) as full:
        queue.submit("speak", {})
    assert full.value.retry_after_s >= 1
    assert len([path for path in queue.store.path.parent.iterdir() if path.is_dir()]) == 5


def test_what_runs_and_what_waits_can_be_cancelled(queue: JobQueue, worker: Worker) -> None:
    running = queue.submit("speak", {"until": "never"})
    worker.begun.acquire(timeout=5)
    waiting = queue.submit("speak", {"name": "waits"})
    assert queue.cancel(waiting.id).state == "cancelled"
    queue.cancel(running.id)
    assert queue.wait(running.id, 5).state == "cancelled"
    assert worker.order == [""]
    assert queue.wait(queue.submit("speak", {}).id, 5).state == "done"


def test_who_looks_at_a_job_does_not_wait_for_the_disk(
    queue: JobQueue, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = queue.submit("speak", {"until": "later"})
    worker.begun.acquire(timeout=5)
    writing, slow = threading.Event(), threading.Event()

    def put(job: Job) -> None:
        writing.set()
        slow.wait(30)

    waiting = queue.submit("speak", {})
    monkeypatch.setattr(queue.store, "put", put)
    cancelling = threading.Thread(target=queue.cancel, args=(waiting.id,))
    cancelling.start()
    assert writing.wait(5)
    looking = threading.Thread(target=queue.get, args=(running.id,))
    looking.start()
    looking.join(5)
    waits = looking.is_alive()
    slow.set()
    cancelling.join(5)
    assert not waits


def test_memory_is_given_back_when_nothing_is_to_be_done(
    queue: JobQueue, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, given = list[int](), threading.Event()

    def give_back() -> None:
        done.append(len(worker.order))
        given.set()

    monkeypatch.setattr("voicewright.jobs.queue.REST_S", 0.2)
    monkeypatch.setattr("voicewright.jobs.queue.give_back", give_back)
    for _ in range(3):
        queue.submit("speak", {})
    assert given.wait(5)
    assert done == [3]


def test_long_work_does_not_keep_speech_waiting(queue: JobQueue, worker: Worker) -> None:
    long = queue.submit("train", {"until": "go"})
    worker.begun.acquire(timeout=5)
    assert queue.wait(queue.submit("speak", {}).id, 5).state == "done"
    assert queue.get(long.id).state == "running"


def test_every_change_is_an_event_and_the_last_one_is_the_end(queue: JobQueue, worker: Worker) -> None:
    before = queue.last_change
    job = queue.wait(queue.submit("speak", {}).id, 5)
    ((number, told),) = queue.events(before)
    assert told == job
    assert queue.events(number) == []


def test_only_what_is_over_can_be_removed(queue: JobQueue, worker: Worker) -> None:
    job = queue.submit("speak", {"until": "go"})
    worker.begun.acquire(timeout=5)
    with pytest.raises(BadJob, match="cancel it first"):
        queue.remove(job.id)
    worker.gate("go").set()
    queue.wait(job.id, 5)
    queue.remove(job.id)
    with pytest.raises(UnknownJob):
        queue.get(job.id)
    assert not queue.folder(job.id).exists()


@pytest.mark.parametrize("name", ["../secret", "", "0" * 15, "x" * 16, "a/b", "0123456789abcdeF"])
def test_no_path_is_a_job(queue: JobQueue, name: str) -> None:
    with pytest.raises(UnknownJob):
        queue.folder(name)
    with pytest.raises(UnknownJob):
        queue.get(name)


def test_a_search_finds_the_texts_of_a_request(queue: JobQueue) -> None:
    for name in ("The Brown Fox", "a lazy dog"):
        queue.wait(queue.submit("speak", {"name": name, "more": {"voice": "narrator"}}).id, 5)
    assert [job.request["name"] for job in queue.store.find(search="fox narrator")] == ["The Brown Fox"]
    assert queue.store.count(search="narrator", kinds=("speak",)) == 2
    assert queue.store.count(search="100%") == 0


def test_what_ran_when_the_program_ended_is_begun_again(tmp_path: Path) -> None:
    """As after kill -9: the store says that it runs, and nobody runs it."""
    store = JobStore(tmp_path / "jobs.sqlite")
    jobs = [
        Job(id=new_id(), kind="speak", request={"name": name}, state=state, attempts=attempts, created=now())
        for name, state, attempts in (("a", "running", 1), ("b", "waiting", 0), ("c", "running", 3))
    ]
    for job in jobs:
        (tmp_path / job.id).mkdir()
        store.add(job)
    (tmp_path / new_id()).mkdir()  # made by a request that was never kept
    store.close()
    worker = Worker()
    queue = JobQueue(tmp_path, worker)
    queue.start()
    assert [queue.wait(job.id, 5).state for job in jobs] == ["done", "done", "failed"]
    assert worker.order == ["a", "b"]
    assert "3 times" in queue.get(jobs[2].id).message
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {job.id for job in jobs}
    queue.close()


def test_ending_the_program_puts_work_back(tmp_path: Path) -> None:
    worker = Worker()
    queue = JobQueue(tmp_path, worker)
    queue.start()
    job = queue.submit("speak", {"until": "go"})
    worker.begun.acquire(timeout=5)
    queue.close()
    worker.gate("go").set()
    again = JobQueue(tmp_path, worker)
    again.start()
    assert again.wait(job.id, 5).state == "done"
    assert again.get(job.id).attempts == 1
    again.close()


def test_a_full_disk_does_not_end_the_work(queue: JobQueue, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(job: Job) -> None:
        raise BadJob("the disk is full")

    first = queue.submit("speak", {"until": "go"})
    worker.begun.acquire(timeout=5)
    monkeypatch.setattr(queue.store, "put", full)
    worker.gate("go").set()
    while queue.get(first.id).state == "running" and queue.events(0)[-1][1].stage:
        worker.gate("never").wait(0.01)
    monkeypatch.undo()
    assert queue.wait(queue.submit("speak", {}).id, 5).state == "done"


def test_two_programs_do_not_share_a_queue(queue: JobQueue) -> None:
    with pytest.raises(BadJob, match="another voicewright server"):
        JobQueue(queue.store.path.parent, Worker())


def test_the_oldest_results_go_first(tmp_path: Path) -> None:
    def big(work: Work) -> Mapping[str, Any]:
        (work.out / "sound").write_bytes(b"0" * 400_000)
        return {}

    queue = JobQueue(tmp_path, big, policy=Policy(days=0, megabytes=1))
    queue.start()
    jobs = [queue.wait(queue.submit("speak", {}).id, 5) for _ in range(4)]
    queue.close()
    again = JobQueue(tmp_path, big, policy=Policy(days=0, megabytes=1))
    again.start()
    left = {job.id for job in again.store.find()}
    again.close()
    assert left == {jobs[2].id, jobs[3].id}

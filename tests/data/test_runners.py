"""One process, several, or a cluster: the same dataset, byte for byte; and nothing lost when it is killed."""

import os
import pickle
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from voicewright.data.datasets import Datasets
from voicewright.data.options import PrepareOptions
from voicewright.data.runners import _do_on_cluster, runner_for
from voicewright.data.tasks import Place, Task
from voicewright.errors import BadDataset, BadSetting, MissingExtra, VoicewrightError, WrongVoice
from voicewright.samples import samples

OPTIONS = PrepareOptions(speaker="reader")
RECORDINGS = [sample.path for sample in samples()[1:4]]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("weights")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, weights: Path) -> Path:
    """Prepared by one process, without interruption."""
    folder = tmp_path_factory.mktemp("alone") / "reader"
    Datasets(weights).prepare(RECORDINGS, folder, options=OPTIONS, workers=1)
    return folder


def differences(one: Path, other: Path) -> str:
    return subprocess.run(["diff", "-r", str(one), str(other)], capture_output=True, text=True).stdout


@pytest.mark.slow
def test_several_processes_make_the_same(alone: Path, weights: Path, tmp_path: Path) -> None:
    Datasets(weights).prepare(RECORDINGS, tmp_path / "reader", options=OPTIONS, workers=2)
    assert differences(alone, tmp_path / "reader") == ""


@pytest.mark.slow
def test_a_cluster_of_two_nodes_makes_the_same(alone: Path, weights: Path, tmp_path: Path) -> None:
    script = tmp_path / "cluster.py"
    script.write_text(CLUSTER.format(recordings=[str(path) for path in RECORDINGS]), "utf-8")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "reader"), str(weights)],
        env=os.environ | {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "0"},
        capture_output=True,
        text=True,
        timeout=220,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout.split()[-1]) == 2, "both nodes have worked"
    assert differences(alone, tmp_path / "reader") == ""


CLUSTER = """
import sys, pathlib
import ray
from ray.cluster_utils import Cluster
from voicewright.data.datasets import Datasets
from voicewright.data.options import PrepareOptions

cluster = Cluster(initialize_head=True, head_node_args={{"num_cpus": 1, "include_dashboard": False}})
cluster.add_node(num_cpus=1)
ray.init(address=cluster.address, log_to_driver=False)
nodes = set()
import voicewright.data.runners as runners

def noting(place, task, do=runners._do_on_cluster):
    path = place.folder.parent / "nodes" / ray.get_runtime_context().get_node_id()
    path.parent.mkdir(exist_ok=True)
    path.touch()
    do(place, task)

runners._do_on_cluster = noting
folder, weights = map(pathlib.Path, sys.argv[1:])
Datasets(weights).prepare({recordings!r}, folder, options=PrepareOptions(speaker="reader"), cluster=cluster.address)
print(len(list((folder.parent / "nodes").iterdir())))
ray.shutdown()
cluster.shutdown()
"""


@pytest.mark.slow
def test_a_run_that_is_killed_at_any_moment_is_finished_to_the_same_bytes(
    alone: Path, weights: Path, tmp_path: Path
) -> None:
    folder, moments = tmp_path / "reader", random.Random(0)
    command = [sys.executable, "-c", RUN, str(folder), str(weights), *map(str, RECORDINGS)]
    for _ in range(6):
        there = files_in(folder)
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
            more = moments.randint(1, 8)
            while files_in(folder) < there + more and running.poll() is None:
                time.sleep(0.01)
            time.sleep(moments.uniform(0.0, 0.3))
            running.kill()
    subprocess.run(command, check=True, timeout=120)
    assert differences(alone, folder) == ""


def files_in(folder: Path) -> int:
    return sum(1 for _ in folder.rglob("*"))


RUN = """
import sys
from voicewright.data.datasets import Datasets
from voicewright.data.options import PrepareOptions
Datasets(sys.argv[2]).prepare(sys.argv[3:], sys.argv[1], options=PrepareOptions(speaker="reader"), workers=1)
"""


def place(folder: Path) -> Place:
    return Place(folder=folder, weights=folder, options=PrepareOptions())


def test_a_cluster_where_nobody_listens_is_refused_at_once(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    with pytest.raises(BadSetting, match="localhost:1"), runner_for(place(tmp_path), cluster="localhost:1"):
        pass


def test_fewer_than_no_workers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="workers"), runner_for(place(tmp_path), workers=-1):
        pass


def test_a_dataset_is_prepared_by_one_program_at_a_time(alone: Path, weights: Path) -> None:
    from filelock import FileLock

    with FileLock(alone / "work" / "prepare.lock"), pytest.raises(BadDataset, match="another program"):
        Datasets(weights).prepare(RECORDINGS, alone)


@pytest.mark.slow
def test_workers_leave_when_their_parent_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ORPHANS, str(tmp_path)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        worker = int(child.stdout.readline())
        child.send_signal(signal.SIGKILL)
    for _ in range(100):
        if not is_running(worker):
            return
        time.sleep(0.1)
    os.kill(worker, signal.SIGKILL)
    pytest.fail("the worker outlived its parent")


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


ORPHANS = """
import os, pathlib, sys, time
from voicewright.data.options import PrepareOptions
from voicewright.data.runners import Processes
from voicewright.data.tasks import Place
if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    processes = Processes(Place(folder=folder, weights=folder, options=PrepareOptions()), 2)
    print(processes._pool.submit(os.getpid).result(), flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(
    "problem",
    [MissingExtra("demucs", needed_for="taking music away", extra="separate"), BadSetting("no such model"),
     WrongVoice("anna", made_for="kokoro", used_with="tortoise")],
)  # fmt: skip
def test_what_goes_wrong_in_a_worker_is_told_as_it_is(problem: VoicewrightError) -> None:
    again = pickle.loads(pickle.dumps(problem))
    assert type(again) is type(problem)
    assert str(again) == str(problem)


@pytest.mark.slow
@pytest.mark.parametrize("everybody", [True, False], ids=["terminal", "one process"])
def test_ctrl_c_ends_everything_at_once_and_quietly(tmp_path: Path, everybody: bool) -> None:
    command = [sys.executable, "-c", COMMAND, *map(str, RECORDINGS), "-o", str(tmp_path / "made"), "--workers", "2"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as running:
        assert running.stderr
        assert running.stderr.readline()
        time.sleep(1.5)
        (os.killpg if everybody else os.kill)(running.pid, signal.SIGINT)
        told = running.stderr.read()
        assert running.wait(timeout=10) == 130
    assert "Traceback" not in told
    assert "leaked" not in told
    time.sleep(1.0)
    assert [each for each in group(running.pid) if is_running(each)] == []


def group(leader: int) -> list[int]:
    """The processes of a process group."""
    stats = [
        [*path.read_text().rpartition(")")[2].split(), path.parent.name] for path in Path("/proc").glob("[0-9]*/stat")
    ]
    return [int(fields[-1]) for fields in stats if int(fields[2]) == leader]


COMMAND = """
import sys
from voicewright.apps.cli import main
if __name__ == "__main__":
    sys.exit(main(["prepare", *sys.argv[1:]]))
"""


def test_a_machine_that_does_not_see_a_recording_says_so(tmp_path: Path) -> None:
    task = Task(stage="ingest", name="a", key="k", given={"path": str(tmp_path / "elsewhere.wav")})
    with pytest.raises(BadDataset, match=r"elsewhere\.wav"):
        _do_on_cluster(place(tmp_path), task)
    assert not (tmp_path / "work").exists()

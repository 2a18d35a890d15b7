"""A trainer without networks: it writes what a real one writes, and stops when asked. Run as a process by tests.

Arguments: the run's folder, steps, seconds a step, and how it ends ("", "deaf", "crash").
"""

import sys
import time
from pathlib import Path

from voicewright.training.monitor import Monitor
from voicewright.training.run import Run
from voicewright.training.stopping import StopSignals


def main(folder: str, steps: int, step_s: float, way: str) -> None:
    run = Run.open(Path(folder))
    print("training begins", flush=True)
    with run.lock(), StopSignals() as signals:
        run.update(status="training", steps=steps, epochs=1)
        with Monitor(run, tensorboard=False) as monitor:
            for step in range(1, steps + 1):
                monitor.row("step", step, step / steps, loss=1 / step, lr=1e-4, step_s=step_s)
                if way == "crash" and step == 3:
                    raise RuntimeError("the clip ate the network")
                time.sleep(step_s)
                if (run.stopping or signals.asked) and way != "deaf":
                    return
        run.update(status="finished")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4])

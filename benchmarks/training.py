"""`make bench-train`: how many seconds of sound a second of tuning learns from, in bfloat16 and float32, and what it is
spent on.

    python benchmarks/training.py DATASET --json benchmarks/throughput.json

Steps of both precisions are taken in turn, so that what else the machine does falls on both. A step plays, for each
clip of its batch, `crop_s` seconds of the recording and `spoken_s` of new prosody; both count.
"""

import argparse
import json
import platform
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import torch
from torch.profiler import ProfilerActivity, profile

from voicewright import Studio
from voicewright.data.dataset import Dataset
from voicewright.engines.base import HasOwnVoice
from voicewright.engines.kokoro.options import BATCH, TuningOptions
from voicewright.engines.options import LoraOptions
from voicewright.engines.recipe import Lesson, Trains
from voicewright.measure.speed import peak_memory_bytes
from voicewright.training.examples import examples_of

PRECISIONS = ("bfloat16", "float32")
KINDS = (
    ("convolutions", r"conv"),
    ("recurrent layers", r"lstm|mkldnn_rnn"),
    ("Fourier transforms", r"fft|stft"),
    ("matrix products", r"mm|linear|addbmm|bmm|matmul"),
    ("norm and snake", r"sin|norm|addcmul|mean|sum|var"),
    ("copies and conversions", r"copy|_to|cat|index|pad|clone|fill|zero|repeat"),
)


def main() -> int:
    """Measure and print; with --json, write it down too."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--steps", type=int, default=6, help="of each precision, after one that is not counted")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    options = TuningOptions()
    heard_s = BATCH * (options.crop_s + options.spoken_s)
    steps = {precision: stepper(given.dataset, precision, options) for precision in PRECISIONS}
    taken: dict[str, list[float]] = {precision: [] for precision in PRECISIONS}
    for number in range(given.steps + 1):
        for precision, step in steps.items():
            since = time.perf_counter()
            step(number)
            if number:
                taken[precision].append(time.perf_counter() - since)
    rows = []
    for precision, step in steps.items():
        with profile(activities=[ProfilerActivity.CPU]) as seen:
            step(0)
        step_s = median(taken[precision])
        rows.append(
            {"precision": precision, "step_s": step_s, "sound_s_per_s": heard_s / step_s, "shares": shares(seen)}
        )
    facts = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads",
        "command": " ".join(["python", *sys.argv]),
        "batch": BATCH,
        "sound_s_per_step": heard_s,
        "peak_mb_of_both": peak_memory_bytes() >> 20,
        "rows": rows,
    }
    print(json.dumps(facts, indent=1))
    if given.json:
        given.json.write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
    return 0


def stepper(dataset: Path, precision: str, options: TuningOptions) -> Callable[[int], None]:
    """One step of the recipe, as the loop takes it, on the dataset's first clips of some length."""
    engine = Studio(precision=precision).engine()
    if not isinstance(engine, Trains) or not isinstance(engine, HasOwnVoice):
        raise TypeError("this engine cannot be tuned")
    recipe = engine.recipe(Lesson(options=options, voice=engine.own_voice(), lora=LoraOptions()))
    examples = [each for each in examples_of(Dataset.open(dataset)).train if each.seconds > options.spoken_s][:BATCH]
    items = [recipe.prepare(each) for each in examples]
    networks = dict(recipe.networks)
    optimizers = {
        name: torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=1e-5)
        for name, network in networks.items()
    }

    def step(number: int) -> None:
        generators = [torch.Generator().manual_seed(number * BATCH + i) for i in range(len(items))]
        for update in recipe.updates(networks, recipe.collate(items, generators)):
            optimizers[update.network].zero_grad(set_to_none=True)
            update.loss.backward()
            optimizers[update.network].step()

    return step


def shares(seen: profile) -> dict[str, float]:
    """Share of the processor's time by kind of work, the largest first."""
    found = Counter[str]()
    for event in seen.key_averages():
        kind = next((kind for kind, words in KINDS if re.search(words, event.key.lower())), "the rest")
        found[kind] += event.self_cpu_time_total
    total = sum(found.values())
    return {kind: round(spent / total, 3) for kind, spent in found.most_common()}


if __name__ == "__main__":
    sys.exit(main())

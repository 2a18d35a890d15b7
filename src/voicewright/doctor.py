"""Is this machine ready, how fast is it, and what to do about each thing that is not as it should be."""

import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from voicewright.audio.clip import Clip
from voicewright.engines.base import HasOwnVoice, Speaks
from voicewright.errors import UnknownVoice, VoicewrightError
from voicewright.home import Home
from voicewright.voice.library import Library
from voicewright.voice.voice import Voice
from voicewright.weights.store import SetStatus, Store

State = Literal["ok", "note", "problem"]
NEEDED_WEIGHTS = frozenset(
    {"kokoro", "kokoro-prior", "kokoro-start", "ge2e", "campplus", "silero-vad", "swift-f0", "whisper-tiny.en"}
)
GIB = 2**30
CLONE_MEMORY_GIB = 2.5
SPEAK_MEMORY_GIB = 1.0
FREE_DISK_GIB = 1.0

TRIAL = "The quick brown fox jumps over the lazy dog. Then it sleeps in the sun for an hour."
"""What is spoken to measure the speed."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at: what is so, whether that is well, and what to do if it is not."""

    topic: str
    state: State
    says: str
    advice: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)


def examine(home: Home, store: Store, *, speak: Callable[[], Iterable[Clip]] | None = None) -> list[Finding]:
    """Everything about this machine. `speak` gives the clips of a short text; with None no speed is measured."""
    findings = [python(), *packages(), processor(), memory(), disk(home), home_folder(home), *weights(store)]
    return [*findings, speed(speak)] if speak else findings


def first_voice(library: Library, default: str, engine: Callable[[], Speaks]) -> Voice:
    """The default voice, else the first of the library that is whole, else the engine's own.

    Raises: UnknownVoice: there is none.
    """
    whole = [default] if default else [voice.name for voice in library.list() if not voice.damaged]
    if whole:
        return library.get(whole[0])
    loaded = engine()
    if isinstance(loaded, HasOwnVoice):
        return loaded.own_voice()
    raise UnknownVoice("there is no voice to speak with yet; make one: voicewright clone NAME FILES…")


def python() -> Finding:
    """The interpreter."""
    here = platform.python_version()
    fits = (3, 11) <= sys.version_info < (3, 15)
    advice = "" if fits else "use Python 3.11 to 3.14"
    return Finding(topic="python", state="ok" if fits else "problem", says=f"{here} at {sys.executable}", advice=advice)


def packages() -> Iterator[Finding]:
    """The libraries that the rest stands on, and the one that breaks them."""
    for name in ("torch", "onnxruntime", "av", "soundfile"):
        try:
            yield Finding(topic=name, state="ok", says=version(name))
        except PackageNotFoundError:
            yield Finding(topic=name, state="problem", says="not installed", advice=f"pip install {name}")


def processor() -> Finding:
    """Cores that may be used, and whether bfloat16 is quicker here, by a measurement."""
    import torch

    from voicewright.nn.precision import bfloat16_speedup, has_native_bfloat16

    usable, threads = cores(), torch.get_num_threads()
    gain = bfloat16_speedup()
    chosen = "bfloat16" if has_native_bfloat16("cpu") else "float32"
    says = (
        f"{usable} cores, {threads} threads in use; bfloat16 is {gain:.1f} times as fast as float32, auto is {chosen}"
    )
    figures = {"cores": float(usable), "threads": float(threads), "bfloat16_gain": round(gain, 2)}
    if threads > usable:
        advice = f"set OMP_NUM_THREADS={usable}: more threads than cores slow small networks down many times"
        return Finding(topic="processor", state="problem", says=says, advice=advice, figures=figures)
    if threads < usable:
        advice = f"OMP_NUM_THREADS={usable} would use every core"
        return Finding(topic="processor", state="note", says=says, advice=advice, figures=figures)
    return Finding(topic="processor", state="ok", says=says, figures=figures)


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory() -> Finding:
    """What can be had without swapping; making a voice takes the most."""
    total, free = memory_gib()
    says = f"{free:.1f} GiB free of {total:.1f}"
    figures = {"total_gib": round(total, 2), "free_gib": round(free, 2)}
    if free >= CLONE_MEMORY_GIB:
        return Finding(topic="memory", state="ok", says=says, figures=figures)
    state: State = "note" if free >= SPEAK_MEMORY_GIB else "problem"
    advice = f"close other programs: making a voice takes up to {CLONE_MEMORY_GIB} GiB, speaking {SPEAK_MEMORY_GIB} GiB"
    return Finding(topic="memory", state=state, says=says, advice=advice, figures=figures)


def memory_gib() -> tuple[float, float]:
    """All memory and what is available, in GiB; where the system does not say, the second is the first."""
    info = Path("/proc/meminfo")
    if info.is_file():
        lines = dict(line.split(":", 1) for line in info.read_text("ascii").splitlines())
        total, free = (int(lines[key].split()[0]) / 2**20 for key in ("MemTotal", "MemAvailable"))
        return total, free
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    return total, total


def disk(home: Home) -> Finding:
    """Room where voices and weights are kept."""
    place = _nearest(home.root)
    free = shutil.disk_usage(place).free / GIB
    says = f"{free:.1f} GiB free at {place}"
    figures = {"free_gib": round(free, 2)}
    if free >= FREE_DISK_GIB:
        return Finding(topic="disk", state="ok", says=says, figures=figures)
    advice = "make room, or choose another folder: --home DIR or VOICEWRIGHT_HOME"
    return Finding(topic="disk", state="problem", says=says, advice=advice, figures=figures)


def home_folder(home: Home) -> Finding:
    """Whether the home can be written to and its settings be read."""
    try:
        settings = home.settings()
    except VoicewrightError as problem:
        return Finding(topic="home", state="problem", says=str(problem), advice=f"mend {home.settings_file}")
    if not os.access(_nearest(home.root), os.W_OK):
        advice = "choose another folder: --home DIR or VOICEWRIGHT_HOME"
        return Finding(topic="home", state="problem", says=f"{home.root} cannot be written to", advice=advice)
    rule = "consent is required" if settings.require_consent else "consent is asked for, not required"
    return Finding(topic="home", state="ok", says=f"{home.root}; {rule}")


def _nearest(folder: Path) -> Path:
    """The folder, or the closest one above it that exists."""
    return next(place for place in (folder, *folder.parents) if place.exists())


def weights(store: Store) -> Iterator[Finding]:
    """Every set of weights: where it is, and under which licence."""
    for status in store.status():
        yield _weights_finding(status)


def _weights_finding(status: SetStatus) -> Finding:
    topic = f"weights {status.name}"
    if status.ready:
        return Finding(topic=topic, state="ok", says=f"{status.where}; licence {status.licence}")
    needed = status.name in NEEDED_WEIGHTS
    says = "missing" if needed else "not here, and not needed to speak"
    return Finding(topic=topic, state="problem" if needed else "note", says=says, advice=status.problem)


def speed(speak: Callable[[], Iterable[Clip]]) -> Finding:
    """Real-time factor, time to the first audio and peak memory of a short text, spoken once warm."""
    try:
        for _ in speak():
            pass
        start, first_s, seconds = time.perf_counter(), 0.0, 0.0
        for clip in speak():
            first_s = first_s or time.perf_counter() - start
            seconds += clip.seconds
        taken_s = time.perf_counter() - start
    except UnknownVoice as problem:
        return Finding(topic="speed", state="note", says=f"not measured: {problem}")
    except VoicewrightError as problem:
        return Finding(topic="speed", state="problem", says=f"nothing could be spoken: {problem}")
    factor, peak = taken_s / max(seconds, 1e-9), peak_memory_gib()
    figures = {"rtf": round(factor, 3), "first_audio_s": round(first_s, 3), "peak_memory_gib": round(peak, 2)}
    says = f"RTF {factor:.2f}; first audio after {first_s:.2f} s; peak memory {peak:.2f} GiB"
    if factor < 1:
        return Finding(topic="speed", state="ok", says=says, figures=figures)
    return Finding(topic="speed", state="problem", says=says, advice=_slow_advice(), figures=figures)


def _slow_advice() -> str:
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load > cores:
        return f"other programs keep the {cores} cores busy (load {load:.1f}): close them, or set OMP_NUM_THREADS=1"
    return "--check off saves the checks; a CPU that multiplies bfloat16 in hardware is several times faster"


def peak_memory_gib() -> float:
    """The most memory that this process ever had resident."""
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / GIB

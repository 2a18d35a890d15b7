"""Voices: who may be speaking when in each section of a recording; which voices are one person is found afterwards."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voicewright.audio.clip import Clip
from voicewright.audio.files import read_clip, read_part
from voicewright.data.diarization import DiarizationOptions, Diarizer
from voicewright.data.hearing import RATE, Listener, load_listener
from voicewright.data.pyannote import PyannoteDiarizer
from voicewright.data.tasks import Bench, Task
from voicewright.data.turns import Turn

ENCODER = "campplus"
SAMPLE_S = 60.0
"""Of the sample of a speaker, this much is heard."""


def hear_voices(bench: Bench, task: Task) -> Mapping[str, Any]:
    """`voices` of the section at `given["section"]`, its times from the section's beginning."""
    start_s, end_s = task.given["section"]
    section = read_part(bench.folder / task.given["sound"], start_s, end_s, rate=RATE)
    return {"voices": listener_of(bench).hear(section, turns_by(bench, section)).to_dict()}


def turns_by(bench: Bench, section: Clip) -> list[Turn] | None:
    """The turns that another diarizer finds, if the options name one: "pyannote:FOLDER"."""
    kind, _, folder = bench.options.diarizer.partition(":")
    if kind != "pyannote":
        return None
    if "diarizer" not in bench.tools:
        bench.tools["diarizer"] = PyannoteDiarizer(Path(folder))
    diarizer: Diarizer = bench.tools["diarizer"]
    return diarizer.turns(section, DiarizationOptions(speakers=bench.options.speakers))


def hear_sample(bench: Bench, task: Task) -> Mapping[str, Any]:
    """`voice`: how the one speaker of the recording at `given["path"]` sounds; `speaker`: who that is."""
    clip = read_clip(Path(task.given["path"]), rate=RATE, limit_s=SAMPLE_S)
    return {"voice": [float(number) for number in listener_of(bench).sound_of(clip)], "speaker": task.given["speaker"]}


def listener_of(bench: Bench) -> Listener:
    """The bench's listener, loaded once."""
    if "listener" not in bench.tools:
        bench.tools["listener"] = load_listener(bench.store.file("segmentation"), ENCODER, bench.store.file(ENCODER))
    listener: Listener = bench.tools["listener"]
    return listener

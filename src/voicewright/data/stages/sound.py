"""Sound: a file of each recording in which any second can be reached at once, cleaned if that was asked for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voicewright.audio.files import SoundWriter, read_blocks
from voicewright.data.tasks import Bench, Task

SEEKABLE = {"wav", "wavex", "rf64", "w64", "flac", "aiff"}
"""Containers that are read in place; the others are decoded once, so that no later stage decodes from the start."""


def improve(bench: Bench, task: Task) -> Mapping[str, Any]:
    """Separate and denoise as the options say; `sound` is the file to listen to from now on.

    A recording that needs nothing stays where it is. Made files lie in the work folder; their path is relative to the
    dataset's, so that the folder can be moved.
    """
    path = Path(task.given["path"])
    made = bench.work.path("sound", task.name, ".flac")
    made.parent.mkdir(parents=True, exist_ok=True)
    if bench.options.separate:
        from voicewright.data.separation import load_separator

        load_separator(bench.weights, offline=bench.offline).separate(path, made)
        path = made
    if bench.options.denoise:
        from voicewright.data.denoising import load_denoiser

        load_denoiser().denoise(path, made)
        path = made
    if path != made and task.given["container"] in SEEKABLE:
        return {"sound": str(path)}
    if path != made:
        with SoundWriter(made, task.given["rate"]) as writer:
            for block in read_blocks(path):
                writer.write(block)
    return {"sound": made.relative_to(bench.folder).as_posix()}

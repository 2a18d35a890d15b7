"""Sound: a file of each recording in which any second can be reached at once, cleaned if that was asked for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voicewright.audio.files import SoundWriter, read_blocks
from voicewright.data.tasks import Bench, Task

SEEKABLE = {"wav", "wavex", "rf64", "w64", "flac", "aiff"}
"""Containers that are read in place; the others are decoded once, so that no later stage decodes from the start."""


def improve(bench: Bench, task: Task) -> Mapping[str, Any]:
    """Separate and denoise as the options say; `sound` is the file that clips are cut from, `heard` the one in which
    words and speakers are heard: denoising costs a recogniser more words than the noise did.

    A recording that needs nothing stays where it is. Made files lie in the work folder; their path is relative to the
    dataset's, so that the folder can be moved.
    """
    path, options = Path(task.given["path"]), bench.options
    heard = path
    if options.separate:
        from voicewright.conversion.separation import load_separator

        heard = _made(bench, "voice" if options.denoise else "sound", task.name)
        load_separator(bench.weights, offline=bench.offline).separate(path, heard)
    elif task.given["container"] not in SEEKABLE:
        heard = _made(bench, "raw" if options.denoise else "sound", task.name)
        with SoundWriter(heard, task.given["rate"]) as writer:
            for block in read_blocks(path):
                writer.write(block)
    sound = heard
    if options.denoise:
        from voicewright.data.denoising import load_denoiser

        sound = _made(bench, "sound", task.name)
        load_denoiser().denoise(heard, sound)
    return {"sound": _told(bench, sound), "heard": _told(bench, heard)}


def _made(bench: Bench, folder: str, name: str) -> Path:
    path = bench.work.path(folder, name, ".flac")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _told(bench: Bench, path: Path) -> str:
    return path.relative_to(bench.folder).as_posix() if path.is_relative_to(bench.work.folder) else str(path)

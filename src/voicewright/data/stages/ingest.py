"""Ingest: what each recording is, before anybody listens to it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voicewright.audio.files import describe, sha256_of
from voicewright.data.tasks import Bench, Task


def ingest(bench: Bench, task: Task) -> Mapping[str, Any]:
    """Content hash, length and format of the file at `given["path"]`. Its sound is not decoded yet."""
    path = Path(task.given["path"])
    about = describe(path)
    return {
        "sha256": sha256_of(path),
        "seconds": about.seconds,
        "rate": about.rate,
        "channels": about.channels,
        "codec": about.codec,
        "container": about.container,
    }

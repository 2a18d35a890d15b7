"""`Work`: the intermediate results of a dataset, one plain JSON file for each item of each stage.

A result carries the key of what it was made from. Finished work is found again by that key; a run that was killed
loses no more than the items it was at.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from voicewright.data.manifest import to_plain


def key_of(*made_from: Any) -> str:
    """16 hex digits that stand for plain data or option objects: equal data, equal key."""
    text = json.dumps([to_plain(each) for each in made_from], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Work:
    """A folder with one sub-folder for each stage."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, stage: str, name: str, ending: str = ".json") -> Path:
        """Where a result is kept. `name` may hold "/"; it was made by the dataset, never by a stranger."""
        return self.folder / stage / f"{name}{ending}"

    def find(self, stage: str, name: str, key: str) -> dict[str, Any] | None:
        """A finished result, or None if it has to be made (again)."""
        held = self.latest(stage, name)
        return held if held.get("key") == key else None

    def latest(self, stage: str, name: str) -> dict[str, Any]:
        """The result that is there, whatever it was made from; {} if there is none."""
        try:
            held = json.loads(self.path(stage, name).read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return held if isinstance(held, dict) else {}

    def keep(self, stage: str, name: str, key: str, data: Mapping[str, Any]) -> None:
        """Write a result, as a whole or not at all. After a power cut it may be empty, and is then made again."""
        path = self.path(stage, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        with part.open("w", encoding="utf-8", newline="\n") as file:
            json.dump({"key": key, **to_plain(dict(data))}, file, ensure_ascii=False, separators=(", ", ": "))
            file.write("\n")
        part.replace(path)

    def forget_without_clips(self, stage: str, name: str) -> None:
        """Forget a result with `utterances` whose clips in the dataset are not all there any more."""
        clips = (self.folder.parent / each["audio"] for each in self.latest(stage, name).get("utterances", ()))
        if not all(clip.is_file() for clip in clips):
            self.path(stage, name).unlink(missing_ok=True)

    def tidy(self, stage: str, names: Iterable[str], *, resting: Collection[str] = ()) -> None:
        """Remove what belongs to no item of `stage` any more, and the unfinished parts that a killed run left.

        Args:
            resting: recordings that this run could not use: all that is known of them and their sections stays.
        """
        folder = self.folder / stage
        wanted = {self.path(stage, name).with_suffix("") for name in names}

        def rests(path: Path) -> bool:
            first, *below = path.relative_to(folder).parts
            return path.suffix != ".part" and (first if below else Path(first).stem) in resting

        for path in sorted(folder.rglob("*"), reverse=True):
            if path.is_dir():
                if not any(path.iterdir()):
                    path.rmdir()
            elif path.with_suffix("") not in wanted and not rests(path):
                path.unlink()

    def clear(self) -> None:
        """Remove everything: the next run begins from the recordings."""
        shutil.rmtree(self.folder, ignore_errors=True)

"""`Clips`: the clips of datasets, read once and not for every sound that a page plays."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

from voicewright.data.dataset import Dataset
from voicewright.data.utterance import Utterance
from voicewright.errors import UnknownName

KEPT = 2
"""Datasets that are held at a time: 10,000 clips take about 40 MB, and half a second to read."""

Mark = tuple[int, int, int]


class Clips:
    """What the manifests of the datasets hold that were asked for last. Any thread may call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: OrderedDict[str, tuple[Mark | None, dict[str, Utterance]]] = OrderedDict()

    def of(self, dataset: Dataset) -> Mapping[str, Utterance]:
        """All clips by id, as they are in the manifest now. Raises BadDataset: it cannot be read."""
        name, mark = str(dataset.manifest), _mark(dataset.manifest)
        with self._lock:
            mark_of_held, clips = self._held.pop(name, (None, {}))
            if mark is None or mark_of_held != mark:
                clips = {each.id: each for each in dataset.utterances()}
            self._held[name] = mark, clips
            while len(self._held) > KEPT:
                self._held.popitem(last=False)
        return clips

    def one(self, dataset: Dataset, clip_id: str) -> Utterance:
        """The clip with that id. Raises UnknownName: there is none. BadDataset."""
        found = self.of(dataset).get(clip_id)
        if found is None:
            raise UnknownName(f"there is no clip {clip_id[:80]!r} in this dataset")
        return found


def _mark(path: Path) -> Mark | None:
    """What differs when a file was replaced, as a manifest is for every change; None when there is no file."""
    if not path.is_file():
        return None
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size

"""`Store`: weights by name, found in their sources in order, checked by SHA-256 before anyone reads them."""

import contextlib
import hashlib
import importlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import cast

from voicewright.errors import BadSetting, BadWeights, MissingWeights
from voicewright.progress import Progress, silent
from voicewright.weights.catalogue import BUNDLED, Hub, Parts, WeightFile, WeightSet, known_sets
from voicewright.weights.download import DownloadFailed, Patience, download, hub_url, need_space, settle
from voicewright.weights.places import Place, join_files, package_place, places
from voicewright.weights.tensors import read_metadata, stamp
from voicewright.weights.verified import Verified, sha256_of

LOCK_WAIT_S = 1800.0


@dataclass(frozen=True, slots=True)
class SetStatus:
    """What a user wants to know of a set.

    Args:
        bytes: size of what is in place, else of what would be fetched.
        where: the place it is used from; "" when it is nowhere on this machine.
        ready: usable without a network.
        problem: what is missing or wrong and what to do; "" when ready.
    """

    name: str
    title: str
    licence: str
    bytes: int
    where: str
    ready: bool
    problem: str


class Store:
    """Weights of this machine.

    Args:
        folder: where fetched and converted weights are kept; made when something is first written to it.
        offline: never open a socket. The environment's HF_HUB_OFFLINE has the same effect.
        mirror: address of a server laid out like the Hugging Face hub; else the environment's HF_ENDPOINT.
        extra_folder: a folder of the user's with weights, as SET/FILE, or laid out like a hub mirror, clone or cache.
        sets: the table of sets; the project's own by default.
    """

    def __init__(
        self,
        folder: Path,
        *,
        offline: bool = False,
        mirror: str | None = None,
        extra_folder: Path | None = None,
        sets: Mapping[str, WeightSet] | None = None,
        bundled: Path = BUNDLED,
        patience: Patience | None = None,
    ) -> None:
        self._folder = folder
        self._offline = offline
        self._mirror = mirror
        self._extra = extra_folder
        self._bundled = bundled
        self._sets = dict(known_sets(bundled) if sets is None else sets)
        self._patience = patience or Patience()
        self._verified = Verified(folder / "verified.json")

    def file(self, set_name: str, file_name: str | None = None, *, progress: Progress = silent) -> Path:
        """Path of a checked file: of the set's only file, or of the one named.

        Raises: BadSetting for an unknown name; MissingWeights when no source has it; BadWeights when it cannot be made.
        """
        chosen = self._set(set_name)
        if chosen.makes:
            if file_name not in (None, chosen.makes):
                raise BadSetting(f"weights {set_name!r} have one file, {chosen.makes!r}; {file_name!r} is not in them")
            return self._made(chosen, progress)
        return self._obtain(chosen, _pick(chosen, file_name), progress)

    def folder(self, set_name: str, *, progress: Progress = silent) -> Path:
        """A folder that holds every file of the set under its own name.

        Raises: as `file`.
        """
        chosen = self._set(set_name)
        if chosen.makes:
            return self._made(chosen, progress).parent
        paths = {file.name: self._obtain(chosen, file, progress) for file in chosen.files}
        parents = {path.parent for path in paths.values()}
        if len(parents) == 1 and all(path.name == name for name, path in paths.items()):
            return parents.pop()
        home = self._folder / set_name
        with self._lock(set_name):
            for name, path in paths.items():
                if path != home / name:
                    need_space(home, path.stat().st_size)
                    shutil.copyfile(path, home / f".{name}.tmp")
                    settle(home / f".{name}.tmp", home / name)
        return home

    def content_id(self, set_name: str, *, progress: Progress = silent) -> str:
        """The weights' name by content, hex: the SHA-256 of the only file, of the file they were made from, or of all
        the files' hashes together. Fetches what is missing.

        Raises: as `file`.
        """
        chosen = self._set(set_name)
        if chosen.makes:
            return read_metadata(self._made(chosen, progress))["source_sha256"]
        for file in chosen.files:
            self._obtain(chosen, file, progress)
        if len(chosen.files) == 1:
            return chosen.files[0].sha256
        listing = "".join(f"{file.sha256}  {file.name}\n" for file in sorted(chosen.files, key=lambda each: each.name))
        return hashlib.sha256(listing.encode()).hexdigest()

    def status(self) -> list[SetStatus]:
        """Every set of the table. Looks at lengths only, so it is quick; `file` checks the hashes."""
        return [self._status(chosen) for chosen in self._sets.values()]

    def pull(self, name: str, progress: Progress = silent) -> None:
        """Make a set ready for use without a network: fetch, join or convert what is missing, check the rest.

        Raises: as `file`.
        """
        chosen = self._set(name)
        if chosen.makes:
            self._made(chosen, progress)
        for file in () if chosen.makes else chosen.files:
            self._obtain(chosen, file, progress)

    def remove(self, name: str) -> int:
        """Delete what the local store keeps of a set; gives the bytes freed. Packages are left alone.

        Raises: BadSetting for an unknown name.
        """
        home = self._folder / self._set(name).name
        if not home.is_dir():
            return 0
        with self._lock(name):
            freed = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
            shutil.rmtree(home)
        return freed

    def _set(self, name: str) -> WeightSet:
        if name not in self._sets:
            near = get_close_matches(name, self._sets, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "there are " + ", ".join(sorted(self._sets))
            raise BadSetting(f"no weights are called {name!r}: {hint}")
        return self._sets[name]

    @contextlib.contextmanager
    def _lock(self, set_name: str) -> Iterator[None]:
        """One process at a time writes a set; the others wait and then find it finished."""
        from filelock import FileLock, Timeout

        lock = FileLock(self._folder / f"{set_name}.lock")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=LOCK_WAIT_S)
            (self._folder / set_name).mkdir(exist_ok=True)
        except Timeout as error:
            raise BadWeights(f"another program has been busy with the weights {set_name!r} for half an hour") from error
        except OSError as error:
            lock.release()
            raise BadWeights(
                f"{self._folder}: cannot keep weights here ({error.strerror}); name another folder"
            ) from error
        try:
            yield
        finally:
            lock.release()

    def _obtain(self, chosen: WeightSet, file: WeightFile, progress: Progress) -> Path:
        found = self._on_this_machine(chosen, file, [], progress)
        if found is not None:
            return found
        tried: list[str] = []
        with contextlib.ExitStack() as stack:
            if self._can_write(file):
                stack.enter_context(self._lock(chosen.name))
            found = self._on_this_machine(chosen, file, tried, progress) or self._joined(chosen, file, tried)
            found = found or self._downloaded(chosen, file, tried, progress)
        if found is None:
            raise MissingWeights(_missing(chosen, tried))
        return found

    def _can_write(self, file: WeightFile) -> bool:
        return any(isinstance(source, Parts | Hub) for source in file.sources)

    def _on_this_machine(
        self, chosen: WeightSet, file: WeightFile, tried: list[str], progress: Progress
    ) -> Path | None:
        """The first whole file whose bytes are right; what was tried is added to `tried`."""
        for place in places(file, chosen.name, self._folder, self._extra, self._bundled):
            if place.path is None or not place.path.is_file():
                tried.append(_not_there(place))
            elif not file.sha256:
                tried.append(f"{place.label}: {place.path} is not sealed; run python -m voicewright.weights.seal")
            elif place.path.stat().st_size == file.bytes and self._verified.sha256(place.path, progress) == file.sha256:
                return place.path
            else:
                tried.append(f"{place.label}: {place.path} holds other bytes than expected" + _hint(place))
        return None

    def _joined(self, chosen: WeightSet, file: WeightFile, tried: list[str]) -> Path | None:
        """The file joined from its parts, in the local store."""
        for source in file.sources:
            if not isinstance(source, Parts):
                continue
            found = [package_place(package) for package in source.packages]
            paths = [place.path for place in found if place.path is not None]
            if len(paths) < len(found):
                absent = next(place.label for place in found if place.path is None)
                tried.append(f"{absent} is not installed: {source.command}")
                continue
            out = self._folder / chosen.name / file.name
            need_space(out.parent, file.bytes)
            temporary = out.with_name(f".{out.name}.tmp")
            join_files(paths, temporary)
            if sha256_of(temporary) == file.sha256:
                settle(temporary, out)
                return out
            temporary.unlink()
            tried.append(f"{found[0].label} and its sisters hold other bytes than expected: {source.command}")
        return None

    def _downloaded(self, chosen: WeightSet, file: WeightFile, tried: list[str], progress: Progress) -> Path | None:
        for source in file.sources:
            if not isinstance(source, Hub):
                continue
            if self._is_offline():
                tried.append(f"hub {source.repo}: not asked, because this is offline")
                continue
            out = self._folder / chosen.name / file.name
            url = hub_url(source, self._mirror)
            try:
                download(url, out, sha256=file.sha256, size=file.bytes, progress=progress, patience=self._patience)
            except DownloadFailed as error:
                tried.append(f"hub {error}")
            else:
                return out
        return None

    def _is_offline(self) -> bool:
        return self._offline or os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on")

    def _made(self, chosen: WeightSet, progress: Progress) -> Path:
        out = self._folder / chosen.name / chosen.makes
        if self._is_made(chosen, out, progress):
            return out
        with self._lock(chosen.name):
            if not self._is_made(chosen, out, progress):
                self._make(chosen, out, progress)
        return out

    def _is_made(self, chosen: WeightSet, out: Path, progress: Progress) -> bool:
        """Whether the made file is whole, unchanged and from a source that the table still knows."""
        note = _note(out)
        if not out.is_file() or not note.is_file():
            return False
        if note.read_text(encoding="utf-8").strip() != self._verified.sha256(out, progress):
            return False
        return read_metadata(out).get("source_sha256") in {file.sha256 for file in chosen.files}

    def _make(self, chosen: WeightSet, out: Path, progress: Progress) -> None:
        file, raw = self._raw(chosen, progress)
        converted, stamped = (out.with_name(f".{out.name}.{step}.tmp") for step in ("converted", "stamped"))
        progress(f"converting {file.name}", 0, 1)
        try:
            _converter(file.convert)(raw, converted)
            stamp(converted, stamped, {
                "source": file.name, "source_sha256": file.sha256,
                "licence": chosen.licence, "attribution": chosen.attribution,
            })  # fmt: skip
            _note(out).write_text(sha256_of(stamped) + "\n", encoding="utf-8")
            settle(stamped, out)
        finally:
            converted.unlink(missing_ok=True)
            stamped.unlink(missing_ok=True)
        if raw == out.parent / file.name:
            raw.unlink()  # it was fetched for this and would only take room
        progress(f"converting {file.name}", 1, 1)

    def _raw(self, chosen: WeightSet, progress: Progress) -> tuple[WeightFile, Path]:
        """The first source file to be had: those on this machine first, then joined ones, then the hub's."""
        tried: list[str] = []
        for file in chosen.files:
            if path := self._on_this_machine(chosen, file, tried, progress):
                return file, path
        for file in chosen.files:
            if path := self._joined(chosen, file, tried):
                return file, path
        for file in chosen.files:
            if path := self._downloaded(chosen, file, tried, progress):
                return file, path
        raise MissingWeights(_missing(chosen, tried))

    def _status(self, chosen: WeightSet) -> SetStatus:
        if chosen.makes and (made := self._folder / chosen.name / chosen.makes).is_file():
            return _row(chosen, made.stat().st_size, "local store", "")
        found = [self._glance(chosen, file) for file in chosen.files]
        if chosen.makes:
            file, (where, problem) = next(
                (pair for pair in zip(chosen.files, found, strict=True) if pair[1][0]), (chosen.files[0], found[0])
            )
            return _row(chosen, file.bytes, f"{where}, converted on first use" if where else "", problem)
        where = ", ".join(dict.fromkeys(place for place, _ in found if place))
        problem = next((problem for _, problem in found if problem), "")
        return _row(chosen, sum(file.bytes for file in chosen.files), where, problem)

    def _glance(self, chosen: WeightSet, file: WeightFile) -> tuple[str, str]:
        """Where a file seems to be, else what to do about it."""
        problem = ""
        for place in places(file, chosen.name, self._folder, self._extra, self._bundled):
            if place.path is not None and place.path.is_file():
                if file.sha256 and place.path.stat().st_size == file.bytes:
                    return place.label, ""
                problem = f"{place.path} is not the file expected" + _hint(place)
            elif place.advice:
                problem = problem or _not_there(place)
        for source in file.sources:
            if isinstance(source, Parts):
                found = [package_place(package).path for package in source.packages]
                if sum(path.stat().st_size for path in found if path is not None) == file.bytes:
                    return f"{len(found)} packages", ""
                problem = problem or f"not installed: {source.command}"
        if any(isinstance(source, Hub) for source in file.sources):
            problem = f"{problem}, or " * bool(problem) + f"fetch it: voicewright weights pull {chosen.name}"
        return "", problem


def _pick(chosen: WeightSet, file_name: str | None) -> WeightFile:
    names = [file.name for file in chosen.files]
    if file_name is None and len(names) == 1:
        return chosen.files[0]
    if file_name not in names:
        asked = "say which" if file_name is None else f"{file_name!r} is not among them"
        raise BadSetting(f"weights {chosen.name!r} have the files {', '.join(names)}: {asked}")
    return chosen.files[names.index(file_name)]


def _converter(spec: str) -> Callable[[Path, Path], None]:
    module, _, function = spec.partition(":")
    return cast("Callable[[Path, Path], None]", getattr(importlib.import_module(module), function))


def _note(made: Path) -> Path:
    return made.with_name(f"{made.name}.sha256")


def _not_there(place: Place) -> str:
    return f"{place.label}: {'not there' if place.path else 'not installed'}" + _hint(place)


def _hint(place: Place) -> str:
    return f"; {place.advice}" if place.advice else ""


def _missing(chosen: WeightSet, tried: list[str]) -> str:
    lines = "".join(f"\n  - {line}" for line in dict.fromkeys(tried))
    return f"weights {chosen.name!r} ({chosen.title}) were found in none of their places:{lines}"


def _row(chosen: WeightSet, size: int, where: str, problem: str) -> SetStatus:
    return SetStatus(chosen.name, chosen.title, chosen.licence, size, where, not problem, problem)

"""`Library`: a folder of voices, looked up by name."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

from voicewright.errors import BadVoice, UnknownVoice
from voicewright.voice.consent import NOT_STATED
from voicewright.voice.file import read_header, read_voice, write_voice
from voicewright.voice.names import SUFFIX, same_file_key, voice_name
from voicewright.voice.voice import Voice


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceSummary:
    """One line of a library's list. A file that cannot be read has `damaged` (why) and little else."""

    name: str
    path: Path
    engine: str = ""
    weights: str = ""
    language: str = ""
    created: str = ""
    licence: str = ""
    consent: str = NOT_STATED
    seconds: float = 0.0
    """Length of the recordings that it was made from."""
    scores: Mapping[str, float] = field(default_factory=dict)
    has_preview: bool = False
    damaged: str = ""


class Library:
    """The voices in one folder, each in its `NAME.voice`. The file's name is the voice's name.

    A name is looked up among the files that are there; it becomes part of a path only after `voice_name` accepted it.
    Names that a case-insensitive file system cannot tell apart are one name.

    Args:
        folder: made when the first voice is added.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, voice: Voice, *, replace: bool = False) -> Path:
        """Keep `voice` under its name; where it is now.

        Raises:
            BadVoice: the name is taken (and `replace` is not set) or not allowed, or the voice cannot be written.
        """
        name = voice_name(voice.name)
        taken = self._files().get(same_file_key(name))
        if not replace:
            self.require_free(name)
        path = self.folder / f"{name}{SUFFIX}"
        write_voice(voice, path)
        if taken and taken.name != path.name and taken.exists() and not taken.samefile(path):
            taken.unlink()
        return path

    def require_free(self, name: str) -> None:
        """Nothing, if a voice could be added under `name`. Raises BadVoice: the name is taken or not allowed."""
        taken = self._files().get(same_file_key(voice_name(name)))
        if taken:
            raise BadVoice(
                f"there is a voice {_name_of(taken)!r} in {self.folder} already; choose another name, "
                f"remove it (voicewright voices remove {_name_of(taken)!r}), or replace it (--replace)"
            )

    def get(self, name: str) -> Voice:
        """The voice called `name`.

        Raises:
            UnknownVoice: none is; the message gives the nearest name.
            BadVoice: not a name, or its file is damaged.
        """
        path = self._find(name)
        return _named(read_voice(path), _name_of(path))

    def open(self, name_or_path: str | Path) -> Voice:
        """The voice called so; or, for a `Path` or a text that ends with `.voice`, the one in that file.

        For a user's own command line. Never give it text that came over a network: use `get`.
        """
        if isinstance(name_or_path, Path) or name_or_path.casefold().endswith(SUFFIX):
            return read_voice(Path(name_or_path))
        return self.get(name_or_path)

    def list(self) -> list[VoiceSummary]:
        """All voices by name. Reads headers only; a damaged file is listed as such."""
        return [_summary(path) for _, path in sorted(self._files().items())]

    def rename(self, old: str, new: str) -> Path:
        """Give a voice another name; where it is now. Raises UnknownVoice, BadVoice (the new name is taken)."""
        path = self._find(old)
        name = voice_name(new)
        respelled = same_file_key(name) == same_file_key(_name_of(path))
        target = self.add(_named(read_voice(path), name), replace=respelled)
        if not respelled:
            path.unlink()
        elif target.name != path.name and path.exists():
            path.rename(target)
        return target

    def remove(self, name: str) -> None:
        """Delete a voice. Raises UnknownVoice."""
        self._find(name).unlink()

    def export(self, name: str, path: Path, *, replace: bool = False) -> Path:
        """Write a voice to `path`, or into it if it is a folder; where it is now.

        Raises:
            UnknownVoice: no such voice.
            BadVoice: it is damaged, or there is a file already and `replace` is not set.
        """
        voice = self.get(name)
        target = path / f"{voice_name(voice.name)}{SUFFIX}" if path.is_dir() else path
        if target.exists() and not replace:
            raise BadVoice(f"{target} is there already; choose another file, or replace it (--replace)")
        write_voice(voice, target)
        return target

    def import_(self, path: Path, name: str | None = None, *, replace: bool = False) -> Voice:
        """Take over the voice in the file at `path`, as `name` or as it calls itself; the voice as it is kept.

        Raises:
            BadVoice: the file cannot be read, or the name is taken.
        """
        voice = read_voice(path)
        kept = _named(voice, voice_name(name)) if name is not None else voice
        self.add(kept, replace=replace)
        return kept

    def _find(self, name: str) -> Path:
        files = self._files()
        path = files.get(same_file_key(voice_name(name)))
        if path is not None:
            return path
        names = {same_file_key(_name_of(p)): _name_of(p) for p in files.values()}
        near = get_close_matches(same_file_key(name), names, n=1, cutoff=0.5)
        if near:
            hint = f"did you mean {names[near[0]]!r}?"
        elif names:
            hint = f"there are: {', '.join(sorted(names.values())[:10])}"
        else:
            hint = f"the library is empty; make one: voicewright clone {name!r} FILES…"
        raise UnknownVoice(f"no voice {name!r} in {self.folder}; {hint}")

    def _files(self) -> dict[str, Path]:
        """Every voice file whose name is a voice's name, by what its name has in common with its look-alikes."""
        if not self.folder.is_dir():
            return {}
        files = {}
        for path in sorted(self.folder.iterdir()):
            if path.suffix == SUFFIX and path.is_file() and _is_name(path.name.removesuffix(SUFFIX)):
                files[same_file_key(_name_of(path))] = path
        return files


def stale(voice: Voice, *, engine_weights: str, sources: Mapping[str, Path] | None = None) -> list[str]:
    """Why `voice` should be made again; empty if it is up to date.

    Args:
        engine_weights: content id of the weights in place.
        sources: the recordings by their names in `voice.sources`; None does not look at recordings.
    """
    from voicewright.audio.files import sha256_of

    reasons = []
    if voice.weights != engine_weights:
        reasons.append(
            f"voice {voice.name!r} was made with the {voice.engine} weights {voice.weights[:12]}, "
            f"and {engine_weights[:12]} are in place now"
        )
    for source in voice.sources if sources is not None else ():
        path = (sources or {}).get(source.name)
        shown = source.name or f"with the checksum {source.sha256[:12]}"
        if path is None or not path.is_file():
            reasons.append(f"the recording {shown} that voice {voice.name!r} was made from is not there")
        elif sha256_of(path) != source.sha256:
            reasons.append(f"the recording {shown} has changed since voice {voice.name!r} was made from it")
    return reasons


def _is_name(text: str) -> bool:
    try:
        voice_name(text)
    except BadVoice:
        return False
    return True


def _name_of(path: Path) -> str:
    return voice_name(path.name.removesuffix(SUFFIX))


def _named(voice: Voice, name: str) -> Voice:
    return voice if voice.name == name else replace(voice, name=name)


def _summary(path: Path) -> VoiceSummary:
    try:
        header = read_header(path)
    except BadVoice as problem:
        return VoiceSummary(name=_name_of(path), path=path, damaged=str(problem))
    voice = header.voice
    return VoiceSummary(
        name=_name_of(path),
        path=path,
        engine=voice.engine,
        weights=voice.weights,
        language=voice.language,
        created=voice.created,
        licence=voice.licence,
        consent=str(voice.consent),
        seconds=sum(source.seconds for source in voice.sources),
        scores=voice.scores,
        has_preview=header.has_preview,
    )

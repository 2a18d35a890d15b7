"""Checkpoints that others made (`G_*.pth` with `config.json`) become voices."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from voicewright.engines.sovits.singer import Singer
from voicewright.engines.sovits.upstream import read_checkpoint
from voicewright.errors import BadSetting, BadVoice, BadWeights
from voicewright.voice.consent import Consent
from voicewright.voice.names import nearest_name, voice_name
from voicewright.voice.voice import Voice

LFS_POINTER = b"version https://git-lfs"


def import_checkpoint(
    generator: Path,
    config: Path | None = None,
    *,
    speaker: str | None = None,
    name: str = "",
    consent: Consent | None = None,
    licence: str = "",
    home_hz: float = 0.0,
) -> list[Voice]:
    """The voices in a checkpoint of so-vits-svc 4.0, 4.1 or the fork.

    Args:
        generator: the `G_*.pth`; it is read as data, and nothing in it is run.
        config: its config.json; None is the one beside it.
        speaker: only this one of its speakers; None is all of them.
        name: what the voice is called; "" is the speaker's own name. With several voices it stands before their names.
        home_hz: the speaker's usual pitch, which a checkpoint does not tell; 0 is not known.

    Raises:
        BadWeights: the file is missing, damaged, cut short, a discriminator, or belongs to another config.json.
        UnsafeFile: it holds more than plain data. BadVoice: it lacks the speaker, or needs an unknown content encoder.
        BadSetting: a usual pitch, and several speakers that it could be of.
    """
    _check_file(generator)
    told = read_config(config or generator.with_name("config.json"))
    checkpoint = read_checkpoint(generator, told)
    speakers = checkpoint.facts.speakers or {"speaker": 0}
    if speaker is not None and speaker not in speakers:
        raise BadVoice(f"{generator}: there is no speaker {speaker!r} in it; it has {', '.join(sorted(speakers))}")
    wanted = [speaker] if speaker is not None else sorted(speakers)
    if home_hz and len(wanted) > 1:
        raise BadSetting(
            f"the usual pitch is one speaker's, and {generator} has {', '.join(wanted)}; say which speaker"
        )
    model = told.get("model")
    named = str(model.get("speech_encoder", "")) if isinstance(model, Mapping) else ""
    voices = []
    for each in wanted:
        singer = Singer(
            config=checkpoint.config,
            tensors=checkpoint.tensors,
            speaker=each,
            speakers=speakers,
            content=named,
            home_hz=home_hz,
        )
        voice = singer.voice(_called(name, each, alone=len(wanted) == 1), consent=consent, licence=licence)
        told_of = {"iteration": checkpoint.facts.iteration, "remarks": list(checkpoint.facts.remarks)}
        voices.append(replace(voice, settings={**voice.settings, **told_of}))
    return voices


def read_config(path: Path) -> dict[str, Any]:
    """A config.json. Raises BadWeights: it is missing, or is not such a file."""
    if not path.is_file():
        raise BadWeights(f"{path}: there is no such file; a checkpoint comes with its config.json, name it")
    try:
        told = json.loads(path.read_text("utf-8-sig"))
    except (ValueError, OSError) as problem:
        raise BadWeights(f"{path}: cannot be read as JSON ({problem})") from problem
    if not isinstance(told, dict) or not isinstance(told.get("model"), dict):
        raise BadWeights(f'{path}: this is not the config.json of a so-vits-svc model (it has no "model" part)')
    return told


def _check_file(generator: Path) -> None:
    """What goes wrong most often, in words that help. Raises BadWeights."""
    if not generator.is_file():
        raise BadWeights(f"{generator}: there is no such file; name the checkpoint, G_….pth")
    with generator.open("rb") as file:
        start = file.read(len(LFS_POINTER))
    if start == LFS_POINTER:
        raise BadWeights(
            f"{generator}: this is a pointer of Git LFS and not the checkpoint itself; download the file, or run "
            "git lfs pull where it came from"
        )
    if start.lstrip().startswith((b"<", b"{")):
        raise BadWeights(f"{generator}: this is a web page or a text, not a checkpoint; download the file again")


def _called(name: str, speaker: str, *, alone: bool) -> str:
    """The name given, or one after the speaker that a library can keep. Raises BadVoice: the name given cannot be."""
    if name and alone:
        return voice_name(name)
    return nearest_name(f"{voice_name(name)}-{speaker}" if name else speaker)

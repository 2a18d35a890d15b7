"""`Imports`: voices that come from files, ours and other people's."""

from importlib import import_module
from pathlib import Path

from voicewright.errors import BadVoice
from voicewright.voice.consent import Consent
from voicewright.voice.library import Library
from voicewright.voice.names import SUFFIX
from voicewright.voice.voice import Voice

CHECKPOINTS = {".pth": "voicewright.engines.sovits.importing:import_checkpoint"}
"""What reads the published checkpoints that end so."""


class Imports:
    """Takes voices into a library.

    Args:
        consent_needed_by: who wants consent to be stated with voices that bring none; "" is nobody.
    """

    def __init__(self, library: Library, *, consent_needed_by: str = "") -> None:
        self._library, self._needed_by = library, consent_needed_by

    def voice_file(self, file: Path, name: str | None = None, *, replace: bool = False) -> Voice:
        """A `.voice` file, under its own name or another. Raises BadVoice."""
        return self._library.import_(file, name, replace=replace)

    def checkpoint(
        self,
        file: Path,
        config: Path | None = None,
        *,
        name: str | None = None,
        speaker: str | None = None,
        consent: str = "",
        replace: bool = False,
    ) -> list[Voice]:
        """The voices in a published checkpoint, read as data: nothing in it is run.

        Args:
            config: its configuration; None is the one beside it.
            name: what the voice is called; None is its speaker's name.
            speaker: only this one of its speakers.

        Raises:
            BadVoice: nothing reads such a file, or the name is taken. NoConsent: it was not stated and is required.
            BadWeights, UnsafeFile: the file is not what it should be.
        """
        if file.suffix not in CHECKPOINTS:
            raise BadVoice(f"{file}: a voice comes from a {SUFFIX} file or a checkpoint: {', '.join(CHECKPOINTS)}")
        agreed = Consent(consent.strip())
        if self._needed_by:
            agreed.required(by=self._needed_by)
        module, _, function = CHECKPOINTS[file.suffix].partition(":")
        read = getattr(import_module(module), function)
        voices: list[Voice] = read(file, config, speaker=speaker, name=name or "", consent=agreed)
        if not replace:
            for voice in voices:
                self._library.require_free(voice.name)
        for voice in voices:
            self._library.add(voice, replace=replace)
        return voices

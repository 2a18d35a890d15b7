"""`Imports`: voices that come from files, ours and other people's."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from voicewright.errors import BadSetting, BadVoice
from voicewright.measure.pitch import usual_pitch_hz
from voicewright.measure.tracking import tracker_named
from voicewright.voice.consent import Consent
from voicewright.voice.library import Library
from voicewright.voice.names import SUFFIX
from voicewright.voice.voice import Voice
from voicewright.weights.store import Store

CHECKPOINTS = {".pth": "voicewright.engines.sovits.importing:import_checkpoint"}
"""What reads the published checkpoints that end so."""
TRACKER = "swift"
LOWEST_HOME_HZ, HIGHEST_HOME_HZ = 40.0, 1600.0


class Imports:
    """Takes voices into a library.

    Args:
        store: where the pitch tracker's network comes from.
        consent_needed_by: who wants consent to be stated with voices that bring none; "" is nobody.
    """

    def __init__(self, library: Library, store: Store, *, consent_needed_by: str = "") -> None:
        self._library, self._store, self._needed_by = library, store, consent_needed_by

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
        home_hz: float = 0.0,
        consent: str = "",
        replace: bool = False,
    ) -> list[Voice]:
        """The voices in a published checkpoint, read as data: nothing in it is run.

        Args:
            config: its configuration; None is the one beside it.
            name: what the voice is called; None is its speaker's name.
            speaker: only this one of its speakers.
            home_hz: the speaker's usual pitch (40 to 1600), which no checkpoint tells; 0 is not known.

        Raises:
            BadVoice: nothing reads such a file, or the name is taken. BadSetting: `home_hz` is out of range, or was
                given for several speakers. NoConsent: it was not stated and is required.
            BadWeights, UnsafeFile: the file is not what it should be.
        """
        if file.suffix not in CHECKPOINTS:
            raise BadVoice(f"{file}: a voice comes from a {SUFFIX} file or a checkpoint: {', '.join(CHECKPOINTS)}")
        if home_hz and not LOWEST_HOME_HZ <= home_hz <= HIGHEST_HOME_HZ:
            raise BadSetting(
                f"a voice's usual pitch is from {LOWEST_HOME_HZ:g} to {HIGHEST_HOME_HZ:g} Hz, got {home_hz:g}; speech "
                "of men is around 110 Hz, of women around 200"
            )
        agreed = Consent(consent.strip())
        if self._needed_by:
            agreed.required(by=self._needed_by)
        module, _, function = CHECKPOINTS[file.suffix].partition(":")
        read = getattr(import_module(module), function)
        voices: list[Voice] = read(file, config, speaker=speaker, name=name or "", consent=agreed, home_hz=home_hz)
        if not replace:
            for voice in voices:
                self._library.require_free(voice.name)
        for voice in voices:
            self._library.add(voice, replace=replace)
        return voices

    def usual_pitch_hz(self, recordings: Sequence[Path]) -> float:
        """How high somebody speaks or sings, measured in recordings of them, for `checkpoint`.

        Raises:
            BadClip: one cannot be read, or nobody is heard. MissingWeights: the pitch tracker's network is not here.
        """
        return usual_pitch_hz(recordings, tracker_named(TRACKER, self._store))

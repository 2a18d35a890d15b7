"""`Converting`: a voice that turns recordings into files, each with its card."""

import base64
from dataclasses import asdict
from pathlib import Path
from typing import Self

from voicewright.audio.files import sha256_of
from voicewright.conversion.conversion import Conversion, Converted
from voicewright.conversion.folder import FolderReport, convert_folder
from voicewright.conversion.options import ConversionSettings
from voicewright.conversion.separation import Separator
from voicewright.engines.base import Converts
from voicewright.engines.options import ConvertOptions
from voicewright.measure.tracking import tracker_named
from voicewright.progress import Progress, silent
from voicewright.settings import to_dict
from voicewright.speech.card import write_card
from voicewright.speech.converted import ConvertedCard
from voicewright.speech.options import Output
from voicewright.speech.output import check_embedding, embedded
from voicewright.speech.speech import VoiceFacts
from voicewright.voice.voice import Voice
from voicewright.weights.store import Store


class Converting:
    """Converts one recording after another with a converter that was made once.

    Args:
        conversion: the voice's converter at work.
        voice, engine, settings, options: whose voice it is, what makes the sound and how, for the card.
        output: whether a card is written, and whether the voice goes into it.
    """

    def __init__(
        self,
        conversion: Conversion,
        *,
        voice: Voice,
        engine: Converts,
        settings: ConversionSettings,
        options: ConvertOptions,
        output: Output,
    ) -> None:
        self._conversion, self._voice, self._engine = conversion, voice, engine
        self._settings, self._options, self._output = settings, options, output
        self._embedded = base64.b64encode(embedded(voice, output)).decode()

    @classmethod
    def ready(
        cls,
        voice: Voice,
        engine: Converts,
        store: Store,
        *,
        settings: ConversionSettings,
        options: ConvertOptions,
        output: Output,
        separator: Separator | None = None,
    ) -> Self:
        """A voice made ready by its engine; its pitch tracker comes from `store`.

        Raises:
            StaleVoice, WrongVoice: the voice does not fit the weights in place. MissingExtra, MissingWeights: what a
            setting needs is not here. BadSetting: the voice is too large for a card that is to hold it.
        """
        check_embedding(voice, output)
        low_hz, high_hz = settings.pitch_low_hz, settings.pitch_high_hz
        tracker = tracker_named(settings.pitch, store, low_hz=low_hz, high_hz=high_hz)
        converter = engine.converter(voice, options)
        conversion = Conversion(converter, tracker, settings, seed=options.seed, separator=separator)
        return cls(conversion, voice=voice, engine=engine, settings=settings, options=options, output=output)

    def file(self, source: Path, out: Path, *, progress: Progress = silent) -> Converted:
        """The recording at `source` in the voice, into `out`: there as a whole with its card, or not at all.

        Raises: BadClip: the recording cannot be read, or `out` cannot be written.
        """
        converted = self._conversion.convert(source, out, progress=progress)
        if self._output.card:
            write_card(out, self._card(source, converted))
        return converted

    def folder(
        self, source: Path, out: Path, *, ending: str = ".wav", again: bool = False, progress: Progress = silent
    ) -> FolderReport:
        """Every recording below `source`, into the same places below `out`; see `convert_folder`."""
        return convert_folder(source, out, self.file, ending=ending, again=again, progress=progress)

    def _card(self, source: Path, converted: Converted) -> ConvertedCard:
        return ConvertedCard(
            source=source.name,
            source_sha256=sha256_of(source),
            voice=VoiceFacts.of(self._voice, self._engine),
            settings=to_dict(self._settings) | {"engine": asdict(self._options)},
            transposed=converted.semitones,
            voice_file=self._embedded,
        )

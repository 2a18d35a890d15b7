"""Who speaks by pyannote.audio, for those who have it and its weights: another `Diarizer`."""

from pathlib import Path
from typing import Any

from voicewright.audio.clip import Clip
from voicewright.data.diarization import DiarizationOptions
from voicewright.data.turns import Turn, spoken_s, tidy
from voicewright.errors import MissingExtra, MissingWeights


class PyannoteDiarizer:
    """A pipeline of pyannote.audio 3 or 4 behind `Diarizer`.

    The package reads its weights in its own way, which may run code in them: use a folder that you trust. A whole
    recording is in memory at once.

    Args:
        pipeline: the folder of a pipeline, or its `config.yaml`. Nothing is downloaded by this class.

    Raises:
        MissingExtra: pyannote.audio is not installed.
        MissingWeights: there is no pipeline at that place.
    """

    def __init__(self, pipeline: Path) -> None:
        config = pipeline / "config.yaml" if pipeline.is_dir() else pipeline
        if not config.is_file():
            raise MissingWeights(
                f"{pipeline}: no pipeline of pyannote.audio (a folder with config.yaml); get one from its authors, "
                "for example huggingface.co/pyannote/speaker-diarization-3.1"
            )
        try:
            from pyannote.audio import Pipeline  # type: ignore[import-not-found, unused-ignore]
        except ImportError as problem:
            raise MissingExtra(
                "pyannote.audio", needed_for="finding speakers by pyannote", extra="pyannote"
            ) from problem
        self._pipeline: Any = Pipeline.from_pretrained(str(pipeline))

    def turns(self, clip: Clip, options: DiarizationOptions) -> list[Turn]:
        """The turns of a recording. Of the options, the number of speakers and how turns are tidied count here."""
        from voicewright.nn.listening import one_channel

        sound = {"waveform": one_channel(clip.samples), "sample_rate": clip.rate}
        answer = self._pipeline(sound, num_speakers=options.speakers or None)
        annotation = getattr(answer, "speaker_diarization", answer)  # version 4 wraps it
        found = [
            Turn(max(0.0, segment.start), min(segment.end, clip.seconds), str(label))
            for segment, _, label in annotation.itertracks(yield_label=True)
            if min(segment.end, clip.seconds) > max(0.0, segment.start)
        ]
        names = {label: f"speaker{number}" for number, label in enumerate(spoken_s(found), start=1)}
        named = (Turn(turn.start_s, turn.end_s, names[turn.speaker]) for turn in found)
        return tidy(named, shortest_s=options.shortest_s, gap_s=options.gap_s)

"""`Ears`: what the meters hear in one spoken text, or one converted recording, against the recordings of the speaker
that were held out."""

import hashlib
import json
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, cast

import numpy as np

from voicewright.audio.clip import Clip
from voicewright.audio.edit import join
from voicewright.audio.files import read_clip
from voicewright.audio.loudness import clipping, loudness_lufs
from voicewright.audio.pitch import Pitch, PitchTracker
from voicewright.engines.base import Converts, SpeakOptions, Speaks
from voicewright.engines.recipe import Example
from voicewright.errors import BadClip, BadDataset, BadWeights, MissingWeights
from voicewright.measure.intelligibility import Recogniser, word_errors
from voicewright.measure.naturalness import RATE, WINDOW
from voicewright.measure.pitch import pitch_match
from voicewright.measure.report import Meters, NaturalnessMeter
from voicewright.measure.similarity import VERIFIER, Embedding, SpeakerEncoder, centre, similarity
from voicewright.progress import Progress, silent
from voicewright.text.split import split
from voicewright.training.converting import converted
from voicewright.training.texts import SECONDS, Task
from voicewright.voice.voice import Voice

if TYPE_CHECKING:
    from voicewright.text.piece import Piece

CHOOSERS = ("ge2e", "campplus")
"""The encoders that rank checkpoints. The verifier only looks."""
MOST_CLIPS = 40
"""Recordings that a speaker's centre is taken over: more move it by less than 0.01."""
LEAST_CLIP_S = 1.6
"""One window of GE2E: shorter recordings are heard only where there are not enough others."""
ENOUGH_CLIPS = 10
FEATURES = "speaker.safetensors"
SPARE = 16
"""Samples more than a window of DNSMOS, so that resampling never leaves one short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One text as one voice spoke it. None: not measured, or nothing there to measure."""

    text: str
    sound: str
    """The file's name, in the folder of the scores."""
    seconds: float
    likeness: Mapping[str, float]
    """Cosine to the centre of the held-out recordings, by encoder; 0 where there is nobody to be heard."""
    naturalness: float | None
    """DNSMOS overall, 1 to 5."""
    words_wrong: int | None
    words: int
    heard: str
    """What the recogniser heard."""
    loudness_lufs: float | None
    """None for silence."""
    clipped: float
    """Share of samples in flat tops."""
    rtf: float
    """Seconds of speaking by seconds of sound; below 1 is faster than it plays."""
    melody: float | None = None
    """Of a converted recording: how its pitch follows the recording's, as a correlation."""

    @property
    def alike(self) -> float:
        """Mean likeness of the encoders that may choose."""
        return fmean(self.likeness[name] for name in CHOOSERS)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Speaker:
    """The speaker as the encoders hear the recordings: `centres` by encoder; `ceiling`, how like that centre the
    speaker's own recordings are, each against the others; how many `clips`; the `key` of what was heard."""

    centres: Mapping[str, Embedding]
    ceiling: Mapping[str, float]
    clips: int
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class Ears:
    """The meters that there are, loaded. Without recogniser or naturalness meter those figures are None."""

    encoders: Mapping[str, SpeakerEncoder]
    speaker: Speaker
    language: str
    recogniser: Recogniser | None = None
    naturalness: NaturalnessMeter | None = None
    tracker: PitchTracker | None = None
    """For recordings that are converted."""
    _pieces: dict[str, "list[Piece]"] = field(default_factory=dict, repr=False)
    _sources: dict[str, tuple[Clip, Heard]] = field(default_factory=dict, repr=False)

    def perform(self, engine: Speaks | Converts, voice: Voice, task: Task) -> "Performed":
        """The task's text spoken, or its recording converted, with seed 0.

        Raises: WrongVoice, StaleVoice, BadText, BadSetting: from the engine. TypeError: it cannot do such a task.
        """
        if task.recording is None:
            return Performed(*self.speak(cast(Speaks, engine), voice, task.text))
        if not isinstance(engine, Converts) or self.tracker is None:
            raise TypeError(f"{engine.name} cannot convert recordings here")
        started = time.perf_counter()
        clip, wished = converted(engine, voice, self.source(task)[0], self.tracker)
        return Performed(clip, time.perf_counter() - started, wished)

    def source(self, task: Task) -> tuple[Clip, Heard]:
        """The recording of a task, at most 12 s of it, and what is heard in it; what a conversion is compared with.

        Raises: BadClip: it cannot be read.
        """
        if task.sha256 not in self._sources:
            clip = read_clip(cast(Path, task.recording)).between(0, SECONDS[1])
            transcript = self.recogniser.transcribe(clip).text if self.recogniser else ""
            heard = self._heard(Task(task.text), Performed(clip, 0.0), "", transcript, transcript)
            self._sources[task.sha256] = clip, replace(heard, melody=1.0)
        return self._sources[task.sha256]

    def speak(self, engine: Speaks, voice: Voice, text: str) -> tuple[Clip, float]:
        """`text` by `engine` with seed 0, the pauses of its marks inside, and how many seconds it took.

        Raises: WrongVoice, StaleVoice, BadText: from the engine.
        """
        pieces = self._pieces.setdefault(text, split(text, language=self.language))
        started = time.perf_counter()
        try:
            clips = list(engine.stream(pieces, voice, SpeakOptions()))
        except BadClip:  # the network has come apart: what it gives are no numbers
            clips = [Clip.silence(0, engine.rate)]
        taken_s = time.perf_counter() - started
        pauses = [Clip.silence(piece.pause_s, engine.rate) for piece in pieces[: len(clips) - 1]]
        return join(
            [part for pair in zip(clips, [*pauses, clips[0].between(0, 0)], strict=False) for part in pair]
        ), taken_s

    def listen(self, task: Task, done: "Performed", *, sound: str) -> Heard:
        """What is heard in what was made of a task. A text should be said in it; of a recording, what the recogniser
        heard there."""
        clip = done.clip
        transcript = self.recogniser.transcribe(clip).text if self.recogniser and len(clip) else ""
        if task.recording is not None:
            return self._heard(task, done, sound, self.source(task)[1].heard, transcript)
        pieces = self._pieces.setdefault(task.text, split(task.text, language=self.language))
        return self._heard(task, done, sound, " ".join(piece.spoken for piece in pieces), transcript)

    def _heard(self, task: Task, done: "Performed", sound: str, spoken: str, transcript: str) -> Heard:
        clip, taken_s = done.clip, done.taken_s
        errors = word_errors(spoken, transcript, language=self.language) if self.recogniser and spoken.strip() else None
        loudness = loudness_lufs(clip)
        return Heard(
            text=task.text,
            sound=sound,
            seconds=clip.seconds,
            likeness={name: self._likeness(name, clip) for name in self.encoders},
            naturalness=self.naturalness.score(_window(clip)).overall if self.naturalness and len(clip) else None,
            words_wrong=errors.wrong if errors else None,
            words=errors.words if errors else 0,
            heard=transcript,
            loudness_lufs=loudness if np.isfinite(loudness) else None,
            clipped=clipping(clip).share,
            rtf=taken_s / max(clip.seconds, 0.1),
            melody=None if task.recording is None else self._melody(clip, done.wished),
        )

    def _melody(self, clip: Clip, wished: Pitch | None) -> float | None:
        """None where nothing was to be sung; 0 where it was, and is not."""
        if wished is None or self.tracker is None or not wished.voiced.any():
            return None
        found = pitch_match(self.tracker.track(clip), wished) if len(clip) else None
        return found.correlation if found else 0.0

    def _likeness(self, name: str, clip: Clip) -> float:
        try:
            return similarity(self.encoders[name].embed(clip), self.speaker.centres[name])
        except BadClip:  # silence, or a click
            return 0.0


@dataclass(frozen=True, slots=True)
class Performed:
    """What a voice made of a task, how many seconds it took, and the pitch curve that it was to follow."""

    clip: Clip
    taken_s: float
    wished: Pitch | None = None


def _window(clip: Clip) -> Clip:
    """The clip repeated, or cut, to what DNSMOS hears at once: one window of one length for every text, and quick."""
    return clip.with_samples(np.resize(clip.samples, math.ceil((WINDOW + SPARE) * clip.rate / RATE)))


def open_ears(
    meters: Meters,
    recordings: Sequence[Example],
    folder: Path,
    *,
    language: str,
    words: bool = True,
    naturalness: bool = True,
    melody: bool = False,
    progress: Progress = silent,
) -> Ears:
    """Load the meters (with `melody` those for conversions too), and hear up to 40 of the speaker's `recordings`, once:
    what was heard is kept in `folder`.

    Raises:
        BadDataset: no recording of the speaker can be heard.
        MissingWeights, BadWeights: GE2E or CAM++ is not to be had. The verifier is left out where it is missing.
    """
    encoders = {name: meters.encoder(name) for name in CHOOSERS}
    with suppress(MissingWeights):
        encoders[VERIFIER] = meters.encoder(VERIFIER)
    return Ears(
        encoders=encoders,
        speaker=_speaker(encoders, _chosen(recordings), folder / FEATURES, progress),
        language=language,
        recogniser=meters.recogniser(language) if words else None,
        naturalness=meters.naturalness() if naturalness else None,
        tracker=meters.pitch() if melody else None,
    )


def _chosen(recordings: Sequence[Example]) -> list[Example]:
    """Up to 40 recordings, evenly spread over their names; short ones only where there are not enough others."""
    ordered = sorted(recordings, key=lambda example: example.id)
    long = [example for example in ordered if example.seconds >= LEAST_CLIP_S]
    pool = long if len(long) >= ENOUGH_CLIPS else sorted(ordered, key=lambda example: -example.seconds)[:MOST_CLIPS]
    places = np.linspace(0, len(pool) - 1, min(MOST_CLIPS, len(pool))).round().astype(int)
    return [pool[place] for place in places]


def _speaker(
    encoders: Mapping[str, SpeakerEncoder], recordings: Sequence[Example], cache: Path, progress: Progress
) -> Speaker:
    key = hashlib.sha256(json.dumps([sorted(encoders), [each.sha256 for each in recordings]]).encode()).hexdigest()
    kept = _read(cache, key)
    if kept is not None:
        return kept
    embeddings: dict[str, list[Embedding]] = {name: [] for name in encoders}
    for number, example in enumerate(recordings):
        progress("hearing the speaker", number, len(recordings))
        try:
            clip = read_clip(example.audio)
            heard = {name: encoder.embed(clip) for name, encoder in encoders.items()}
        except BadClip:  # too little sound in it for a speaker, or it has gone: the others speak for it
            continue
        for name, embedding in heard.items():
            embeddings[name].append(embedding)
    clips = len(embeddings[CHOOSERS[0]])
    if not clips:
        where = f"none of the {len(recordings)} can be heard" if recordings else "there is none"
        raise BadDataset(f"auditions need recordings of the speaker to compare with, and {where}; check the dataset")
    speaker = Speaker(
        centres={name: centre(each) for name, each in embeddings.items()},
        ceiling={name: _ceiling(each) for name, each in embeddings.items()},
        clips=clips,
        key=key,
    )
    _write(cache, speaker)
    return speaker


def _ceiling(embeddings: Sequence[Embedding]) -> float:
    """Mean cosine of each recording to the centre of the others; 1 for a single one."""
    if len(embeddings) < 2:
        return 1.0
    whole = np.sum(embeddings, axis=0)
    return fmean(similarity(each, whole - each) for each in embeddings)


def _read(path: Path, key: str) -> Speaker | None:
    """What was kept under `key`; None when there is nothing, or of other recordings, or damaged: it is made again."""
    from voicewright.weights.tensors import read_metadata, read_tensors

    if not path.is_file():
        return None
    try:
        notes, tensors = read_metadata(path), read_tensors(path)
    except BadWeights:
        return None
    if notes.get("key") != key:
        return None
    return Speaker(
        centres={name: np.asarray(tensor, np.float32) for name, tensor in tensors.items()},
        ceiling=json.loads(notes["ceiling"]),
        clips=int(notes["clips"]),
        key=key,
    )


def _write(path: Path, speaker: Speaker) -> None:
    from safetensors.numpy import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    notes = {"key": speaker.key, "clips": str(speaker.clips), "ceiling": json.dumps(dict(speaker.ceiling))}
    save_file(dict(speaker.centres), part, metadata=notes)
    part.replace(path)

"""The reference doctor: any recordings in, the best seconds of one speaker out, and in words what was done and why."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.audio.files import sha256_of
from voicewright.audio.pitch import PitchTracker
from voicewright.errors import BadClip, BadReference
from voicewright.progress import Progress, silent
from voicewright.text.languages import heard_language
from voicewright.voice.choice import choose
from voicewright.voice.findings import (
    UNKNOWN,
    Finding,
    Forecast,
    clock,
    forecast,
    quality_findings,
    speaker_list,
    stray_findings,
    typical,
    unused_findings,
    use_findings,
)
from voicewright.voice.quality import Quality
from voicewright.voice.rules import ReferenceRules
from voicewright.voice.segments import FindsSpeech, Heard, Pool, Segment, listen, merged
from voicewright.voice.speakers import Speaker, SpeakerEncoder, speakers_in, threshold, windows
from voicewright.voice.voice import Source
from voicewright.voice.words import Recogniser, what_is_said

__all__ = ["Finding", "Forecast", "Reference", "ReferenceRules", "ReferenceTools", "examine"]

LEAST_RATE = 16_000
MUSIC_TONES, MUSIC_LIVELINESS_DB = 5.0, 5.5
"""Held tones and a level that hardly moves: what an activity detector took for speech is music."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceTools:
    """What the doctor listens with. Without a recogniser the language stays unknown and there are no transcripts;
    without a pitch tracker the pitch does."""

    activity: FindsSpeech
    encoder: SpeakerEncoder
    pitch: PitchTracker | None = None
    recogniser: Recogniser | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """The best seconds of one speaker.

    `clips` in the order of recordings and time, each at its recording's rate and never below 16 kHz; `transcripts` what
    was heard in each, or (); `speakers` how many were found; `language` "unknown" unless a recogniser was sure;
    `pitch_hz` the median pitch and `pitch_range_semitones` what 90 % of it spans, 0 if there was no tracker.
    """

    clips: tuple[Clip, ...]
    sources: tuple[Source, ...]
    findings: tuple[Finding, ...]
    forecast: Forecast
    quality: Quality
    speakers: int
    pitch_hz: float = 0.0
    pitch_range_semitones: float = 0.0
    language: str = UNKNOWN
    transcripts: tuple[str, ...] = ()

    @property
    def seconds_used(self) -> float:
        return sum(clip.seconds for clip in self.clips)


@dataclass(slots=True)
class _Examination:
    """What is known so far, from step to step."""

    tools: ReferenceTools
    rules: ReferenceRules
    progress: Progress
    recordings: list[Heard] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)


def examine(
    recordings: Sequence[Path],
    *,
    tools: ReferenceTools,
    wanted_speaker: int | Path | None = None,
    rules: ReferenceRules | None = None,
    progress: Progress = silent,
) -> Reference:
    """The best 6 to 30 s of one speaker out of any number and length of recordings.

    Memory does not grow with the length: at most `rules.pool_s` of speech is kept. The same recordings in the same
    order give the same reference.

    Args:
        wanted_speaker: which one to use when there are several: 1 for the one who speaks longest, 2 for the next, …;
            or a recording of the one wanted.

    Raises:
        BadReference: nothing readable, no speech, less than 2 s of it, music only, or several speakers and no choice;
            the message says what to do.
    """
    state = _Examination(tools, rules or ReferenceRules(), progress)
    _listen_to_all(state, recordings)
    _refuse_without_speech(state)
    candidates, speakers = _of_one_speaker(state, wanted_speaker)
    chosen = choose(state.segments, candidates, state.rules)
    used = [state.segments[i] for i in chosen]
    seconds = sum(segment.seconds for segment in used)
    if seconds < state.rules.refuse_s:
        raise BadReference(
            f"only {seconds:.1f} s of usable speech {_in_all(state)}; at least 3 s are needed, 10 s or more are better"
        )
    clips = tuple(_at_least(clip) for _, clip in merged(used))
    language, transcripts = _words(state, clips)
    pitch_hz, pitch_range = _pitch(state, clips)
    state.findings += [
        *use_findings(state.segments, chosen, state.recordings),
        *unused_findings(state.segments, chosen, candidates, state.recordings, state.rules),
        *quality_findings(used, state.rules),
    ]
    numbers = sorted({segment.recording for segment in used})
    return Reference(
        clips=clips,
        sources=tuple(_source(state.recordings[number]) for number in numbers),
        findings=tuple(state.findings),
        forecast=forecast(state.findings),
        quality=typical(used),
        speakers=speakers,
        pitch_hz=pitch_hz,
        pitch_range_semitones=pitch_range,
        language=language,
        transcripts=transcripts,
    )


def _listen_to_all(state: _Examination, paths: Sequence[Path]) -> None:
    """Fill `recordings` and `segments`; files that cannot be read become findings."""
    if not paths:
        raise BadReference("no recordings were given; name one or more sound files of the speaker")
    paths = _once_each(state, paths)
    labels = _labels(paths)
    share_s = max(state.rules.best_s, state.rules.pool_s / len(paths))
    everything = Pool(state.rules.pool_s)
    for done, (path, label) in enumerate(zip(paths, labels, strict=True)):

        def tell(seconds: float, done: int = done) -> None:
            state.progress("listening", done + seconds / (seconds + 60), len(paths))

        try:
            number = len(state.recordings)
            pool = Pool(share_s)
            heard = listen(path, number, state.tools.activity, state.rules, pool=pool, label=label, tell=tell)
        except BadClip as problem:
            state.findings.append(
                Finding(kind="unreadable", where=label, sentence=f"left out: {problem}", severity="info")
            )
            continue
        state.recordings.append(heard)
        for segment in heard.segments:
            everything.add(segment)
        heard.segments = []
    state.progress("listening", len(paths), len(paths))
    state.segments = everything.segments
    if not state.recordings:
        problems = "\n".join(f"  {finding.where}: {finding.sentence}" for finding in state.findings)
        raise BadReference(f"none of the recordings can be read:\n{problems}")


def _once_each(state: _Examination, paths: Sequence[Path]) -> list[Path]:
    """The paths without copies of one recording: the same seconds twice teach nothing new."""
    first: dict[tuple[int, str], Path] = {}
    sizes = Counter(path.stat().st_size for path in paths if path.is_file())
    kept = []
    for path in paths:
        if path.is_file() and sizes[path.stat().st_size] > 1:
            key = (path.stat().st_size, sha256_of(path))
            if key in first:
                sentence = f"left out: it is the same recording as {first[key].name}"
                state.findings.append(Finding(kind="twice", where=path.name, sentence=sentence))
                continue
            first[key] = path
        kept.append(path)
    return kept


def _labels(paths: Sequence[Path]) -> list[str]:
    names = Counter(path.name for path in paths)
    return [path.name if names[path.name] == 1 else f"{path.parent.name}/{path.name}" for path in paths]


def _refuse_without_speech(state: _Examination) -> None:
    seconds, speech_s = sum(r.seconds for r in state.recordings), sum(r.speech_s for r in state.recordings)
    if seconds < state.rules.refuse_s:
        raise BadReference(f"the recordings are only {seconds:.1f} s long; at least 3 s of speech are needed")
    if speech_s == 0:
        raise BadReference(
            f"no speech was found {_in_all(state)}; give recordings in which the speaker talks alone, "
            "without music, and loud enough to be heard"
        )
    musical = [s for s in state.segments if s.quality.tones > MUSIC_TONES and s.liveliness_db < MUSIC_LIVELINESS_DB]
    if state.segments and len(musical) == len(state.segments):
        raise BadReference("this sounds like music without speech; give recordings in which the speaker talks alone")


def _of_one_speaker(state: _Examination, wanted: int | Path | None) -> tuple[list[int], int]:
    """The segments of the speaker to use, and how many speakers there are."""
    rules, segments = state.rules, state.segments
    found = speakers_in(segments, state.tools.encoder, rules, state.progress)
    total_s = sum(speaker.seconds for speaker in found)
    people = [
        s
        for number, s in enumerate(found)
        if number == 0 or (s.seconds >= rules.other_speaker_s and s.seconds >= rules.other_speaker_share * total_s)
    ]
    if not people:
        return list(range(len(segments))), 1
    speaker = _wanted(state, people, wanted)
    embedded = {i for i, segment in enumerate(segments) if windows(segment.clip, rules)}
    candidates = set(speaker.segments)
    if len(people) == 1:
        # Too short to tell who speaks, and there is nobody else it could be.
        candidates |= set(range(len(segments))) - embedded
    others = sorted({i for person in people if person is not speaker for i in person.segments})
    strays = sorted(embedded - candidates - set(others))
    state.findings += stray_findings(segments, others, state.recordings, "another speaker")
    state.findings += stray_findings(segments, strays, state.recordings, "it does not sound like this speaker")
    return sorted(candidates), len(people)


def _wanted(state: _Examination, people: Sequence[Speaker], wanted: int | Path | None) -> Speaker:
    listed = speaker_list(people, state.segments, state.recordings)
    if isinstance(wanted, Path):
        return _like_sample(state, people, wanted, listed)
    if wanted is None:
        if len(people) > 1:
            raise BadReference(
                f"{len(people)} speakers were found, and a voice has one:\n{listed}\n"
                "say which one with --speaker 1, or with a recording of only that speaker: --speaker sample.wav"
            )
        return people[0]
    if not 1 <= wanted <= len(people):
        raise BadReference(f"there is no speaker {wanted}; these were found:\n{listed}")
    return people[wanted - 1]


def _like_sample(state: _Examination, people: Sequence[Speaker], sample: Path, listed: str) -> Speaker:
    """The speaker who sounds like the one in the recording `sample`."""
    pool = Pool(state.rules.best_s)
    try:
        listen(sample, 0, state.tools.activity, state.rules, pool=pool)
    except BadClip as problem:
        raise BadReference(f"the sample of the wanted speaker cannot be read: {problem}") from problem
    parts = [part for segment in pool.segments for part in windows(segment.clip, state.rules)]
    if not parts:
        raise BadReference(f"{sample} holds too little speech to tell who it is; give 3 s or more of only that speaker")
    centre = np.mean([state.tools.encoder.embed(part) for part in parts], axis=0)
    centre /= np.linalg.norm(centre)
    nearest = max(people, key=lambda person: person.likeness(centre))
    if nearest.likeness(centre) < threshold(state.tools.encoder, state.rules):
        raise BadReference(
            f"nobody in the recordings sounds like {sample.name} (likeness {nearest.likeness(centre):.2f}, "
            f"{threshold(state.tools.encoder, state.rules):.2f} needed); these were found:\n{listed}"
        )
    return nearest


def _words(state: _Examination, clips: Sequence[Clip]) -> tuple[str, tuple[str, ...]]:
    """The language, and what is said in each clip."""
    if state.tools.recogniser is None:
        return UNKNOWN, ()
    state.progress("which words", 0, 1)
    said = what_is_said(clips, state.tools.recogniser)
    state.progress("which words", 1, 1)
    if said.probability < state.rules.sure_words:
        sentence = "the words could not be made out; the language is unknown, or the recogniser does not know it"
        state.findings.append(Finding(kind="language", where="", sentence=sentence))
        return UNKNOWN, ()
    state.findings.append(Finding(kind="language", where="", sentence=f"the words are {heard_language(said.language)}"))
    return said.language, said.texts


def _pitch(state: _Examination, clips: Sequence[Clip]) -> tuple[float, float]:
    """Median (Hz) and range (semitones) of the pitch, zeros if it is not known."""
    if state.tools.pitch is None:
        return 0.0, 0.0
    tracks = [state.tools.pitch.track(clip) for clip in clips]
    voiced = np.concatenate([track.f0_hz[track.voiced] for track in tracks])
    if not len(voiced):
        return 0.0, 0.0
    low, middle, high = np.percentile(voiced, [5, 50, 95])
    semitones = float(12 * np.log2(high / low))
    sentence = f"the voice lies at about {middle:.0f} Hz and moves over {semitones:.0f} semitones"
    state.findings.append(Finding(kind="pitch", where="", sentence=sentence))
    return float(middle), semitones


def _at_least(clip: Clip) -> Clip:
    return resample(clip, LEAST_RATE) if clip.rate < LEAST_RATE else clip


def _source(recording: Heard) -> Source:
    return Source(sha256=sha256_of(recording.path), seconds=round(recording.seconds, 3), name=recording.path.name)


def _in_all(state: _Examination) -> str:
    seconds = sum(recording.seconds for recording in state.recordings)
    names = [recording.label for recording in state.recordings]
    return f"in {clock(seconds)} of {names[0] if len(names) == 1 else f'{len(names)} recordings'}"

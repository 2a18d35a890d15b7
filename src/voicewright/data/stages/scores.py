"""Scores: what the meters say about clips. A clip that was scored before is not heard again."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.audio.files import read_clip, read_part
from voicewright.data.duplicates import fingerprint
from voicewright.data.manifest import to_plain
from voicewright.data.options import PrepareOptions
from voicewright.data.paths import inside
from voicewright.data.scoring import RATE, Embed, ScoringTools, due, embeddings_of, score
from voicewright.data.tasks import Bench, Task, task_key
from voicewright.data.utterance import Utterance
from voicewright.errors import BadClip
from voicewright.settings import from_dict
from voicewright.voice.quality import Scene, scene_of

NETWORKS = ("campplus", "swift-f0", "dnsmos")
SCENE_S = 5.0
"""Less sound gives no fair view of the room."""
MOST_SCENE_S = 60.0
MARGIN_S = 2.0


def score_clips(bench: Bench, task: Task) -> Mapping[str, Any]:
    """`clips`: for each of `given["utterances"]` its id, the key of what was heard, its scores, its voice
    and its fingerprint."""
    utterances = [from_dict(Utterance, each, where=task.name) for each in task.given["utterances"]]
    before = {each["id"]: each for each in bench.work.latest(task.stage, task.name).get("clips", [])}
    scene: Scene | None = None
    clips: list[dict[str, Any]] = []
    fresh: list[tuple[dict[str, Any], Clip]] = []
    for utterance in utterances:
        key = score_key(utterance, bench.options, task.given["weights"])
        held = before.get(utterance.id)
        if held is None or held["key"] != key or "problem" in held:
            scene = scene or _scene(bench, task, utterances)
            held = {"id": utterance.id, "key": key}
            try:
                clip = read_clip(inside(bench.folder, utterance.audio))
                held |= _heard(bench, task, utterance, clip, scene)
                fresh.append((held, resample(clip, RATE)))
            except BadClip as problem:
                held["problem"] = str(problem)
        clips.append(held)
    voices = embeddings_of([clip for _, clip in fresh], _embed_of(bench)) if fresh else []
    for (held, _), voice in zip(fresh, voices, strict=True):
        held["voice"] = _packed(voice) if voice is not None else ""
    unread = [held["problem"] for held in clips if "problem" in held]
    return {"clips": clips, "problem": unread[0]} if unread else {"clips": clips}


def score_key(utterance: Utterance, options: PrepareOptions, weights: Sequence[str]) -> str:
    """Stands for everything that the scores of an utterance depend on."""
    words = [(word.text, word.start_s, word.end_s, word.score) for word in utterance.words]
    source = utterance.source and (utterance.source.start_s, utterance.source.end_s)
    return task_key(
        "scores",
        utterance.sha256,
        utterance.text,
        utterance.heard,
        utterance.language,
        utterance.gold,
        words,
        source,
        options.naturalness_every_s,
        weights,
    )


def unpacked(text: str) -> NDArray[np.float32]:
    """The numbers that a result holds as text."""
    return np.frombuffer(base64.b64decode(text), "<f2").astype(np.float32)


def _packed(numbers: NDArray[np.float32]) -> str:
    return base64.b64encode(numbers.astype("<f2").tobytes()).decode()


def _embed_of(bench: Bench) -> Embed:
    """What hears how the speakers of clips sound, loaded once."""
    if "embed" not in bench.tools:
        from voicewright.nn.listening import load_embedder

        bench.tools["embed"] = load_embedder("campplus", bench.store.file("campplus"), rectified=True)
    embed: Embed = bench.tools["embed"]
    return embed


def _heard(bench: Bench, task: Task, utterance: Utterance, clip: Clip, scene: Scene | None) -> dict[str, Any]:
    source = utterance.source
    every_s = bench.options.naturalness_every_s
    wanted = source is None or due(source.start_s, source.end_s, every_s, key=source.sha256)
    naturalness = bench.meters.naturalness() if wanted else None
    tools = ScoringTools(pitch=bench.meters.pitch(), naturalness=naturalness)
    scores = score(utterance, clip, tools, scene=scene, original=_original(bench, task, utterance))
    return {
        "scores": to_plain(asdict(replace(scores, overlap=None, sureness=None))),
        "print": _packed(fingerprint(clip)),
    }


def _original(bench: Bench, task: Task, utterance: Utterance) -> Clip | None:
    """The stretch as it was recorded; None if the recording is gone."""
    if not task.given["sound"] or utterance.source is None:
        return None
    try:
        return read_part(bench.folder / task.given["sound"], utterance.source.start_s, utterance.source.end_s)
    except BadClip:
        return None


def _scene(bench: Bench, task: Task, utterances: list[Utterance]) -> Scene | None:
    """What surrounds the speech of these utterances, from the recording around them; None: let each clip say."""
    sources = [utterance.source for utterance in utterances if utterance.source]
    if not task.given["sound"] or not sources:
        return None
    start_s = max(0.0, min(source.start_s for source in sources) - MARGIN_S)
    end_s = max(source.end_s for source in sources) + MARGIN_S
    part = partial(read_part, bench.folder / task.given["sound"], rate=RATE)
    try:
        clip = part(start_s, min(end_s, start_s + MOST_SCENE_S))
    except BadClip:
        return None
    return scene_of(clip) if clip.seconds >= SCENE_S else None

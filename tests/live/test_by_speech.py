"""Phrase after phrase: nothing of a phrase is lost, and pauses give way."""

import numpy as np

from voicewright.live.by_speech import BySpeech

RATE = 8000


def phrases(*lengths_s: float, pause_s: float = 0.6) -> np.ndarray:
    random, parts = np.random.default_rng(0), []
    for seconds in lengths_s:
        parts += [np.zeros(round(pause_s * RATE)), 0.3 * random.standard_normal(round(seconds * RATE))]
    return np.concatenate([*parts, np.zeros(3 * RATE)]).astype(np.float32)


def played(sound: np.ndarray, block: int = 2000) -> np.ndarray:
    speech = BySpeech(RATE, window_s=0.1)
    return np.concatenate(
        [speech.process(sound[at : at + block], lambda part: 0.5 * part) for at in range(0, len(sound), block)]
    )


def test_every_phrase_is_heard_whole_converted_and_in_order() -> None:
    sound = phrases(0.5, 1.2, 0.3)[: 54_000 // 2000 * 2000]
    out = played(sound)
    said, heard = sound[sound != 0], out[out != 0]
    assert len(out) == len(sound)
    assert np.allclose(heard, 0.5 * said)


def test_silence_stays_silence() -> None:
    assert not played(np.zeros(8000, np.float32)).any()

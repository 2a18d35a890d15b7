"""The fork's two ways of being live: windows that cross-fade, and phrase after phrase."""

import re
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import numpy as np

from voicewright.audio.clip import Samples
from voicewright.live.by_speech import BySpeech
from voicewright.live.sola import Crossfader, Seam, Spans, Wave, best_shift, seam_scores
from voicewright.parity.case import Case, Compared

FORK = Seam(fade="linear", centred=False)
NUMBER = r"(-?\d+(?:\.\d+)?)"


def realtime(case: Case) -> Iterator[Compared]:
    """The fork's SOLA, its cross-fader around two stand-ins for a network, and its second algorithm."""
    for call in case.calls:
        given = {name: tensor.numpy() for name, tensor in case.inputs(call).items()}
        what = str(case.about(call).get("what", ""))
        if call.startswith("sola"):
            made = _sola(case, what, given)
        elif call.startswith("crossfader"):
            made = _crossfaded(case, what, given["x"])
        else:
            made = _by_speech(case, call, what, given["x"])
        yield from case.compare(call, made, rtol=1e-5)


def _sola(case: Case, what: str, given: dict[str, Any]) -> dict[str, Any]:
    fade, search = (int(_told(case, what, name)) for name in ("crossfade_len", "sola_search_len"))
    first, second = given["first"], given["second"]
    scores = seam_scores(first[len(first) - fade :], second, search)
    return {
        "y": FORK.join(first, second, fade, search),
        "score_for_reference": scores,
        "shift_for_reference": best_shift(scores),
    }


def _crossfaded(case: Case, what: str, sound: Samples) -> dict[str, Any]:
    spans = Spans(
        context=int(_told(case, what, "before")),
        look_ahead=int(_told(case, what, "after")),
        crossfade=int(_told(case, what, "crossfade_len", "crossfade")),
        search=int(_told(case, what, "sola_search_len", "sola")),
    )
    size = int(_told(case, what, "block") or _found(r"blocks of (\d+)", what, len(sound)))
    crossfader, convert = Crossfader(spans, seam=FORK), _stand_in(what)
    blocks = [sound[at : at + size] for at in range(0, len(sound), size)]
    return {
        "y": np.concatenate([crossfader.process(block, len(block), convert) for block in blocks]),
        "last_input_left": crossfader.history,
        "last_infered_left": crossfader.tail,
    }


def _stand_in(what: str) -> Callable[[Samples], Wave]:
    """What stood for the network: nothing, or a shift from a list that goes on with every block."""
    found = re.search(r"shifts[ =]*[(\[]([-\d, ]+)[)\]]", what)
    if found is None:
        return lambda window: window
    shifts = [int(number) for number in found[1].split(",") if number.strip()]
    gain = re.search(rf"{NUMBER}\s*\*\s*np\.roll", what)
    blocks = count(1)

    def shifted(window: Samples) -> Wave:
        factor = float(gain[1]) if gain else 1.0
        wave: Wave = factor * np.roll(window, shifts[next(blocks) % len(shifts)])
        return wave

    return shifted


def _by_speech(case: Case, call: str, what: str, sound: Samples) -> dict[str, Any]:
    rate = _found(rf"{NUMBER}\s*kHz", what, 0.0) * 1000 or _found(rf"{NUMBER}\s*Hz", what, 8000.0)
    blocks = int(_found(r"(\d+)\s+(?:equal\s+)?blocks", what, 1.0))
    speech = BySpeech(
        round(rate),
        threshold_db=_found(rf"db_thresh[ =]*{NUMBER}", what, -40.0),
        window_s=_found(rf"chunk_seconds[ =]*{NUMBER}", what, 0.5),
    )
    factor = np.float32(_found(rf"infer\s*=\s*{NUMBER}\s*\*", what, 1.0))
    made = [speech.process(block, lambda part: factor * part) for block in np.split(sound, blocks)]
    return {"y": np.concatenate(made), "left": speech.unfinished}


def _told(case: Case, what: str, *names: str) -> float:
    """A number that the call's description tells, else the constructor; 0 if neither does."""
    for name in names:
        if found := re.search(rf"\b{name}\s*=\s*{NUMBER}", what):
            return float(found[1])
    return next((float(case.constructor[name]) for name in names if name in case.constructor), 0.0)


def _found(pattern: str, text: str, otherwise: float) -> float:
    found = re.search(pattern, text)
    return float(found[1]) if found else otherwise

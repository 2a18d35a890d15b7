"""Slicing as the fork and upstream do it, and their ways through a file with a stand-in for the network."""

import ast
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voicewright.conversion.slicers import (
    Row,
    UpstreamParts,
    UpstreamSlicer,
    fork_convert,
    fork_slices,
    fork_window,
    upstream_convert,
)
from voicewright.errors import BadClip
from voicewright.parity.case import Case, Compared

NAMES = ("threshold", "min_length", "min_interval", "hop_size", "max_sil_kept")


def slicer(case: Case) -> Iterator[Compared]:
    """Upstream's slicer, with settings from the facts or from the call's name; and its levels."""
    for call in case.calls:
        samples = case.inputs(call)["x"].numpy()
        cutter = UpstreamSlicer(_rate(case), **_slicer_settings(case, call))
        if call.startswith("rms"):
            yield from case.compare(call, {"rms": cutter.levels(samples)})
        else:
            rows = [(not spoken, first, last) for spoken, first, last in cutter.slices(samples)]
            yield from case.compare(call, {"slices": _table(rows)}, atol=0)


def slice_inference(case: Case) -> Iterator[Compared]:
    """Upstream's `slice_inference`."""
    for call in case.calls:
        what, rate = str(case.about(call).get("what", "")), _rate(case)
        given, heard = described(what), list[int]()
        hop = int(_number(r"//\s*(\d+)", what, 512))
        samples = (case.inputs(call)["x16"].numpy() / 32768).astype(np.float32)
        rows = UpstreamSlicer(rate, threshold=_number(r"slice_db\s*=\s*(-?[\d.]+)", what, -40.0)).slices(samples)

        def infer(part: NDArray[np.float64], heard: list[int] = heard, hop: int = hop) -> NDArray[np.float64]:
            heard.append(len(part))
            return np.float64(0.5 + 0.1 * (len(heard) % 3)) * part[: len(part) // hop * hop]

        parts = UpstreamParts(
            hop=hop,
            pad_s=given.get("pad_seconds", 0.5),
            clip_s=given.get("clip_seconds", 0.0),
            overlap_s=given.get("lg_num", 0.0),
            faded=given.get("lgr_num", 0.75),
        )
        made, frames = upstream_convert(samples, rows, rate, infer, parts)
        wanted = {"y": made, "infer_lengths": np.array(heard), "frame_offsets": np.array(frames)}
        yield from case.compare(call, wanted, atol=2e-5)


def fork(case: Case) -> Iterator[Compared]:
    """The fork's `split_silence` and `infer_silence`."""
    for call in case.calls:
        samples, what, rate = case.inputs(call)["x"].numpy(), str(case.about(call).get("what", "")), _rate(case)
        if call.startswith("split"):
            yield from case.compare(
                call, {"chunks": _table(fork_slices(samples, **_split_settings(what, rate)))}, atol=0
            )
            continue
        given, heard = described(what), list[int]()
        step = int(_number(r"//\s*(\d+)", what, 512))
        hop = fork_window(rate, given.get("chunk_seconds", 0.5))
        rows = fork_slices(
            samples,
            top_db=-given.get("db_thresh", -40),
            relative=not given.get("absolute_thresh", False),
            window=2 * hop,
            hop=hop,
            longest=int(given.get("max_chunk_seconds", 40) * rate),
        )

        def infer(part: NDArray[np.float64], heard: list[int] = heard, step: int = step) -> NDArray[np.float64]:
            heard.append(len(part))
            return 0.5 * part[: len(part) // step * step]

        made = fork_convert(samples, rows, int(given.get("pad_seconds", 0.5) * rate), infer)
        yield from case.compare(call, {"y": made, "infer_lengths": np.array(heard)})


def _rate(case: Case) -> int:
    return int(case.constructor["sr"])


def _table(rows: Iterator[Row] | list[Row]) -> NDArray[np.int64]:
    """(rows, 3) a flag, and from where to where."""
    return np.array([(int(flag), first, last) for flag, first, last in rows], np.int64).reshape(-1, 3)


def described(what: str) -> dict[str, Any]:
    """The settings that a call's description holds, as Python writes a dictionary."""
    found = re.search(r"\{.*?\}", what)
    if found is None:
        return {}
    try:
        return dict(ast.literal_eval(found[0]))
    except (ValueError, SyntaxError) as problem:
        raise BadClip(f"the settings of a parity case cannot be read: {found[0]}") from problem


def _number(pattern: str, text: str, otherwise: float) -> float:
    found = re.search(pattern, text)
    return float(found[1]) if found else otherwise


def _slicer_settings(case: Case, call: str) -> dict[str, float]:
    """From the facts; else from a name like slice_thresholdm30_min_length500, in which m is a minus."""
    if given := described(str(case.about(call).get("what", ""))):
        return given
    found = {name: re.search(rf"(?:^|_){name}(m?)([\d.]+)", call) for name in NAMES}
    return {name: (-1 if hit[1] else 1) * float(hit[2]) for name, hit in found.items() if hit}


def _split_settings(what: str, rate: int) -> dict[str, Any]:
    """From a text like "ref=np.max top_db=10 frame 400 hop 200 max 1000" or "max_chunk_length 0.7 s".

    Windows that it does not tell of are those of `infer_silence`.
    """
    hop = fork_window(rate, 0.5)
    found = re.search(r"max(?:_chunk_length)?[ =]+([\d.]+)\s*(s\b)?", what.replace("np.max", ""))
    longest = float(found[1]) * (rate if found[2] else 1) if found else 0.0
    return {
        "top_db": _number(r"top_db[ =]+(-?[\d.]+)", what, 40.0),
        "relative": "ref=np.max" in what,
        "window": int(_number(r"frame(?:_length)?[ =]+(\d+)", what, 2 * hop)),
        "hop": int(_number(r"hop(?:_length)?[ =]+(\d+)", what, hop)),
        "longest": int(longest),
    }

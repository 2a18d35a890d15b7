"""Sound in pieces is the sound in one piece."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicewright.audio.clip import Clip
from voicewright.audio.edit import join, resample
from voicewright.audio.streaming import StreamResampler, blocks_of
from voicewright.errors import BadClip

RATES = st.sampled_from([8_000, 16_000, 22_050, 24_000, 44_100, 48_000, 96_000])


@given(from_rate=RATES, to_rate=RATES, sizes=st.lists(st.integers(0, 3_000), max_size=12))
def test_a_stream_resampled_in_any_pieces_is_the_whole_resampled(
    from_rate: int, to_rate: int, sizes: list[int]
) -> None:
    noise = np.random.default_rng(sum(sizes)).uniform(-0.9, 0.9, sum(sizes))
    whole = Clip(noise, from_rate)
    stream = StreamResampler(from_rate, to_rate)
    ends = np.cumsum([0, *sizes])
    parts = [stream.push(whole.with_samples(whole.samples[a:b])) for a, b in pairwise(ends)]
    result = join([*parts, stream.flush()])
    assert result.rate == to_rate
    assert np.array_equal(result.samples, resample(whole, to_rate).samples)


def test_a_stream_keeps_to_its_rate_and_its_end() -> None:
    stream = StreamResampler(16_000, 24_000)
    with pytest.raises(BadClip, match="8000 Hz was pushed into a stream at 16000 Hz"):
        stream.push(Clip.silence(1, 8_000))
    stream.flush()
    with pytest.raises(BadClip, match="was flushed"):
        stream.push(Clip.silence(1, 16_000))
    with pytest.raises(BadClip, match="positive"):
        StreamResampler(16_000, 0)


@given(size=st.integers(0, 5_000), seconds=st.floats(1e-5, 1.0))
def test_blocks_joined_are_the_clip(size: int, seconds: float) -> None:
    clip = Clip(np.arange(size) / 5_000, 8_000)
    blocks = list(blocks_of(clip, seconds))
    assert sum(map(len, blocks)) == size
    assert len({len(block) for block in blocks[:-1]}) <= 1
    if blocks:
        assert np.array_equal(join(blocks).samples, clip.samples)


def test_a_block_of_no_length_is_refused() -> None:
    with pytest.raises(BadClip, match="longer than nothing"):
        blocks_of(Clip.silence(1, 8_000), 0)

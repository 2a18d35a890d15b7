"""What was freed is given back."""

import sys
from pathlib import Path

import pytest

from voicewright.jobs.memory import give_back


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's memory")
def test_memory_that_was_freed_is_given_back() -> None:
    def held() -> int:
        return int(Path("/proc/self/statm").read_text("utf-8").split()[1])

    pieces = [bytes([1]) * 4000 for _ in range(20_000)]  # 80 MB in pieces that glibc takes from its heap
    last = bytes([1]) * 4000  # at the heap's end, which would be given back without being asked
    del pieces
    before = held()
    give_back()
    assert before - held() > 10_000_000 // 4096
    assert len(last) == 4000

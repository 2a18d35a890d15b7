"""Memory that work has left behind goes back to the system."""

import sys


def give_back() -> None:
    """Let glibc return what it keeps of memory that was freed; elsewhere nothing is done.

    Networks need large pieces of many sizes for a moment, and glibc keeps them: after a few texts and conversions, 540
    of 1,940 MB. It takes up to half a second on a busy machine, in which other threads may wait for memory.
    """
    if sys.platform == "linux":
        import ctypes

        if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
            trim(0)

"""What the C library does with memory that is free for a moment."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt in glibc's malloc.h
_KEPT = 256 * 2**20
_LARGEST = 32 * 2**20  # the most that glibc takes


def keep_freed_memory() -> None:
    """Let glibc keep what is freed, up to a bound, in place of giving it back at once.

    A session makes and drops the same arrays at each bar; giving them back and getting them anew,
    page by page, takes a third of a decision. Other C libraries are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, _KEPT)
        mallopt(_MMAP_THRESHOLD, _LARGEST)

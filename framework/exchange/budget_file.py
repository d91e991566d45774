"""What is spent of a budget, in a small file that processes change one at a time."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from framework.errors import UserError

_RECORD = struct.Struct("<36sdd")
_CHECK = struct.Struct("<I")
_LOCK_S = 2.0
_POLL_S = 0.001
_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Spent:
    """What a budget remembers, in seconds of the machine's monotonic clock.

    Parameters
    ----------
    whole_at : float
        When all that was taken is earned again.
    closed_until : float
        Before that nothing is handed out.
    """

    whole_at: float = 0.0
    closed_until: float = 0.0


def change_file(file: Path, change: Callable[[Spent], Spent]) -> Spent:
    """Replace what `file` holds by what `change` makes of it, and return that.

    One write of a few bytes, checked by their sum: a process that is killed leaves the old record
    or the new one, and its lock goes with it. A missing or broken record, or one from before the
    machine was started, says that nothing is spent.

    Raises
    ------
    OSError
        The file cannot be kept, or its lock was not to be had.
    UserError
        A package is missing.
    """
    try:
        from filelock import FileLock
    except ImportError:
        raise UserError(
            "exchange: the package filelock is not installed; pip install -e '.[live]'."
        ) from None
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # The lock has a file of its own: taking it empties that file.
    with FileLock(f"{file}.lock", timeout=_LOCK_S, poll_interval=_POLL_S):
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            before = _read(os.pread(descriptor, _RECORD.size + _CHECK.size, 0))
            after = change(before)
            if after != before:
                record = _RECORD.pack(_boot(), after.whole_at, after.closed_until)
                os.pwrite(descriptor, record + _CHECK.pack(zlib.crc32(record)), 0)
        finally:
            os.close(descriptor)
    return after


def budget_folder() -> Path:
    """Return where budgets are kept: the user's runtime directory, else the cache."""
    place = os.environ.get("XDG_RUNTIME_DIR") or os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.path.expanduser(place), "framework", "budgets")


def _read(found: bytes) -> Spent:
    record, check = found[: _RECORD.size], found[_RECORD.size :]
    if len(check) != _CHECK.size or _CHECK.unpack(check)[0] != zlib.crc32(record):
        return Spent()
    boot, whole_at, closed_until = _RECORD.unpack(record)
    return Spent(whole_at, closed_until) if boot == _boot() else Spent()


@cache
def _boot() -> bytes:
    """Return what names this run of the machine; empty where it has no such name."""
    try:
        return _BOOT.read_bytes().strip()[:36].ljust(36)
    except OSError:
        return b" " * 36

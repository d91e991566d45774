"""What a power cut leaves: nothing is sure but what a process waited for to be on the disk.

`watch` runs inside a process and notes every ``os.fsync``, of a file its size, of a directory the
names in it. `cut` then takes away from a folder what was never waited for: files are cut to a
random length, new names vanish, replaced and deleted files come back. It is harsher than a disk:
nothing reaches it by itself. Each file's newest version that a directory was told of is kept by a
second name in a folder beside, so that it can come back.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np

_LOG, _KEPT = "synced.jsonl", "kept"


def watch(folder: Path, beside: Path) -> None:
    """Note from now on what this process waits for in `folder`, in files in `beside`."""
    (beside / _KEPT).mkdir(parents=True, exist_ok=True)
    real = os.fsync
    within = f"{folder.resolve()}{os.sep}"

    def fsync(descriptor: Any) -> None:
        real(descriptor)
        number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
        path = os.readlink(f"/proc/self/fd/{number}")
        if f"{path}{os.sep}".startswith(within):
            _note(beside, Path(path), os.fstat(number))

    os.fsync = fsync  # type: ignore[assignment]


def all_synced(folder: Path, beside: Path) -> None:
    """Note that all there is now is on the disk, as it is after a power cut."""
    (beside / _LOG).unlink(missing_ok=True)
    (beside / _KEPT).mkdir(parents=True, exist_ok=True)
    for path in (folder, *folder.rglob("*")):
        _note(beside, path.resolve(), path.stat())


def cut(folder: Path, beside: Path, random: np.random.Generator) -> int:
    """Leave of `folder` what a power cut leaves now; return how many files it touched."""
    sizes, listings = _synced(beside)
    folder = folder.resolve()
    touched = _cut_names(folder, beside, listings, random)
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        found = path.stat()
        least = min(sizes.get(found.st_ino, 0), found.st_size)
        if least < found.st_size:
            os.truncate(path, int(random.integers(least, found.st_size + 1)))
            touched += 1
    all_synced(folder, beside)
    return touched


def _cut_names(
    folder: Path, beside: Path, listings: dict[str, dict[str, int]], random: np.random.Generator
) -> int:
    """Undo some of what was named, renamed and deleted since a directory was waited for."""
    touched = 0
    for place in (folder, *(path for path in sorted(folder.rglob("*")) if path.is_dir())):
        if not place.is_dir():  # went with the one above it
            continue
        known = listings.get(str(place), {})
        there = {path.name: path.stat().st_ino for path in place.iterdir()}
        for name in sorted({*known, *there}):
            if known.get(name) == there.get(name) or random.random() < 0.5:
                continue
            before = beside / _KEPT / str(known.get(name))
            if name in known and not before.is_file():
                continue  # a directory that was deleted; they do not come back
            if name in there:
                _remove(place / name)
            if name in known:
                os.link(before, place / name)
            touched += 1
    return touched


def _note(beside: Path, path: Path, found: os.stat_result) -> None:
    noted: dict[str, Any] = {"inode": found.st_ino, "size": found.st_size}
    if stat.S_ISDIR(found.st_mode):
        names = {}
        for entry in os.scandir(path):
            names[entry.name] = entry.inode()
            kept = beside / _KEPT / str(entry.inode())
            if entry.is_file() and not kept.exists():
                os.link(entry.path, kept)
        noted = {"directory": str(path), "names": names}
    log = os.open(beside / _LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(log, f"{json.dumps(noted)}\n".encode())
    finally:
        os.close(log)


def _synced(beside: Path) -> tuple[dict[int, int], dict[str, dict[str, int]]]:
    """Return the size of every file, by inode, and the names in every directory that are sure."""
    sizes: dict[int, int] = {}
    listings: dict[str, dict[str, int]] = {}
    text = (beside / _LOG).read_text() if (beside / _LOG).exists() else ""
    for line in text.splitlines():
        try:
            noted = json.loads(line)
        except ValueError:  # killed while it was noted
            continue
        if "inode" in noted:
            sizes[noted["inode"]] = noted["size"]
        else:
            listings[noted["directory"]] = noted["names"]
    return sizes, listings


def _remove(path: Path) -> None:
    if not path.is_dir():
        path.unlink()
        return
    for inside in path.iterdir():
        _remove(inside)
    path.rmdir()

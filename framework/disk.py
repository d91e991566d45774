"""Files that are whole or absent, and faults of the disk as one line."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from framework.errors import OutsideFault


@contextmanager
def disk_fault(what: str, verb: str = "written") -> Iterator[None]:
    """Turn a fault of the disk into one line: `what` cannot be `verb`, and why."""
    try:
        yield
    except OSError as fault:
        reason = fault.strerror or str(fault)
        raise OutsideFault(f"{what}: cannot be {verb} ({reason}).") from fault


@contextmanager
def whole_file(target: Path, what: str | None = None, durable: bool = False) -> Iterator[Path]:
    """Yield a path beside `target` to write to, which takes its place at the end of the block.

    Parameters
    ----------
    target : Path
        An older file is replaced at once or not at all; folders above it are made.
    what : str, optional
        How a message calls it; None: by its path.
    durable : bool
        Wait until the file, and the directory that names it, are on the disk.

    Raises
    ------
    OutsideFault
        It cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with whole_file(Path(folder) / "new" / "a.txt") as beside:
    ...         _ = beside.write_text("all of it")
    ...     (Path(folder) / "new" / "a.txt").read_text()
    'all of it'
    """
    beside = target.with_name(f".{target.name}.part")
    with disk_fault(what or str(target)):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield beside
            if durable:
                on_disk(beside)
            beside.replace(target)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        if durable:
            on_disk(target.parent)


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside `target`, which takes its place at the end of the block.

    All of it is on the disk then.

    Parameters
    ----------
    target : Path
        It does not exist; folders above it are made.

    Raises
    ------
    OutsideFault
        It cannot be written.
    """
    beside = target.with_name(f".{target.name}.part")
    with disk_fault(str(target)):
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        try:
            yield beside
            for path in beside.rglob("*"):
                on_disk(path)
            on_disk(beside)
            beside.replace(target)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise
        on_disk(target.parent)


def all_on_disk(folder: Path) -> None:
    """Wait until everything in a folder, and every directory down to it, is on the disk."""
    for path in folder.rglob("*"):
        on_disk(path)
    for place in (folder, *folder.resolve().parents):
        if os.access(place, os.R_OK):  # else it was not made by this process
            on_disk(place)


def on_disk(path: Path) -> None:
    """Wait until a file or a directory is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""State of training and finished models on disk: whole or absent, and every byte verified.

====================  ===========================================================================
``arrays.bin``        the arrays, one after another, as they lie in memory
``manifest.json``     name, type and shape of each, the state, the SHA-256 of ``arrays.bin`` and,
                      first of all, its own
====================  ===========================================================================

A checkpoint is a directory of these two, ``step_000001234``, written beside and renamed into place.
Nothing is pickled.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from framework.disk import disk_fault, on_disk
from framework.errors import OutsideFault

Arrays = dict[str, npt.NDArray[Any]]
State = dict[str, Any]

_ARRAYS = "arrays.bin"
MANIFEST = "manifest.json"
_SEAL = b'{"sha256": "'  # the manifest's first bytes; its digest and what that is of follow


class Checkpoint(NamedTuple):
    """State of a training after some of its steps."""

    step: int
    arrays: Arrays
    state: State
    path: Path


class Checkpoints:
    """The checkpoints of one training, which alone writes into their directory.

    Parameters
    ----------
    directory : Path
        Made when first saved into.
    keep : int
        Checkpoints kept, the newest, besides the best.
    say : callable
        Told one line of text of each that is damaged.
    """

    def __init__(self, directory: Path, keep: int, say: Callable[[str], None]) -> None:
        if keep < 1:
            raise ValueError(f"keep must be at least 1, was {keep}")
        self._directory = directory
        self._keep = keep
        self._say = say

    def save(
        self,
        step: int,
        arrays: Mapping[str, npt.ArrayLike],
        state: Mapping[str, object],
        best: bool = False,
    ) -> Path:
        """Keep arrays and state, and remove what is older than the last `keep`, save the best.

        It is on the disk when this returns. An earlier one of the same step is replaced; those of
        later steps, from which training did not go on, are removed.

        Parameters
        ----------
        step : int
            Steps done.
        arrays : mapping of str to array
            Of any type without Python objects in it, and any shape.
        state : mapping
            Values that JSON has, besides infinity and NaN; floats come back bit for bit.
        best : bool
            Whether it is the best so far.

        Raises
        ------
        OutsideFault
            It cannot be written; the earlier ones stay.
        """
        target = self._directory / f"step_{step:09d}"
        beside = self._directory / f".{target.name}.part"
        with disk_fault(f"checkpoint {target}", "written"):
            self._directory.mkdir(parents=True, exist_ok=True)
            self._settle()
            try:
                _write(beside, arrays, {"step": step, "best": best, "state": dict(state)})
                if target.exists():
                    target.rename(_aside(target))
                beside.rename(target)
            except BaseException:
                shutil.rmtree(beside, ignore_errors=True)
                raise
            on_disk(self._directory)
        self._prune(step)
        return target

    def newest(self) -> Checkpoint | None:
        """Return the newest checkpoint of which every byte is right; None: there is none."""
        return self._first()

    def best(self) -> Checkpoint | None:
        """Return the newest checkpoint that was the best and of which every byte is right."""
        return self._first(best=True)

    def _first(self, best: bool = False) -> Checkpoint | None:
        with suppress(OSError):  # what can be read counts, even where nothing can be written
            self._settle()
        for path in self._paths():
            try:
                arrays, kept = load_whole(path)
                if kept["step"] != _step_of(path):
                    raise OutsideFault(f"{path}: is damaged (it holds step {kept['step']}).")
            except OutsideFault as fault:
                self._say(f"{fault} It is passed over.")
                continue
            if kept["best"] or not best:
                return Checkpoint(kept["step"], arrays, kept["state"], path)
        return None

    def _paths(self) -> list[Path]:
        """Return all checkpoints by name, the newest first."""
        with disk_fault(f"checkpoints {self._directory}", "listed"):
            found = self._directory.iterdir() if self._directory.exists() else ()
            steps = [path for path in found if re.fullmatch(r"step_\d{9,}", path.name)]
        return sorted(steps, key=_step_of, reverse=True)

    def _settle(self) -> None:
        """End what a kill left half done."""
        for part in self._directory.glob(".step_*.part"):
            shutil.rmtree(part)
        for aside in self._directory.glob(".step_*.aside"):
            target = aside.with_name(aside.name.removeprefix(".").removesuffix(".aside"))
            if target.exists():
                shutil.rmtree(aside)
            else:
                aside.rename(target)

    def _prune(self, step: int) -> None:
        """Remove what need not be kept beside the checkpoint just written at `step`."""
        paths = self._paths()
        earlier = [path for path in paths if _step_of(path) <= step]
        best = next((path for path in earlier if _is_best(path)), None)
        kept = {*earlier[: self._keep], best}
        gone = [path for path in paths if path not in kept]
        gone.extend(self._directory.glob(".step_*.aside"))
        for path in gone:
            try:
                shutil.rmtree(path)
            except OSError as fault:
                self._say(f"checkpoint {path}: cannot be removed ({fault.strerror or fault}).")


def save_whole(
    directory: Path, arrays: Mapping[str, npt.ArrayLike], state: Mapping[str, object]
) -> None:
    """Write arrays and state into a directory, made if need be, and wait until they are on disk.

    Until the last byte is written, `load_whole` finds it damaged.

    Raises
    ------
    OutsideFault
        It cannot be written.
    """
    with disk_fault(str(directory), "written"):
        _write(directory, arrays, state)


def load_whole(directory: Path) -> tuple[Arrays, State]:
    """Return the arrays and the state that `save_whole` wrote, once every byte is verified.

    Raises
    ------
    OutsideFault
        A file is missing, damaged or cannot be read.
    """
    manifest = _manifest(directory)
    arrays: Arrays = {}
    digest = hashlib.sha256()
    with disk_fault(str(directory / _ARRAYS), "read"), (directory / _ARRAYS).open("rb") as file:
        for name, (kind, shape) in manifest["arrays"].items():
            array = np.empty(shape, _kind_of(kind))
            raw = array.reshape(-1).view(np.uint8).data
            if file.readinto(raw) < len(raw):
                raise OutsideFault(f"{directory / _ARRAYS}: is damaged (it ends too early).")
            digest.update(raw)
            arrays[name] = array
        digest.update(file.read(1))
    if digest.hexdigest() != manifest[_ARRAYS]:
        raise OutsideFault(f"{directory / _ARRAYS}: is damaged (its SHA-256 is another).")
    state: State = manifest["state"]
    return arrays, state


def _write(
    directory: Path, arrays: Mapping[str, npt.ArrayLike], state: Mapping[str, object]
) -> None:
    directory.mkdir(exist_ok=True)
    index: dict[str, tuple[str, tuple[int, ...]]] = {}
    digest = hashlib.sha256()
    with (directory / _ARRAYS).open("wb") as file:
        for name, values in arrays.items():
            array = np.asarray(values, order="C")
            index[name] = _name_of(array.dtype), array.shape
            raw = array.reshape(-1).view(np.uint8).data
            digest.update(raw)
            file.write(raw)
    manifest = {_ARRAYS: digest.hexdigest(), "arrays": index, "state": state}
    sealed = f'", "manifest": {json.dumps(manifest)}}}\n'.encode()
    (directory / MANIFEST).write_bytes(_SEAL + _hex(sealed) + sealed)
    for path in (directory / _ARRAYS, directory / MANIFEST, directory):
        on_disk(path)


def _manifest(directory: Path) -> dict[str, Any]:
    path = directory / MANIFEST
    with disk_fault(str(path), "read"):
        written = path.read_bytes()
    sealed = written[len(_SEAL) + 64 :]
    if written != _SEAL + _hex(sealed) + sealed:
        raise OutsideFault(f"{path}: is damaged (its SHA-256 is another).")
    manifest: dict[str, Any] = json.loads(written)["manifest"]
    return manifest


def _is_best(path: Path) -> bool:
    try:
        return bool(_manifest(path)["state"]["best"])
    except OutsideFault:
        return False


def _name_of(kind: np.dtype[Any]) -> str:
    """Return what `_kind_of` reads back; types without a letter of their own have names alone."""
    if kind.hasobject or kind.names is not None:
        raise TypeError(f"arrays of {kind} cannot be kept")
    return kind.name if kind.kind == "V" else kind.str


def _kind_of(name: str) -> np.dtype[Any]:
    try:
        return np.dtype(name)
    except TypeError:
        import ml_dtypes  # noqa: F401 - makes bfloat16 and its like known to NumPy

        return np.dtype(name)


def _hex(sealed: bytes) -> bytes:
    return hashlib.sha256(sealed).hexdigest().encode()


def _step_of(path: Path) -> int:
    return int(path.name.removeprefix("step_"))


def _aside(target: Path) -> Path:
    return target.with_name(f".{target.name}.aside")

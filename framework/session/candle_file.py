"""Candles in one file, checked when they are read back."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from framework.disk import disk_fault, whole_file
from framework.errors import OutsideFault
from framework.market.candles import Candles
from framework.session.candle_arrays import arrays_of, candles_of


def save_candles(file: Path, candles: Candles) -> None:
    """Write candles, on the disk when this returns."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays_of(candles))
    with whole_file(file, durable=True) as beside:
        beside.write_bytes(buffer.getbuffer())


def file_digest(candles: Candles) -> str:
    """Return the digest of candles and of what was recorded beside them."""
    return " ".join(part.digest for part in (candles, candles.recorded) if part is not None)


def load_candles_file(file: Path, digest: str) -> Candles:
    """Return what `save_candles` wrote.

    Parameters
    ----------
    file : Path
        It exists.
    digest : str
        That the candles must have.

    Raises
    ------
    OutsideFault
        The file is damaged or cannot be read.
    """
    try:
        with disk_fault(str(file), "read"), np.load(file, allow_pickle=False) as kept:
            candles = candles_of({name: kept[name] for name in kept.files})
    except (ValueError, KeyError) as fault:
        raise OutsideFault(f"{file}: is damaged ({fault}).") from fault
    if file_digest(candles) != digest:
        raise OutsideFault(f"{file}: is damaged (its candles are others than the journal's).")
    return candles

"""One retraining of a session's model: what it is to learn from, and what came of it.

Each has a folder of its own: ``job.json`` and ``candles.npz``, which the process that trains reads,
``said.txt``, all that it prints, and ``verdict.json``, written last. A folder without a verdict is
of a retraining that nobody saw the end of.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from framework.disk import disk_fault, whole_file
from framework.market.candles import Candles
from framework.session.candle_file import load_candles_file, save_candles

SAID = "said.txt"
"""Name of the file with all that a retraining prints."""

_JOB, _CANDLES, _VERDICT = "job.json", "candles.npz", "verdict.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is to be learned.

    Parameters
    ----------
    number : int
        Of the retraining, from 1.
    seed : int
        Of everything random in it.
    start_ns, until_ns : int
        Open times [start, until) of the bars to learn from, UTC.
    end_ns : int
        Up to which both models are judged, from `until_ns` on.
    running : str
        Directory of the running model, among the session's models.
    candles : str
        Digest of the candles.
    """

    number: int
    seed: int
    start_ns: int
    until_ns: int
    end_ns: int
    running: str
    candles: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of a retraining.

    Parameters
    ----------
    number : int
        Of the retraining.
    start_ns, until_ns, end_ns : int
        As in its job.
    line : str
        In words.
    model : str or None
        Directory of the new model, among the session's; None: the running one stays.
    sha256 : str or None
        Over its files.
    scores, running_scores : mapping of str to number
        Of the new model and of the running one over the judged bars.
    """

    number: int
    start_ns: int
    until_ns: int
    end_ns: int
    line: str
    model: str | None = None
    sha256: str | None = None
    scores: Mapping[str, float | int | None] = field(default_factory=dict)
    running_scores: Mapping[str, float | int | None] = field(default_factory=dict)

    @classmethod
    def failed(cls, job: Job, line: str) -> Verdict:
        """Return that nothing came of a retraining."""
        return cls(
            number=job.number,
            start_ns=job.start_ns,
            until_ns=job.until_ns,
            end_ns=job.end_ns,
            line=line,
        )


def folder_of(folder: Path, number: int) -> Path:
    """Return the folder of one retraining in that of all."""
    return folder / f"{number:04d}"


def verdicts_of(folder: Path) -> list[Verdict]:
    """Return what came of all retrainings whose end was seen; forget the others.

    Raises
    ------
    OutsideFault
        A file cannot be read, or what was left of a retraining not be removed.
    """
    verdicts = []
    with disk_fault(str(folder), "read"):
        for place in sorted(folder.iterdir()) if folder.is_dir() else ():
            if (place / _VERDICT).is_file():
                verdicts.append(read_verdict(place))
            else:
                shutil.rmtree(place)
    return verdicts


def begin(folder: Path, job: Job, candles: Candles) -> Path:
    """Write what a retraining learns from; return its folder."""
    place = folder_of(folder, job.number)
    save_candles(place / _CANDLES, candles)
    _write(place / _JOB, asdict(job))
    return place


def read_job(place: Path) -> tuple[Job, Candles]:
    """Return what a retraining is to learn, and from what.

    Raises
    ------
    OutsideFault
        A file is damaged or cannot be read.
    """
    with disk_fault(str(place), "read"):
        job = Job(**json.loads((place / _JOB).read_text(encoding="utf-8")))
    return job, load_candles_file(place / _CANDLES, job.candles)


def write_verdict(place: Path, verdict: Verdict) -> None:
    """Write what came of a retraining; its candles are of no more use."""
    _write(place / _VERDICT, asdict(verdict))
    with disk_fault(str(place)):
        (place / _CANDLES).unlink(missing_ok=True)


def read_verdict(place: Path) -> Verdict:
    """Return what came of a retraining whose end was seen."""
    with disk_fault(str(place), "read"):
        return Verdict(**json.loads((place / _VERDICT).read_text(encoding="utf-8")))


def has_verdict(place: Path) -> bool:
    """Tell whether a retraining came to its end."""
    return (place / _VERDICT).is_file()


def _write(file: Path, values: Mapping[str, Any]) -> None:
    with whole_file(file, durable=True) as beside:
        beside.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")

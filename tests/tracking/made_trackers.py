"""Trackers that do what a tracker may do: write, raise, die, hang."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from framework.records import Begun, Ended


@dataclass
class Journal:
    """Append what it is told to a file, a line of JSON each."""

    path: Path

    def open(self, run: Begun) -> Journal:
        self._note("open", run.name, dict(run.tags))
        return self

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        self._note("log", step, dict(figures))

    def close(self, run: Ended) -> None:
        self._note("close", asdict(run) | {"files": [str(file) for file in run.files]})

    def _note(self, *what: Any) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps(what) + "\n")

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.path.read_text().splitlines()]


@dataclass
class Raising:
    """Fail with a message of several lines."""

    def open(self, run: Begun) -> Any:
        print("what it printed before")
        raise ConnectionError("\nno route to host\nand much more")


@dataclass
class Dying:
    """End the process without a word."""

    def open(self, run: Begun) -> Any:
        os._exit(3)


@dataclass
class Hanging:
    """Say who it is, then never end."""

    path: Path

    def open(self, run: Begun) -> Any:
        self.path.write_text(str(os.getpid()))
        while True:
            time.sleep(60)

"""Run what `golden.yaml` names and compare it with what is pinned there."""

from __future__ import annotations

import io
import json
import math
import sys
from collections.abc import Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml
from hydra.core.global_hydra import GlobalHydra

from framework.__main__ import main

HERE = Path(__file__).parent
FILE = HERE / "golden.yaml"
EXCERPT = HERE / "excerpt"
RELATIVE = 1e-12
"""Largest difference of a metric that counts as none."""

HASHES = ("orders_hash", "data_hash")
_OF_ONE_RUN = ("seconds", "causality", "version")
"""Entries of `metrics.json` that say nothing about the trading."""


def load() -> dict[str, dict[str, Any]]:
    """Return every golden run by name, with all the words of its command line under ``argv``."""
    groups = yaml.safe_load(FILE.read_text())
    return {
        name: {**run, "group": group, "argv": [*content["always"], *run["words"]]}
        for group, content in groups.items()
        for name, run in content["runs"].items()
    }


def call(argv: list[str], folder: Path) -> None:
    """Call the program in an empty `folder` that has the excerpt beside it, in this process."""
    (folder / "excerpt").symlink_to(EXCERPT)
    said = io.StringIO()
    GlobalHydra.instance().clear()
    with (
        chdir(folder),
        patch.object(sys, "argv", ["framework", *argv]),
        redirect_stdout(io.StringIO()),
        redirect_stderr(said),
    ):
        try:
            main()
        except SystemExit as ended:
            if ended.code:
                raise RuntimeError(f"{' '.join(argv)}: {said.getvalue()}") from ended


def measure(argv: list[str], folder: Path) -> dict[str, Any]:
    """Return the hashes and metrics of one run, with a database of its own: its first trial."""
    call([*argv, "run_dir=run"], folder)
    found = json.loads((folder / "run" / "metrics.json").read_text())
    hashes = {name: found.pop(name) for name in HASHES}
    for name in _OF_ONE_RUN:
        del found[name]
    return {**hashes, "metrics": found}


def differences(pinned: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Return a line for each hash that changed, and each metric by more than 1e-12 of itself."""
    lines = [
        f"{name}: {str(pinned.get(name))[:12]} -> {found[name][:12]}"
        for name in HASHES
        if pinned.get(name) != found[name]
    ]
    before, after = pinned.get("metrics", {}), found["metrics"]
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name, "absent"), after.get(name, "absent")
        if not _same(old, new):
            lines.append(f"{name}: {old} -> {new}")
    return lines


def _same(old: object, new: object) -> bool:
    if isinstance(old, float) and isinstance(new, float):
        return math.isclose(old, new, rel_tol=RELATIVE)
    return type(old) is type(new) and old == new

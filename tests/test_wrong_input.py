"""Every mistake in the input gets its few plain lines, its exit code and no finished run."""

import re
import sys
from pathlib import Path

import pytest
import yaml
from hydra.core.global_hydra import GlobalHydra

from framework.__main__ import main

CASES = yaml.safe_load(Path(__file__).with_name("wrong_input.yaml").read_text())


def test_there_are_many_ways_of_being_wrong():
    assert len({case["name"] for case in CASES}) == len(CASES) >= 60


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"].replace(" ", "-"))
def test_a_mistake_is_answered_in_plain_lines(case, tmp_path, monkeypatch, capsys):
    for name, text in case.get("files", {}).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["framework", *case["argv"]])
    GlobalHydra.instance().clear()

    with pytest.raises(SystemExit) as ended:
        main()

    said = [
        line
        for line in capsys.readouterr().err.splitlines()
        if not re.match(r"\d\d:\d\d:\d\d |usage: | {10,}", line)
    ]
    assert said == case["says"]
    assert ended.value.code == case.get("exit_code", 2)
    assert "Traceback" not in "".join(said)
    assert not list(tmp_path.rglob("metrics.json"))

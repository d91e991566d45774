"""What tests of several rooms share: the program run in a folder of its own, and real data."""

import gc
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import network_guard
import pytest
from hydra.core.global_hydra import GlobalHydra

ROOT = Path(__file__).resolve().parents[1]

network_guard.guard()


def pytest_collection_finish():
    """Keep the collector from looking through thousands of tests again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.fixture(autouse=True)
def no_real_host():
    """Fail a test that wanted to talk to another machine, even if what it ran made little of it."""
    network_guard.reached.clear()
    yield
    reached = sorted(set(network_guard.reached))
    network_guard.reached.clear()
    assert not reached, f"the test asked for other machines: {', '.join(reached)}"


@dataclass
class Ended:
    """How a call of the program ended."""

    code: int
    out: str
    err: str
    folder: Path

    @property
    def run(self) -> Path:
        """The directory of the only run that was finished."""
        (found,) = self.folder.glob("runs/*/*/metrics.json")
        return found.parent


@pytest.fixture(scope="session", autouse=True)
def budgets_of_tests(tmp_path_factory):
    """Keep budgets of requests apart from those of the user's own programs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        yield


@pytest.fixture
def program(tmp_path, monkeypatch, capsys):
    """Call the command line in an empty folder, in this process, and say how it ended."""
    from framework.__main__ import main

    monkeypatch.chdir(tmp_path)

    def call(*argv: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["framework", *argv])
        GlobalHydra.instance().clear()
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return Ended(code, said.out, said.err, tmp_path)

    return call


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real market data, which the project may read but does not hold."""
    folder = Path(os.environ.get("SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real market data at {folder}; set SHARED_DATA to its folder")
    return folder

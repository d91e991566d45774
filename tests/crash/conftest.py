"""One run beforehand: compiles what is compiled once, and tells how long a run takes."""

import time

import pytest
from crash_runs import FORKS, run


@pytest.fixture(scope="session")
def duration(tmp_path_factory):
    """Seconds that a whole process takes, database made and all."""
    folder = tmp_path_factory.mktemp("warm")
    code, said = run(folder)
    assert code == 0, said
    begun = time.perf_counter()
    code, said = run(tmp_path_factory.mktemp("timed"))
    assert code == 0, said
    return time.perf_counter() - begun


@pytest.fixture(scope="session", autouse=True)
def forks():
    """Have what processes are forked from, so that how long one takes is its own time."""
    FORKS.begin()
    yield
    FORKS.close()

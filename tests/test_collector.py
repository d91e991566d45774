"""When Python looks for garbage: seldom in a start and a compilation, as usual ever after."""

import gc
from collections.abc import Iterator

import pytest

from framework import collector

USUAL = (700, 10, 10)


@pytest.fixture(autouse=True)
def as_python_begins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = gc.get_threshold()
    monkeypatch.setattr(collector, "_USUALLY", USUAL)
    gc.set_threshold(*USUAL)
    yield
    gc.set_threshold(*before)


def test_what_a_start_leaves_is_left_alone_once() -> None:
    collector.settle()
    assert gc.get_threshold() == USUAL
    frozen = gc.get_freeze_count()
    collector.begin()
    assert gc.get_threshold()[0] > 10 * USUAL[0]
    made = [[] for _ in range(1_000)]
    collector.settle()
    assert gc.get_threshold() == USUAL
    assert gc.get_freeze_count() >= frozen + len(made)
    frozen = gc.get_freeze_count()
    more = [[] for _ in range(1_000)]
    collector.settle()
    assert gc.get_freeze_count() <= frozen
    assert len(more) == len(made)


def test_within_it_is_seldom_and_afterwards_as_before_also_after_a_fault() -> None:
    with collector.seldom_collected():
        assert gc.get_threshold()[0] > 10 * USUAL[0]
    assert gc.get_threshold() == USUAL
    with pytest.raises(ZeroDivisionError), collector.seldom_collected():
        1 / 0  # noqa: B018
    assert gc.get_threshold() == USUAL

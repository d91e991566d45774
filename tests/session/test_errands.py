"""Slow work beside a session: in order, refused when too much waits, ended within a bound."""

from __future__ import annotations

import threading

from framework.session.errands import Errands


def test_what_is_given_is_done_in_order_before_it_closes() -> None:
    done: list[int] = []
    errands = Errands("test", 100)
    assert all(errands.give(lambda number=number: done.append(number)) for number in range(50))
    assert errands.close(60.0)
    assert done == list(range(50))


def test_work_that_hangs_refuses_more_and_does_not_hold_up_the_end() -> None:
    begun, going_on = threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        going_on.wait()

    done: list[int] = []
    errands = Errands("test", 2)
    assert errands.give(hang)
    begun.wait()
    given = [errands.give(lambda number=number: done.append(number)) for number in range(4)]
    assert given == [True, True, False, False]
    assert not errands.close(0.01)
    going_on.set()
    errands._thread.join()
    assert done == [1]  # the one that waited longest made room for the end

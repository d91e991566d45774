"""Somebody sets the computer's clock while a session waits: it waits as long as before."""

from __future__ import annotations

from pathlib import Path

import pytest
import test_session
from test_session import HOUR, Script, World

from framework.feed.events import CandleRevised
from framework.market.candles import Standing
from framework.session.clock import LoopClock
from framework.types import SECOND_NS


class SetClock(LoopClock):
    """One that is set forward, or back, by so many hours at a moment."""

    hours, at_s = 0.0, 0.0

    def now_ns(self) -> int:
        now_ns = super().now_ns()
        passed_s = (now_ns - self._start_ns) / SECOND_NS
        return now_ns + int(self.hours * HOUR * SECOND_NS) * (passed_s >= self.at_s)


class ExchangeScript(Script):
    """Goes by the exchange's time, which nobody here can set."""

    def __init__(self, clock: LoopClock, open_ns: int, script) -> None:
        super().__init__(LoopClock(open_ns), open_ns, script)


@pytest.mark.parametrize(("hours", "bar"), [(0.0, 0), (24.0, 3), (-24.0, 6)])
def test_a_late_pair_is_waited_for_as_long_as_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: float, bar: int
) -> None:
    """Set while a pair is waited for that comes within the bound, or one that does not."""
    monkeypatch.setattr(SetClock, "hours", hours)
    monkeypatch.setattr(SetClock, "at_s", (bar + 1) * HOUR + 2.0)
    monkeypatch.setattr(test_session, "LoopClock", SetClock)
    monkeypatch.setattr(test_session, "Script", ExchangeScript)
    world = World(tmp_path / "run", bars=12)
    script = [*world.live(), *world.all_closed()]
    for bar, after_s in ((3, 9.0), (6, 15.0)):  # within the bound of 10 s, and beyond it
        script.remove(world.closed(bar, 1))
        script.append(world.closed(bar, 1, after_s=after_s))
        # something else that is heard meanwhile
        _, told = world.closed(0, 0)
        script.append(((bar + 1) * HOUR + 3.0, CandleRevised(told.candle, told.candle)))
    world.run(script)
    standings = [bar["standing"][1] for bar in world.bars_of_journal]
    missing = [n for n, standing in enumerate(standings) if standing == Standing.MISSING]
    assert missing == [6, 7]  # that was decided 11 s into bar 7, in which nothing fills any more
    assert world.ear.late[3] == 9.0
    assert world.ear.late[6] == 11.0  # ten seconds after the other pair's, one after the close

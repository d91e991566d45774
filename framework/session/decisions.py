"""What the open orders of a session go back to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from framework.records import Kind
from framework.session.state import SessionState
from framework.session.wording import Decision
from framework.types import FloatArray, RecordArray


class Decisions:
    """Remembers of each open order when it was decided, and the price that was expected.

    Parameters
    ----------
    state : SessionState
        Where the session goes on.
    expects_return : bool
        Whether the model's ``forecast`` is a log-return of the price.
    """

    def __init__(self, state: SessionState, expects_return: bool) -> None:
        self._state = state
        self._bar_ns = state.trader.history.interval.ns
        self._expects_return = expects_return
        _, events = state.record.read()
        waiting = _open_orders(state.trader.account)
        decided = events[(events["kind"] == Kind.DECIDED) & np.isin(events["order"], waiting)]
        self._decided = {
            int(event["order"]): self._decision(event, self._forecast_at(event))
            for event in decided
        }

    def of(self, order: int) -> Decision | None:
        """Return what an order goes back to; None: that is not known any more."""
        return self._decided.get(order)

    def add(self, event: Any, predicted: Mapping[str, FloatArray]) -> Decision:
        """Take a decision of the bar at hand, and what the model gave there; return it."""
        decision = self._decision(event, predicted.get("forecast"))
        self._decided[int(event["order"])] = decision
        return decision

    def keep_open(self, account: RecordArray) -> None:
        """Forget the orders that are not open after a bar."""
        waiting = _open_orders(account)
        self._decided = {order: one for order, one in self._decided.items() if order in waiting}

    def _decision(self, event: Any, forecast_N: Any | None) -> Decision:
        """Return when an order was decided and the price expected, its close where none was."""
        price = float(event["price"])
        if forecast_N is not None and self._expects_return:
            expected = price * float(np.exp(forecast_N[event["pair"]]))
            price = expected if np.isfinite(expected) else price
        return Decision(int(event["time"]) + self._bar_ns, price)

    def _forecast_at(self, event: Any) -> Any | None:
        """Return what the model forecast when an order was decided."""
        forecast_KN = self._state.trader.predicted.get("forecast")
        if forecast_KN is None:
            return None
        interval = self._state.pipeline.plan.interval
        last_ns = interval.floor(self._state.next_ns)
        back = (last_ns - int(event["time"]) - self._bar_ns) // interval.ns
        return forecast_KN[len(forecast_KN) - 1 - back] if back < len(forecast_KN) else None


def _open_orders(account: RecordArray) -> list[int]:
    ids = account[0]["orders"]["id"]
    return [int(number) for number in ids[ids > 0]]

"""A session under a monitor: opened before it begins, closed when it is over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from framework import __version__
from framework.modes.context import Context

if TYPE_CHECKING:
    from loguru import Message

    from framework.session.state import SessionState
    from framework.session.voice import Voice


@contextmanager
def watched(context: Context, state: SessionState, speed: float) -> Iterator[list[Voice]]:
    """Let the monitor of the configuration watch meanwhile; yield who is to hear of the session.

    Parameters
    ----------
    context : Context
        Of a recorded run.
    state : SessionState
        Of its session.
    speed : float
        Of the session's time against the wall's; 0: as fast as possible.

    Raises
    ------
    UserError
        The monitor cannot be opened.
    """
    from framework.records import Watched
    from framework.types import SECOND_NS

    settings, history = context.settings, state.trader.history
    pace = speed * SECOND_NS
    watching = settings.monitor.open(
        Watched(
            bar_s=history.interval.ns / pace if pace else 0.0,
            decision_s=settings.interval.ns / pace if pace else 0.0,
            version=__version__,
            about={
                "run": str(context.run_id),
                "strategy": settings.strategy.name,
                "exchange": settings.exchange.name,
                "interval": str(settings.interval),
                "quote": history.pairs[0].partition("-")[2],
            },
        )
    )
    if watching is None:
        yield []
        return
    from framework.session.monitoring import Monitoring

    monitoring = Monitoring(watching.metrics, watching.health, state, speed)

    def erred(message: Message) -> None:
        record = message.record
        monitoring.erred(record["level"].name.lower(), record["message"])

    sink = context.logger.add(erred, level="WARNING", format="{message}")
    context.logger.info(f"monitored at {watching.url}/metrics and {watching.url}/health")
    try:
        yield [monitoring]
    finally:
        context.logger.remove(sink)
        watching.close()

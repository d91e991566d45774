"""Who hears of a session: the console, the database, and whoever else is told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from framework.modes.context import Context
from framework.modes.reading import quote_of

if TYPE_CHECKING:
    from framework.interfaces import Clock
    from framework.session.state import SessionState
    from framework.session.voice import Voice


@contextmanager
def voices_of(
    context: Context, state: SessionState, clock: Clock, others: Sequence[Voice]
) -> Iterator[Sequence[Voice]]:
    """Yield who hears of the session of a run, until it is over.

    At its end each has a bounded time to say what is left. To be entered in the session's loop.

    Parameters
    ----------
    context : Context
        Of the run.
    state : SessionState
        Where the session goes on.
    clock : Clock
        The session's.
    others : sequence of Voice
        Who is told besides.
    """
    from framework.session.console import Console, new_books
    from framework.session.mirror import Mirror
    from framework.session.record import Tail

    assert context.database is not None  # noqa: S101 - a session is recorded
    assert context.run_id is not None  # noqa: S101
    settings, history = context.settings, state.trader.history
    interval = settings.strategy.interval
    live = settings.exchange.is_live
    console = Console(
        state,
        title=f"{settings.strategy.name} {interval} on {settings.exchange.name}",
        quote=quote_of(history.pairs),
        expects_return=expects_return(context),
        console=context.console,
        errors=context.errors,
        log=lambda line: context.logger.debug("{}", line),
        redact=context.redact,
        now_ns=clock.now_ns if live else lambda: state.next_ns,
    )
    loop = asyncio.get_running_loop()

    def say(line: str) -> None:
        """Tell of trouble with the database, from the mirror's thread."""
        console.said(line)
        for voice in others:
            loop.call_soon_threadsafe(voice.said, line)

    with ExitStack() as stack:
        stack.enter_context(console)
        mirror = Mirror(
            context.database.live,
            context.run_id,
            tail=Tail(state.record.folder),
            books=new_books(state),
            pairs=history.pairs,
            close=history.closes,
            account=state.trader.account,
            say=say,
        )
        stack.enter_context(mirror)
        yield console, mirror, *others


def expects_return(context: Context) -> bool:
    """Tell whether the model's ``forecast`` is a log-return of the price."""
    label = getattr(context.settings.model, "label", None)
    return getattr(label, "kind", None) == "return"

"""A session's notices: opened before it begins, told how it ended, delivered within a bound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from framework.modes.context import Context
from framework.modes.reading import quote_of
from framework.modes.session_voices import expects_return
from framework.notify.courier import Courier, Delivery

if TYPE_CHECKING:
    from framework.session.notices import Notices
    from framework.session.session import Command
    from framework.session.state import SessionState


class Telling:
    """Whom a session tells, and who may tell it.

    Parameters
    ----------
    context : Context
        Of its run.
    """

    def __init__(self, context: Context) -> None:
        from framework.session.commands import Answers

        self._name, self._redact = context.settings.strategy.name, context.redact
        self._expects_return = expects_return(context)
        self._notices: Notices | None = None
        self._answers = Answers(lambda: {} if self._notices is None else self._notices.answers)
        self._delivery: Delivery | None = None
        notifier = context.settings.notify
        if isinstance(notifier, Courier):
            self._delivery = notifier.open(context.logger.warning, self._answers)

    def follow(self, state: SessionState) -> None:
        """Know how a session stands."""
        from framework.session.console import new_books
        from framework.session.decisions import Decisions
        from framework.session.notices import Notices
        from framework.session.wording import Wording

        if self._delivery is None:
            return
        history = state.trader.history
        self._notices = Notices(
            self._delivery,
            state,
            books=new_books(state),
            words=Wording(history.pairs, quote_of(history.pairs), history.interval),
            decisions=Decisions(state, self._expects_return),
            name=self._name,
            redact=self._redact,
        )

    @property
    def voices(self) -> list[Notices]:
        """Return who is to hear of the session."""
        return [] if self._notices is None else [self._notices]

    @contextmanager
    def obeying(self, pass_on: Callable[[Command], Any]) -> Iterator[None]:
        """Tell that the session begins or goes on, and hand on commands meanwhile."""
        with self._answers.passed_on(pass_on):
            if self._notices is not None:
                self._notices.begin()
            yield

    def end(self, why: str) -> None:
        """Tell why the session is over or interrupted."""
        if self._notices is not None:
            self._notices.end(why)

    def fail(self, fault: str) -> None:
        """Tell of a fault that ends the run."""
        if self._delivery is not None:
            self._delivery.send(f"{self._name}: failed: {self._redact(fault)}", "error")

    def close(self) -> None:
        """Deliver what is left, in bounded time."""
        if self._delivery is not None:
            self._delivery.finish()
            self._delivery.wait()


@contextmanager
def telling(context: Context) -> Iterator[Telling]:
    """Yield whom a session tells; tell them of a fault that ends it.

    Parameters
    ----------
    context : Context
        Of a recorded run.
    """
    told = Telling(context)
    try:
        yield told
    except Exception as fault:
        told.fail(str(fault) or repr(fault))
        raise
    finally:
        told.close()

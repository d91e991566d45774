"""How a session stands, in words: for the notices, and for whoever asks from another thread."""

from __future__ import annotations

from dataclasses import dataclass

from framework.types import format_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One moment of a session; never changed, so that any thread may read it.

    Parameters
    ----------
    name : str
        Of the strategy.
    quote : str
        Currency of all amounts.
    cash : float
        That the session began with.
    bars : int
        Acted on so far.
    time : int
        Close of the last one, UTC ns.
    equity, day_equity : float
        Then, and at the last midnight, UTC.
    wins, losses : int
        Round trips with a gain, and the others.
    holdings : tuple of (str, float, float)
        Pair, units and value of each position.
    feed : str
        How the connection stands.
    paused : bool
        Whether a person has said that nothing is to be opened.
    halt : str
        Why the limits open nothing; empty: they do not mind.
    trades : tuple of str
        The newest fills, in words.
    """

    name: str
    quote: str
    cash: float
    bars: int
    time: int
    equity: float
    day_equity: float
    wins: int = 0
    losses: int = 0
    holdings: tuple[tuple[str, float, float], ...] = ()
    feed: str = "connecting"
    paused: bool = False
    halt: str = ""
    trades: tuple[str, ...] = ()

    def status(self) -> str:
        """Return where it stands."""
        state = "paused: nothing is opened" if self.paused else self.halt or "trades"
        return "\n".join(
            (
                f"{state}; feed {self.feed}",
                f"{self.bars:,} bars, the last closed {format_time(self.time)}",
                f"equity {amount(self.equity)} {self.quote}",
                f"holds {self.held()}",
            )
        )

    def profit(self) -> str:
        """Return what it has earned."""
        return "\n".join(
            (
                f"since the start {gain(self.equity, self.cash, self.quote)}",
                f"since midnight UTC {gain(self.equity, self.day_equity, self.quote)}",
                f"{self.wins} won, {self.losses} lost",
            )
        )

    def newest(self) -> str:
        """Return the newest fills."""
        return "\n".join(self.trades) or "nothing was traded yet"

    def held(self) -> str:
        """Return the positions."""
        return (
            ", ".join(
                f"{units:g} {pair} ({amount(value)} {self.quote})"
                for pair, units, value in self.holdings
            )
            or "nothing"
        )


def amount(value: float) -> str:
    """Return an amount of money.

    Examples
    --------
    >>> amount(12345.678)
    '12,345.68'
    """
    return f"{value:,.2f}"


def gain(now: float, before: float, quote: str) -> str:
    """Return what `before` became `now` by.

    Examples
    --------
    >>> gain(110.0, 100.0, "AUD")
    '+10.00 AUD (+10.00 %)'
    """
    fraction = f" ({(now / before - 1.0) * 100:+.2f} %)" if before > 0.0 else ""
    return f"{now - before:+,.2f} {quote}{fraction}"

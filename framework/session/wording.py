"""What a session says of its trading, a line for each thing; every line begins with its time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from framework.records import Kind, OrderType, Reason
from framework.session.book_keeping import Booked, BookKeeping, Day
from framework.types import DAY_NS, Interval, RecordArray, format_time

_SIZED, _PRICED = 8, 6  # digits of units and of prices


@dataclass(frozen=True, slots=True)
class Decision:
    """What an order goes back to.

    Parameters
    ----------
    time_ns : int
        Of the close it was decided at, UTC.
    price : float
        That the model expects, or the close where it expects none.
    """

    time_ns: int
    price: float


@dataclass(frozen=True, slots=True)
class Held:
    """What a session holds of one pair.

    Parameters
    ----------
    pair : str
    units : float
        Below 0 when short.
    entry_price, price : float
        Its average, and the last close, quote currency.
    """

    pair: str
    units: float
    entry_price: float
    price: float

    @property
    def value(self) -> float:
        """At the last close, quote currency."""
        return self.units * self.price

    @property
    def profit(self) -> float:
        """Against the entry price, fees aside."""
        return self.units * (self.price - self.entry_price)


def holdings(pairs: Sequence[str], account: RecordArray) -> tuple[Held, ...]:
    """Return what an account (1,) holds."""
    positions = account[0]["positions"]
    return tuple(
        Held(pair, *(float(own[name]) for name in ("units", "entry_price", "last_price")))
        for pair, own in zip(pairs, positions, strict=True)
        if own["units"]
    )


class Wording:
    """Puts a session's events in words.

    Parameters
    ----------
    pairs : sequence of str
        ``BASE-QUOTE`` each.
    quote : str
        Currency of every amount.
    bar : Interval
        Of the bars.
    """

    def __init__(self, pairs: Sequence[str], quote: str, bar: Interval) -> None:
        self._pairs, self._quote, self._bar = pairs, quote, bar

    def decided(self, event: Any, decision: Decision, held: float) -> str:
        """Say that an order was decided, `held` units being held."""
        price = float(event["price"])
        units, value = float(event["units"]), float(event["quote"])
        units, value = units or value / price, value or units * price
        kind = OrderType(int(event["type"]))
        verb = _verb(int(event["side"]), held, ("buy", "buy back", "sell", "sell short"))
        return self._line(
            decision.time_ns,
            f"decided to {verb} {self._pairs[event['pair']]}: about {amount(units)} for "
            f"{self.money(value)}",
            "" if kind is OrderType.MARKET else f"{_word(kind)} order",
            f"price {priced(price)}",
            f"predicted {priced(decision.price)}",
            _confidence(event),
            _why(event),
        )

    def booked(self, booked: Booked, decision: Decision | None) -> str:
        """Say what was bought or sold, and what a sale brought against its buy."""
        event = booked.fill
        time, decided = int(event["time"]), ""
        if decision is not None:
            decided = f"decided {format_time(decision.time_ns)}"
        predicted = decision.price if decision is not None else float(event["price"])
        verb = self._done(booked)
        profit = f"profit {self.gain(booked.profit, booked.fraction)}" if booked.closed else ""
        turned = ""
        if booked.closed and booked.opened:
            turned = f"of which {amount(booked.opened)} open a position the other way"
        whole = ""
        if booked.ended is not None and booked.parted:
            trade = booked.ended
            whole = f"the whole trade {self.gain(float(trade['pnl']), float(trade['fraction']))}"
        return self._line(
            time,
            f"{verb} {self._pairs[event['pair']]}: {amount(float(event['units']))} for "
            f"{self.money(float(event['quote']))}",
            turned,
            f"price {priced(float(event['price']))}",
            f"predicted {priced(predicted)}",
            f"fee {self.money(float(event['fee']))}",
            _confidence(event),
            profit,
            whole,
            _why(event),
            decided,
        )

    def cells(self, booked: Booked) -> tuple[str, ...]:
        """Return the same for a table: time, what, units, price, value, profit."""
        event = booked.fill
        verb = self._done(booked)
        return (
            format_time(int(event["time"])),
            f"{verb} {self._pairs[event['pair']]}",
            amount(float(event["units"])),
            priced(float(event["price"])),
            f"{float(event['quote']):,.2f}",
            f"{booked.profit:+,.2f}" if booked.closed else "",
        )

    def dropped(self, event: Any) -> str:
        """Say that what is left of an order is not filled any more."""
        side = "buy" if event["side"] > 0 else "sell"
        return self._line(
            int(event["time"]) + self._bar.ns,
            f"order to {side} {self._pairs[event['pair']]} {_word(Kind(int(event['kind'])))}",
            _word(Reason(int(event["reason"]))),
        )

    def vetoed(self, event: Any) -> str:
        """Say that an entry was forbidden."""
        side = "buy" if event["side"] > 0 else "sell short"
        return self._line(
            int(event["time"]) + self._bar.ns,
            f"vetoed to {side} {self._pairs[event['pair']]}",
            _word(Reason(int(event["reason"]))),
            f"price {priced(float(event['price']))}",
            _confidence(event),
        )

    def standing(self, books: BookKeeping, balance: float, held: Sequence[Held]) -> str:
        """Say what the session came to."""
        holds = ", ".join(
            f"{own.pair} {amount(own.units)} ({self.money(own.value)})" for own in held
        )
        return self._line(
            books.end_ns,
            f"balance {self.money(balance)}",
            f"equity {self.money(books.equity)}",
            f"total profit {self.gain(books.profit, books.profit / books.cash)}",
            f"{books.won} won",
            f"{books.lost} lost",
            f"holds {holds or 'nothing'}",
        )

    def day(self, day: Day, books: BookKeeping) -> str:
        """Say how a UTC day went."""
        change = day.equity - day.begun
        return self._line(
            day.end_ns,
            f"day {format_time(day.end_ns - DAY_NS)[:10]}: equity {self.money(day.equity)}",
            f"profit of the day {self.gain(change, change / day.begun if day.begun else 0.0)}",
            f"total profit {self.gain(books.profit, books.profit / books.cash)}",
            f"{day.won} won",
            f"{day.lost} lost",
            f"fees {self.money(day.fees)}",
        )

    def gain(self, value: float, fraction: float) -> str:
        """Return a profit or loss with its sign, and as per cent."""
        return f"{value:+,.2f} {self._quote} ({fraction * 100:+,.2f} %)"

    def money(self, value: float) -> str:
        """Return an amount of the quote currency."""
        return f"{value:,.2f} {self._quote}"

    @staticmethod
    def _done(booked: Booked) -> str:
        side = int(booked.fill["side"])
        return _verb(side, -side * booked.closed, ("bought", "bought back", "sold", "sold short"))

    @staticmethod
    def _line(time_ns: int, *parts: str) -> str:
        return f"{format_time(time_ns)} {', '.join(part for part in parts if part)}"


def priced(value: float) -> str:
    """Return a price with about as many digits as exchanges give."""
    digits = math.floor(math.log10(abs(value))) + 1 if value and math.isfinite(value) else 1
    return f"{value:,.{min(max(_PRICED - digits, 2), 12)}f}"


def amount(units: float) -> str:
    """Return units of a base currency."""
    return f"{units:,.{_SIZED}g}"


def _verb(side: int, held: float, verbs: tuple[str, str, str, str]) -> str:
    """Return one of: buy, buy back, sell, sell short."""
    if side > 0:
        return verbs[held < 0.0]
    return verbs[2 if held > 0.0 else 3]


def _confidence(event: Any) -> str:
    return f"confidence {float(event['confidence']):.2f}"


def _why(event: Any) -> str:
    """Return the reason of an order that no signal led to."""
    reason = Reason(int(event["reason"]))
    return "" if reason in (Reason.SIGNAL, Reason.TARGET_WEIGHT) else _word(reason)


def _word(member: Kind | OrderType | Reason) -> str:
    return member.name.lower().replace("_", " ")

"""What the twin knows: market, rules, cash, positions, two order slots a pair, and its ledger."""

from __future__ import annotations

import math
from types import SimpleNamespace as Thing

from framework.records import Kind, OrderType, Reason, StrategyTerms, TimeInForce

EXIT, ENTRY = 0, 1
TINY = 1e-9
BPS = 1e-4
YEAR_NS = 365 * 86_400 * 1_000_000_000


def floor_to(value, step):
    return math.floor(value / step * (1 + 1e-12)) * step if step and value < math.inf else value


def ceil_to(value, step):
    return math.ceil(value / step * (1 - 1e-12)) * step if step and value < math.inf else value


class Account:
    """Cash and pairs, the bar at hand, and what is written down."""

    def __init__(self, candles, signals, risk, execution, venue, cash, terms=None, books=None):
        self.candles, self.signals, self.risk, self.execution = candles, signals, risk, execution
        self.books = books if execution.book else None
        self.terms = terms or StrategyTerms(interval=candles.interval)
        self.both = self.terms.direction == "both"
        self.ratio = self.terms.interval.ns // candles.interval.ns
        self.taker_fee, self.maker_fee = venue.taker_fee_bps * BPS, venue.maker_fee_bps * BPS
        self.borrow_rate = venue.borrow_rate * candles.interval.ns / YEAR_NS
        self.maintenance_margin = venue.maintenance_margin
        rounding = execution.rounding
        self.lot = venue.market.lot_step if rounding else 0.0
        self.tick = venue.market.tick_size if rounding else 0.0
        self.least = venue.market.min_notional if rounding else 0.0
        self.cash = self.equity = self.peak = self.day_equity = cash
        self.day, self.day_closed, self.halted, self.halt_bar = -1, False, False, None
        self.called, self.next_id = False, 1
        self.wins = self.losses = 0
        self.won = self.lost = 0.0
        self.pairs = [
            Thing(
                n=n, units=0.0, last=0.0, slots=[None, None], closes=[], last_stop=-math.inf,
                veto=None, veto_bar=-9, taken=0.0,
                snapshot=None, eaten=None,
            )
            for n in range(len(candles.pairs))
        ]  # fmt: skip
        for p in self.pairs:
            self.forget(p)
        self.events, self.curve = [], []

    def forget(self, p):
        """Nothing is held: nothing of the last position counts any more."""
        p.entry = p.best = p.trailed = p.confidence = None
        p.stop_distance = p.target_distance = p.trail_distance = None
        p.since, p.hit, p.inside = None, 0, None
        p.entered = p.paid = p.profit = p.owed = 0.0

    # the bar at hand

    def at(self, column, p):
        return float(getattr(self.candles, column)[self.t, p.n])

    def traded(self, p):
        return self.candles.standing[self.t, p.n] in (0, 3) and self.at("open", p) > 0

    def signal(self, name, p):
        array = getattr(self.signals, name)
        return None if array is None else array[self.t, p.n].item()

    def confidence(self, p):
        value = self.signal("confidence", p)
        if value is None:
            return 1.0
        return 0.0 if math.isnan(value) else min(max(value, 0.0), 1.0)

    def strategy_bar(self):
        """Whether a candle of the strategy closes with this one."""
        end = int(self.candles.time[self.t]) + self.candles.interval.ns
        return end % self.terms.interval.ns == 0

    # the ledger

    def write(self, p, kind, side, order_type, reason, order=0, **values):
        blank = dict(units=0.0, quote=0.0, price=0.0, fee=0.0, slippage=0.0, confidence=1.0)
        self.events.append(
            dict(
                time=int(self.candles.time[self.t]), order=order, pair=p.n, kind=int(kind),
                side=side, type=int(order_type), reason=int(reason), **(blank | values),
            )
        )  # fmt: skip

    def write_order(self, p, kind, o, reason, price):
        self.write(
            p, kind, o.side, o.type, reason, o.id, units=o.units, quote=o.quote, price=price,
            confidence=o.confidence,
        )  # fmt: skip

    # orders

    def new_order(self, side, reason, confidence, order_type=OrderType.MARKET, **fields):
        blank = dict(
            units=0.0, quote=0.0, closes=False, limit=None, stop=None, tif=TimeInForce.GTC,
            post_only=False,
            last_bar=math.inf, arrived=False, active=True, opened=False, filled=False,
        )  # fmt: skip
        order = Thing(
            id=self.next_id, side=side, type=order_type, reason=reason, confidence=confidence,
            **(blank | fields),
        )  # fmt: skip
        self.next_id += 1
        return order

    def place(self, p, slot, order, price=None):
        """Decide an order."""
        p.slots[slot] = order
        self.decided(p, order, price)

    def decided(self, p, order, price=None):
        if price is None:
            price = next((x for x in (order.limit, order.stop) if x is not None), None)
        price = self.at("close", p) if price is None else price
        self.write_order(p, Kind.DECIDED, order, order.reason, price)

    def cancel(self, p, slot, reason):
        if p.slots[slot]:
            self.write_order(p, Kind.CANCELLED, p.slots[slot], reason, self.at("close", p))
        p.slots[slot] = None

    def expire(self, p, order):
        price = self.at("close", p)
        self.write_order(p, Kind.EXPIRED, order, Reason.TIME_IN_FORCE, price)
        p.slots[p.slots.index(order)] = None

    def closing(self, p):
        """Whether all that is held goes at market."""
        order = p.slots[EXIT]
        return bool(order and order.closes and order.type == OrderType.MARKET)

    def wanted_prices(self, name, p, side):
        """Type and prices of an `entry` or `exit` order; whether they are known."""
        limit, stop = self.signal(f"{name}_limit", p), self.signal(f"{name}_stop", p)
        known = all(price > 0 for price in (limit, stop) if price is not None)
        if limit is not None:
            limit = floor_to(limit, self.tick) if side > 0 else ceil_to(limit, self.tick)
        if stop is not None:
            stop = ceil_to(stop, self.tick) if side > 0 else floor_to(stop, self.tick)
        types = {
            (True, True): OrderType.MARKET,
            (False, True): OrderType.LIMIT,
            (True, False): OrderType.STOP,
            (False, False): OrderType.STOP_LIMIT,
        }
        return Thing(type=types[limit is None, stop is None], limit=limit, stop=stop, known=known)

    def terms_of(self, name, prices):
        """What an order takes from the strategy: prices, time in force, bars."""
        terms = getattr(self.terms, f"{name}_order")
        priced = prices.type != OrderType.MARKET
        return dict(
            order_type=prices.type, limit=prices.limit, stop=prices.stop,
            tif=terms.time_in_force, post_only=terms.post_only and priced,
            last_bar=self.t + terms.bars * self.ratio if terms.bars else math.inf,
        )  # fmt: skip

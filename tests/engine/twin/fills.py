"""What a fill costs, how much of a bar it may take, and what it does to cash and position."""

from __future__ import annotations

import math
from itertools import pairwise

from framework.records import Kind, OrderType, Reason, TimeInForce
from twin.account import BPS, ENTRY, EXIT, Account, floor_to


class Fills(Account):
    """Fills of the order in a slot."""

    def volatility(self, p):
        """Sample standard deviation of the last log-returns between remembered closes."""
        bars = self.risk.volatility_bars
        if len(p.closes) <= bars:
            return math.nan
        logs = [math.log(close) for close in p.closes[-bars - 1 :]]
        mean = (logs[-1] - logs[0]) / bars
        total = 0.0
        for before, now in pairwise(logs):
            total += (now - before - mean) * (now - before - mean)
        return math.sqrt(total / (bars - 1))

    def moves(self, p):
        """The volatility, or the bar's range while it is not known."""
        moves = self.volatility(p)
        if math.isnan(moves):
            moves = (self.at("high", p) - self.at("low", p)) / self.at("open", p)
        return moves

    def cost(self, p, units):
        volume = self.at("volume", p)
        return self.cost_of_share(p, units / volume if volume > 0 else 1.0)

    def cost_of_share(self, p, share):
        e = self.execution
        cost = e.half_spread_bps * BPS + e.slippage_bps * BPS
        if e.slippage_volatility:
            cost += e.slippage_volatility * self.moves(p)
        return cost + e.impact_bps * BPS * share**e.impact_power

    def book(self, p, order, base):
        """Levels left to a taker at the open of this bar, as (price, units); None: none known."""
        if self.books is None or base != self.at("open", p):
            return None
        now, found = int(self.candles.time[self.t]), None
        for s in range(int(self.books.first[p.n]), int(self.books.first[p.n + 1])):
            if now - self.execution.book_max_age.ns <= self.books.time[s] <= now:
                found = s
        if found is None:
            return None
        if p.snapshot != found:
            p.snapshot, p.eaten = found, {1: 0.0, -1: 0.0}
        left = []
        gone = p.eaten[order.side]
        for price, units in self.books.levels[found, 1 if order.side > 0 else 0].tolist():
            beyond = order.limit and (price - order.limit) * order.side > 0
            if not math.isnan(price) and not beyond:
                skipped = min(gone, units)
                gone -= skipped
                left.append((price, units - skipped))
        return [(price, units) for price, units in left if units > 0]

    def slip(self, p, order):
        """What remains of a price after what is lost between decision and fill."""
        e = self.execution
        lost = e.slippage_bps * BPS
        if e.slippage_volatility:
            lost += e.slippage_volatility * self.moves(p)
        return max(0.0, 1 + order.side * lost)

    def walked(self, p, order, levels, units):
        """The mean price of the levels that so many units eat."""
        eaten = value = 0.0
        for price, there in levels:
            taken = min(there, units - eaten)
            eaten += taken
            value += taken * price
            if taken < there:
                break
        price = value / eaten * self.slip(p, order)
        if order.limit:
            return min(price, order.limit) if order.side > 0 else max(price, order.limit)
        return price

    def reach(self, p, order, levels, budget, base):
        """The units a budget buys if the last level had no end."""
        if self.slip(p, order) == 0:
            return 0.0
        money = budget / (self.slip(p, order) * (1 + self.taker_fee))
        units = spent = 0.0
        for price, there in levels:
            taken = min(there, (money - spent) / price)
            units += taken
            spent += taken * price
            base = price
            if taken < there:
                break
        if money - spent > 1e-12 * money:
            units += (money - spent) / base
        return floor_to(units, self.lot)

    def taker_price(self, p, order, base, units):
        """The price of a taker, never beyond the limit of the order."""
        if order.side > 0:
            return min(base * (1 + self.cost(p, units)), order.limit or math.inf)
        return max(base * max(0.0, 1 - self.cost(p, units)), order.limit or 0.0)

    def marketable(self, base, order):
        """Whether the limit of an order allows the price half a spread from `base`."""
        quote = base * (1 + order.side * self.execution.half_spread_bps * BPS)
        return quote <= order.limit if order.side > 0 else quote >= order.limit

    def room(self, p):
        if self.execution.max_participation is None:
            return math.inf
        cap = self.execution.max_participation * self.at("volume", p) - p.taken
        return floor_to(max(0.0, cap), self.lot)

    def offered(self, p, order, base, taker):
        """Levels of the book, None without one, and units that may fill."""
        levels, room = self.book(p, order, base) if taker else None, self.room(p)
        if levels is not None:
            held = 0.0
            for _, units in levels:
                held += units
            room = min(room, floor_to(held, self.lot))
        return levels, room

    def filled(self, p, order, units, value, price, fee, slippage, walked):
        p.taken += units
        if walked:
            p.eaten[order.side] += units
        self.write(
            p, Kind.FILLED, order.side, order.type, order.reason, order.id, units=units,
            quote=value, price=price, fee=fee, slippage=slippage, confidence=order.confidence,
        )  # fmt: skip

    def rest(self, p, order):
        """What a fill has left over waits within the time in force."""
        if order.tif != TimeInForce.GTC:
            self.expire(p, order)
        else:
            order.type = OrderType.MARKET if order.limit is None else OrderType.LIMIT

    # entries

    def entry_at(self, p, base, taker, share, levels, room):
        """Price of an entry, and the units that its budget buys there."""
        order, fee = p.slots[ENTRY], self.taker_fee if taker else self.maker_fee
        budget, price = order.quote * share, base
        if order.side > 0:
            budget = max(min(budget, self.cash), 0.0)
        if levels is not None:
            wanted = self.reach(p, order, levels, budget, base)
            units = min(wanted, room)
            return self.walked(p, order, levels, units) if units > 0 else base, wanted
        if taker:
            rough = min(budget / (base * (1 + fee)), room)
            price = self.taker_price(p, order, base, rough)
        return price, floor_to(budget / (price * (1 + fee)), self.lot) if price > 0 else 0.0

    def enter_at(self, p, base, taker, share=1.0):
        """Fill an entry; say whether anything was."""
        order = p.slots[ENTRY]
        levels, room = self.offered(p, order, base, taker)
        price, wanted = self.entry_at(p, base, taker, share, levels, room)
        if wanted > room and order.tif == TimeInForce.FOK:
            self.expire(p, order)
            return False
        units = min(wanted, room)
        if units > 0:
            fee = self.taker_fee if taker else self.maker_fee
            if order.side > 0:
                value = min(units * price, self.cash)
                fee = min(value * fee, self.cash - value)
                self.cash = self.cash - value - fee
                p.profit -= value + fee
            else:
                value = units * price
                fee = value * fee
                self.cash += value - fee
                p.profit += value - fee
            order.quote -= value + fee
            p.paid += value + fee
            slippage = units * (price - base) if order.side > 0 else units * (base - price)
            self.filled(p, order, units, value, price, fee, slippage, levels is not None)
            self.enlarge(p, order, units, price)
            order.filled = True
        if wanted > room:
            self.rest(p, order)
        else:
            if wanted <= 0:
                self.cancel(p, ENTRY, Reason.NO_CASH)
            p.slots[ENTRY] = None
        return units > 0

    def enlarge(self, p, order, units, price):
        if p.units == 0:
            p.entry = p.best = price
            p.confidence, p.since = order.confidence, self.t
        else:
            held = abs(p.units)
            p.entry = (held * p.entry + units * price) / (held + units)
            p.best = max(p.best, price) if order.side > 0 else min(p.best, price)
        p.units += order.side * units
        p.entered += units
        p.stop_distance, p.target_distance = order.stop_distance, order.target_distance
        p.trail_distance = order.trail_distance
        self.trail(p, p.trail_distance)

    def trail(self, p, distance):
        """Let the best price move the trailing stop, never back."""
        if distance and p.units > 0:
            level = p.best * (1 - distance)
            p.trailed = level if p.trailed is None else max(p.trailed, level)
        elif distance:
            level = p.best * (1 + distance)
            p.trailed = level if p.trailed is None else min(p.trailed, level)

    # exits

    def leaving(self, p, order):
        """Units that an exit is still to sell or to buy back."""
        return abs(p.units) if order.closes else min(order.units, abs(p.units))

    def leave(self, p, order, base, taker):
        """Fill an exit."""
        wanted = self.leaving(p, order)
        levels, room = self.offered(p, order, base, taker)
        units = min(wanted, room)
        if units < wanted and order.tif == TimeInForce.FOK:
            self.expire(p, order)
            return
        if units > 0:
            if levels is not None:
                price = self.walked(p, order, levels, units)
            else:
                price = self.taker_price(p, order, base, units) if taker else base
            value = units * price
            fee = value * (self.taker_fee if taker else self.maker_fee)
            if order.side < 0:
                self.cash += value - fee
            else:
                self.cash = self.cash - value - fee
            slippage = units * (price - base) if order.side > 0 else units * (base - price)
            self.filled(p, order, units, value, price, fee, slippage, levels is not None)
            self.charge(p, order, units)
            p.profit += value - fee if order.side < 0 else -(value + fee)
            order.units -= units
            self.shrink(p, units)
        if units < wanted:
            if order in p.slots:
                self.rest(p, order)
        elif p.slots[EXIT] is order:
            p.slots[EXIT] = None

    def charge(self, p, order, units):
        """Pay what is owed for the units that a short gives back."""
        if p.owed > 0:
            part = p.owed * (units / abs(p.units))
            p.owed -= part
            self.cash -= part
            p.profit -= part
            self.write(
                p, Kind.CHARGED, 1, order.type, Reason.BORROW, order.id, units=units, quote=part,
                confidence=order.confidence,
            )  # fmt: skip

    def shrink(self, p, units):
        p.units = max(p.units - units, 0.0) if p.units > 0 else min(p.units + units, 0.0)
        if p.units == 0:
            gain = p.profit / p.paid
            if gain > 0:
                self.wins += 1
                self.won += gain
            else:
                self.losses += 1
                self.lost -= gain
            self.forget(p)

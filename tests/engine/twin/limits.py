"""What forbids an entry or makes it smaller."""

from __future__ import annotations

import math
from itertools import pairwise
from types import SimpleNamespace as Thing

from framework.records import Kind, OrderType, Reason
from twin.account import ENTRY, EXIT, TINY
from twin.sizes import Sizes


class Limits(Sizes):
    """Refusals, caps and the cash."""

    def refusal(self, p):
        if not self.decidable(p):
            return Reason.NOT_TRADABLE
        if self.called:
            return Reason.MARGIN_CALL
        if self.halted:
            return Reason.MAX_DRAWDOWN
        if self.day_closed:
            return Reason.DAILY_LOSS
        if self.too_volatile(p):
            return Reason.VOLATILITY
        highest = self.risk.max_anomaly
        if highest is not None and not self.signal("anomaly", p) <= highest:
            return Reason.ANOMALY
        if self.t - p.last_stop < self.risk.cool_down * self.ratio:
            return Reason.COOL_DOWN
        if not self.wanted_prices("entry", p, p.side).known:
            return Reason.NO_PRICE
        if not self.distances(p).known:
            return Reason.NO_STOP
        return None if self.equity > 0 else Reason.NO_CASH

    def decidable(self, p):
        """Whether somebody traded in the candle decided on."""
        given = self.signal("traded", p)
        return self.traded(p) if given is None else given

    def too_volatile(self, p):
        moves = self.volatility(p)
        if self.risk.volatility_halt is not None and not moves <= self.risk.volatility_halt:
            return True
        sized = self.risk.volatility_target is not None or self.risk.inverse_volatility
        return bool(sized and self.signals.target is None and not moves > 0)

    def distances(self, p):
        """Distances of an entry decided now: numbers, or the values of expressions."""
        found, known = [], True
        for name in ("stop_loss", "take_profit", "trailing_stop"):
            distance = self.signal(name, p)
            if distance is None:
                distance = getattr(self.risk, name)
            elif not 0 < distance < (math.inf if name == "take_profit" else 1):
                known = False
            found.append(distance)
        return Thing(stop=found[0], target=found[1], trail=found[2], known=known)

    def veto(self, p, reason):
        if p.veto != reason or self.t - p.veto_bar > self.ratio:
            self.write(
                p, Kind.VETOED, p.side, OrderType.MARKET, reason, quote=p.wish,
                price=self.at("close", p), confidence=self.confidence(p),
            )  # fmt: skip
        p.veto, p.veto_bar, p.wish = reason, self.t, 0.0

    def selling(self, p):
        """Units that go at market, or come back."""
        order = p.slots[EXIT]
        return self.leaving(p, order) if order and order.type == OrderType.MARKET else 0.0

    def exposure(self, p):
        """What decisions lead to, whichever way."""
        value = abs(p.units) * self.at("close", p) if p.units else 0.0
        value += -self.selling(p) * self.at("close", p)
        return value + (p.slots[ENTRY].quote if p.slots[ENTRY] else 0.0)

    def limit_positions(self):
        slots = max((self.risk.max_positions or 10**9) - self.occupied(), 0)
        entering = [p for p in self.pairs if p.wish > 0 and not self.occupies(p)]
        entering.sort(key=lambda p: (-self.confidence(p), p.n))
        for p in reversed(entering[slots:]):
            self.veto(p, Reason.MAX_POSITIONS)

    def limit_exposure(self):
        pair_cap = self.risk.max_pair_exposure or math.inf
        asked = 0.0
        for p in self.pairs:
            if p.wish > 0:
                p.wish = min(p.wish, pair_cap * self.equity - self.exposure(p))
                asked += p.wish
        cap = self.risk.max_exposure or math.inf
        total = 0.0
        for p in self.pairs:
            total += self.exposure(p)
        self.share_out(asked, cap * self.equity - total, Reason.MAX_EXPOSURE)

    def limit_correlation(self):
        """Bound what moves together with an entry, those before it included."""
        cap = self.risk.max_correlated_exposure
        if cap is None:
            return
        for p in self.pairs:
            if p.wish > 0:
                room = cap * self.equity
                for m in self.pairs:
                    if m is p or self.correlation(p, m) > self.risk.correlation:
                        room -= self.exposure(m)
                        room -= m.wish if m.n < p.n else 0.0
                if room <= TINY * self.equity:
                    self.veto(p, Reason.CORRELATION)
                else:
                    p.wish = min(p.wish, room)

    def correlation(self, p, m):
        """Pearson's, of log-returns in two passes; what is not known counts as 1."""
        bars = self.risk.correlation_bars
        if len(p.closes) <= bars:
            return 1.0
        moves = []
        for pair in (p, m):
            logs = [math.log(close) for close in pair.closes[-bars - 1 :]]
            steps = [now - before for before, now in pairwise(logs)]
            mean = math.fsum(steps) / bars
            moves.append([step - mean for step in steps])
        a, b = (math.sqrt(math.fsum(x * x for x in xs)) for xs in moves)
        if not a * b > 0:
            return 1.0
        return math.fsum(x * y for x, y in zip(*moves, strict=True)) / (a * b)

    def share_out(self, asked, room, reason):
        if asked > room:
            for p in self.pairs:
                if p.wish > 0 and room <= TINY * self.equity:
                    self.veto(p, reason)
                elif p.wish > 0:
                    p.wish *= room / asked

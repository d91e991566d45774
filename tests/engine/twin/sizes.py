"""How large an entry is, and what cash there is for it."""

from __future__ import annotations

import math

from framework.records import Reason
from twin.account import BPS, ENTRY, YEAR_NS, floor_to
from twin.levels import Levels


class Sizes(Levels):
    """Sizes of the entries of one bar."""

    def occupies(self, p):
        """Whether a pair is held and not being closed at market, or being entered."""
        return bool(p.slots[ENTRY] or (p.units and not self.closing(p)))

    def occupied(self):
        return sum(self.occupies(p) for p in self.pairs)

    def size_entries(self):
        wishing = [p for p in self.pairs if p.wish > 0]
        pairs = max(self.occupied() + len(wishing), 1)
        in_or_entering = [p for p in self.pairs if p.wish > 0 or self.occupies(p)]
        for p in wishing:
            p.wish = self.size(p, pairs, in_or_entering) * self.confidence(p)
        for p in wishing:
            if self.risk.kelly and p.wish <= 0:
                p.wish = 0.0
                self.veto(p, Reason.NO_EDGE)

    def size(self, p, pairs, in_or_entering):
        risk = self.risk
        if risk.quote_amount:
            return risk.quote_amount
        if risk.risk_per_trade:
            return self.equity * risk.risk_per_trade / self.loss_at_stop(p)
        if risk.volatility_target:
            target = risk.volatility_target / math.sqrt(YEAR_NS / self.terms.interval.ns)
            return self.equity * (1.0 / pairs) * min(1.0, target / self.volatility(p))
        if risk.inverse_volatility:
            return self.equity * self.inverse_share(p, in_or_entering)
        if risk.kelly:
            return self.equity * self.kelly()
        return self.equity * (1.0 / pairs if risk.fraction is None else risk.fraction)

    def inverse_share(self, p, pairs):
        """Of one over volatility; where that is 0 or not known, it counts like the entry's own."""
        own, total = 1.0 / self.volatility(p), 0.0
        for m in pairs:
            moves = self.volatility(m)
            total += 1.0 / moves if moves > 0 else own
        return own / total

    def kelly(self):
        """Share of equity that the account's own wins and losses suggest."""
        closed = self.wins + self.losses
        if closed < self.risk.kelly_trades:
            return self.risk.kelly_start
        if self.wins == 0:
            return 0.0
        won = self.wins / closed
        if self.losses == 0:
            return self.risk.kelly * won
        mean_gain, mean_loss = self.won / self.wins, self.lost / self.losses
        return self.risk.kelly * (won - (1.0 - won) * mean_loss / mean_gain)

    def loss_at_stop(self, p):
        """Share of an entry's budget that its stop-loss loses, costs included."""
        distance = self.distances(p).stop
        cost = self.cost_of_share(p, min(1.0, self.execution.max_participation or 1.0))
        tick = self.tick / self.at("close", p)
        if p.side > 0:
            stop = max(0.0, 1 - distance - tick)
            return 1 - stop * (1 - cost) * (1 - self.taker_fee) / (1 + self.taker_fee)
        paid = (1 + distance + tick) * (1 + cost) * (1 + self.taker_fee)
        return (paid - (1 - self.taker_fee)) / (1 + self.taker_fee)

    def share_cash(self):
        asked = 0.0
        for p in self.pairs:
            asked += max(p.wish, 0.0)
        self.share_out(asked, self.free_cash(), Reason.NO_CASH)

    def too_small(self, p):
        """Whether the exchange would refuse an entry."""
        prices = self.wanted_prices("entry", p, p.side)
        price = prices.limit or prices.stop or self.at("close", p)
        return p.wish < self.least or floor_to(p.wish / price, self.lot) <= 0

    def free_cash(self):
        """Cash without a claim on it, what goes at market included; shorts hold twice theirs."""
        e, free = self.execution, self.cash
        costs = e.half_spread_bps * BPS, e.slippage_bps * BPS
        for p in self.pairs:
            value = self.selling(p) * self.at("close", p)
            if p.units < 0:
                stays = -p.units * self.at("close", p) - value
                free -= 2 * stays + p.owed
                free -= value * (1 + self.taker_fee) * (1 + costs[0] + costs[1])
            elif p.units > 0:
                free += value * ((1 - self.taker_fee) * (1 - costs[0] - costs[1]))
            if p.slots[ENTRY]:
                free -= p.slots[ENTRY].quote
        return free

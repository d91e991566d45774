"""Size by risk: how much of an entry is lost when its stop-loss is hit, costs included."""

from __future__ import annotations

from framework.engine.compiled import apart
from framework.engine.costs import cost_of_share
from framework.engine.prices import distance
from framework.engine.state import Book, Limits, Market, Wants


@apart
def loss_at_stop(book: Book, market: Market, wants: Wants, limits: Limits, n: int, t: int) -> float:
    """Return the share of pair `n`'s entry budget that is lost at its stop-loss.

    The budget covers the entry, at a price that holds its costs, and its fee. The exit happens at
    the stop, rounded by up to a tick, pays the fee again and loses spread, slippage and the impact
    of the largest share of a volume that it may take. An opening beyond the stop, and without a
    bound on participation an exit larger than a bar's volume, lose more.
    """
    rules, pair = limits.rules_1[0], limits.pairs_N[n]
    cost = cost_of_share(book, market, limits, n, t, min(1.0, rules.max_participation))
    away = distance(rules.stop_loss, wants.stop_loss_NT, n, t)
    tick = pair.tick_size / market.close_NT[n, t]
    if book.positions_N[n].wish_side > 0:
        stop = max(0.0, 1.0 - away - tick)
        kept = stop * (1.0 - cost) * (1.0 - pair.taker_fee)
        return float(1.0 - kept / (1.0 + pair.taker_fee))
    stop = 1.0 + away + tick
    paid = stop * (1.0 + cost) * (1.0 + pair.taker_fee)
    return float((paid - (1.0 - pair.taker_fee)) / (1.0 + pair.taker_fee))

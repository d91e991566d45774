"""Size by risk: how much of an entry is lost when its stop-loss is hit, costs included."""

from __future__ import annotations

from framework.engine.compiled import apart
from framework.engine.state import Limits


@apart
def loss_at_stop(limits: Limits, n: int, price: float) -> float:
    """Return the share of pair `n`'s entry budget that is lost at its stop-loss.

    The budget buys at an entry price that holds the costs of the entry, and pays its fee. The sale
    happens at the stop, rounded down by up to a tick, pays the fee again and loses spread, slippage
    and the impact of the largest share of a volume that it may take. An opening beyond the stop,
    and without a bound on participation a sale larger than a bar's volume, lose more.
    """
    rules, pair = limits.rules_1[0], limits.pairs_N[n]
    cost = rules.half_spread + rules.slippage + rules.impact * min(1.0, rules.max_participation)
    stop = max(0.0, 1.0 - rules.stop_loss - pair.tick_size / price)
    return float(1.0 - stop * (1.0 - cost) * (1.0 - pair.taker_fee) / (1.0 + pair.taker_fee))

"""Size by the Kelly criterion: what the account's own wins and losses suggest to bet.

Kelly, J. L. (1956), "A New Interpretation of Information Rate", Bell System Technical Journal 35.
"""

from __future__ import annotations

from framework.engine.compiled import apart
from framework.engine.state import Record


@apart
def kelly_share(wallet: Record, rules: Record) -> float:
    """Return the share of equity that an entry gets; 0 or less where there is no edge.

    With W the share of round trips that won, and R their mean gain over the mean loss of the
    others, both as fractions of the money put in, the full bet is W - (1 - W) / R.
    """
    closed = wallet.wins + wallet.losses
    if closed < rules.kelly_trades:
        return float(rules.kelly_start)
    if wallet.wins == 0:
        return 0.0
    won = wallet.wins / closed
    bet = won
    if wallet.losses > 0:
        bet -= (1.0 - won) * (wallet.lost / wallet.losses) / (wallet.won / wallet.wins)
    return float(rules.kelly * bet)

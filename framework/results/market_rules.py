"""The order rules that exchanges say of their markets, and from when to when they said them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from framework.results.connection import Url, connect


class SaidRules(NamedTuple):
    """What an exchange asks of an order in one market; 0 means no such rule.

    Parameters
    ----------
    lot_step : float
        Base currency.
    tick_size, min_notional : float
        Quote currency.
    """

    lot_step: float
    tick_size: float
    min_notional: float


class MarketRulesList:
    """The table of market rules; transactions are short and each has its own connection.

    Parameters
    ----------
    url : Url
        Of a database of the newest schema.
    """

    def __init__(self, url: Url) -> None:
        self._url = url

    def keep(self, exchange: str, rules: Mapping[str, SaidRules], said_at: int) -> list[str]:
        """Note what `exchange` says of its markets now.

        Parameters
        ----------
        exchange : str
            Its name.
        rules : mapping of str to SaidRules
            By pair.
        said_at : int
            UTC ns.

        Returns
        -------
        list of str
            Pairs whose rules were others before.
        """
        changed = []
        with connect(self._url, write=True) as connection:
            for pair, said in rules.items():
                known = connection.execute(
                    "SELECT id, lot_step, tick_size, min_notional FROM market_rules "
                    "WHERE exchange = ? AND pair = ? ORDER BY id DESC LIMIT 1",
                    (exchange, pair),
                )
                if known and SaidRules(*known[0][1:]) == said:
                    connection.execute(
                        "UPDATE market_rules SET last_said_at = ? "
                        "WHERE id = ? AND last_said_at < ?",
                        (said_at, known[0][0], said_at),
                    )
                    continue
                connection.insert(
                    "market_rules",
                    ("exchange", "pair", *SaidRules._fields, "first_said_at", "last_said_at"),
                    [(exchange, pair, *said, said_at, said_at)],
                )
                if known:
                    changed.append(pair)
        return changed

    def newest(self, exchange: str) -> dict[str, tuple[SaidRules, int]]:
        """Return what `exchange` said last of each market, by pair, and when (UTC ns)."""
        with connect(self._url) as connection:
            rows = connection.execute(
                "SELECT pair, lot_step, tick_size, min_notional, last_said_at FROM market_rules "
                "WHERE id IN (SELECT MAX(id) FROM market_rules WHERE exchange = ? GROUP BY pair)",
                (exchange,),
            )
        return {pair: (SaidRules(*said), said_at) for pair, *said, said_at in rows}

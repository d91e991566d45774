"""Order rules as exchanges say them: kept in the database, and taken from there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from framework.errors import UserError
from framework.exchange.contract import Exchange
from framework.market.rules import MarketRules
from framework.results.market_rules import SaidRules
from framework.types import format_time

if TYPE_CHECKING:
    from framework.exchange.connection import MarketInfo
    from framework.modes.context import Context


def keep_rules(
    context: Context, markets: Mapping[str, MarketInfo], pairs: Sequence[str], now_ns: int
) -> None:
    """Note in the database what the exchange says of `pairs`, and log what has changed.

    Parameters
    ----------
    context : Context
        Of a run on a live exchange.
    markets : mapping of str to MarketInfo
        As the exchange lists them.
    pairs : sequence of str
        Among them.
    now_ns : int
        The exchange's time.

    Raises
    ------
    OutsideFault
        The database cannot be written.
    """
    from framework.results.database import open_database

    settings = context.settings
    said = {pair: _said(markets[pair].rules) for pair in pairs}
    rules = open_database(settings.database).market_rules
    for pair in rules.keep(settings.exchange.name, said, now_ns):
        context.logger.info(f"{settings.exchange.name} has changed the order rules of {pair}")


def ruled(exchange: Exchange, database: str, pairs: Sequence[str]) -> Exchange:
    """Return `exchange` with the order rules that its ``rules`` choose.

    Parameters
    ----------
    exchange : Exchange
    database : str
        URL.
    pairs : sequence of str
        That are traded.

    Raises
    ------
    UserError
        Recorded ones are wanted and a pair has none.
    """
    recorded = _recorded(exchange, database)
    if recorded is None:
        return exchange
    missing = [pair for pair in pairs if pair not in recorded]
    if missing:
        words = ",".join(missing)
        raise UserError(
            f"exchange.rules: of {words} no rules are recorded (was recorded); run mode=download "
            f"exchange={exchange.name} 'pairs.symbols=[{words}]', or choose configured."
        )
    markets = {pair: MarketRules(**said._asdict()) for pair, (said, _) in recorded.items()}
    return replace(exchange, markets=markets)


def rules_line(exchange: Exchange, database: str, pairs: Sequence[str]) -> str | None:
    """Return a sentence on recorded rules for the report; None: configured ones count."""
    recorded = _recorded(exchange, database)
    if recorded is None:
        return None
    oldest = min(said_at for pair, (_, said_at) in recorded.items() if pair in pairs)
    return (
        f"Lot steps, ticks and smallest orders are those that {exchange.name} said last, on "
        f"{format_time(oldest)[:10]} or later; earlier ones may have differed."
    )


def _recorded(exchange: Exchange, database: str) -> dict[str, tuple[SaidRules, int]] | None:
    """Return what is recorded of the exchange, None where the configuration counts."""
    if not exchange.is_live:
        return None
    from framework.exchange.live_exchange import LiveExchange
    from framework.results.database import open_database

    if not isinstance(exchange, LiveExchange) or exchange.rules == "configured":
        return None
    return open_database(database).market_rules.newest(exchange.name)


def _said(rules: MarketRules) -> SaidRules:
    return SaidRules(rules.lot_step, rules.tick_size, rules.min_notional)

"""Order rules as exchanges said them, on SQLite and PostgreSQL: kept once, dated, the newest."""

from __future__ import annotations

import pytest

from framework.results.connection import Url, connect
from framework.results.database import Database, open_database
from framework.results.market_rules import SaidRules

OLD, NEW = SaidRules(1e-8, 0.01, 10.0), SaidRules(1e-8, 0.5, 10.0)


@pytest.fixture
def database(database_url: str) -> Database:
    return open_database(database_url)


def rows(url: str) -> list[tuple[object, ...]]:
    with connect(Url(url)) as connection:
        return connection.execute(
            "SELECT pair, tick_size, first_said_at, last_said_at FROM market_rules ORDER BY id"
        )


def test_rules_said_again_only_move_the_date(database: Database, database_url: str) -> None:
    assert database.market_rules.newest("kraken") == {}
    assert database.market_rules.keep("kraken", {"BTC-EUR": OLD}, 100) == []
    assert database.market_rules.keep("kraken", {"BTC-EUR": OLD}, 200) == []
    assert database.market_rules.keep("kraken", {"BTC-EUR": OLD}, 150) == []
    assert rows(database_url) == [("BTC-EUR", 0.01, 100, 200)]
    assert database.market_rules.newest("kraken") == {"BTC-EUR": (OLD, 200)}


def test_changed_rules_are_another_row_and_the_pair_is_told(
    database: Database, database_url: str
) -> None:
    database.market_rules.keep("kraken", {"BTC-EUR": OLD, "ETH-EUR": OLD}, 100)
    assert database.market_rules.keep("kraken", {"BTC-EUR": NEW, "ETH-EUR": OLD}, 200) == [
        "BTC-EUR"
    ]
    assert rows(database_url) == [
        ("BTC-EUR", 0.01, 100, 100),
        ("ETH-EUR", 0.01, 100, 200),
        ("BTC-EUR", 0.5, 200, 200),
    ]
    assert database.market_rules.newest("kraken") == {"BTC-EUR": (NEW, 200), "ETH-EUR": (OLD, 200)}


def test_exchanges_do_not_mix(database: Database) -> None:
    database.market_rules.keep("kraken", {"BTC-EUR": OLD}, 100)
    assert database.market_rules.keep("bitvavo", {"BTC-EUR": NEW}, 200) == []
    assert database.market_rules.newest("kraken") == {"BTC-EUR": (OLD, 100)}
    assert database.market_rules.newest("bitvavo") == {"BTC-EUR": (NEW, 200)}

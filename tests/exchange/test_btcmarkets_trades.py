"""BTC Markets' past trades: pages in either order, cursors that count either way."""

import pytest
from btcmarkets_standin import asking, iso

from framework.exchange.faults import Unreachable
from framework.types import SECOND_NS, parse_time

T0 = parse_time("2026-03-01")
BIG = 2**53


class Trades:
    """900 trades, one a second, with ids beyond what a float holds; cursors count either way."""

    def __init__(self, before_is_older, newest_first, digits=6, count=900):
        self.before_is_older, self.newest_first = before_is_older, newest_first
        self.rows = [
            {
                "id": str(BIG + 3 * number),
                "price": f"{100 + number}.5",
                "amount": "0.25",
                "timestamp": iso(T0 + number * SECOND_NS, digits),
                "side": "Bid" if number % 2 else "Ask",
            }
            for number in range(count)
        ]

    def __call__(self, request):
        query, limit = request.query, int(request.query["limit"])
        rows = self.rows
        for name in ("before", "after"):
            if name in query:
                limit_id = int(query[name])
                if (name == "before") == self.before_is_older:
                    rows = [row for row in rows if int(row["id"]) < limit_id]
                else:
                    return self.ordered([r for r in rows if int(r["id"]) > limit_id][:limit])
        return self.ordered(rows[-limit:])

    def ordered(self, rows):
        return rows[::-1] if self.newest_first else rows


@pytest.mark.parametrize("before_is_older", [True, False])
@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("digits", [3, 6])
def test_trades_are_walked_back_to_the_start_whichever_way_cursors_and_pages_go(
    before_is_older, newest_first, digits
):
    start, end = T0 + 250 * SECOND_NS, T0 + 860 * SECOND_NS
    (found, complete), server = asking(
        lambda it: it.trades("BTC-AUD", start, end),
        trades=Trades(before_is_older, newest_first, digits),
    )
    assert [int(trade.id) for trade in found] == [BIG + 3 * number for number in range(250, 860)]
    assert [trade.time for trade in found] == [T0 + n * SECOND_NS for n in range(250, 860)]
    assert (found[0].price, found[0].units, found[0].side, found[1].side) == (350.5, 0.25, -1, 1)
    assert complete == start
    # 900 to 250 are four pages of 200, and one in vain where the first guess was wrong.
    assert len(server.asked) == (5 if before_is_older else 4)


@pytest.mark.parametrize("before_is_older", [True, False])
def test_trades_are_complete_where_history_begins_after_the_start(before_is_older):
    (found, complete), _ = asking(
        lambda it: it.trades("BTC-AUD", 0, T0 + 900 * SECOND_NS),
        trades=Trades(before_is_older, True, count=450),
    )
    assert (len(found), complete) == (450, 0)


def test_of_a_market_without_trades_there_are_none():
    (found, complete), _ = asking(lambda it: it.trades("BTC-AUD", T0, T0 + 1), trades=lambda _: [])
    assert (found, complete) == ([], T0)


def test_trades_that_cannot_be_walked_back_are_complete_from_the_oldest_seen():
    every = Trades(True, True)
    (found, complete), _ = asking(
        lambda it: it.trades("BTC-AUD", T0, T0 + 900 * SECOND_NS),
        trades=lambda request: every.rows[-200:],  # whatever the cursor
    )
    assert len(found) == 200
    assert complete == T0 + 701 * SECOND_NS  # the oldest seen is 700's; times may be off by one


@pytest.mark.parametrize(
    "wrong",
    [
        {"price": "NaN"},
        {"price": "-1"},
        {"price": "0"},
        {"price": "9" * 30},
        {"price": "1e13"},
        {"price": "1_0"},
        {"amount": None},
        {"amount": "0"},
        {"id": "abc"},
        {"id": 1.5},
        {"id": True},
        {"timestamp": 1_700_000_000},
        {"timestamp": "soon"},
        {"timestamp": "1970-01-01T00:00:00Z"},
        {"side": "Sideways"},
        {"side": []},
    ],
)
def test_no_trade_is_made_of_a_wrong_value(wrong):
    rows = [Trades(True, True).rows[0] | wrong]
    with pytest.raises(Unreachable, match="cannot be read"):
        asking(lambda it: it.trades("BTC-AUD", T0, T0 + 1), trades=lambda _: rows)

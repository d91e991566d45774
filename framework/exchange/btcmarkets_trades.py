"""Past public trades of BTC Markets, gathered by walking back from the newest."""

from __future__ import annotations

from framework.exchange.btcmarkets_pages import PAGE, Cursor, Page, Pager, cursors_of_ids
from framework.exchange.btcmarkets_values import list_of, trade_of
from framework.exchange.http import Answer, JsonClient
from framework.market.live import Trade
from framework.types import SECOND_NS

_MOST_PAGES = 250
_OUT_OF_ORDER_NS = SECOND_NS  # ids and times may disagree on the order of trades by this much


class TradeHistory:
    """Asks for trades page by page.

    Parameters
    ----------
    client : JsonClient
    """

    def __init__(self, client: JsonClient) -> None:
        self._client = client
        self.pager = Pager()

    async def between(self, pair: str, start_ns: int, end_ns: int) -> tuple[list[Trade], int]:
        """Return the trades with times in [start_ns, end_ns), and from when on they are complete.

        Ascending by time and id. Some 50,000 trades are walked over at most.
        """

        async def ask(cursor: tuple[Cursor, ...]) -> Page[Trade]:
            path = f"/v3/markets/{pair}/trades"
            query = (("limit", str(PAGE)), *cursor)
            return await self._client.get(path, lambda answer: _page(pair, answer), query, 0.5)

        limit_ns = start_ns - _OUT_OF_ORDER_NS
        seen, reached = await self.pager.back(ask, lambda it: it.time < limit_ns, _MOST_PAGES)
        wanted = [key for key, it in seen.items() if start_ns <= it.time < end_ns]
        wanted.sort(key=lambda key: (seen[key].time, key))
        complete_from_ns = start_ns
        if not reached:
            oldest_ns = seen[min(seen)].time + _OUT_OF_ORDER_NS
            complete_from_ns = min(max(start_ns, oldest_ns), end_ns)
        return [seen[key] for key in wanted], complete_from_ns


def _page(pair: str, answer: Answer) -> Page[Trade]:
    trades = [trade_of(pair, entry, "id", "amount") for entry in list_of(answer.body)]
    entries = {int(trade.id): trade for trade in trades}
    return Page(entries, cursors_of_ids(entries))

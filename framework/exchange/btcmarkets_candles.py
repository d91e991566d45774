"""Candles of BTC Markets: by ranges, by pages, and of intervals that are not certain to exist."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from framework.exchange.btcmarkets_pages import PAGE, Cursor, Page, Pager, cursors_of_times
from framework.exchange.btcmarkets_values import text_of_time
from framework.exchange.faults import Refused
from framework.exchange.http import Answer, JsonClient
from framework.exchange.wire_values import Ohlcv, list_of, served_ohlcv_of
from framework.exchange.written_values import iso_time_of
from framework.market.candles import COLUMNS
from framework.market.made_candles import merged
from framework.market.rows import CandleRows
from framework.types import Interval

RANGE = 1_000
"""Candles in the answer to a range, at most."""

_MINUTE, _HOUR, _DAY = (Interval.parse(text) for text in ("1m", "1h", "1d"))
_CERTAIN = (_DAY, _HOUR, _MINUTE)
_COMPARED = 20
_MOST_PAGES = 1_000


class CandleHistory:
    """Asks for candles; where nobody traded there is none.

    The windows ``1m``, ``1h`` and ``1d`` are documented. What an answer to another one holds is
    compared once with candles made of those; unless it is the same, they are always so made.

    Parameters
    ----------
    client : JsonClient
    """

    def __init__(self, client: JsonClient) -> None:
        self._client = client
        self.pager = Pager()
        self.served: dict[Interval, bool] = {}
        """Whether an interval that is not documented is served as it should be."""

    async def between(
        self, pair: str, interval: Interval, start_ns: int, end_ns: int
    ) -> CandleRows:
        """Return the candles with open times in [start_ns, end_ns), ascending, each once."""
        start_ns = interval.ceil(start_ns)
        parts = next((it for it in _CERTAIN if it.divides(interval)), None)
        if parts is None or parts == interval:
            return await self._by_range(pair, interval, start_ns, end_ns)
        if interval not in self.served:
            compared_ns = min(end_ns, start_ns + _COMPARED * interval.ns)
            same = await self._same(pair, interval, parts, start_ns, compared_ns)
            if same is not None:
                self.served[interval] = same
        if self.served.get(interval):
            return await self._by_range(pair, interval, start_ns, end_ns)
        return await self._made(pair, interval, parts, start_ns, end_ns)

    async def by_page(
        self, pair: str, interval: Interval, start_ns: int, end_ns: int
    ) -> tuple[CandleRows, bool]:
        """Return the same by walking back over pages from the newest, and whether it is all."""

        async def ask(cursor: tuple[Cursor, ...]) -> Page[tuple[int, Ohlcv]]:
            query = (("timeWindow", str(interval)), ("limit", str(PAGE)), *cursor)
            return await self._client.get(_path(pair), _page, query)

        seen, reached = await self.pager.back(ask, lambda it: it[0] < start_ns, _MOST_PAGES)
        return _rows(pair, dict(seen.values()), start_ns, end_ns), reached

    async def _same(
        self, pair: str, interval: Interval, parts: Interval, start_ns: int, end_ns: int
    ) -> bool | None:
        """Tell whether the exchange's candles are those made of `parts`; None: not to be told."""
        try:
            theirs = await self._by_range(pair, interval, start_ns, end_ns)
        except Refused:
            return False
        ours = await self._made(pair, interval, parts, start_ns, end_ns)
        if not len(ours):
            return None
        last_ns = ours.time[-1]  # may have been running
        theirs, ours = (rows.take(np.flatnonzero(rows.time < last_ns)) for rows in (theirs, ours))
        if not len(ours):
            return None
        if not np.array_equal(theirs.time, ours.time):
            return False
        return bool(
            np.allclose(_values(theirs), _values(ours), rtol=1e-9, atol=1e-8, equal_nan=True)
        )

    async def _made(
        self, pair: str, interval: Interval, parts: Interval, start_ns: int, end_ns: int
    ) -> CandleRows:
        if end_ns <= start_ns:
            return _rows(pair, {}, start_ns, end_ns)
        last_ns = interval.floor(end_ns - 1) + interval.ns
        return merged(await self._by_range(pair, parts, start_ns, last_ns), interval)

    async def _by_range(
        self, pair: str, interval: Interval, start_ns: int, end_ns: int
    ) -> CandleRows:
        found: dict[int, Ohlcv] = {}
        step_ns = (RANGE - 2) * interval.ns  # room for one more at either end
        for first_ns in range(start_ns, end_ns, step_ns):
            await self._fill(found, pair, interval, first_ns, min(first_ns + step_ns, end_ns))
        return _rows(pair, found, start_ns, end_ns)

    async def _fill(
        self, found: dict[int, Ohlcv], pair: str, interval: Interval, start_ns: int, end_ns: int
    ) -> None:
        """Ask for one range; nothing hangs on whether its ends are inclusive, or what its cap is.

        A number of rows that a cap could have left makes what lies around them asked for again.
        """
        query = (
            ("timeWindow", str(interval)),
            ("from", text_of_time(start_ns - interval.ns)),
            ("to", text_of_time(end_ns)),
        )
        page = await self._client.get(_path(pair), _page, query)
        times = [time_ns for time_ns, _ in page.entries.values() if start_ns <= time_ns < end_ns]
        for time_ns, row in page.entries.values():
            _keep(found, time_ns, row)
        if times and len(page.entries) % 10 == 0:
            if min(times) > start_ns:
                await self._fill(found, pair, interval, start_ns, min(times))
            if max(times) + interval.ns < end_ns:
                await self._fill(found, pair, interval, max(times) + interval.ns, end_ns)


def _path(pair: str) -> str:
    return f"/v3/markets/{pair}/candles"


def _page(answer: Answer) -> Page[tuple[int, Ohlcv]]:
    entries: dict[int, Ohlcv] = {}
    for entry in list_of(answer.body):
        row = list_of(entry)
        _keep(entries, iso_time_of(row[0] if row else None), served_ohlcv_of(row[1:]))
    return Page(
        {time_ns: (time_ns, row) for time_ns, row in entries.items()},
        cursors_of_times(entries, answer),
    )


def _keep(found: dict[int, Ohlcv], time_ns: int, row: Ohlcv) -> None:
    """Keep a row unless one with more volume is known: caches serve older ones."""
    known = found.get(time_ns)
    if known is None or not row[4] < known[4]:
        found[time_ns] = row


def _rows(pair: str, found: Mapping[int, Ohlcv], start_ns: int, end_ns: int) -> CandleRows:
    within = {time_ns: row for time_ns, row in found.items() if start_ns <= time_ns < end_ns}
    return CandleRows.of(pair, within)


def _values(rows: CandleRows) -> np.ndarray:
    return np.column_stack([getattr(rows, name) for name in COLUMNS])

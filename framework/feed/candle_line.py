"""One pair's candles: gathered from trades, socket and requests, told in order and once."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from framework.feed.bar import Bar, grew, possible_candle
from framework.feed.bucket import Bucket
from framework.feed.events import CandleClosed, CandleRevised
from framework.feed.verdict import Judge, Verdict
from framework.market.candles import COLUMNS, Standing
from framework.market.live import Candle, Trade
from framework.market.rows import CandleRows
from framework.types import SECOND_NS

AHEAD = 1_000
"""Candles that wait to be told, at most."""
KEPT = 32
"""Candles watched for revisions after they were told."""
_UNSETTLED = 240  # watched longer where they were told without the exchange's word


class CandleLine:
    """Tells a pair's candles when they are final, and watches them for a while.

    Parameters
    ----------
    judge : Judge
        Says when they are final.
    first_ns : int
        Open time of the first candle to tell.
    """

    def __init__(self, judge: Judge, first_ns: int) -> None:
        self._judge = judge
        self._interval = judge.interval
        self.next_ns = first_ns
        """Open time of the next candle to tell."""
        self._buckets: dict[int, Bucket] = {}  # told ones still watched, and those to be told
        self._close = math.nan  # of the last candle told, or of the one before the first
        self._reach_ns = -(2**62)  # the exchange has no rows before it any more
        self._stirred = False  # a told candle may not be settled

    @property
    def oldest_ns(self) -> int:
        """Open time of the oldest candle watched."""
        return min(self._buckets, default=self.next_ns)

    @property
    def last_close(self) -> float:
        """Of the last candle told; NaN: not known yet."""
        return self._close

    def add(self, trade: Trade) -> None:
        """Take in a trade that is new."""
        bucket = self._bucket(self._interval.floor(trade.time))
        if bucket is None:
            return
        self._stirred |= bucket.told is not None
        if bucket.bar is None:
            bucket.bar = Bar(trade)
        else:
            bucket.bar.add(trade)

    def stream(self, candle: Candle, closed: bool | None) -> bool:
        """Take in a candle of the socket; tell whether it is final."""
        bucket = self._bucket(candle.time)
        if bucket is None or bucket.sealed or not possible_candle(candle, self._close):
            return False
        bucket.streamed = candle
        bucket.sealed = closed is True and self._judge.unbroken(bucket)
        self._stirred = True
        return bucket.sealed

    def read(self, rows: CandleRows, start_ns: int, end_ns: int, asked_ns: int) -> None:
        """Take in an answer for the open times in [start, end), asked for at `asked_ns`."""
        served = {row.time: row for row in _candles(rows)}
        if math.isnan(self._close):
            before = [time for time in served if time < self.next_ns]
            possible = [t for t in before if possible_candle(served[t], math.nan)]
            self._close = served[max(possible)].close if possible else math.nan
        for opens in range(max(start_ns, self.oldest_ns), end_ns, self._interval.ns):
            bucket = self._bucket(opens)
            if bucket is None or opens + self._interval.ns > asked_ns:
                continue
            row = served.get(opens)
            if row is None or possible_candle(row, math.nan):
                odd = row is not None and not possible_candle(row, self._close)
                bucket.answer(row, odd, asked_ns)
        self._stirred = True

    def asked(self, start_ns: int, end_ns: int) -> None:
        """A request for the trades in [start, end) was answered."""
        for bucket in self._buckets.values():
            opens, ends = self._judge.span(bucket)
            if start_ns <= opens and ends <= end_ns:
                bucket.asks += 1
        self._stirred = True

    def complete(self, start_ns: int, end_ns: int) -> None:
        """All trades in [start, end) were taken in, after that had passed."""
        for bucket in self._buckets.values():
            opens, ends = self._judge.span(bucket)
            bucket.complete |= start_ns <= opens and ends <= end_ns

    def reaches(self, from_ns: int) -> None:
        """The exchange has no rows before `from_ns`."""
        self._reach_ns = from_ns

    def interrupt(self) -> None:
        """The socket is lost: deadlines wait until it is heard again."""
        for bucket in self._buckets.values():
            bucket.since_ns = 0

    def waiting(self, now_ns: int, live: bool) -> list[Bucket]:
        """Return the ended candles, the oldest first, of which the exchange's word is out.

        Parameters
        ----------
        now_ns : int
            Exchange time.
        live : bool
            The socket is heard: the deadline of each runs.
        """
        grace_ns = round(self._judge.closing.grace_s * SECOND_NS)
        last = self._interval.floor(now_ns - self._interval.ns - grace_ns)
        if not self._stirred and last < self.next_ns:
            return []
        for opens in range(self.next_ns, last + 1, self._interval.ns):
            bucket = self._bucket(opens)
            if bucket is None:
                break
            if live and not bucket.since_ns:
                bucket.since_ns = now_ns
        times = sorted(opens for opens in self._buckets if opens <= last)
        out = [self._buckets[t] for t in times if not self._judge.settled(self._buckets[t])]
        self._stirred = bool(out)
        return out

    def tell(self, now_ns: int) -> list[CandleClosed | CandleRevised]:
        """Return what can be told now; `now_ns` is exchange time."""
        told: list[CandleClosed | CandleRevised] = []
        if self._stirred:
            told += self._revisions(now_ns)
        while bucket := self._next(now_ns):
            verdict = self._verdict(bucket, now_ns)
            if verdict is None:
                break
            bucket.told, bucket.standing = verdict
            bucket.looks = 0
            self._close = bucket.told.close
            self.next_ns += self._interval.ns
            self._stirred = True
            told.append(CandleClosed(*verdict))
        if told:
            self._forget()
        return told

    def _bucket(self, opens: int) -> Bucket | None:
        """Return the bucket that opens then, a new one if need be; None: it is not watched."""
        found = self._buckets.get(opens)
        if found is None and self._interval.floor(opens) == opens:
            if self.next_ns <= opens < self.next_ns + AHEAD * self._interval.ns:
                found = self._buckets[opens] = Bucket(opens)
        return found

    def _next(self, now_ns: int) -> Bucket | None:
        """Return the next candle to tell, if it has ended."""
        bucket = self._bucket(self.next_ns)
        ended = self.next_ns + self._interval.ns <= now_ns
        return bucket if bucket is not None and (ended or bucket.sealed) else None

    def _verdict(self, bucket: Bucket, now_ns: int) -> Verdict | None:
        if bucket.sealed and bucket.streamed is not None:
            traded = bucket.streamed.volume > 0
            return bucket.streamed, Standing.CONFIRMED if traded else Standing.FLAT
        return self._judge.by_request(
            bucket, self._close, self._reach_ns, now_ns
        ) or self._judge.at_deadline(bucket, self._close, now_ns)

    def _revisions(self, now_ns: int) -> list[CandleRevised]:
        """Return what became of candles told, and of the flat ones after them."""
        revisions: list[CandleRevised] = []
        close = math.nan  # of the candle before, where that was revised
        for opens in sorted(opens for opens in self._buckets if opens < self.next_ns):
            bucket = self._buckets[opens]
            before = bucket.told
            if before is None:
                continue
            after = self._revised(bucket, before, now_ns)
            if after is None and before.volume == 0 and bucket.row is None and not bucket.sealed:
                after = _at(before, close)
            if after is None:
                close = math.nan
                continue
            bucket.told, close = after, after.close
            revisions.append(CandleRevised(after, before))
            if opens + self._interval.ns == self.next_ns:
                self._close = close
        return revisions

    def _revised(self, bucket: Bucket, before: Candle, now_ns: int) -> Candle | None:
        """Return what requests have of a candle told, where that is more."""
        if self._judge.settled(bucket):
            return None
        verdict = self._judge.by_request(bucket, before.open, self._reach_ns, now_ns)
        if verdict is None:
            return None
        candle, standing = verdict
        if grew(before.volume, candle.volume):
            return None
        provisional = bucket.standing is Standing.PROVISIONAL
        if provisional:
            bucket.standing = standing
        if grew(candle.volume, before.volume):
            return candle
        # Of trades with one stamp only the exchange knows which was the first and which the last.
        return candle if provisional and _prices(candle) != _prices(before) else None

    def _forget(self) -> None:
        """Drop told candles that were watched for long enough."""
        settled_ns = self.next_ns - KEPT * self._interval.ns
        oldest_ns = self.next_ns - _UNSETTLED * self._interval.ns
        for opens in [opens for opens in self._buckets if opens < settled_ns]:
            if opens < oldest_ns or self._judge.settled(self._buckets[opens]):
                del self._buckets[opens]


def _prices(candle: Candle) -> tuple[float, ...]:
    return candle.open, candle.high, candle.low, candle.close


def _at(candle: Candle, close: float) -> Candle | None:
    """Return a flat candle at another price; None: it is its price, or that is not known."""
    if math.isnan(close) or close == candle.close:
        return None
    return replace(candle, open=close, high=close, low=close, close=close)


def _candles(rows: CandleRows) -> list[Candle]:
    values = np.stack([getattr(rows, name) for name in COLUMNS], axis=1).tolist()
    times = rows.time.tolist()
    return [Candle(rows.pair, time, *row) for time, row in zip(times, values, strict=True)]

"""When a candle is final, and what it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

from framework.feed.bar import grew, made_of
from framework.feed.bucket import Bucket, Closing
from framework.feed.coverage import Coverage
from framework.market.candles import Standing
from framework.market.live import Candle
from framework.types import SECOND_NS, Interval

Verdict = tuple[Candle, Standing]

_ASKS = 3  # for the trades of one candle
_LONGEST_NS = 3_600 * SECOND_NS  # the trades of a longer candle are too many to ask for


@dataclass(frozen=True, slots=True)
class Judge:
    """Weighs what is known of one pair's candles.

    Parameters
    ----------
    pair : str
    interval : Interval
    coverage : Coverage
        Of what the socket had of the pair.
    hears_trades : bool
        Trades are among it.
    closing : Closing
    """

    pair: str
    interval: Interval
    coverage: Coverage
    hears_trades: bool
    closing: Closing

    def span(self, bucket: Bucket) -> tuple[int, int]:
        """Return where the bucket begins and ends."""
        return bucket.time, bucket.time + self.interval.ns

    def unbroken(self, bucket: Bucket) -> bool:
        """Tell whether nothing of the bucket was missed on the socket."""
        return self.coverage.whole(*self.span(bucket))

    def known(self, bucket: Bucket) -> bool:
        """Tell whether all the bucket's trades should be known."""
        return bucket.complete or (self.hears_trades and self.unbroken(bucket))

    def settled(self, bucket: Bucket) -> bool:
        """Tell whether the bucket is told, and nothing that may still change speaks against it."""
        told = bucket.told
        if told is None or bucket.standing is Standing.PROVISIONAL:
            return False
        if bucket.proof is not None and grew(bucket.proof.volume, told.volume):
            return False
        if self.hears_trades and bucket.lacks_trades and bucket.asks < _ASKS:
            return False
        return not grew(bucket.heard_volume, told.volume)

    def needs_trades(self, bucket: Bucket, now_ns: int) -> bool:
        """Tell whether asking for the trades of an ended candle may settle it."""
        if self._beyond_proof(bucket, now_ns):
            return False
        if bucket.asks and now_ns - bucket.asked_ns < self.closing.again_s * SECOND_NS:
            return False
        if bucket.sealed:
            return self.hears_trades and bucket.lacks_trades
        if bucket.lacks_trades or not self.known(bucket):
            return True
        return bucket.read and bucket.heard_volume == 0 and not bucket.complete

    def by_request(
        self, bucket: Bucket, close: float, reach_ns: int, now_ns: int
    ) -> Verdict | None:
        """Return the candle as requests have it for good; None: that is not known yet.

        Parameters
        ----------
        bucket : Bucket
        close : float
            Of the candle before it.
        reach_ns : int
            The exchange has no rows before it any more.
        now_ns : int
            Exchange time.
        """
        if not bucket.read or (bucket.odd and not _steady(bucket, self.closing.odd_s)):
            return None
        if bucket.heard_volume == 0 and (bucket.row is None or bucket.row.volume == 0):
            return self._quiet(bucket, close, reach_ns, now_ns)
        row = bucket.row
        if row is None or grew(bucket.heard_volume, row.volume):
            return None
        if self.known(bucket) and made_of(row, bucket.bar):
            return row, Standing.CONFIRMED
        if self._beyond_proof(bucket, now_ns) and _steady(bucket, self.closing.settle_s):
            return row, Standing.CONFIRMED
        return None

    def at_deadline(self, bucket: Bucket, close: float, now_ns: int) -> Verdict | None:
        """Return the best that is known of a candle whose time is up; None: it is not."""
        waited_ns = now_ns - max(bucket.since_ns, self.span(bucket)[1])
        if not bucket.since_ns or waited_ns < self.closing.deadline_s * SECOND_NS:
            return None
        if bucket.nothing_known and not self.known(bucket):
            return None
        candidates = [flat(self.pair, bucket.time, close)]
        if bucket.bar is not None:
            candidates.append(bucket.bar.candle(self.pair, bucket.time))
        if bucket.streamed is not None:
            candidates.append(bucket.streamed)
        if bucket.row is not None and not bucket.odd:
            candidates.append(bucket.row)
        best = max(candidates, key=lambda candle: candle.volume)
        return None if math.isnan(best.close) else (best, Standing.PROVISIONAL)

    def _quiet(self, bucket: Bucket, close: float, reach_ns: int, now_ns: int) -> Verdict | None:
        """Return the verdict where neither row nor trades say that anybody traded."""
        nothing = flat(self.pair, bucket.time, close)
        if bucket.row is None and bucket.time < reach_ns:
            return nothing, Standing.MISSING
        steady = _steady(bucket, self.closing.settle_s)
        if not (bucket.complete or (self._beyond_proof(bucket, now_ns) and steady)):
            return None
        if bucket.row is not None:
            return bucket.row, Standing.FLAT
        return nothing, Standing.MISSING if math.isnan(close) else Standing.FLAT

    def _beyond_proof(self, bucket: Bucket, now_ns: int) -> bool:
        """Tell whether trades need not, or cannot, prove the bucket any more."""
        start_ns, end_ns = self.span(bucket)
        return (
            bucket.asks >= _ASKS
            or self.interval.ns > _LONGEST_NS
            or now_ns - end_ns > self.closing.proof_s * SECOND_NS
            or (not bucket.complete and self.coverage.hopeless(start_ns, end_ns))
        )


def flat(pair: str, time_ns: int, close: float) -> Candle:
    """Return a candle in which nobody traded."""
    return Candle(pair, time_ns, close, close, close, close, 0.0)


def _steady(bucket: Bucket, seconds: float) -> bool:
    """Tell whether requests had the same answer for so long."""
    return bucket.read and bucket.read_ns - bucket.same_since_ns >= seconds * SECOND_NS

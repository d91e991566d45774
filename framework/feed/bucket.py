"""What is known of one candle of one pair before and after it is told."""

from __future__ import annotations

from dataclasses import dataclass

from framework.feed.bar import Bar, grew
from framework.market.candles import Standing
from framework.market.live import Candle


@dataclass(frozen=True, slots=True)
class Closing:
    """When a candle is told, seconds of exchange time.

    Parameters
    ----------
    grace_s : float
        From its end until the exchange is asked first.
    deadline_s : float
        From its end until it is told without the exchange's word.
    settle_s : float
        For which an answer must stay the same where trades cannot prove it.
    again_s : float
        Between two requests for its trades.
    odd_s : float
        For which an answer must stay the same that looks impossible.
    proof_s : float
        From its end, after which an answer need not be proven by trades any more.
    """

    grace_s: float = 0.8
    deadline_s: float = 10.0
    settle_s: float = 4.0
    again_s: float = 2.0
    odd_s: float = 60.0
    proof_s: float = 120.0


@dataclass(slots=True)
class Bucket:
    """One candle's evidence.

    Parameters
    ----------
    time : int
        Of its open.
    bar : Bar or None
        Of the trades heard and asked for.
    streamed : Candle or None
        As the socket last had it.
    sealed : bool
        The socket said that `streamed` is final, and nothing was missed.
    read : bool
        There is an answer of a time when it had ended.
    row : Candle or None
        That answer's; None: it had none.
    odd : bool
        `row` looks impossible.
    same_since_ns, read_ns : int
        When that answer was first and last given.
    since_ns : int
        Since when it could be asked for with the socket heard; 0: it could not.
    looks : int
        Requests for its row so far.
    looked_ns : int
        When the last of them was made.
    asks : int
        Requests for its trades so far.
    asked_ns : int
        When the last of them was made.
    complete : bool
        All its trades were answered after it had ended.
    told : Candle or None
        As it was last told.
    standing : Standing
        That of `told`.
    """

    time: int
    bar: Bar | None = None
    streamed: Candle | None = None
    sealed: bool = False
    read: bool = False
    row: Candle | None = None
    odd: bool = False
    same_since_ns: int = 0
    read_ns: int = 0
    since_ns: int = 0
    looks: int = 0
    looked_ns: int = 0
    asks: int = 0
    asked_ns: int = 0
    complete: bool = False
    told: Candle | None = None
    standing: Standing = Standing.MISSING

    def answer(self, row: Candle | None, odd: bool, asked_ns: int) -> None:
        """Note what an answer to a request made at `asked_ns` has of it."""
        if not self.read or row != self.row:
            self.same_since_ns = asked_ns
        self.read, self.row, self.odd, self.read_ns = True, row, odd, asked_ns

    @property
    def heard_volume(self) -> float:
        """Of the trades known."""
        return 0.0 if self.bar is None else self.bar.volume

    @property
    def proof(self) -> Candle | None:
        """What the exchange says of it, if that is possible."""
        if self.row is not None and not self.odd:
            if self.streamed is None or not self.sealed:
                return self.row
            if grew(self.row.volume, self.streamed.volume):
                return self.row
        return self.streamed if self.sealed else None

    @property
    def lacks_trades(self) -> bool:
        """Whether the exchange speaks of trades that are not known."""
        proof = self.proof
        return proof is not None and grew(proof.volume, self.heard_volume)

    @property
    def nothing_known(self) -> bool:
        """Whether no source has anything of it."""
        return self.bar is None and self.streamed is None and self.row is None

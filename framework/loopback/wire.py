"""What one exchange's protocol is: its paths, and how it writes and reads what it says.

A wire renders and parses, and does nothing else: sockets, time, faults and limits are the server's.
What it returns are payloads: values that `write` makes JSON of, or text that is sent as it is.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from framework.loopback.order_book import Delta
from framework.loopback.true_rows import TrueCandle, TrueTrade
from framework.types import Interval

if TYPE_CHECKING:
    from aiohttp.web import Request

    from framework.loopback.venue import Venue

_BARE = "\0"
_BARE_WRITTEN = re.compile(r'"\\u0000([^"]*)"')


class Topic(Enum):
    """What of a market a socket can be subscribed to."""

    TRADES = "trades"
    CANDLES = "candles"
    BOOK = "book"
    TICKER = "ticker"
    BEAT = "beat"


@dataclass(frozen=True, slots=True)
class Subscription:
    """One thing that a socket listens to.

    Parameters
    ----------
    topic : Topic
    pair : str
        Empty where the topic has none.
    interval : Interval or None
        Of candles.
    depth : int or None
        Of the book; None: all of it.
    """

    topic: Topic
    pair: str = ""
    interval: Interval | None = None
    depth: int | None = None


@dataclass(eq=False)
class Ear:
    """One client's socket, as its wire sees it: what it listens to, and what the wire keeps of it.

    Parameters
    ----------
    path : str
        It was opened at.
    subscriptions : set of Subscription
        What the server sends it; the wire fills it.
    kept : dict
        The wire's own: numbers of frames, the book as last sent.
    """

    path: str
    subscriptions: set[Subscription] = field(default_factory=set)
    kept: dict[Any, Any] = field(default_factory=dict)

    def listens(self, topic: Topic, pair: str) -> list[Subscription]:
        """Return its subscriptions to a topic of a pair."""
        return [s for s in self.subscriptions if s.topic is topic and s.pair == pair]


@dataclass(frozen=True, slots=True)
class Say:
    """One frame to be sent; topic and pair tell the server which faults apply.

    Parameters
    ----------
    payload : object
    topic, pair : Topic, str
        BEAT and empty for what belongs to no market, such as a confirmation.
    snapshot : bool
        A whole book.
    """

    payload: object
    topic: Topic = Topic.BEAT
    pair: str = ""
    snapshot: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request is answered with."""

    payload: object
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[["Request"], Awaitable[Answer]]


class Wire(ABC):
    """One exchange's protocol.

    `venue` is set by the server before anything is asked: the truth as it is served now.
    """

    name: str
    """As the exchange's component is called, such as ``kraken``."""

    pairs: tuple[str, ...]
    """Markets there are unless others are asked for."""

    intervals: tuple[str, ...]
    """Of the candles that it has, such as ``1m``."""

    quiet_candles: bool = False
    """Whether intervals without trades have a candle."""

    beat_s: float | None = None
    """Seconds between calls of `beat`; None: never."""

    idle_s: float | None = None
    """A socket on which nothing was sent or heard for so long is closed."""

    ping_s: float | None = None
    """Seconds between pings of the server, as frames of the protocol below (RFC 6455)."""

    limit: tuple[int, float] | None = None
    """Requests, and seconds in which no more are answered."""

    venue: Venue

    # Requests

    @abstractmethod
    def routes(self) -> Sequence[tuple[str, str, Handler]]:
        """Return method, path as of aiohttp (``/v3/markets/{id}/candles``) and handler of each."""

    def refusal(self, status: int, retry_after_s: float) -> Answer:
        """Return how it refuses a request of its own accord: 404, 429 or 5xx."""
        headers = {"Retry-After": f"{retry_after_s:g}"} if retry_after_s else {}
        return Answer({"error": "refused"}, status, headers)

    # Sockets

    @property
    @abstractmethod
    def socket_paths(self) -> Sequence[str]:
        """Return the paths of sockets as of aiohttp, such as ``/ws/{number}``."""

    def opened(self, ear: Ear) -> list[Say]:
        """Return what is said to a new socket at once."""
        return []

    @abstractmethod
    def heard(self, ear: Ear, text: str) -> list[Say]:
        """Return the answers to a client's frame; keep its subscriptions in `ear`.

        A snapshot that comes with a subscription is among the answers.
        """

    @abstractmethod
    def trade(self, ear: Ear, trade: TrueTrade) -> list[object]:
        """Return the payloads that tell one trade, each time anew: one trade may be told twice."""

    @abstractmethod
    def delta(self, ear: Ear, wanted: Subscription, delta: Delta, right: bool) -> list[object]:
        """Return the payloads that tell one change of a book; none where it is out of sight.

        Called for every change in order and before the next one, also of those that are lost on
        their way, so that numbers of frames go on; `venue.book` is as it is after the change.

        Parameters
        ----------
        right : bool
            False: the checksum, or the number that lets a client notice a hole, is to be wrong.
        """

    def early(self, ear: Ear, wanted: Subscription, delta: Delta) -> list[object]:
        """Return the payloads of a change older than the snapshot; none where that cannot happen.

        That is where a client has no way to tell such a change from a new one.
        """
        return []

    def candle(
        self, ear: Ear, wanted: Subscription, candle: TrueCandle, closed: bool
    ) -> list[object]:
        """Return the payloads of a running or just closed candle; none where there is no stream."""
        return []

    def ticker(self, ear: Ear, pair: str) -> list[object]:
        """Return the payloads that sum up a market after a trade; none where it has no such."""
        return []

    def beat(self, ear: Ear) -> list[object]:
        """Return what is said every `beat_s` seconds; look at the subscriptions."""
        return []


def bare(decimal: str) -> str:
    """Return an exact decimal that `write` writes as a number, digit by digit as given."""
    return _BARE + decimal


def write(payload: object) -> str:
    """Return `payload` as JSON; text remains as it is.

    Examples
    --------
    >>> write({"price": bare("100.10"), "time": "now"})
    '{"price":100.10,"time":"now"}'
    """
    if isinstance(payload, str):
        return payload
    text = json.dumps(payload, separators=(",", ":"))
    return _BARE_WRITTEN.sub(r"\1", text)

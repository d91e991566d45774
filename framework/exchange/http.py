"""JSON over HTTP: asked with patience, read with suspicion, every fault told in one line."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import numpy as np

from framework.exchange.faults import ExchangeFault, Unreachable
from framework.exchange.http_faults import fault_of_answer, shortened
from framework.exchange.live_packages import need_packages, open_session
from framework.exchange.retries import Budget, insist
from framework.interfaces import Clock

if TYPE_CHECKING:
    import aiohttp

T = TypeVar("T")

_MOST_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Parameters
    ----------
    body : object
        Whatever the JSON text holds.
    headers : mapping
        Looked up in any case of letters.
    """

    body: Any
    headers: Mapping[str, str]


class JsonClient:
    """Requests to one host, each with patience: waited for, and made again where that may help.

    Parameters
    ----------
    exchange : str
        Its name, for messages.
    url : str
        Scheme, host and what every path begins with.
    clock : Clock
        For waiting and for the limit of each attempt.
    budget : Budget
        What every attempt draws on.
    timeout_s : float
        Limit of one attempt.
    retries : int
        Attempts after the first one.
    rng : Generator
        Spreads the waits, so that programs cut off together do not come back together.
    """

    def __init__(
        self,
        exchange: str,
        url: str,
        clock: Clock,
        budget: Budget,
        timeout_s: float,
        retries: int,
        rng: np.random.Generator,
    ) -> None:
        self.exchange = exchange
        self.clock = clock
        self._url = url.rstrip("/")
        self._budget = budget
        self._timeout_s = timeout_s
        self._retries = retries
        self._rng = rng
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The connections held; made when first asked for, in the loop that runs then."""
        if self._session is None or self._session.closed:
            self._session = open_session(self.exchange)
        return self._session

    async def get(
        self,
        path: str,
        read: Callable[[Answer], T],
        query: Sequence[tuple[str, str]] = (),
        cost: float = 1.0,
        sign: Callable[[], Mapping[str, str]] | None = None,
    ) -> T:
        """Return what `read` makes of the answer to a GET.

        Parameters
        ----------
        path : str
            From ``/`` on.
        read : callable
            Raises ValueError on an answer that is not what was asked for: it is asked for again.
        query : sequence of (str, str)
        cost : float
            Drawn from the budget by each attempt.
        sign : callable, optional
            Returns the headers that make an attempt a private one.

        Raises
        ------
        Unreachable
            No attempt brought an answer that could be read.
        Refused
            The exchange declined.
        """

        async def once() -> T:
            return await self._once(path, read, query, sign)

        return await insist(once, self.clock, self._budget, self._rng, self._retries, cost)

    async def close(self) -> None:
        """Give the connections back."""
        if self._session is not None:
            await self._session.close()

    async def _once(
        self,
        path: str,
        read: Callable[[Answer], T],
        query: Sequence[tuple[str, str]],
        sign: Callable[[], Mapping[str, str]] | None,
    ) -> T:
        from yarl import URL

        asked = f"{path}?{urlencode(query, safe=':,')}" if query else path
        url = URL(f"{self._url}{quote(path, safe='/')}{asked[len(path) :]}", encoded=True)
        library = need_packages(self.exchange)
        try:
            async with (
                self.clock.timeout(self._timeout_s),
                self.session.get(
                    url, headers=sign() if sign else None, allow_redirects=False
                ) as response,
            ):
                body = await _whole_body(response)
        except TimeoutError:
            raise self._unreachable(asked, f"no answer in {self._timeout_s:g} s") from None
        except (library.ClientError, OSError, ValueError) as fault:
            raise self._unreachable(asked, reason_of(fault)) from None
        return self._read(asked, Answer(body, response.headers), response.status, read)

    def _read(self, asked: str, answer: Answer, status: int, read: Callable[[Answer], T]) -> T:
        import orjson

        fault = fault_of_answer(self.exchange, asked, status, answer.headers, answer.body)
        if fault is not None:
            raise fault
        try:
            return read(Answer(orjson.loads(answer.body), answer.headers))
        except orjson.JSONDecodeError:
            text = shortened(answer.body)
            raise self._unreachable(asked, f"the answer is no JSON: {text}") from None
        except (ValueError, OverflowError) as unread:
            raise self._unreachable(asked, f"the answer cannot be read: {unread}") from None

    def _unreachable(self, asked: str, what: str) -> ExchangeFault:
        return Unreachable(self.exchange, f"{urlsplit(self._url).netloc}{asked}: {what}")


def reason_of(fault: BaseException) -> str:
    """Return why no connection came about, or why it broke, in the system's words."""
    inner = getattr(fault, "os_error", fault)
    words = str(getattr(inner, "strerror", None) or fault)
    number = inner.errno if isinstance(inner, OSError) else None
    if number is not None and number > 0:  # faults of looking up names are below 0
        words = os.strerror(number)
    return shortened(words.encode()) if words else type(fault).__name__


async def _whole_body(response: aiohttp.ClientResponse) -> bytes:
    """Return the body; raise ValueError when it is endless."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > _MOST_BYTES:
            raise ValueError(f"the answer is longer than {_MOST_BYTES} bytes")
        parts.append(part)
    return b"".join(parts)

"""JSON over HTTP: asked with patience, read with suspicion, every fault told in one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import numpy as np

from framework.errors import OutsideFault
from framework.exchange.faults import ExchangeFault, TooOften, Unreachable
from framework.exchange.http_faults import fault_of_answer, shortened
from framework.interfaces import Clock

if TYPE_CHECKING:
    import aiohttp

T = TypeVar("T")

_MOST_BYTES = 64 * 2**20
_SHORTEST_WAIT_S = 0.5
_LONGEST_WAIT_S = 30.0


class Budget(Protocol):
    """Whose turn it is, among all who ask the same exchange."""

    async def take(self, clock: Clock, cost: float = 1.0) -> None:
        """Wait until `cost` may be spent."""

    def pause(self, seconds: float) -> None:
        """Hand out nothing for so long."""


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


def need_aiohttp(exchange: str) -> ModuleType:
    """Return the package, or say in one line that it is not installed."""
    try:
        import aiohttp
        import orjson  # noqa: F401 - both come with the same extra
    except ImportError as fault:
        raise OutsideFault(
            f"exchange {exchange}: needs the package {fault.name}; pip install -e '.[live]'."
        ) from None
    return aiohttp


class JsonClient:
    """Requests to one host that wait their turn, are asked again in vain times, and then give up.

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
            library = need_aiohttp(self.exchange)
            self._session = library.ClientSession(
                # The clock sets the limits; aiohttp would count the computer's seconds.
                timeout=library.ClientTimeout(total=None, sock_connect=None),
                cookie_jar=library.DummyCookieJar(),
            )
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
        attempt = 0
        while True:
            await self._budget.take(self.clock, cost)
            try:
                return await self._once(path, read, query, sign)
            except Unreachable as fault:
                wait = self._wait(attempt, fault)
                if isinstance(fault, TooOften):
                    self._budget.pause(wait)
                attempt += 1
                if attempt > self._retries or wait > _LONGEST_WAIT_S:
                    raise self._in_vain(fault, attempt) from None
                await self.clock.sleep(wait)

    async def close(self) -> None:
        """Give the connections back."""
        if self._session is not None:
            await self._session.close()

    def _wait(self, attempt: int, fault: Unreachable) -> float:
        """Return the seconds until the next attempt: twice as many each time, spread by half."""
        shortest, asked = _SHORTEST_WAIT_S, 0.0
        if isinstance(fault, TooOften):
            shortest, asked = 4 * _SHORTEST_WAIT_S, fault.retry_after_s or 0.0
        backoff: float = min(shortest * 2**attempt, _LONGEST_WAIT_S)
        return max(asked, backoff * (0.5 + 0.5 * float(self._rng.random())))

    def _in_vain(self, fault: Unreachable, attempts: int) -> Unreachable:
        times = "once" if attempts == 1 else f"{attempts} times"
        what = f"{fault.what}; asked {times}"
        if isinstance(fault, TooOften):
            return TooOften(self.exchange, what, fault.retry_after_s)
        return Unreachable(self.exchange, what)

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
        library = need_aiohttp(self.exchange)
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
    words = getattr(inner, "strerror", None) or str(fault)
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

"""What goes wrong inside ccxt, as faults of an exchange."""

from __future__ import annotations

import re

import aiohttp
import ccxt

from framework.exchange.faults import ExchangeFault, Refused, TooOften, Unreachable
from framework.exchange.wire_values import Unreadable

_ASK_LESS = (418, 429)
_COUNTRY = (
    "it does not serve the country that this computer is in (HTTP 451); choose another exchange, "
    "or set exchange.url to the address for your country"
)


class HttpFault(Exception):
    """An answer whose status says that it is none.

    Parameters
    ----------
    status : int
    text : str
        Of the answer.
    is_json : bool
        Whether the exchange itself seems to have answered, not something on the way.
    retry_after_s : float, optional
        Seconds to wait, as the answer says.
    """

    def __init__(
        self, status: int, text: str, is_json: bool, retry_after_s: float | None = None
    ) -> None:
        super().__init__(f"HTTP {status}: {text}")
        self.status = status
        self.text = text
        self.is_json = is_json
        self.retry_after_s = retry_after_s


class SocketEnded(Exception):
    """A socket ended, and how."""


def fault_of(exchange: str, what: str, error: BaseException) -> ExchangeFault:
    """Return what went wrong while `what` was asked for.

    Parameters
    ----------
    exchange : str
        Its name.
    what : str
        What was asked for, such as ``candles of BTC-EUR``.
    error : BaseException
        What ccxt, aiohttp or the reading of the answer raised.
    """
    if isinstance(error, ExchangeFault):
        return error
    if isinstance(error, HttpFault):
        return _by_status(exchange, what, error)
    if isinstance(error, Unreadable):
        return Unreachable(exchange, f"{what}: the answer cannot be right: {error}")
    if isinstance(error, TimeoutError | ccxt.RequestTimeout):
        return Unreachable(exchange, f"{what}: no answer in time")
    origin = _transport(error)
    if isinstance(origin, aiohttp.WSServerHandshakeError):
        return _by_status(exchange, what, HttpFault(origin.status, "", is_json=False))
    if origin is not None:
        return Unreachable(exchange, f"{what}: cannot be reached ({one_line(origin)})")
    said = one_line(error)
    if isinstance(error, SocketEnded):
        return Unreachable(exchange, f"{what}: {said}")
    if isinstance(error, ccxt.DDoSProtection | ccxt.RateLimitExceeded):
        return TooOften(exchange, f"{what}: asked too often ({said})")
    if isinstance(error, ccxt.OperationFailed):  # network, maintenance, a bad answer
        return Unreachable(exchange, f"{what}: {said}")
    if isinstance(error, ccxt.BaseError):
        return Refused(exchange, f"{what}: {said}")
    # ccxt reads answers without checking them: whatever else it stumbles over is the answer.
    return Unreachable(exchange, f"{what}: the answer cannot be read ({said})")


def _transport(error: BaseException) -> BaseException | None:
    """Return what broke on the way: ccxt keeps it as a cause, or as all that it has to say."""
    for origin in (error, error.__cause__, *error.args[:1]):
        if isinstance(origin, aiohttp.ClientError | OSError):
            return origin
    return None


def _by_status(exchange: str, what: str, fault: HttpFault) -> ExchangeFault:
    said = f"{what}: HTTP {fault.status}" + (f" ({fault.text})" if fault.text else "")
    if fault.status in _ASK_LESS:
        return TooOften(
            exchange, f"{what}: asked too often (HTTP {fault.status})", fault.retry_after_s
        )
    if fault.status == 451:
        return Refused(exchange, f"{what}: {_COUNTRY}")
    if fault.status >= 500 or fault.status == 408 or not fault.is_json:
        return Unreachable(exchange, said)
    return Refused(exchange, said)


def one_line(error: object) -> str:
    """Return the beginning of a message, on one line, without addresses' queries."""
    text = re.sub(r"\?\S+", "", " ".join(str(error).split()))
    return text if len(text) <= 160 else f"{text[:157]}..."

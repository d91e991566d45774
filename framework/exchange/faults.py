"""What can go wrong between this program and an exchange.

OutsideFault
└── ExchangeFault    what an exchange answered, or that it did not
    ├── Unreachable  no answer, or none that can be read: asking again may help
    │   └── TooOften     refused for asking too often: wait, then ask again
    └── Refused      a clear no: asking again does not help
"""

from __future__ import annotations

from framework.errors import OutsideFault


class ExchangeFault(OutsideFault):
    """An exchange did not give what was asked for.

    Parameters
    ----------
    exchange : str
        Its name, such as ``kraken``.
    what : str
        What was asked for and what came instead, without a full stop.
    """

    def __init__(self, exchange: str, what: str) -> None:
        super().__init__(f"exchange {exchange}: {what}.")
        self.exchange = exchange
        self.what = what


class Unreachable(ExchangeFault):
    """No answer in time, a broken connection, a 5xx, or an answer that cannot be read."""


class TooOften(Unreachable):
    """The exchange's limit was hit.

    Parameters
    ----------
    exchange, what : str
        As of `ExchangeFault`.
    retry_after_s : float, optional
        Seconds that the exchange asks to wait.
    """

    def __init__(self, exchange: str, what: str, retry_after_s: float | None = None) -> None:
        super().__init__(exchange, what)
        self.retry_after_s = retry_after_s


class Refused(ExchangeFault):
    """The exchange understood and declined: permissions, keys, an unknown market."""

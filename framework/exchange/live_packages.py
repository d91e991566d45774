"""The packages that exchanges on the network need, loaded when the first one is connected to."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from framework.errors import UserError


def need_packages(exchange: str, *more: str) -> Any:
    """Return the package aiohttp; say in one line which one is not installed.

    Parameters
    ----------
    exchange : str
        Its name, for the message.
    more : str
        Packages needed beside those that every exchange needs.
    """
    try:
        for name in ("orjson", "filelock", *more):
            import_module(name)
        return import_module("aiohttp")
    except ImportError as fault:
        raise UserError(
            f"exchange {exchange}: needs the package {fault.name}; pip install -e '.[live]'."
        ) from None


def open_session(exchange: str) -> Any:
    """Return an `aiohttp.ClientSession` for the loop that runs now, to be closed after use."""
    aiohttp = need_packages(exchange)
    return aiohttp.ClientSession(
        # The clock sets the limits; aiohttp would count the computer's seconds.
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        cookie_jar=aiohttp.DummyCookieJar(),
    )

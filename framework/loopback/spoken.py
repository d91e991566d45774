"""Which exchanges the loopback can stand for: their wires here, and who asks them."""

from __future__ import annotations

import importlib
from typing import Any

from framework.loopback.wire import Wire

# Name: class of the wire in `framework.loopback.wires`, class of the component in
# `framework.exchange`, both in a module of that name.
SPOKEN = {
    "binance": ("BinanceWire", "Binance"),
    "bitvavo": ("BitvavoWire", "Bitvavo"),
    "btcmarkets": ("BTCMarketsWire", "BtcMarkets"),
    "coinbase": ("CoinbaseWire", "Coinbase"),
    "kraken": ("KrakenWire", "Kraken"),
}


def wire_of(name: str) -> Wire:
    """Return a new wire of the exchange `name`."""
    module = importlib.import_module(f"framework.loopback.wires.{name}")
    wire: Wire = getattr(module, SPOKEN[name][0])()
    return wire


def component_of(name: str) -> type[Any]:
    """Return the component class of the exchange `name`."""
    module = importlib.import_module(f"framework.exchange.{name}")
    found: type[Any] = getattr(module, SPOKEN[name][1])
    return found

"""About what the made markets' currencies cost, so that their prices look familiar."""

from __future__ import annotations

# Base currency: price in AUD, volatility against the market's, chance of a quiet minute.
BASES = {
    "BTC": (95_000.0, 0.8, 0.04),
    "ETH": (4_500.0, 1.0, 0.06),
    "SOL": (220.0, 1.3, 0.10),
    "ADA": (1.0, 1.2, 0.20),
    "XRP": (1.6, 1.1, 0.12),
}
# Quote currency: units of it per AUD.
QUOTES = {"AUD": 1.0, "EUR": 0.6, "USD": 0.65, "USDT": 0.65, "USDC": 0.65, "GBP": 0.5}

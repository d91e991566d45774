"""Live market data as a consumer may trust it: candles in order and once, trades, books."""

"""The way from candles to a judged ledger."""

"""Learning from candles: what is learned from, how training goes on, and how it is judged."""

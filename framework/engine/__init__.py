"""The one engine: a deterministic state machine that backtests, sweeps and sessions step alike."""

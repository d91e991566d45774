"""Every mistake in a sweep gets its line and exit code 2, before any data is read."""

import pytest

SPAN = ("pairs=btc_aud", "start=2025-03-01", "end=2025-03-08")
CASES = {
    "unknown key": (
        ["strategy.params.fst=5,10"],
        "strategy.params.fst: no such key. Did you mean 'fast'? To add it: "
        "+strategy.params.fst=VALUE.",
    ),
    "unknown choice": (
        ["risk=off,balancd"],
        "risk: there is no 'balancd'. Did you mean 'balanced'?",
    ),
    "empty range": (
        ["strategy.params.fast=range(10,5)"],
        "strategy.params.fast: range(10,5) is empty.",
    ),
    "no step": (
        ["strategy.params.fast=range(5,10,0)"],
        "strategy.params.fast: range(5,10,0) is no range (range() arg 3 must not be zero).",
    ),
    "interval": (
        ["strategy.params.fast=interval(5,10)"],
        "strategy.params.fast: interval(5,10) needs hydra/sweeper=optuna; a grid takes lists and "
        "ranges.",
    ),
    "unknown objective": (
        ["sweep.objective=sharp", "strategy.params.fast=5,6"],
        "sweep.objective: 'sharp' is no metric. Did you mean 'sharpe'?",
    ),
    "objective that cannot be read": (
        ["sweep.objective=sharpe -", "strategy.params.fast=5,6"],
        "sweep.objective: 'sharpe -' cannot be read as an expression of metrics.",
    ),
    "window of nothing": (
        ["strategy.params.fast=0,5,10"],
        "features.ma_fast: mean(): 'bars' must be at least 1 (was 0). "
        "Trial: strategy.params.fast=0",
    ),
    "window of a wrong type": (
        ["strategy.params.fast=5,abc"],
        "features.ma_fast: mean(): 'bars' must be a whole number known beforehand (was 'abc'). "
        "Trial: strategy.params.fast=abc",
    ),
    "null window": (
        ["strategy.params.fast=5,null"],
        "strategy.params.fast: must be true or false or a whole number or a number or text "
        "(was null).",
    ),
    "two distances out of range": (
        ["risk.stop_loss=0.1,1.5,-2", "strategy.params.fast=5,6"],
        "risk.stop_loss: must be less than 1 (was 1.5). "
        "Trial: risk.stop_loss=1.5 strategy.params.fast=5",
        "risk.stop_loss: must be greater than 0 (was -2). "
        "Trial: risk.stop_loss=-2 strategy.params.fast=5",
    ),
    "costs out of range": (
        ["execution.slippage_bps=0,5000"],
        "execution.slippage_bps: must be at most 1000 (was 5000). "
        "Trial: execution.slippage_bps=5000",
    ),
    "rules that do not go together": (
        ["risk.break_even=0.1,0.0001"],
        "risk.break_even: must be greater than 0.00400802, which the fees of entry and exit take "
        "(was 0.0001). Trial: risk.break_even=0.0001",
    ),
    "bound without a score": (
        ["risk.max_anomaly=null,1.0"],
        "risk.max_anomaly: needs strategy.anomaly, the score that it bounds (was 1).",
    ),
    "shorts on a spot exchange": (
        ["strategy=ma_cross,trend_both"],
        "strategy.direction: must be long on simulated, a spot exchange, which sells only what is "
        "held (was 'both'); exchange.spot_only=false allows shorts. Trial: strategy=trend_both",
    ),
    "modes": (
        ["mode=backtest,report"],
        "mode: is the same for all trials of a sweep (was backtest,report).",
    ),
    "keys of the sweep": (
        ["run_dir=a,b", "database=a,b", "sweep.top=1,2"],
        "run_dir: is the same for all trials of a sweep (was a,b).",
        "database: is the same for all trials of a sweep (was a,b).",
        "sweep.top: is the same for all trials of a sweep (was 1,2).",
    ),
    "too many trials": (
        ["strategy.params.fast=range(1,2000)", "strategy.params.slow=range(1,2000)"],
        "sweep: has 3,996,001 combinations, more than 1,000,000; a sampler explores large spaces: "
        "hydra/sweeper=optuna.",
    ),
    "sealed tail": (
        ["evaluation.sealed=2d", "evaluation.open_sealed=true", "strategy.params.fast=5,6"],
        "evaluation.open_sealed: must be false in a sweep, which would choose by what is kept from "
        "it (was true).",
    ),
    "test part": (
        ["evaluation=holdout", "evaluation.open_test=true", "strategy.params.fast=5,6"],
        "evaluation.open_test: must be false in a sweep, which would choose by what is kept from "
        "it (was true).",
    ),
    "evaluations": (
        ["evaluation=whole,holdout", "evaluation.sealed=2d,3d"],
        "evaluation: is the same for all trials of a sweep (was whole,holdout).",
        "evaluation.sealed: is the same for all trials of a sweep (was 2d,3d).",
    ),
    "nothing to go on with": (
        ["sweep.resume=nothing", "strategy.params.fast=5,6"],
        "sweep.resume: no sweep is named 'nothing' in sqlite:///runs/framework.db.",
    ),
    "a name that is none": (
        ["sweep.name=a/b", "strategy.params.fast=5,6"],
        "sweep.name: must match ^[\\w.-]+$ (was 'a/b').",
    ),
}


@pytest.mark.parametrize("case", CASES, ids=lambda name: name.replace(" ", "-"))
def test_a_mistake_in_a_sweep_is_answered_in_plain_lines(program, case):
    words, *says = CASES[case]
    ended = program("-m", *SPAN, *words)
    assert ended.err.splitlines() == says
    assert ended.code == 2
    assert not list(ended.folder.glob("runs/*/*"))

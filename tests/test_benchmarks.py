"""The benchmarks work and count right; how fast anything is does not matter here."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
BARS = 5_000


@pytest.fixture
def benchmarks(monkeypatch):
    """Make the modules of the benchmarks importable, and forget the peers."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    monkeypatch.delenv("PEERS", raising=False)


def printed_lines(capsys):
    out = capsys.readouterr().out
    return [json.loads(line[2:]) for line in out.splitlines() if line.startswith("@@")]


@pytest.fixture
def peer_folder(tmp_path):
    """A folder with one peer that prints half a million bars a second, and one that fails."""
    for venv in ("ref", "btpy"):
        python = tmp_path / "peers" / "venvs" / venv / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.symlink_to(sys.executable)
    (tmp_path / "peers" / "peer_ref.py").write_text(
        "import json, sys\n"
        "line = {'test': sys.argv[1], 'fill': 1, 'trail': 0.02, 'bps': 5e5, 'cps': 10.0}\n"
        "print('noise'); print('@@' + json.dumps(line | {'fill': 0, 'trail': 0.0, 'bps': 1.0}))\n"
        "print('@@' + json.dumps(line))\n"
    )
    (tmp_path / "peers" / "peer_btpy.py").write_text("print('before'); raise SystemExit('broken')")
    return tmp_path / "peers"


def test_crossover_ends_with_the_equity_of_whole_cent_arithmetic(benchmarks, capsys):
    import peer_ours

    peer_ours.main("single", str(BARS))
    ours, kernel, exact = printed_lines(capsys)
    assert ours["equity"] == pytest.approx(exact["equity"], rel=1e-12)
    assert ours["fills"] > 50
    assert ours["bps"] == pytest.approx(BARS / ours["seconds"])
    assert kernel["test"] == "single:kernel"


@pytest.mark.parametrize(("mode", "fills"), [("stops", 50), ("rules", 50)])
def test_rules_are_timed_on_an_account_that_trades(benchmarks, capsys, mode, fills):
    import peer_ours

    peer_ours.main(mode, str(BARS))
    whole, kernel = printed_lines(capsys)
    assert (whole["test"], kernel["test"]) == (mode, f"{mode}:kernel")
    assert whole["fills"] > fills


def test_account_that_stopped_trading_is_no_measure_of_speed(benchmarks, monkeypatch):
    import every_rule
    import peer_ours

    monkeypatch.setitem(every_rule.RISK, "max_drawdown", 1e-6)
    monkeypatch.setitem(every_rule.RISK, "halt_bars", None)
    with pytest.raises(SystemExit, match="stopped trading"):
        peer_ours.main("rules", str(BARS))


def test_every_rule_acts_on_five_pairs(benchmarks):
    import every_rule
    import peer_ours
    from series import YEAR, load

    from framework.records import Kind, Reason

    bench = peer_ours.Bench(*(load(15, YEAR, p) for p in range(5)), every_rule_on=True)
    events = bench.simulate(bench.signals()).events
    seen = {(Kind(kind), Reason(reason)) for kind, reason in events[["kind", "reason"]].tolist()}
    for reason in ("stop_loss", "take_profit", "trailing_stop", "break_even"):
        assert reason in every_rule.RISK
        assert (Kind.FILLED, Reason[reason.upper()]) in seen
    for reason in (Reason.MAX_POSITIONS, Reason.VOLATILITY, Reason.COOL_DOWN):
        assert (Kind.VETOED, reason) in seen
    assert (Kind.CHARGED, Reason.BORROW) in seen, "no short paid for what it borrowed"
    assert (Kind.EXPIRED, Reason.TIME_IN_FORCE) in seen, "no order waited for its price in vain"
    orders = events["order"][events["kind"] == Kind.FILLED]
    assert len(orders) > len(np.unique(orders)), "no order took more than one bar"


def test_sweep_is_timed_over_as_many_sets_as_asked(benchmarks, capsys):
    import peer_ours

    peer_ours.main("sweep", "3")
    (line,) = printed_lines(capsys)
    assert line["sets"] == 3
    assert line["cps"] > 0


def test_files_hold_the_series(benchmarks, tmp_path, monkeypatch):
    import peer_ours
    import pyarrow.parquet as pq
    from series import load

    monkeypatch.setenv("WORK", str(tmp_path))
    peer_ours.write_files(1, 100)
    table = pq.read_table(tmp_path / "candles" / "PC-USD_1m.parquet")
    assert table["close"].to_pylist() == load(1, 100, 2)[:, 4].tolist()
    assert len(list((tmp_path / "candles").iterdir())) == 5


def test_series_of_the_peers_come_first(benchmarks, tmp_path, monkeypatch):
    from series import load

    (tmp_path / "data").mkdir()
    theirs = load(1, 7) + 1.0
    np.save(tmp_path / "data" / "m1_7.npy", theirs)
    monkeypatch.setenv("PEERS", str(tmp_path))
    np.testing.assert_array_equal(load(1, 7), theirs)
    assert not np.array_equal(load(1, 7, pair=1), theirs)
    assert len(load(15, 9)) == 9


def test_series_are_candles(benchmarks):
    from series import load

    time, opened, high, low, close, volume = load(15, 2_000, pair=3).T
    assert np.all(high >= np.maximum(opened, close))
    assert np.all(low <= np.minimum(opened, close))
    assert np.all(volume > 0)
    assert set(np.diff(time)) == {900_000.0}


def test_budgets_are_judged_by_medians_and_by_the_peer_they_name(benchmarks):
    from budgets import derive, judge
    from systems import OURS, RUST_API, RUST_DIRECT

    figures = {
        "single": {OURS: [30e6, 29e6, 90e6], RUST_API: [10e6], RUST_DIRECT: [20e6]},
        "rules": {OURS: [15e6]},
        "stops": {OURS: [20e6], RUST_API: [8e6]},
        "load": {OURS: [0.51]},
    }
    derive(figures)
    verdicts = {
        (row.work, row.system): (row.ratio, [met for _, met in row.budgets])
        for row in judge(figures)
    }
    assert verdicts == {
        ("single", RUST_API): (3.0, [True]),
        ("single", RUST_DIRECT): (1.5, [False]),
        ("stops", RUST_API): (2.5, []),
        ("rules", RUST_API): (1.875, [False]),
        ("cost", ""): (None, [True]),
        ("load", ""): (None, [False]),
    }
    assert figures["cost"][OURS] == [2.0]


def test_seconds_are_better_when_fewer(benchmarks):
    from budgets import judge, table
    from systems import LOOP, OURS

    rows = judge({"process 1": {OURS: [2.0], LOOP: [1.0]}})
    assert [row.ratio for row in rows] == [None, 0.5]
    budget, loop = table(rows).splitlines()[2:]
    assert "must ≤ 3: met; aim ≤ 1.5: NOT MET" in budget
    assert [cell.strip() for cell in loop.split("|")[3:7]] == [LOOP, "1", "2", "0.5"]


def test_one_command_times_ours_beside_the_peers(benchmarks, peer_folder, tmp_path, capsys):
    import compare
    from systems import LOOP, OURS

    file = tmp_path / "figures.json"
    words = ["--tiny", "--only", "sweep", "--rounds", "2", "--json", str(file)]
    failed = compare.main(["--peers", str(peer_folder), *words])
    said = capsys.readouterr()
    record = json.loads(file.read_text())
    assert record["figures"]["sweep"][LOOP] == [10.0, 10.0]
    assert len(record["figures"]["sweep"][OURS]) == 2
    assert failed == len(record["left_out"]) == 1
    assert record["left_out"]["backtesting.py sweep 40"] == "ended with 1: broken"
    assert "left out: backtesting.py sweep 40: ended with 1: broken" in said.out
    assert f"sweep of crossovers × 35,040 bars | trials/s | {LOOP}" in said.out
    assert "sweep, round 2 of 2: framework sweep 20 … " in said.err


def test_figures_are_picked_by_the_fields_of_their_line(benchmarks, peer_folder):
    import compare
    from systems import LOOP, TINY, peers

    jobs = [job for job in peers(TINY, peer_folder) if job.system == LOOP]
    figures, lines, failed = compare.measure(jobs, 1)
    assert figures["single"] == figures["stops"] == {LOOP: [5e5]}
    assert 0 < figures["process 1"][LOOP][0] < 60
    assert {line["bps"] for line in lines if "bps" in line} == {1.0, 5e5}
    assert failed == {}


def test_budget_without_its_peer_is_not_measured(benchmarks):
    from budgets import judge, not_measured
    from systems import OURS

    assert not_measured(judge({"rules": {OURS: [1.0]}})) == [
        "every rule on; peers: stops only: must ≥ 2 × vectorbt, Rust, its API"
    ]


def test_without_peers_it_says_so(benchmarks, tmp_path, capsys):
    import compare

    words = ["--tiny", "--only", "memory", "--rounds", "1"]
    assert compare.main([*words, "--json", str(tmp_path / "figures.json")]) == 0
    said = capsys.readouterr()
    assert "no peers: only the framework is measured" in said.err
    assert "peak memory, 5 pairs" in said.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--only", "engin"], "engin is none of engine, process, sweep, memory, compile"),
        (["--peers", "nowhere"], "nowhere is no folder"),
    ],
)
def test_wrong_words_are_named(benchmarks, capsys, words, message):
    import compare

    with pytest.raises(SystemExit):
        compare.main(words)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("exchange", ["btcmarkets", "kraken", "coinbase"])
def test_book_messages_are_all_checked(benchmarks, capsys, exchange):
    import book_messages

    book_messages.main(["300", "--pairs", "3", "--exchange", exchange])
    line = json.loads(capsys.readouterr().out)
    assert (line["messages"], line["pairs"], line["budget"]) == (303, 3, 20_000)
    assert line["exchange"] == exchange
    assert line["per_second"] > 0


@pytest.mark.parametrize("exchange", ["btcmarkets", "kraken"])
def test_a_book_message_that_leaves_a_book_wrong_stops_the_measurement(
    benchmarks, monkeypatch, exchange
):
    import book_messages

    pairs, frames = book_messages.frames_of(50, 1, exchange)
    monkeypatch.setattr(book_messages, "frames_of", lambda *_: (pairs, frames[:5] + frames[25:]))
    with pytest.raises(SystemExit, match="not every message"):
        book_messages.main(["50", "--exchange", exchange])


def test_a_campaign_of_fault_schedules_tells_the_seeds_of_those_that_went_wrong(
    benchmarks, monkeypatch, capsys
):
    monkeypatch.syspath_prepend(ROOT / "tests" / "loopback")
    import feed_faults
    import feed_judge

    def judged(speaks, seed, kinds):
        return ["a trade twice"] if (speaks, seed) == ("kraken", 6) else []

    monkeypatch.setattr(feed_judge, "judged", judged)
    with pytest.raises(SystemExit) as ended:
        feed_faults.main(["--schedules", "12", "--first", "5", "--jobs", "0"])
    wrong, told = map(json.loads, capsys.readouterr().out.splitlines())
    assert ended.value.code == 1
    assert wrong == {"exchange": "kraken", "seed": 6, "wrong": ["a trade twice"]}
    assert (told["schedules"], told["wrong"]) == (12, 1)


def test_a_campaign_runs_each_kind_of_fault_alone(benchmarks, capsys):
    import feed_faults

    with pytest.raises(SystemExit) as ended:
        feed_faults.main("--each --exchange btcmarkets --kinds close,page_order --jobs 0".split())
    assert ended.value.code == 0
    (told,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (told["schedules"], told["wrong"]) == (2, 0)

"""A session on the simulated market, told of and commanded by Telegram."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from bot_api import CHAT, TOKEN, BotApi, failing

from framework.records import Kind
from framework.session.journal import FILE, read_journal
from framework.session.record import read_record
from framework.session.state import FOLDER

PAPER = (
    *("mode=paper", "pairs=btc_aud", "strategy.interval=1h", "start=2025-03-01"),
    *("end=2025-04-15", "notify=telegram", "report=false"),
)
HOUR_S = 3_600


@pytest.fixture
def api(monkeypatch):
    monkeypatch.setattr("framework.notify.telegram.Telegram.pause_s", 0.05)
    monkeypatch.setattr("framework.notify.delivery._BACKOFF_S", 0.01)
    monkeypatch.setenv("TELEGRAM_TOKEN", TOKEN)
    monkeypatch.setenv("TELEGRAM_CHAT_ID", str(CHAT))
    with BotApi() as running:
        yield running


def lines(api: BotApi) -> list[str]:
    return "\n".join(message.text for message in api.sent).split("\n")


def journal(folder: Path):
    (run,) = folder.glob("runs/*/*/config")
    return read_journal(run.parent / FILE)


def test_a_session_tells_of_itself_from_its_start_to_its_end(program, api: BotApi) -> None:
    ended = program(*PAPER, f"notify.url={api.url}", "mode.speed=0", "mode.bars=400")
    assert ended.code == 0, ended.err
    told = lines(api)
    assert told[0].startswith("ma_cross: begins: BTC-AUD")
    fills = [line for line in told if re.search(r": \S+ (bought|sold) ", line)]
    _, events = read_record(ended.run / FOLDER)
    assert len(fills) == np.count_nonzero(events["kind"] == Kind.FILLED) > 4
    days = [line for line in told if re.match(r"ma_cross: \S+ day 2025-03-", line)]
    assert len(days) == 400 // 24
    assert any(line.startswith("ma_cross: so many bars were asked for: 400 bars") for line in told)
    assert told[-1].startswith("done in ")
    assert TOKEN not in ended.err


def test_trials_of_a_sweep_send_no_notices(program, api: BotApi) -> None:
    asked = ("strategy=trend_ml", "pairs=btc_aud", "evaluation=holdout", "report=false")
    span = ("start=2025-01-01", "end=2025-03-01", "notify=telegram", f"notify.url={api.url}")
    ended = program("-m", *asked, *span, "strategy.params.threshold=0.5,0.6")
    assert ended.code == 0, ended.err
    assert ended.err.count("done in ") == 3  # each trial and the sweep
    assert api.sent == []


def test_commands_pause_and_stop_a_session(program, api: BotApi) -> None:
    api.write("/stop")  # of a session before, which was not there to hear it
    seen: list[str] = []

    def talk(text: str) -> None:
        """Say the next thing as soon as the last one was answered."""
        seen.append(text)
        steps = (
            ("begins", "/pause", 13),
            ("begins", "/pause", CHAT),
            ("paused: nothing is opened", "/status", CHAT),
            ("feed live", "/profit", CHAT),
            ("since the start", "/trades", CHAT),
            ("nothing was traded yet", "/nonsense", CHAT),
            ("commands: ", "/stop", CHAT),
        )
        while talk.step < len(steps) and steps[talk.step][0] in text:
            _, words, chat = steps[talk.step]
            talk.step += 1
            api.write_soon(words, chat)

    talk.step = 0
    api.on_message = talk
    ended = program(*PAPER, f"notify.url={api.url}", f"mode.speed={HOUR_S * 4}")
    assert ended.code == 0, ended.err
    entries = journal(ended.folder)
    kinds = [entry.kind for entry in entries]
    assert kinds.count("pause") == 1
    assert entries[-1].values["reason"] == "told to stop"
    assert "identical: " in ended.err
    assert "chat 13 is not the one allowed and gets no answer" in ended.err
    told = lines(api)
    assert "will pause" in told
    assert "will stop for good, with its report" in told
    assert not [line for line in told if "bought" in line]
    assert {message.chat for message in api.sent} == {CHAT}


def test_a_locked_database_is_told(program, api: BotApi, monkeypatch) -> None:
    monkeypatch.setattr("framework.session.mirror._PATIENCE_S", 0.2)
    held: list[sqlite3.Connection] = []

    def talk(text: str) -> None:
        if "begins" in text and not held:
            place = Path("runs/framework.db")
            held.append(sqlite3.connect(place, isolation_level=None, check_same_thread=False))
            held[0].execute("BEGIN IMMEDIATE")
        elif "database is locked" in text:
            held[0].execute("ROLLBACK")
        elif "the database is written again" in text:
            api.write_soon("/stop", CHAT)

    api.on_message = talk
    ended = program(*PAPER, f"notify.url={api.url}", f"mode.speed={HOUR_S * 4}")
    held[0].close()
    assert ended.code == 0, ended.err
    told = [line for line in lines(api) if "database" in line]
    assert len(told) == 2
    assert told[0].endswith("database is locked. The session goes on; what is not written follows.")
    assert told[1] == "ma_cross: the database is written again"


def test_what_ends_a_run_badly_is_told(program, api: BotApi) -> None:
    words = ("mode.speed=0", "mode.bars=100", "+gate.sharpe=1000", "notify.level=error")
    ended = program(*PAPER, f"notify.url={api.url}", *words)
    assert ended.code == 1
    failed = [line for line in lines(api) if line.startswith("ma_cross: failed: gate.sharpe: ")]
    assert len(failed) == 1


def test_a_dead_server_changes_nothing_but_the_log(program, api: BotApi) -> None:
    words = (*PAPER, "mode.speed=0", "mode.bars=200")
    ended = program(*words, f"notify.url={api.url}")
    api.faults.extend([failing] * 1_000)
    deaf = program(*words, f"notify.url={api.url}", "notify.patience_seconds=1", "resume=never")
    assert (ended.code, deaf.code) == (0, 0)
    found = re.findall(r"identical: .* orders_hash (\w+)", ended.err + deaf.err)
    assert len(found) == 2
    assert found[0] == found[1]
    assert "notify: telegram: dropped after 3 tries" in deaf.err


def test_without_a_token_nothing_begins(program, monkeypatch) -> None:
    monkeypatch.delenv("TELEGRAM_TOKEN", raising=False)
    monkeypatch.setenv("TELEGRAM_CHAT_ID", "1")
    ended = program(*PAPER)
    assert ended.code == 2
    assert ended.err.splitlines() == [
        "notify.token: is empty; set TELEGRAM_TOKEN in the environment or in .env, docs/notices.md "
        "tells how to get one."
    ]
    assert not list(ended.folder.rglob("*.db"))

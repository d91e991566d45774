"""Real requests to a Bot API server of this machine: in order, complete, and quiet about faults."""

from __future__ import annotations

import socket
from itertools import pairwise

import pytest
from bot_api import CHAT, TOKEN, BotApi, failing, garbage, too_many
from pydantic import SecretStr

from framework.errors import UserError
from framework.notify.telegram import Telegram


@pytest.fixture
def api():
    with BotApi() as running:
        yield running


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Let tests wait less than a server of Telegram would want."""
    monkeypatch.setattr("framework.notify.delivery._BACKOFF_S", 0.01)
    monkeypatch.setattr("framework.notify.telegram_bot._BACKOFF_S", 0.01)
    monkeypatch.setattr(Telegram, "pause_s", 0.2)


def channel(url: str, **given) -> Telegram:
    return Telegram(**{"token": SecretStr(TOKEN), "chat_id": str(CHAT), "url": url, **given})


def told(notifier, *messages, answer=None, level="trade"):
    """Send messages, wait for their delivery and return what was said meanwhile."""
    said: list[str] = []
    delivery = notifier.open(said.append, answer)
    for message in messages:
        delivery.send(message, level)
    delivery.finish()
    delivery.wait()
    return said


def texts(api: BotApi) -> list[str]:
    return [message.text for message in api.sent]


def test_messages_arrive_whole_and_in_order(api: BotApi) -> None:
    messages = [f"message {number}" for number in range(50)]
    assert told(channel(api.url), *messages) == []
    assert "\n".join(texts(api)).split("\n") == messages
    assert {message.chat for message in api.sent} == {CHAT}


def test_a_burst_is_joined_and_spaced(api: BotApi) -> None:
    delivery = channel(api.url).open(print)
    delivery.send("first")
    api.wait_for(lambda sent: len(sent) == 1)
    for number in range(200):
        delivery.send(f"{number} " + "x" * 60)
    delivery.finish()
    delivery.wait()
    assert len(api.sent) <= 6
    assert all(len(text) <= Telegram.longest for text in texts(api))
    gaps = [after.at - before.at for before, after in pairwise(api.sent)]
    assert min(gaps) > 0.9 * Telegram.pause_s


def test_a_message_that_is_too_long_comes_in_parts(api: BotApi) -> None:
    told(channel(api.url), "a" * 9_000, "b")
    assert [len(text) for text in texts(api)] == [4_000, 4_000, 1_002]
    assert "".join(texts(api)) == "a" * 9_000 + "\nb"


def test_what_is_below_the_level_is_not_told(api: BotApi) -> None:
    delivery = channel(api.url, level="error").open(print)
    for level in ("debug", "trade", "warning", "error", "daily"):
        delivery.send(level, level)
    delivery.finish()
    delivery.wait()
    assert "\n".join(texts(api)) == "error\ndaily"


def test_it_waits_as_long_as_the_server_asks(api: BotApi) -> None:
    api.faults.append(too_many(1))
    assert told(channel(api.url), "late") == []
    assert texts(api) == ["late"]
    first, second = api.times("sendMessage")
    assert second - first >= 1.0


@pytest.mark.parametrize("fault", [failing, garbage, lambda: failing(502)])
def test_two_failures_are_survived(api: BotApi, fault) -> None:
    api.faults.extend([fault, fault])
    assert told(channel(api.url), "at last") == []
    assert texts(api) == ["at last"]


def test_after_three_tries_it_is_dropped_and_said(api: BotApi) -> None:
    api.faults.extend([failing] * 3)
    delivery_said = told(channel(api.url), "lost")
    assert len(api.times("sendMessage")) == 3
    assert len(delivery_said) == 1
    assert delivery_said[0].startswith("notify: telegram: dropped after 3 tries: ")
    assert delivery_said[0].endswith(": lost")
    assert told(channel(api.url), "found") == []
    assert texts(api) == ["found"]


def test_a_server_that_is_not_there_is_said_without_the_token() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    (line,) = told(channel(url), "lost")
    assert "dropped after 3 tries" in line
    assert TOKEN not in line


def test_a_server_that_never_answers_costs_the_end_no_more_than_patience() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        lines = told(channel(url, patience_seconds=0.5, timeout=30.0), "a", "b", "c")
    assert lines == ["notify: telegram: 3 messages were not delivered in time"]


def test_a_wrong_token_is_said_without_it(api: BotApi) -> None:
    (line,) = told(channel(api.url, token=SecretStr("1:wrong-secret")), "lost")
    assert "dropped after 3 tries" in line
    assert "wrong-secret" not in line


def test_send_alone_delivers_before_it_returns(api: BotApi) -> None:
    channel(api.url).send("done")
    assert texts(api) == ["done"]


def test_more_than_fits_is_dropped_and_said_once() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        messages = [str(number) for number in range(1_500)]
        lines = told(channel(url, patience_seconds=0.2, timeout=30.0), *messages)
    assert lines == [
        "notify: telegram: 1000 messages wait; further ones are dropped until there is room",
        "notify: telegram: 1000 messages were not delivered in time",
    ]


def test_commands_are_answered_to_the_one_chat_alone(api: BotApi) -> None:
    said, heard = [], []

    def answer(word: str) -> str:
        heard.append(word)
        return f"answer to {word}"

    api.write("/stop")  # before anybody listened
    delivery = channel(api.url).open(said.append, answer)
    delivery.send("begins")
    api.wait_for(lambda sent: len(sent) == 1)
    api.wait_until(lambda: len(api.times("getUpdates")) == 2)  # old ones have been passed over
    api.write("/stop", chat=13)
    api.write("/stop", chat=13)
    api.write("hello")
    api.write("/status@my_bot now")
    sent = api.wait_for(lambda sent: len(sent) == 2)
    delivery.finish()
    delivery.wait()
    assert heard == ["/status"]
    assert sent == ["begins", "answer to /status"]
    assert {message.chat for message in api.sent} == {CHAT}
    assert said == ["notify: telegram: chat 13 is not the one allowed and gets no answer"]


def test_commands_are_heard_again_after_failures(api: BotApi) -> None:
    said: list[str] = []
    api.poll_faults.extend([failing, garbage, failing])
    api.write("/stop")  # before anybody listened
    delivery = channel(api.url).open(said.append, lambda word: word)
    api.wait_until(lambda: len(api.times("getUpdates")) == 5)  # three failures, the old, the new
    api.write("/profit")
    assert api.wait_for(lambda sent: len(sent) == 1) == ["/profit"]
    delivery.finish()
    delivery.wait()
    assert said[0].startswith("notify: telegram: commands are not heard: ")
    assert said[1:] == ["notify: telegram: commands are heard again"]


def test_without_commands_nothing_is_asked(api: BotApi) -> None:
    told(channel(api.url, commands=False), "told", answer=lambda word: word)
    assert [method for _, method in api.asked] == ["sendMessage"]


def test_a_missing_token_and_chat_are_named() -> None:
    with pytest.raises(UserError) as refused:
        Telegram().prepare()
    assert [fault.partition(":")[0] for fault in refused.value.faults] == [
        "notify.token",
        "notify.chat_id",
    ]


@pytest.mark.parametrize("given", ["@channel", "12 34", "9" * 20])
def test_a_chat_that_is_no_number_is_refused(given: str) -> None:
    with pytest.raises(UserError, match=r"^notify\.chat_id: must be a whole number"):
        Telegram(token=SecretStr(TOKEN), chat_id=given).prepare()

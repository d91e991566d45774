"""Apprise against a web hook and a mail server of this machine, alone and beside Telegram."""

from __future__ import annotations

import json
import socketserver
import threading
from contextlib import contextmanager
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from bot_api import CHAT, TOKEN, BotApi
from pydantic import SecretStr

from framework.errors import UserError
from framework.notify.apprise import Apprise
from framework.notify.several import Several
from framework.notify.telegram import Telegram


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("framework.notify.delivery._BACKOFF_S", 0.01)
    monkeypatch.setattr(Apprise, "pause_s", 0.05)


@contextmanager
def served(server):
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Hook(BaseHTTPRequestHandler):
    """Takes what is posted, with the next of `server.statuses`."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        if status == 200:
            self.server.taken.append(json.loads(body))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *values: object) -> None:
        return


class Mail(socketserver.StreamRequestHandler):
    """Speaks as much SMTP (RFC 5321) as taking a letter needs."""

    def handle(self) -> None:
        self._say("220 here")
        while line := self.rfile.readline().decode().strip():
            word = line.split()[0].upper()
            if word == "DATA":
                self._say("354 go on")
                lines = []
                while (data := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(data)
                self.server.letters.append(message_from_bytes(b"".join(lines)))
                self._say("250 taken")
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 fine")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@pytest.fixture
def hook():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    server.taken, server.statuses = [], []
    with served(server):
        yield server


@pytest.fixture
def mail():
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mail)
    server.letters = []
    with served(server):
        yield server


def address(server, scheme: str = "json", path: str = "/") -> SecretStr:
    return SecretStr(f"{scheme}://127.0.0.1:{server.server_address[1]}{path}")


def told(notifier, *messages):
    said: list[str] = []
    delivery = notifier.open(said.append)
    for level, message in messages:
        delivery.send(message, level)
    delivery.finish()
    delivery.wait()
    return said


def test_a_web_hook_is_told_in_order(hook) -> None:
    messages = [("trade", f"message {number}") for number in range(30)]
    assert told(Apprise(url=address(hook)), *messages) == []
    texts = "\n".join(one["message"] for one in hook.taken).split("\n")
    assert texts == [text for _, text in messages]
    assert {one["title"] for one in hook.taken} == {"framework"}


def test_two_failures_are_survived_a_third_is_said(hook) -> None:
    hook.statuses = [500, 503]
    assert told(Apprise(url=address(hook)), ("error", "at last")) == []
    hook.statuses = [500, 500, 500]
    (line,) = told(Apprise(url=address(hook)), ("error", "lost"))
    assert line.startswith("notify: apprise: dropped after 3 tries: ")
    assert [one["message"] for one in hook.taken] == ["at last"]


def test_a_mail_holds_the_message_and_its_subject(mail) -> None:
    url = address(mail, "mailto", "/?to=a@example.com&from=b@example.com&format=text")
    assert told(Apprise(name="email", url=url, title="my session"), ("daily", "a\nb")) == []
    (letter,) = mail.letters
    assert letter["Subject"] == "my session"
    assert "a@example.com" in letter["To"]
    body = letter.get_payload(decode=True).decode()
    assert body.split() == ["a", "b"]


def test_channels_are_told_by_their_own_levels(hook, mail) -> None:
    with BotApi() as api:
        several = Several(
            channels={
                "telegram": Telegram(
                    token=SecretStr(TOKEN), chat_id=str(CHAT), url=api.url, level="trade"
                ),
                "hook": Apprise(url=address(hook), level="warning"),
                "mail": Apprise(
                    url=address(
                        mail, "mailto", "/?to=a@example.com&from=b@example.com&format=text"
                    ),
                    level="daily",
                ),
            }
        )
        several.prepare()
        levels = ("debug", "trade", "warning", "error", "daily")
        assert told(several, *((level, level) for level in levels)) == []
        chat = "\n".join(one.text for one in api.sent)
    assert chat.split("\n") == ["trade", "warning", "error", "daily"]
    hooked = "\n".join(one["message"] for one in hook.taken)
    assert hooked.split("\n") == ["warning", "error", "daily"]
    mailed = [one.get_payload(decode=True).decode().strip() for one in mail.letters]
    assert mailed == ["daily"]


@pytest.mark.parametrize("url", ["nothing://known", "no address", "json://a,json://b"])
def test_what_is_not_one_address_is_refused(url: str) -> None:
    with pytest.raises(UserError, match=r"^notify.url: must be one address as Apprise writes it"):
        Apprise(url=SecretStr(url)).prepare()


def test_every_fault_of_every_channel_is_named() -> None:
    several = Several(channels={"chat": Telegram(chat_id="1"), "mail": Apprise()})
    with pytest.raises(UserError) as refused:
        several.prepare()
    assert [fault.partition(":")[0] for fault in refused.value.faults] == [
        "notify.channels.chat.token",
        "notify.channels.mail.url",
    ]

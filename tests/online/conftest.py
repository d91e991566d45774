"""Real exchanges, asked only when a person says so: ``pytest tests/online --online``.

``--online-exchange kraken,btcmarkets`` asks some of them. ``--online-exchange loopback`` asks the
one on this machine, which needs no network and shows that the checks themselves work.
"""

import asyncio
import os

import pytest
from omegaconf import OmegaConf

from framework.config.build import build
from framework.config.component import component
from framework.config.search_path import project_root
from framework.session.clock import WallClock
from framework.types import Interval

REPORT = pytest.StashKey[list]()
TIMEOUT_S = 900


@component
class Holder:
    """Holds the exchange."""

    exchange: object
    """That is asked."""


def pytest_addoption(parser):
    group = parser.getgroup("online", "real exchanges")
    group.addoption("--online", action="store_true", help="ask real exchanges")
    group.addoption("--online-exchange", default="", help="names, by commas; all that are live")
    group.addoption("--online-url", default=os.environ.get("ONLINE_URL"), help="for requests")
    group.addoption(
        "--online-socket-url", default=os.environ.get("ONLINE_SOCKET_URL"), help="for sockets"
    )


def pytest_configure(config):
    config.stash[REPORT] = []


def pytest_collection_modifyitems(config, items):
    mine = [item for item in items if item.get_closest_marker("online")]
    if config.getoption("online", default=False) or "online" in (config.option.markexpr or ""):
        for item in mine:
            item.add_marker(pytest.mark.timeout(TIMEOUT_S))
        return
    items[:] = [item for item in items if item not in mine]
    config.hook.pytest_deselected(items=mine)


def pytest_terminal_summary(terminalreporter, config):
    if lines := config.stash.get(REPORT, []):
        terminalreporter.section("what the exchanges do")
        for line in lines:
            terminalreporter.write_line(line)


def pytest_generate_tests(metafunc):
    if "exchange" not in metafunc.fixturenames:
        return
    option = metafunc.config.getoption
    chosen = [name for name in (option("online_exchange", default="") or "").split(",") if name]
    only = getattr(metafunc.module, "EXCHANGES", None)
    names = chosen or only or live_names()
    names = [name for name in names if not only or name in (*only, "loopback")]
    metafunc.parametrize("exchange", names, indirect=True)


def live_names():
    """Return the exchanges that can be connected to, without the one that is no real one."""
    names = []
    for file in sorted((project_root() / "conf" / "exchange").glob("*.yaml")):
        tree = OmegaConf.to_container(OmegaConf.load(file))
        if "socket_url" in tree:
            names.append(file.stem)
    return names


@pytest.fixture
def exchange(request):
    """The component, as its YAML sets it."""
    file = project_root() / "conf" / "exchange" / f"{request.param}.yaml"
    tree = OmegaConf.to_container(OmegaConf.load(file), resolve=True)
    option = request.config.getoption
    given = {"url": option("online_url"), "socket_url": option("online_socket_url")}
    tree |= {key: value for key, value in given.items() if value}
    return build({"exchange": tree}, Holder).exchange


@pytest.fixture
def intervals(exchange):
    """Lengths of candles; the loopback exchange has those of whoever it speaks as."""
    usual = [Interval.parse(text) for text in ("1m", "15m", "1h", "1d")]
    return getattr(exchange, "intervals", usual)


@pytest.fixture
def ask(exchange):
    """Call an async function with a connection, and return its answer."""

    def call(work):
        async def run():
            connection = exchange.connect(WallClock())
            try:
                return await work(connection)
            finally:
                await connection.close()

        return asyncio.run(run())

    return call


@pytest.fixture
def report(request, exchange):
    """Note a line that is printed at the end."""

    def note(line):
        request.config.stash[REPORT].append(f"{exchange.name}: {line}")

    return note

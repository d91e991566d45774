"""Time that jumps: a server and its client live through minutes at once, over real sockets."""

import asyncio
import time

import pytest

from framework.loopback.virtual_time import run_virtual


def test_sleeping_takes_no_time_and_is_exact():
    async def sleep():
        loop = asyncio.get_running_loop()
        await asyncio.gather(asyncio.sleep(3_600), asyncio.sleep(7_200))
        return loop.time()

    assert run_virtual(sleep()) == 7_200.0


def test_timers_of_several_tasks_fire_in_their_order():
    fired = []

    async def fire(seconds):
        await asyncio.sleep(seconds)
        fired.append((seconds, asyncio.get_running_loop().time()))

    async def fire_all():
        await asyncio.gather(*(fire(seconds) for seconds in (5.0, 0.25, 60.0, 0.5)))

    run_virtual(fire_all())
    assert fired == [(0.25, 0.25), (0.5, 0.5), (5.0, 5.0), (60.0, 60.0)]


def test_a_timeout_is_over_when_its_time_is():
    async def wait():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.get_running_loop().create_future()
        return asyncio.get_running_loop().time()

    assert run_virtual(wait()) == 30.0


def test_what_waits_for_nothing_is_told(monkeypatch):
    monkeypatch.setattr("framework.loopback.virtual_time._STUCK_S", 0.01)

    async def wait_forever():
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="nothing is left that could happen"):
        run_virtual(wait_forever())


def test_ten_minutes_of_a_server_and_its_client_lose_nothing_and_no_time():
    """Ten frames a second and a request a second: each arrives before the next thing happens."""
    from aiohttp import ClientSession, WSMsgType, web

    async def talk():
        loop = asyncio.get_running_loop()

        async def stream(request):
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            for number in range(6_000):
                await asyncio.sleep(0.1)
                await socket.send_json([number, loop.time(), "x" * (number % 5_000)])
            await socket.close()
            return socket

        async def now(request):
            return web.json_response(loop.time())

        application = web.Application()
        application.add_routes([web.get("/stream", stream), web.get("/now", now)])
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        heard, asked = [], []
        async with ClientSession() as session:

            async def listen():
                async with session.ws_connect(f"{url}/stream") as socket:
                    async for message in socket:
                        assert message.type is WSMsgType.TEXT
                        number, sent, _ = message.json()
                        heard.append((number, loop.time() - sent))

            async def ask():
                for _ in range(600):
                    await asyncio.sleep(1)
                    before = loop.time()
                    async with session.get(f"{url}/now") as answer:
                        told = await answer.json()
                    asked.append((told - before, loop.time() - told))

            await asyncio.gather(listen(), ask())
        await runner.cleanup()
        return heard, asked, loop.time()

    cpu = time.process_time()
    heard, asked, passed = run_virtual(talk())
    print(f"{passed:.1f} s in {time.process_time() - cpu:.1f} s of the processor")
    assert [number for number, _ in heard] == list(range(6_000))
    assert passed == pytest.approx(600.0, abs=1.0)
    # Nothing was jumped over: at most a step of a tenth of a second, however busy the machine is.
    assert max(late for _, late in heard) <= 0.1
    assert len(asked) == 600
    assert max(max(pair) for pair in asked) <= 0.1

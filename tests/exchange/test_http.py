"""Requests: what is asked again, how often, and what a fault is called."""

import asyncio

import pytest
from aiohttp import web
from btcmarkets_standin import Patient, Purse, client_of, standin

from framework.exchange.faults import Refused, TooOften, Unreachable
from framework.exchange.http_faults import fault_of_answer, retry_after_s


def ask(*answers, retries=3, read=lambda answer: answer.body, timeout_s=5.0):
    """Ask a server that gives these answers in turn; return what came of it, clock, purse."""
    clock, purse, left = Patient(), Purse(), list(answers)

    async def work():
        async with standin() as server:
            server.answers["/v3/time"] = lambda request: made(left.pop(0))
            client = client_of(server, clock, purse, timeout_s, retries)
            try:
                return await client.get("/v3/time", read)
            finally:
                await client.close()

    try:
        return asyncio.run(work()), clock, purse
    except (Unreachable, Refused) as fault:
        return fault, clock, purse


def response(status, text="", **headers):
    """Name a response; each is sent once only, so that it is made when it is."""
    return ("response", status, text, {k.replace("_", "-"): v for k, v in headers.items()})


def made(answer):
    if not isinstance(answer, tuple):
        return answer
    _, status, text, headers = answer
    return web.Response(status=status, text=text, headers=headers)


def test_an_answer_after_two_server_errors_is_had_after_two_waits_that_grow():
    found, clock, purse = ask(response(503), response(500, "<html>oops</html>"), {"now": 1})
    assert found == {"now": 1}
    first, second = clock.waited
    assert 0.25 <= first <= 0.5 <= second <= 1.0  # 0.5 s and 1 s, each less up to half
    assert len(purse.taken) == 3


def test_a_limit_is_waited_for_as_long_as_asked_and_by_all():
    found, clock, purse = ask(response(429, "busy", Retry_After="7"), {"now": 1})
    assert found == {"now": 1}
    assert clock.waited == purse.pauses == [7.0]


def test_a_limit_without_a_time_is_waited_for_longer_each_time():
    found, clock, purse = ask(*[response(429)] * 4)
    assert isinstance(found, TooOften)
    assert [a < b for a, b in zip([1, 2, 4], purse.pauses, strict=False)] == [True] * 3
    assert clock.waited == purse.pauses[:3]
    assert "asked 4 times" in str(found)


def test_a_limit_that_lasts_too_long_is_told_at_once():
    found, clock, purse = ask(response(429, Retry_After="900"))
    assert isinstance(found, TooOften)
    assert found.retry_after_s == 900
    assert clock.waited == []
    assert purse.pauses == [900.0]


def test_a_clear_no_is_not_asked_again():
    no = '{"code":"MarketNotFound","message":"market not found"}'
    found, clock, purse = ask(response(404, no))
    assert type(found) is Refused
    assert str(found) == (
        "exchange btcmarkets: /v3/time: HTTP 404 (MarketNotFound: market not found)."
    )
    assert (clock.waited, len(purse.taken)) == ([], 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<html>maintenance</html>", "the answer is no JSON: <html>maintenance</html>"),
        ('{"timestamp":"2026-09', 'the answer is no JSON: {"timestamp":"2026-09'),
        ('{"timestamp":NaN}', "the answer is no JSON"),
        ("", "the answer is no JSON: nothing"),
    ],
)
def test_what_is_no_json_is_asked_again_and_shown(text, said):
    found, clock, _ = ask(*[response(200, text)] * 2, retries=1)
    assert type(found) is Unreachable
    assert said in str(found)
    assert str(found).endswith("; asked 2 times.")
    assert len(clock.waited) == 1


def test_an_answer_that_cannot_be_read_is_asked_again():
    def read(answer):
        if answer.body == 1:
            raise ValueError("1 is no time")
        return answer.body

    assert ask(1, 2, read=read)[0] == 2
    assert "cannot be read: 1 is no time" in str(ask(1, retries=0, read=read)[0])


def test_a_redirection_is_not_followed():
    found, _, _ = ask(response(302, Location="http://127.0.0.1:1/elsewhere"), retries=0)
    assert type(found) is Unreachable
    assert "HTTP 302" in str(found)


def test_silence_ends_by_the_clock():
    async def work():
        async with standin() as server:

            async def never(request):
                await asyncio.sleep(60)

            server.answers["/v3/time"] = never
            client = client_of(server, timeout_s=0.05, retries=1)
            try:
                with pytest.raises(Unreachable, match=r"no answer in 0\.05 s; asked 2 times"):
                    await client.get("/v3/time", lambda answer: answer.body)
            finally:
                await client.close()

    asyncio.run(work())


def test_nobody_at_home_is_told_in_one_line():
    async def work():
        async with standin() as server:
            client = client_of(server, retries=2)
        try:
            with pytest.raises(Unreachable) as told:
                await client.get("/v3/time", lambda answer: answer.body)
        finally:
            await client.close()
        return str(told.value)

    line = asyncio.run(work())
    assert line.startswith("exchange btcmarkets: 127.0.0.1:")
    assert "refused" in line.lower()
    assert line.endswith("; asked 3 times.")
    assert "\n" not in line


LIMITED = [
    (429, ""),
    (418, "I'm a teapot"),
    (403, '{"code":"TooManyRequests","message":"Too many requests"}'),
    (503, "Rate limit exceeded"),
    (400, '{"message":"API rate-limit reached"}'),
    (403, "<html>request was throttled</html>"),
]


@pytest.mark.parametrize(("status", "text"), LIMITED)
def test_a_limit_is_known_by_status_or_by_words(status, text):
    assert type(fault_of_answer("it", "/x", status, {}, text.encode())) is TooOften


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (200, "", type(None)),
        (400, '{"code":"InvalidMarketId"}', Refused),
        (401, "<html>", Refused),
        (451, "<html>not where you are</html>", Refused),
        (403, "<html>who are you?</html>", Unreachable),
        (404, "", Unreachable),
        (500, '{"code":"oops"}', Unreachable),
        (301, "", Unreachable),
        (408, "{}", Unreachable),
    ],
)
def test_what_a_status_amounts_to(status, text, kind):
    assert type(fault_of_answer("it", "/x", status, {}, text.encode())) is kind


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "12"}, 12.0),
        ({"Retry-After": "soon"}, None),
        (
            {
                "Retry-After": "Sat, 21 Nov 2026 20:00:30 GMT",
                "Date": "Sat, 21 Nov 2026 20:00:00 GMT",
            },
            30.0,
        ),
        ({"Retry-After": "Sat, 21 Nov 2026 20:00:30 GMT"}, None),
    ],
)
def test_how_long_to_wait(headers, seconds):
    assert retry_after_s(headers) == seconds

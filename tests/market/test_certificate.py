"""The data certificate of candles with a repair, a gap and a quiet pair."""

import json

import numpy as np
from market_rows import MINUTE, candles_of, plain, rows_of, seeded

from framework.market.certificate import certify
from framework.market.quality import FaultPolicy, clean
from framework.market.regularise import regularise


def test_certificate_counts_what_the_candles_are_made_of():
    rows = rows_of(
        (0, 1, 1, 1, 1, 1), (1, 1, 1, 1, 1, 1), (1, 2, 2, 2, 2, 1), (3, 2, 2, 2, 2, 1),
        (9, 2, 2, 2, 2, 1),
    )  # fmt: skip
    kept, quality = clean(rows, MINUTE, FaultPolicy(conflicts="repair"))
    candles = regularise(
        [kept, plain(range(10), pair="ETH-AUD")], MINUTE, None, None, 2 * MINUTE.ns
    )
    certificate = certify(candles, "made", [quality], 7, {"BTC-AUD": 3})
    made = certificate.as_dict()
    assert made == {
        "source": "made",
        "pairs": ["BTC-AUD", "ETH-AUD"],
        "interval": "1m",
        "start": "1970-01-01T00:00:00Z",
        "end": "1970-01-01T00:10:00Z",
        "bars": 10,
        "sha256": candles.digest,
        "warm_up_bars": 0,
        "warm_up_sha256": None,
        "store_version": 7,
        "sealed_from": None,
        "sealed_until": None,
        "books": 0,
        "books_sha256": None,
        "seen_books": 0,
        "seen_trades": 0,
        "seen_sha256": None,
        "quality": {
            "BTC-AUD": {
                "gaps": 2,
                "missing": 5,
                "flat": 1,
                "repaired": 1,
                "faults": {"conflicts": "1 last row kept", "gap": "2 kept"},
                "revisions": 3,
            },
            "ETH-AUD": {
                "gaps": 0,
                "missing": 0,
                "flat": 0,
                "repaired": 0,
                "faults": {},
                "revisions": 0,
            },
        },
    }
    assert json.loads(json.dumps(made)) == made


def test_certificate_pins_every_value():
    rows = seeded(50)
    before = certify(candles_of(rows), "made", []).sha256
    assert certify(candles_of(seeded(50)), "made", []).sha256 == before
    rows.volume[30] = np.nextafter(rows.volume[30], 2)
    assert certify(candles_of(rows), "made", []).sha256 != before


def test_certificate_pins_what_is_traded_apart_from_its_warm_up():
    candles = candles_of(seeded(50))
    short, long = certify(candles[10:], "made", [], first=5), certify(candles, "made", [], first=15)
    assert short.sha256 == long.sha256 == candles[15:].digest
    assert (short.warm_up_bars, long.warm_up_bars) == (5, 15)
    assert short.warm_up_sha256 == candles[10:15].digest != long.warm_up_sha256
    assert long.start == "1970-01-01T00:15:00Z"
    assert long.bars == 35

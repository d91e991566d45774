"""Numbers and sentences of the report."""

from __future__ import annotations

import numpy as np
import pytest
from report_sample import sample_outcome

from framework.results.page.wording import (
    cautions,
    number,
    percent,
    price,
    verdict,
)


def plain(text: str) -> str:
    return text.replace("\u202f", " ").replace("\u2212", "-")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.123456, "12.3 %"),
        (-0.0123456, "-1.23 %"),
        (12.5, "1 250 %"),
        (-0.99999, "-99.99 %"),
        (-1.0, "-100.0 %"),
        (-0.0, "0.00 %"),
        (None, "n/a"),
        (float("nan"), "n/a"),
        (float("inf"), "n/a"),
    ],
)
def test_percentages(value, shown):
    assert plain(percent(value)) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(65_000.0, "65 000"), (1.5, "1.5"), (0.00001234, "0.00001234"), (0, "0"), (None, "n/a")],
)
def test_prices_keep_their_digits(value, shown):
    assert plain(price(value)) == shown


def test_negative_zero_has_no_sign():
    assert plain(number(-0.001, 2, sign=True)) == "0.00"


@pytest.mark.parametrize(
    ("total", "held", "said"),
    [
        (-0.123, 0.40, "Lost 12.3 % after costs; holding all 5 pairs equally would have gained "
         "40.0 %."),
        (0.05, -0.2, "Gained 5.00 % after costs; holding all 5 pairs equally would have lost "
         "20.0 %."),
        (0.0, None, "Ended where it began, after costs."),
        (-0.99999, None, "Lost nearly everything (-99.99 %)."),
        (-1.2, None, "Lost everything (-120.0 %)."),
    ],
)  # fmt: skip
def test_the_verdict_in_one_sentence(total, held, said):
    outcome = sample_outcome(bars=300, trades=10)
    metrics = {"total_return": total, "benchmark_return": held}
    assert plain(verdict(outcome, metrics)) == said


def test_a_run_that_never_traded_says_so():
    outcome = sample_outcome(bars=300, trades=0, pairs=("BTC-AUD",))
    said = plain(verdict(outcome, {"total_return": 0.0, "benchmark_return": 0.1}))
    assert said == "Never traded; holding the pair would have gained 10.0 %."


def test_cautions_name_what_weakens_a_result():
    outcome = sample_outcome(bars=300, trades=10, equity=np.full(300, 9_990.0))
    metrics = {"deflated_sharpe": 0.4, "fees_paid": 15.0, "slippage_paid": 5.0}
    said = " ".join(cautions(outcome, metrics))
    assert "range is short (3 days)" in said
    assert "10 trades are too few" in said
    assert plain(said).count("is 40 %; 95 % would be convincing") == 1
    assert "the costs alone made it lose" in said


def test_a_long_convincing_run_has_no_cautions():
    assert cautions(sample_outcome(), {"deflated_sharpe": 0.99}) == []

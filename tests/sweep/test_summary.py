"""What a sweep prints at its end."""

from framework.sweep.summary import front_line


def test_a_long_front_is_named_up_to_the_twentieth():
    said = front_line(["sharpe", "-turnover", "cagr"], list(range(40, 61)))
    assert said == (
        "Pareto front of sharpe, -turnover and cagr: trials 40, 41, 42, 43, 44, 45, 46, 47, 48, "
        "49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59 and 1 more"
    )
    assert front_line(["a", "b"], [3, 1]) == "Pareto front of a and b: trials 3, 1"

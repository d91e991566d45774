"""What is explored is what the words and the search block say, and every fault gets its line."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from framework.errors import UserError
from framework.sweep.search_space import read_space

CONFIG = {
    "strategy": {"params": {"fast": 20, "slow": 50, "share": 0.5}},
    "risk": {"stop_loss": None},
    "search": {},
}


def read(*words, search=None):
    config = OmegaConf.create(CONFIG | {"search": search or {}})
    return read_space(words, None, lambda fixed: config)


@pytest.mark.parametrize(
    ("word", "drawn"),
    [
        ("strategy.params.fast=interval(5,50)", IntDistribution(5, 50)),
        ("strategy.params.fast=interval(5,50.5)", FloatDistribution(5, 50.5)),
        ("strategy.params.share=interval(0,1)", FloatDistribution(0, 1)),
        ("risk.stop_loss=interval(1,2)", FloatDistribution(1, 2)),
        ("risk.stop_loss=int(interval(1,2))", IntDistribution(1, 2)),
        ("risk.stop_loss=tag(int,log,interval(1,9))", IntDistribution(1, 9, log=True)),
        ("risk.stop_loss=tag(log,interval(0.1,1))", FloatDistribution(0.1, 1, log=True)),
        ("strategy.params.slow=range(30,200,50)", IntDistribution(30, 180, step=50)),
        ("strategy.params.slow=range(5,1,-2)", IntDistribution(3, 5, step=2)),
        ("strategy.params.share=range(0.1,0.5,0.2)", FloatDistribution(0.1, 0.3, step=0.2)),
        ("strategy.params.slow=range(5,6)", CategoricalDistribution(("5",))),
        ("strategy.params.slow=9,5", CategoricalDistribution(("9", "5"))),
    ],
)
def test_a_word_is_drawn_from(word, drawn):
    ((key, found),) = read(word).distributions().items()
    assert key == word.partition("=")[0]
    assert found == drawn


@pytest.mark.parametrize(
    ("entry", "drawn"),
    [
        ({"low": 5, "high": 50}, IntDistribution(5, 50)),
        ({"low": 5, "high": 50.0}, FloatDistribution(5, 50)),
        ({"low": 5, "high": 50, "step": 20}, IntDistribution(5, 45, step=20)),
        ({"low": 0.5, "high": 1, "log": True}, FloatDistribution(0.5, 1, log=True)),
        (
            {"choices": [1, None, True, "a b", "null", "plain"]},
            CategoricalDistribution(("1", "null", "true", "'a b'", "'null'", "plain")),
        ),
    ],
)
def test_an_entry_is_drawn_from(entry, drawn):
    space = read(search={"strategy.params.fast": entry})
    assert space.distributions() == {"strategy.params.fast": drawn}


def test_choices_mean_in_hydras_grammar_what_they_were():
    values = [1, 0.5, None, False, "a b", "it's", "null", "12", "plain"]
    space = read(search={"strategy.params.fast": {"choices": values}})
    words = [space.words({"strategy.params.fast": each})[0] for each in space.dimensions[0].ends]
    parsed = OverridesParser.create().parse_overrides(words)
    assert [override.value() for override in parsed] == values


def test_the_command_line_stands_before_the_search_block():
    search = {
        "strategy.params.fast": {"low": 5, "high": 9},
        "strategy.params.slow": {"low": 5, "high": 9},
    }
    assert list(read(search=search).distributions()) == list(search)
    fixed = read("strategy.params.slow=7", search=search)
    assert list(fixed.distributions()) == ["strategy.params.fast"]
    assert fixed.fixed == ("strategy.params.slow=7",)
    assert list(read("risk.stop_loss=1,2", search=search).distributions()) == ["risk.stop_loss"]


def test_probes_try_every_end_and_choice():
    space = read("strategy.params.fast=interval(5,50)", "strategy.params.slow=1,2,3", "+a=b")
    assert space.probes() == [
        ["+a=b", "strategy.params.fast=5", "strategy.params.slow=1"],
        ["+a=b", "strategy.params.fast=50", "strategy.params.slow=2"],
        ["+a=b", "strategy.params.fast=50", "strategy.params.slow=3"],
    ]


FAST = "strategy.params.fast"
FAULTS = {
    (f"{FAST}=interval(9,5)",): f"{FAST}: low must be below high (was 9 and 5).",
    (f"{FAST}=interval(5,5)",): f"{FAST}: low must be below high (was 5 and 5).",
    (f"{FAST}=tag(log,interval(0,5))",): (
        f"{FAST}: low must be greater than 0 where log is true (was 0)."
    ),
    (f"{FAST}=range(9,5)",): f"{FAST}: range(9,5) is empty.",
    ("cash=1", "mode=a,b"): "mode: is the same for all trials of a sweep (was a,b).",
    ("cash=1",): (
        "search: nothing is left to explore; name it on the command line, such as "
        "'strategy.params.fast=interval(5,50)', or in the strategy's search block."
    ),
}


@pytest.mark.parametrize("words", FAULTS, ids=" ".join)
def test_a_wrong_word_is_named(words):
    with pytest.raises(UserError) as raised:
        read(*words)
    assert raised.value.faults == (FAULTS[words],)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (5, "must be {low: 5, high: 50} or {choices: [...]} (was 5)."),
        ({"lo": 5}, "'lo' is no key of a range. Did you mean 'low'?"),
        ({"low": 5}, "needs high."),
        ({"low": 5, "high": "x"}, "high must be a number (was 'x')."),
        ({"low": 5, "high": 5}, "low must be below high (was 5 and 5)."),
        (
            {"low": -1, "high": 5, "log": True},
            "low must be greater than 0 where log is true (was -1).",
        ),
        ({"low": 1, "high": 5, "log": True, "step": 1}, "takes either log or step."),
        (
            {"low": 1, "high": 5, "step": 9},
            "step must be greater than 0 and at most 4 (was 9).",
        ),
        ({"choices": []}, "choices must be a list of values (was [])."),
        ({"choices": [1], "low": 1}, "takes choices alone, or low and high."),
    ],
)
def test_a_wrong_entry_is_named(entry, says):
    with pytest.raises(UserError) as raised:
        read(search={FAST: entry, "strategy.params.fst": {"low": 1, "high": 2}})
    assert raised.value.faults == (
        f"search.{FAST}: {says}",
        "search.strategy.params.fst: no such key. Did you mean 'fast'?",
    )


def test_a_grid_has_all_combinations_in_an_order_of_its_seed():
    space = read(f"{FAST}=range(5,8)", "strategy.params.slow=1,2")
    grid = space.grid(1)
    assert sorted(tuple(each.values()) for each in grid) == [
        (fast, slow) for fast in (5, 6, 7) for slow in ("1", "2")
    ]
    assert grid == space.grid(1)
    assert grid != space.grid(2)
    with pytest.raises(UserError, match=r"^strategy.params.fast: has no step; a grid takes"):
        read(f"{FAST}=interval(5,8)").grid(1)

"""One strategy under many parameter sets: what equal expressions compute is computed once.

A thousand crossovers of 20 fast and 50 slow averages compute 70 averages. Expressions count as
equal by their canonical form, parameters put in, wherever in the strategy they stand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import overload

from framework.collector import seldom_collected
from framework.errors import UserError, did_you_mean
from framework.market.candles import Candles
from framework.records import Signals
from framework.strategy.compile import Param, check_values, plan_of, read_strategy
from framework.strategy.context import Evaluation
from framework.strategy.node import Node
from framework.strategy.plan import Plan
from framework.strategy.shared_values import SharedValues
from framework.strategy.spec import StrategySpec
from framework.types import FloatArray

MEMORY_CAP_BYTES = 256 * 2**20
"""Memory that shared values may take, unless said otherwise."""


class ManySignals(Sequence[Signals]):
    """Signals of many plans over the same candles, each computed when it is asked for.

    Several threads may ask at once. Nothing is kept but what other plans need, too.

    Parameters
    ----------
    plans : sequence of Plan
        Of one call of `compile_many`.
    candles : Candles
        (T, N) of the strategy's interval.
    model_outputs : mapping of str to (T, N) float64, optional
        As for `Plan.evaluate`.
    memory_cap_bytes : int
        Beyond it, the shared values longest not asked for are dropped, and computed anew when
        they are. Plans whose values differ least should follow each other.
    """

    def __init__(
        self,
        plans: Sequence[Plan],
        candles: Candles,
        model_outputs: Mapping[str, FloatArray] | None = None,
        memory_cap_bytes: int = MEMORY_CAP_BYTES,
    ) -> None:
        self._plans = tuple(plans)
        values = SharedValues(_needed_once(self._plans), memory_cap_bytes)
        self._evaluation: Evaluation | None = None
        if self._plans:
            self._evaluation = self._plans[0].evaluation(candles, model_outputs, values.view)
        self._values = values

    @property
    def computed(self) -> int:
        """How many values that others may need were computed so far, repeats included."""
        return self._values.computed

    @overload
    def __getitem__(self, index: int) -> Signals: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Signals]: ...

    def __getitem__(self, index: int | slice) -> Signals | Sequence[Signals]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        plan = self._plans[index]
        assert self._evaluation is not None  # noqa: S101 - there is a plan
        return plan.signals(self._evaluation)

    def __len__(self) -> int:
        return len(self._plans)


def evaluate_many(
    spec: StrategySpec,
    features: Mapping[str, str],
    params: Sequence[Mapping[str, Param]],
    candles: Candles,
    *,
    distances: Mapping[str, str] | None = None,
    memory_cap_bytes: int = MEMORY_CAP_BYTES,
) -> ManySignals:
    """Return the signals of one strategy under each set of parameters.

    Parameters
    ----------
    spec : StrategySpec
        The strategy; a set changes some of its parameters.
    features : mapping of str to str
        Name to expression.
    params : sequence of mappings
        P sets; what a set leaves out is as in `spec`.
    candles : Candles
        (T, N) of the strategy's interval.
    distances : mapping of str to str, optional
        As for `compile_strategy`.
    memory_cap_bytes : int
        See `ManySignals`.

    Raises
    ------
    UserError
        As `compile_many`.
    """
    plans = compile_many(spec, features, params, pairs=candles.pairs, distances=distances)
    return ManySignals(plans, candles, memory_cap_bytes=memory_cap_bytes)


def compile_many(
    spec: StrategySpec,
    features: Mapping[str, str],
    params: Sequence[Mapping[str, Param]],
    model_outputs: Sequence[str] = (),
    records: Collection[str] = (),
    plugins: Sequence[str] = (),
    pairs: Sequence[str] | None = None,
    distances: Mapping[str, str] | None = None,
) -> list[Plan]:
    """Check one strategy under each set of parameters and return what evaluates it.

    Each plan is the one that `compile_strategy` returns for those parameters; texts are read once,
    and a feature is checked once for all sets that agree in the parameters it depends on.

    Raises
    ------
    UserError
        With one line for every different fault, naming the first set that has it.

    Examples
    --------
    >>> spec = StrategySpec(name="ma_cross", interval="15m", params={"fast": 20, "slow": 50},
    ...     enter="cross_above(mean(close, fast), mean(close, slow))", exit="False")
    >>> [plan.warmup for plan in compile_many(spec, {}, [{"slow": 100}, {"fast": 10}])]
    [100, 50]
    """
    faults: list[str] = []
    source = read_strategy(
        spec, features, model_outputs, records, plugins, pairs, distances or {}, faults
    )
    if faults:
        raise UserError(*faults)
    first_with: dict[str, int] = {}
    plans: list[Plan] = []
    with seldom_collected():
        for k, changed in enumerate(params):
            found = _unknown(spec, changed)
            values = {**spec.params, **changed}
            check_values(changed, found)
            if not found:
                plans.append(plan_of(source, values, found))
            for line in found:
                first_with.setdefault(line, k)
    if first_with:
        raise UserError(*(f"params[{k}]: {line}" for line, k in first_with.items()))
    return plans


def _unknown(spec: StrategySpec, changed: Mapping[str, Param]) -> list[str]:
    """Return a fault for each name that is no parameter of the strategy."""
    return [
        f"strategy.params.{name}: the strategy has no such parameter."
        f"{did_you_mean(name, spec.params)}"
        for name in changed
        if name not in spec.params
    ]


def _needed_once(plans: Iterable[Plan]) -> frozenset[int]:
    """Return the ids of what a single expression of a single plan needs."""
    uses: Counter[int] = Counter()
    for plan in plans:
        open_: list[Node] = list(plan.rules.values())
        while open_:
            node = open_.pop()
            uses[node.id] += 1
            if uses[node.id] == 1:
                open_.extend(node.parts)
    return frozenset(node for node, count in uses.items() if count == 1)

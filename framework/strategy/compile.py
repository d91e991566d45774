"""Compile a strategy's expressions to a plan, before any data is read, or report every fault."""

from __future__ import annotations

import ast
import keyword
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from framework.errors import UserError
from framework.market.candles import COLUMNS
from framework.strategy.arithmetic import LARGEST
from framework.strategy.build import MODEL_OUTPUTS, NO_VALUE, Builder, Place
from framework.strategy.catalogue import Catalogue, load_plugins
from framework.strategy.dependencies import all_needs, in_order, names_in
from framework.strategy.node import CONDITIONS, NUMBERS, Kind, Node
from framework.strategy.parse import Wrong, parse
from framework.strategy.plan import Plan
from framework.strategy.rules import RULES, texts_of
from framework.strategy.spec import StrategySpec
from framework.types import Interval

MAX_FEATURES = 1_000
Param = bool | int | float | str


def compile_strategy(
    spec: StrategySpec,
    features: Mapping[str, str],
    model_outputs: Sequence[str] = (),
    records: Collection[str] = (),
    plugins: Sequence[str] = (),
    pairs: Sequence[str] | None = None,
    distances: Mapping[str, str] | None = None,
    inputs: Mapping[str, str] | None = None,
    window: int = 1,
) -> Plan:
    r"""Check every expression of a strategy and return what evaluates them.

    Parameters
    ----------
    spec : StrategySpec
        Interval, parameters and rules.
    features : mapping of str to str
        Name to expression; each is computed, whether a rule uses it or not.
    model_outputs : sequence of str
        Columns that `Plan.evaluate` will be given besides the candles.
    records : collection of str
        What the candles will bring that was recorded beside them: books, trades.
    plugins : sequence of str
        Modules that add functions.
    pairs : sequence of str, optional
        Of the run, to check `of` by; left out, it is checked when candles come.
    distances : mapping of str to str, optional
        Those of the risk rules' distances that are expressions, such as ``stop_loss``; they may
        name what the strategy's own rules may.
    inputs : mapping of str to str, optional
        Name to expression of what a model sees; features may be named, the model's outputs not.
    window : int
        Bars of inputs that one prediction sees.

    Raises
    ------
    UserError
        With one line for every fault of every expression.

    Examples
    --------
    >>> spec = StrategySpec(
    ...     name="ma_cross", interval="15m", params={"fast": 20, "slow": 50},
    ...     enter="cross_above(quick, mean(close, slow))", exit="close < quick")
    >>> plan = compile_strategy(spec, {"quick": "mean(close, fast)"})
    >>> print("\n".join(plan.describe()))
    features.quick: mean(close, 20) (warm-up 19)
    strategy.enter: cross_above(quick, mean(close, 50)) (warm-up 50)
    strategy.exit: close < quick (warm-up 19)
    warm-up: 50 bars of 15m
    """
    faults: list[str] = []
    source = read_strategy(
        spec, features, model_outputs, records, plugins, pairs, distances or {}, faults, inputs
    )
    check_values(spec.params, faults)
    plan = plan_of(source, spec.params, faults, window)
    if faults:
        raise UserError(*faults)
    return plan


@dataclass(frozen=True, slots=True)
class Source:
    """A strategy's texts, read but not yet checked under values of its parameters.

    What was found once is kept for the next set of values: `ids` gives equal expressions equal
    ids, `checked` holds features by the values they depend on, `named` holds them under their
    names.
    """

    spec: StrategySpec
    trees: Mapping[str, ast.expr]
    rules: Mapping[str, ast.expr]
    inputs: Mapping[str, ast.expr]
    order: Sequence[str]
    features: Sequence[str]
    model_outputs: Sequence[str]
    records: frozenset[str]
    pairs: Sequence[str] | None
    catalogue: Catalogue
    needs: Mapping[str, frozenset[str]]
    """Names that a feature's expression rests on, directly or through others."""
    ids: dict[tuple[object, ...], int] = field(default_factory=dict)
    checked: dict[tuple[str, Interval], dict[str, Node]] = field(default_factory=dict)
    named: dict[tuple[str, Node], Node] = field(default_factory=dict)


def read_strategy(
    spec: StrategySpec,
    features: Mapping[str, str],
    model_outputs: Sequence[str],
    records: Collection[str],
    plugins: Sequence[str],
    pairs: Sequence[str] | None,
    distances: Mapping[str, str],
    faults: list[str],
    inputs: Mapping[str, str] | None = None,
) -> Source:
    """Read names and texts of a strategy; see `compile_strategy`. Faults are noted."""
    catalogue = Catalogue(load_plugins(plugins, faults))
    _check_names(spec.params, features, model_outputs, catalogue, faults)
    trees = _parsed(features, {name: f"features.{name}" for name in features}, faults)
    names = {name: names_in(tree) for name, tree in trees.items()}
    order = in_order(tuple(features), names)
    paths = {name: rule.path for name, rule in RULES.items()}
    return Source(
        spec=spec,
        trees=trees,
        rules=_parsed(texts_of(spec, distances), paths, faults),
        inputs=_parsed(
            inputs or {}, {name: f"model.inputs.{name}" for name in inputs or {}}, faults
        ),
        order=order,
        features=tuple(features),
        model_outputs=tuple(model_outputs),
        records=frozenset(records),
        pairs=pairs,
        catalogue=catalogue,
        needs=all_needs(names),
    )


def plan_of(
    source: Source, params: Mapping[str, Param], faults: list[str], window: int = 1
) -> Plan:
    """Check every expression under values of the parameters; a plan, or faults that are noted."""
    spec = source.spec
    builder = Builder(
        interval=spec.interval,
        params=params,
        trees=source.trees,
        feature_names=source.features,
        model_outputs=source.model_outputs,
        records=source.records,
        pairs=source.pairs,
        catalogue=source.catalogue,
        faults=faults,
        ids=source.ids,
        named=source.named,
    )
    values = {
        name: repr([(p, params[p]) for p in params if p in source.needs[name]])
        for name in source.trees
    }
    for (name, interval), nodes in source.checked.items():
        if values[name] in nodes:
            builder.checked[name, interval] = nodes[values[name]]
    nodes = {name: _feature(builder, name) for name in source.order}
    rules = {name: _rule(builder, name, tree) for name, tree in source.rules.items()}
    inputs = {name: _input(builder, name, tree) for name, tree in source.inputs.items()}
    lengths = [node.warm_up for node in (*nodes.values(), *rules.values())]
    lengths += [node.warm_up + window - 1 for node in inputs.values()]
    if not faults:
        for (name, interval), node in builder.checked.items():
            source.checked.setdefault((name, interval), {})[values[name]] = node
    return Plan(
        interval=spec.interval,
        warmup=max(lengths, default=0),
        features=tuple(source.features),
        rules=rules,
        seen=inputs,
        led=any(_predicted(builder, node) for node in rules.values()),
        _nodes={name: nodes[name] for name in source.features},
        _order=tuple(source.order),
        records=frozenset().union(
            *(node.records for node in (*nodes.values(), *rules.values(), *inputs.values()))
        ),
        _outputs=tuple(source.model_outputs),
    )


def _parsed(
    texts: Mapping[str, str], paths: Mapping[str, str], faults: list[str]
) -> dict[str, ast.expr]:
    """Return the syntax trees of the expressions that can be read."""
    trees: dict[str, ast.expr] = {}
    for name, text in texts.items():
        try:
            trees[name] = parse(str(text))
        except Wrong as wrong:
            faults.append(f"{paths[name]}: {wrong}")
    return trees


def _rule(builder: Builder, name: str, tree: ast.expr) -> Node:
    """Return a rule's node, noting a fault where it gives something else than it must."""
    rule = RULES[name]
    node = _needed(
        builder, builder.visit(tree, Place(rule.path, builder.interval)), rule.path, rule.kinds
    )
    if fault := rule.fault(node):
        builder.fault(rule.path, fault)
    return node


def _input(builder: Builder, name: str, tree: ast.expr) -> Node:
    """Return the node of what a model sees, noting a fault where that rests on what it predicts."""
    path = f"model.inputs.{name}"
    kinds = (*NUMBERS, *CONDITIONS)
    node = _needed(builder, builder.visit(tree, Place(path, builder.interval)), path, kinds)
    if output := _predicted(builder, node):
        builder.fault(path, f"must not rest on '{output}', which the model predicts from it.")
    return node


def _predicted(builder: Builder, node: Node) -> str | None:
    """Return the output of the model that a node rests on, if there is one."""
    outputs = {builder.ids.get(("column", output)): output for output in builder.model_outputs}
    met: set[int] = set()
    open_ = [node]
    while open_:
        part = open_.pop()
        if part.id in outputs:
            return outputs[part.id]
        if part.id not in met:
            met.add(part.id)
            open_.extend(part.parts)
    return None


def _needed(builder: Builder, node: Node, path: str, kinds: tuple[Kind, ...]) -> Node:
    """Return `node`, noting a fault where it gives something else."""
    try:
        builder.need(node, kinds, path.partition(".")[2])
    except Wrong as wrong:
        builder.fault(path, str(wrong))
    return node


def _feature(builder: Builder, name: str) -> Node:
    """Return a feature's node under its canonical text."""
    path = f"features.{name}"
    builder.feature(name, builder.interval)
    node = builder.built(name)
    if node.kind in (Kind.RECORD, Kind.TEXT):
        _needed(builder, node, path, NUMBERS)
    return node


def _check_names(
    params: Mapping[str, object],
    features: Mapping[str, str],
    model_outputs: Sequence[str],
    catalogue: Catalogue,
    faults: list[str],
) -> None:
    """Note every name of a parameter or feature that is no name or means something already."""
    if len(features) > MAX_FEATURES:
        faults.append(f"features: must be at most {MAX_FEATURES} (was {len(features)}).")
    taken = {name: "a candle column" for name in COLUMNS}
    taken[NO_VALUE] = "the absent value"
    taken |= {name: "a model output" for name in (*MODEL_OUTPUTS, *model_outputs)}
    for group, names in (("strategy.params", params), ("features", features)):
        for name in names:
            path = f"{group}.{name}"
            what = taken.get(name)
            if not str(name).isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
                faults.append(
                    f"{path}: must be a name of letters, digits and '_', from a letter on "
                    f"(was '{name}')."
                )
            elif what is None and (function := catalogue.find(name)) is not None:
                what = "a recorded column" if function.is_column else "a function"
            if what is not None:
                faults.append(f"{path}: '{name}' is {what} already; choose another name.")
            elif name in params and group == "features":
                faults.append(f"{path}: '{name}' is a parameter already; choose another name.")


def check_values(params: Mapping[str, Param], faults: list[str]) -> None:
    """Note every value of a parameter that is beyond what expressions compute with."""
    for name, value in params.items():
        if isinstance(value, int | float) and not abs(value) <= LARGEST:
            faults.append(
                f"strategy.params.{name}: must be a number between -1e15 and 1e15 (was {value:g})."
            )

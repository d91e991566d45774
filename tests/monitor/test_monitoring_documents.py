"""Alert rules and dashboard name metrics that there are, and the rules do what they say."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from watched import made

DOCUMENTS = Path(__file__).resolve().parents[2] / "docs" / "monitoring"
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="no promtool (package prometheus)")
NOT_METRICS = {
    *("abs", "and", "by", "deriv", "histogram_quantile", "ignoring", "increase", "max", "on", "or"),
    *("rate", "sum", "time", "unless", "without"),
}


def alerts() -> list[dict]:
    rules = yaml.safe_load((DOCUMENTS / "alerts.yaml").read_text())
    return [rule for group in rules["groups"] for rule in group["rules"]]


def panels() -> list[dict]:
    return json.loads((DOCUMENTS / "dashboard.json").read_text())["panels"]


def dashboard_expressions() -> list[str]:
    return [target["expr"] for panel in panels() for target in panel["targets"]]


def series() -> dict[str, set[str]]:
    """Return every name that a session shows, with its labels."""
    metrics, _ = made()
    for metric in (metrics.units, metrics.value, metrics.vetoes, metrics.candles):
        metric.labels("any")
    for metric in (metrics.closed_trades, metrics.feed_state):
        metric.labels("any")
    found: dict[str, set[str]] = {"up": set()}
    for family in metrics.registry.collect():
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def named(expression: str) -> set[str]:
    """Return the metrics of an expression, without its labels, functions and lengths."""
    bare = re.sub(
        r"\{[^}]*\}|\[[^]]*\]|\"[^\"]*\"|\b(by|without|on|ignoring) ?\([^)]*\)", "", expression
    )
    return set(re.findall(r"[a-zA-Z_]\w*", bare)) - NOT_METRICS


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_is_about_metrics_that_there_are(rule):
    names = named(rule["expr"])
    assert names and names <= set(series())


@pytest.mark.parametrize("expression", dashboard_expressions())
def test_a_panel_is_about_metrics_and_labels_that_there_are(expression):
    names = named(expression)
    assert names and names <= set(series())
    own = {"session", "job", "instance"}.union(*(series()[name] for name in names))
    matched = re.findall(r"(\w+)(?:=~|!=|!~|=)\"", expression)
    grouped = re.findall(r"\b(?:by|without|on|ignoring) ?\(([^)]*)\)", expression)
    used = {*matched, *(label.strip() for labels in grouped for label in labels.split(","))}
    assert used <= own


def test_a_metric_that_does_not_exist_would_be_found():
    assert named('sum by (pair) (rate(framework_fils_total{pair="a"}[5m])) > 1') == {
        "framework_fils_total"
    }


def test_every_metric_of_the_framework_is_in_the_guide():
    guide = (DOCUMENTS.parent / "monitoring.md").read_text()
    for name in series():
        if name.startswith("framework_"):
            family = re.sub(r"_(bucket|sum|count)$", "", name)
            assert f"`{family}`" in guide


def test_the_guide_names_no_metric_that_there_is_not():
    guide = (DOCUMENTS.parent / "monitoring.md").read_text()
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in series()}
    assert set(re.findall(r"\b(?:framework|process)_\w+", guide)) <= families


def test_panels_lie_side_by_side_without_overlapping():
    cells: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        own = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in own) < 24
        assert not own & cells, panel["title"]
        cells |= own


@needs_promtool
@pytest.mark.parametrize(
    "words",
    [
        ("check", "rules", DOCUMENTS / "alerts.yaml"),
        ("check", "config", DOCUMENTS / "prometheus.yaml"),
        ("test", "rules", Path(__file__).with_name("alerts_test.yaml")),
    ],
    ids=["rules", "config", "alerts"],
)
def test_promtool_agrees(words):
    done = subprocess.run([PROMTOOL, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_put_to_the_test():
    tests = yaml.safe_load(Path(__file__).with_name("alerts_test.yaml").read_text())["tests"]
    fired = {
        case["alertname"]
        for test in tests
        for case in test["alert_rule_test"]
        if case["exp_alerts"]
    }
    assert fired == {rule["alert"] for rule in alerts()}

"""The report in a real browser: charts, controls, no error, no foreign script."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from report_sample import sample_outcome

from framework.results.metrics import compute
from framework.results.report import render

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))),
    None,
)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium found to open the page in")

# Presses every control once the charts stand, and writes what it found into the title.
PROBE = """<script>
const wait = setInterval(() => {
  if (document.documentElement.dataset.charts !== "drawn") return;
  clearInterval(wait);
  const at = (id) => document.getElementById(id);
  const found = [];
  document.querySelector('[data-scale="log"]').click();
  found.push(at("account")._fullLayout.yaxis.type);
  const select = at("pair");
  select.value = "1";
  select.dispatchEvent(new Event("change"));
  found.push(Math.round(at("price").data[0].y[0]));
  const before = at("account")._fullLayout.font.color;
  at("theme").click();
  found.push(before !== at("account")._fullLayout.font.color);
  document.querySelector('[data-view="worst"]').click();
  const rows = [...at("trades").tBodies[0].rows].filter((row) => !row.hidden);
  const results = rows.map((row) => Number(row.cells[3].dataset.key));
  found.push(rows.length, results.every((value, index) => !index || results[index - 1] <= value));
  found.push(document.documentElement.scrollWidth <= innerWidth);
  dispatchEvent(new Event("beforeprint"));
  found.push(document.documentElement.dataset.theme, at("account")._fullLayout.width);
  dispatchEvent(new Event("afterprint"));
  found.push(at("account")._fullLayout.width <= innerWidth);
  document.title = "found " + found.join(" ");
}, 20);
</script>"""


def open_page(path: Path, tmp_path: Path, width: int = 1280) -> tuple[str, str]:
    """Return the page's elements after its scripts ran, and what the console said."""
    done = subprocess.run(
        [
            BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--disable-background-networking", "--enable-logging=stderr",
            f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},1200",
            "--virtual-time-budget=20000", "--dump-dom", path.as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout, "\n".join(said)


@pytest.mark.parametrize("trades", [400, 0])
def test_charts_are_drawn_without_a_word_in_the_console(tmp_path: Path, trades: int):
    outcome = sample_outcome(bars=6_000, trades=trades, strategy="</script><script>alert(1)")
    path = tmp_path / "report.html"
    path.write_text(render(outcome, compute(outcome)), "utf-8")
    dom, said = open_page(path, tmp_path)
    assert said == ""
    assert len(re.findall(r'<svg class="main-svg"', dom)) >= (3 if trades else 2)
    assert 'data-charts="drawn"' in dom


def test_controls_work_and_a_narrow_page_does_not_scroll_sideways(tmp_path: Path):
    outcome = sample_outcome(bars=6_000, trades=400)
    path = tmp_path / "report.html"
    source = render(outcome, compute(outcome))
    open_policy = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", source)
    path.write_text(open_policy.replace("</body>", f"{PROBE}</body>"), "utf-8")
    dom, said = open_page(path, tmp_path, width=500)
    assert said == ""
    second_pair = round(float(outcome.close[0, 1]))
    title = re.search("<title>(.*?)</title>", dom)[1]
    assert title == f"found log {second_pair} true 50 true true light 660 true"


def test_a_foreign_script_is_refused_by_the_page_itself(tmp_path: Path):
    outcome = sample_outcome(bars=300, trades=4)
    path = tmp_path / "report.html"
    foreign = "<script>document.title = 'owned'</script><img src='https://example.invalid/x.png'>"
    path.write_text(render(outcome, {}).replace("<header>", f"{foreign}<header>"), "utf-8")
    dom, said = open_page(path, tmp_path)
    assert "<title>ma_cross: backtest, 15m</title>" in dom
    assert "Content Security Policy" in said
    assert 'data-charts="drawn"' in dom

"""A sweep over a cluster of two nodes is the sweep in one process, though a node dies half-way."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="hydra/launcher=ray needs Ray")

from spread import GOOD, Swept, same

QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    done = Swept(tmp_path_factory.mktemp("batch"), GOOD)
    assert done.code == 0, done.err
    return done


@pytest.fixture
def nodes(tmp_path):
    """The address of a cluster, and the process of each of its two nodes."""
    script = Path(__file__).with_name("ray_nodes.py")
    with (
        (tmp_path / "nodes.err").open("w") as said,
        subprocess.Popen(
            [sys.executable, script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            env={**os.environ, **QUIET, "TOLD": str(tmp_path / "told")},
        ) as cluster,
    ):
        yield json.loads(cluster.stdout.readline())
        cluster.stdin.close()


def test_two_nodes_give_the_same_as_one_process_though_one_is_lost(tmp_path, batch, nodes):
    words = ("hydra/launcher=ray", f"hydra.launcher.address='{nodes['address']}'")
    told = {"TOLD": str(tmp_path / "told"), **QUIET}
    done = Swept(tmp_path / "both", GOOD, *words, **told)
    assert done.code == 0, done.err
    assert same(done.table, batch.table)
    assert done.rows == batch.rows
    assert set(done.rows.values()) == {1}
    assert {parent for *_, parent in done.told} >= set(nodes["nodes"].values())

    lost = json.dumps(nodes["nodes"])
    done = Swept(tmp_path / "lost", GOOD, *words, every=6, times=1, NODES=lost, **told)
    assert done.code == 0, done.err
    raylet, *workers = done.killed
    assert raylet in nodes["nodes"].values()
    assert set(workers) & {process for _, process, _ in done.told}
    assert same(done.table, batch.table)
    assert done.rows == batch.rows


def test_a_cluster_is_started_where_none_is_named(tmp_path, batch):
    done = Swept(
        *(tmp_path / "spread", GOOD, "hydra/launcher=ray", "hydra.launcher.cpus=1"),
        RAY_AUTH_MODE="token",
    )
    assert done.code == 0, done.err
    assert same(done.table, batch.table)
    assert done.rows == batch.rows
    assert all(line[2] == line[5] == ":" for line in done.err.splitlines())  # Ray says nothing


def test_a_cluster_that_is_not_there_is_an_outside_fault(tmp_path):
    words = ("hydra/launcher=ray", "hydra.launcher.address='127.0.0.1:1'")
    done = Swept(
        tmp_path / "spread", GOOD, *words, **QUIET, RAY_gcs_rpc_server_connect_timeout_s="1"
    )
    assert done.code == 3
    assert done.err.splitlines()[-1].startswith(
        "hydra.launcher.address: no cluster can be used at 127.0.0.1:1 ("
    )
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("retries=-1", "hydra.launcher.retries: must be a whole number, at least 0 (was -1)."),
        ("cpus=0", "hydra.launcher.cpus: must be a whole number, at least 1, or null (was 0)."),
        (
            "address=7",
            "hydra.launcher.address: must be auto, host:port, ray://host:port or null (was 7).",
        ),
    ],
)
def test_a_setting_that_is_no_good_is_refused(program, word, says):
    ended = program(
        "-m", "strategy.params.fast=5,6", "hydra/launcher=ray", f"hydra.launcher.{word}"
    )
    assert (ended.code, ended.err) == (2, f"{says}\n")

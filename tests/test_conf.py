"""Every YAML of the project composes and builds, and shows every key of its component."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from framework.config.build import build, plain_tree
from framework.config.search_path import project_root, register
from framework.modes.settings import Settings

ROOT = project_root()
CHOICES = sorted(
    (file.parent.name, file.stem)
    for file in (ROOT / "conf").glob("*/*.yaml")
    if file.parent.name != "hydra"
) + sorted(("strategy", file.stem) for file in (ROOT / "strategies").glob("*.yaml"))
GROUPS = (
    "exchange pairs features model risk execution evaluation mode strategy notify tracking monitor"
)


def composed(*overrides):
    register()
    with initialize_config_dir(version_base="1.3", config_dir=str(ROOT / "conf")):
        return compose("config", overrides=["run_dir=runs/test", *overrides])


def test_every_group_of_the_design_has_a_choice():
    assert {group for group, _ in CHOICES} == set(GROUPS.split())


@pytest.mark.parametrize(("group", "choice"), CHOICES, ids=lambda word: word)
def test_every_choice_composes_and_builds(group, choice):
    needs = {"files": ["exchange.path=somewhere"]}
    config = composed(f"{group}={choice}", *needs.get(choice, []))
    build(plain_tree(config), Settings)


@pytest.mark.parametrize(
    "file",
    sorted((ROOT / "conf").glob("*/*.yaml")),
    ids=lambda file: f"{file.parent.name}/{file.stem}",
)
def test_every_choice_shows_all_its_keys_so_that_each_can_be_overridden(file):
    import importlib

    tree = OmegaConf.to_container(OmegaConf.load(file))
    target = tree.pop("_target_", None)
    if target is None:
        return
    module, _, name = target.rpartition(".")
    fields = getattr(importlib.import_module(module), name).__pydantic_fields__
    assert {field.alias or name for name, field in fields.items()} == set(tree)


@pytest.mark.parametrize(
    "file",
    sorted([*(ROOT / "conf").rglob("*.yaml"), *(ROOT / "strategies").glob("*.yaml")]),
    ids=lambda file: f"{file.parent.name}/{file.stem}",
)
def test_every_file_says_in_a_comment_what_it_is(file):
    assert Path(file).read_text().lstrip().startswith("#")

import pytest
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigLoadError

from framework.config.search_path import StrategySource, project_root
from framework.errors import UserError


@pytest.fixture
def source(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "strategies").mkdir()
    return StrategySource("test", "strategies://.")


def test_the_working_directory_comes_before_the_projects_own(source, tmp_path):
    (tmp_path / "strategies" / "ma_cross.yaml").write_text(
        "# @package _global_\nstrategy: {name: mine}\n"
    )
    found = source.load_config("strategy/ma_cross")
    assert found.config.strategy.name == "mine"
    assert found.header["package"] == "_global_"


def test_the_projects_own_strategies_are_found_from_anywhere(source):
    assert source.is_config("strategy/ma_cross")
    assert source.load_config("strategy/ma_cross").path == str(
        project_root() / "strategies" / "ma_cross.yaml"
    )


def test_the_group_lists_strategies_of_both_folders_once(source, tmp_path):
    (tmp_path / "strategies" / "mine.yaml").write_text("")
    (tmp_path / "strategies" / "ma_cross.yaml").write_text("")
    names = source.list("strategy", ObjectType.CONFIG)
    assert "mine" in names
    assert names.count("ma_cross") == 1
    assert source.list("", ObjectType.GROUP) == ["strategy"]
    assert source.list("risk", None) == []


def test_groups_are_told_from_configs(source):
    assert source.is_group("strategy")
    assert not source.is_group("risk")
    assert not source.is_config("strategy")


@pytest.mark.parametrize("path", ["strategy/nothing", "strategy/../conf/config", "risk/off"])
def test_what_is_no_strategy_is_not_found(source, path):
    assert not source.is_config(path)
    with pytest.raises(ConfigLoadError):
        source.load_config(path)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "is empty."),
        ("strategy: {name: x}", "its first line must be '# @package _global_'."),
        ("# @package _global_\n- a", "must be a mapping of keys to values (was a list)."),
        ("# @package _global_\na: [", "is not YAML: expected the node content"),
    ],
)
def test_a_file_that_is_no_strategy_is_refused_by_name(source, tmp_path, text, fault):
    (tmp_path / "strategies" / "odd.yaml").write_text(text)
    with pytest.raises(UserError) as caught:
        source.load_config("strategy/odd")
    assert str(caught.value).startswith(f"strategies/odd.yaml: {fault}")

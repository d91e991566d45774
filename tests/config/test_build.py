from dataclasses import replace

import pytest
from omegaconf import OmegaConf
from pydantic import Field, PositiveFloat, SecretStr

from framework.config.build import build, plain_tree
from framework.config.component import component
from framework.config.secrets import MASK, Redactor
from framework.errors import UserError


@component
class Inner:
    rate: PositiveFloat = 1.0
    names: tuple[str, ...] = ()


@component
class Root:
    count: int = Field(ge=1, le=5)
    inner: Inner = Inner()
    by_name: dict[str, Inner] = Field(default_factory=dict)
    token: SecretStr = SecretStr("")


INNER = f"{__name__}.Inner"
PLUGINS = (__name__.split(".")[0],)


def faults_of(tree, plugins=PLUGINS):
    with pytest.raises(UserError) as caught:
        build(tree, Root, plugins)
    return list(caught.value.faults)


def test_plain_values_become_a_component():
    built = build({"count": 2, "inner": {"rate": "0.5"}}, Root)
    assert built == Root(count=2, inner=Inner(rate=0.5))


def test_a_target_names_the_component_to_build():
    built = build({"count": 1, "inner": {"_target_": INNER, "rate": 3}}, Root, PLUGINS)
    assert built.inner == Inner(rate=3.0)


def test_every_fault_is_reported_at_once_with_path_rule_value_and_nearest_name():
    tree = {
        "count": 9,
        "inner": {"_target_": INNER, "rate": -1, "nams": []},
        "by_name": {"a": {"rate": 0}},
        "tokn": "x",
    }
    assert sorted(faults_of(tree)) == [
        "by_name.a.rate: must be greater than 0 (was 0).",
        "count: must be at most 5 (was 9).",
        "inner.nams: no such key. Did you mean 'names'?",
        "inner.rate: must be greater than 0 (was -1).",
        "tokn: no such key. Did you mean 'token'?",
    ]


@pytest.mark.parametrize("target", ["os.system", "subprocess.Popen", "builtins.eval", "eval", ""])
def test_a_target_outside_the_allowed_packages_is_refused(target):
    faults = faults_of({"count": 1, "inner": {"_target_": target}}, ())
    assert len(faults) == 1
    assert faults[0].startswith(f"inner._target_: '{target}' lies outside the packages allowed")


def test_a_target_that_is_no_component_is_refused_without_calling_it():
    target = "framework.config.build.build"
    assert faults_of({"count": 1, "inner": {"_target_": target}}) == [
        f"inner._target_: '{target}' is no component."
    ]


def test_a_misspelt_component_is_answered_with_the_nearest():
    faults = faults_of({"count": 1, "inner": {"_target_": INNER[:-1]}})
    assert faults[0].endswith("is no component. Did you mean 'Inner'?")


def test_mandatory_values_left_open_are_all_named():
    config = OmegaConf.create({"a": "???", "b": {"c": "???"}})
    with pytest.raises(UserError) as caught:
        plain_tree(config)
    assert caught.value.faults == (
        "a: a value is needed; give a=VALUE.",
        "b.c: a value is needed; give b.c=VALUE.",
    )


def test_an_interpolation_without_a_value_is_one_line():
    with pytest.raises(UserError, match=r"^a: .*NOT_SET_ANYWHERE.*\.$"):
        plain_tree(OmegaConf.create({"a": "${oc.env:NOT_SET_ANYWHERE}"}))


def test_secrets_are_masked_wherever_they_stand():
    built = build({"count": 1, "token": "hunter2"}, Root)
    assert Redactor(built)("key=hunter2, again hunter2") == f"key={MASK}, again {MASK}"
    assert "hunter2" not in repr(built)


def test_a_password_in_a_url_is_masked():
    redact = Redactor(build({"count": 1}, Root))
    assert redact("database: postgresql://me:pa5s@host:5432/runs") == (
        f"database: postgresql://me:{MASK}@host:5432/runs"
    )
    assert redact("sqlite:///runs/framework.db and s3://bucket/a:b") == (
        "sqlite:///runs/framework.db and s3://bucket/a:b"
    )


@component
class Renamed:
    from_run: str | None = Field(default=None, alias="from")
    size: int = 1


@component
class Holder:
    inner: Renamed = Field(default_factory=Renamed)
    bare: Renamed = Field(default_factory=Renamed)


RENAMED = f"{__name__}.Renamed"


def test_a_key_unlike_its_field_is_the_only_one_in_yaml_and_both_are_in_python():
    tree = {"inner": {"_target_": RENAMED, "from": "a"}, "bare": {"from": "b"}}
    built = build(tree, Holder, PLUGINS)
    assert (built.inner.from_run, built.bare.from_run) == ("a", "b")
    other = replace(built.inner, size=2)
    assert (other.from_run, other.size, built.inner.size) == ("a", 2, 1)
    for given, line in (
        ({"from_run": "a"}, "inner.from_run: no such key. Did you mean 'from'?"),
        ({"from": "a", "from_run": "b"}, "inner.from_run: no such key. Did you mean 'from'?"),
        ({"frm": "a"}, "inner.frm: no such key. Did you mean 'from'?"),
    ):
        with pytest.raises(UserError) as caught:
            build({"inner": {"_target_": RENAMED, **given}}, Holder, PLUGINS)
        assert caught.value.faults == (line,)
    with pytest.raises(UserError) as caught:
        build({"bare": {"from_run": "a"}}, Holder, PLUGINS)
    assert caught.value.faults == ("bare.from_run: no such key. Did you mean 'from'?",)

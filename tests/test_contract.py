"""Every component, found by itself, keeps the same promises."""

import copy
import importlib
import inspect
import pickle
import pkgutil

import pytest
from omegaconf import OmegaConf

import framework
from framework.config.build import build
from framework.config.component import component, is_component
from framework.config.search_path import project_root
from framework.errors import UserError

PARTS_OF_A_RUN = ("exchange", "notify", "tracking", "monitor", "modes", "engine")


def components():
    """Yield every component class that the project defines."""
    for module in pkgutil.walk_packages(framework.__path__, "framework."):
        if ".migrations" in module.name or module.name.endswith("__main__"):
            continue
        for _, value in inspect.getmembers(importlib.import_module(module.name), is_component):
            if value.__module__ == module.name:
                yield value


def choices():
    """Yield every YAML that names a component, with its tree."""
    for file in sorted((project_root() / "conf").glob("*/*.yaml")):
        tree = OmegaConf.to_container(OmegaConf.load(file))
        if "_target_" in tree:
            given = {"path": "somewhere"} if tree.get("path") == "???" else {}
            yield f"{file.parent.name}/{file.stem}", {**tree, **given}


COMPONENTS = sorted(set(components()), key=lambda cls: cls.__qualname__)
CHOICES = dict(choices())


@component
class Holder:
    """Holds one component of any kind."""

    part: object
    """The component."""


def made(name):
    return build({"part": CHOICES[name]}, Holder).part


@pytest.mark.parametrize("cls", COMPONENTS, ids=lambda cls: cls.__qualname__)
def test_a_component_and_all_its_fields_say_what_they_mean(cls):
    assert inspect.getdoc(cls)
    told = {
        name
        for base in filter(is_component, cls.__mro__)
        for name, field in base.__pydantic_fields__.items()
        if field.description
    }
    silent = sorted(set(cls.__pydantic_fields__) - told)
    assert silent == []


@pytest.mark.parametrize("name", CHOICES)
def test_a_component_cannot_be_changed(name):
    part = made(name)
    for field in type(part).__pydantic_fields__:
        with pytest.raises(AttributeError, match="cannot assign"):
            setattr(part, field, None)


@pytest.mark.parametrize("name", CHOICES)
def test_a_component_survives_copies_and_bytes(name):
    part = made(name)
    assert copy.deepcopy(part) == part
    assert pickle.loads(pickle.dumps(part)) == part  # noqa: S301 - its own bytes


@pytest.mark.parametrize("name", CHOICES)
def test_a_component_refuses_what_it_does_not_know(name):
    with pytest.raises(UserError, match=r"^part\.surprise: no such key\."):
        build({"part": {**CHOICES[name], "surprise": 1}}, Holder)


@pytest.mark.parametrize(
    "cls",
    [
        cls
        for cls in COMPONENTS
        if cls.__module__.split(".")[1] in PARTS_OF_A_RUN and hasattr(cls, "name")
    ],
    ids=lambda cls: cls.__qualname__,
)
def test_every_choosable_component_has_a_yaml(cls):
    targets = {tree["_target_"] for tree in CHOICES.values()}
    nested = cls.__module__ in ("framework.modes.settings", "framework.modes.sweep_settings")
    assert nested or f"{cls.__module__}.{cls.__qualname__}" in targets

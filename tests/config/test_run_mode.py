"""Hydra composes a run once, unless a word might say that there are many."""

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl


@pytest.mark.parametrize(
    ("words", "times"),
    [
        (["seed=3"], 1),
        (["hydra.verbose=false"], 1),
        (["hydra.mode=RUN"], 2),
        (["++hydra.mode=RUN"], 2),
        (["--config-name=config"], 2),
        (["-cn", "config"], 2),
    ],
)
def test_a_run_is_composed_once_where_no_word_can_name_its_mode(program, monkeypatch, words, times):
    composed = []
    load = ConfigLoaderImpl.load_configuration

    def counted(self, *arguments, **named):
        composed.append(named["run_mode"])
        return load(self, *arguments, **named)

    monkeypatch.setattr(ConfigLoaderImpl, "load_configuration", counted)
    ended = program(*words, "cash=-1")
    assert (ended.code, len(composed)) == (2, times), ended.err
    assert ended.err == "cash: must be greater than 0 (was -1).\n"

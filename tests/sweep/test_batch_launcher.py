"""What a launcher hands back to any sweeper: one JobReturn for each trial, in order."""

import pytest
from hydra.core.utils import JobStatus

from framework.errors import UserError
from framework.sweep.batch_launcher import BatchLauncher
from framework.sweep.trial import TrialResult


@pytest.fixture
def launched(program, monkeypatch):
    """Launch jobs as a sweeper of one's own would, twice, and return what came back."""
    from framework.sweep.grid_sweeper import GridSweeper

    def launch(*batches, strict=True):
        returns = []

        def sweep(self, arguments):
            launcher = self._launcher
            assert isinstance(launcher, BatchLauncher)
            launcher.strict = strict
            first = 0
            for batch in batches:
                jobs = [[*arguments, *words] for words in batch]
                returns.append(launcher.launch(jobs, initial_job_idx=first))
                first += len(jobs)

        monkeypatch.setattr(GridSweeper, "sweep", sweep)
        ended = program("-m", "pairs=btc_aud", "start=2025-03-01", "end=2025-03-08")
        return ended, returns

    return launch


def test_results_come_in_the_order_of_the_jobs(launched):
    words = [["strategy.params.slow=90"], ["strategy.params.slow=40"], ["risk=balanced"]]
    ended, (one, two) = launched(words, words[:1])
    assert ended.code == 0, ended.err
    assert [each.return_value.index for each in (*one, *two)] == [0, 1, 2, 3]
    assert [dict(each.return_value.params) for each in one] == [
        {"strategy.params.slow": 90},
        {"strategy.params.slow": 40},
        {"risk": "balanced"},
    ]
    assert [each.status for each in one] == [JobStatus.COMPLETED] * 3
    assert one[0].overrides[-1] == "strategy.params.slow=90"
    assert one[0].return_value.orders_hash == two[0].return_value.orders_hash
    assert len({each.return_value.orders_hash for each in one}) == 3
    assert one[0].return_value.blocks.shape == (128, 2)


def test_an_unsound_trial_stops_a_strict_launch(launched):
    ended, returns = launched([["risk.stop_loss=0.1"], ["risk.stop_loss=2"]])
    assert ended.code == 2
    assert ended.err == ("risk.stop_loss: must be less than 1 (was 2). Trial: risk.stop_loss=2\n")
    assert returns == []


def test_an_unsound_trial_fails_alone_where_others_are_sound(launched):
    ended, ((sound, unsound, other),) = launched(
        [["risk.stop_loss=0.1"], ["risk.stop_loss=2"], ["risk.stop_loss=0.2"]], strict=False
    )
    assert ended.code == 0, ended.err
    assert isinstance(sound.return_value, TrialResult)
    assert other.return_value.params == {"risk.stop_loss": 0.2}
    assert unsound.status == JobStatus.FAILED
    assert isinstance(unsound._return_value, UserError)
    assert "must be less than 1" in str(unsound._return_value)

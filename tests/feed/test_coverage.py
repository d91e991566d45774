import itertools

from hypothesis import given
from hypothesis import strategies as st

from framework.feed.coverage import OPEN_END, Coverage, Hole


def test_nothing_is_whole_before_it_begins():
    coverage = Coverage(10)
    assert not coverage.hearing
    assert not coverage.whole(20, 30)
    coverage.begin(25)
    assert coverage.hearing
    assert coverage.holes == (Hole(10, 25),)
    assert not coverage.whole(20, 30)
    assert coverage.whole(25, 30)
    assert coverage.whole(0, 10)


def test_a_loss_is_filled_by_requests_piece_by_piece():
    coverage = Coverage(0)
    coverage.begin(0)
    coverage.lose(50)
    assert not coverage.whole(60, 70)
    coverage.begin(80)
    coverage.fill(55, 65)
    assert coverage.holes == (Hole(50, 55), Hole(65, 80))
    coverage.give_up(0, 70)
    assert coverage.holes == (Hole(50, 55, True), Hole(65, 70, True), Hole(70, 80))
    assert coverage.hopeless(52, 53)
    assert not coverage.hopeless(75, 80)
    coverage.forget(71)
    assert coverage.holes == (Hole(71, 80),)


def test_a_loss_before_the_last_hole_ends_swallows_it():
    coverage = Coverage(0)
    coverage.begin(30)
    coverage.lose(20)
    assert coverage.holes == (Hole(0, 20), Hole(20, OPEN_END))


MOMENTS = st.integers(0, 40)
ACTIONS = st.lists(
    st.tuples(st.sampled_from(["begin", "lose", "fill", "doubt"]), MOMENTS, st.integers(0, 15)),
    max_size=25,
)


@given(ACTIONS)
def test_it_equals_a_plain_account_of_every_moment(actions):
    """Beside it: a flag for each moment, and whether anything is heard."""
    coverage, missing, hearing = Coverage(0), set(range(60)), False
    for action, at, length in actions:
        if action == "begin":
            if not hearing:
                # What was not heard ends here; what was missed before stays missed.
                start = coverage.holes[-1].start_ns
                missing -= set(range(max(at, start), 60))
            coverage.begin(at)
            hearing = True
        elif action == "lose":
            if hearing:
                missing |= set(range(at, 60))
            coverage.lose(at)
            hearing = False
        elif action == "fill":
            missing -= set(range(at, at + length))
            coverage.fill(at, at + length)
        elif length:
            missing |= set(range(at, at + length))
            coverage.doubt(at, at + length)
        for moment in range(60):
            assert coverage.whole(moment, moment + 1) == (moment not in missing)
            assert coverage.inside(moment) == (moment in missing)
        assert coverage.hearing == hearing
        holes = coverage.holes
        assert all(a.end_ns <= b.start_ns for a, b in itertools.pairwise(holes))

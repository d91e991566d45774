from hypothesis import given
from hypothesis import strategies as st

from framework.feed.clock_offset import ClockOffset

MS = 1_000_000
S = 1_000 * MS


def test_the_quickest_answer_counts():
    offset = ClockOffset()
    assert not offset.known
    # Asked at 0, answered at 100 ms with 7.08 s: half way the exchange had 7.03 s more.
    offset.add(0, 7_080 * MS, 100 * MS)
    assert offset.ns == 7_030 * MS
    # Asked at 1 s, answered 20 ms later with 8.01 s: exactly 7 s more.
    offset.add(1_000 * MS, 8_010 * MS, 1_020 * MS)
    assert offset.ns == 7_000 * MS
    # A slow one afterwards changes nothing.
    offset.add(2_000 * MS, 9_300 * MS, 2_400 * MS)
    assert offset.ns == 7_000 * MS


def test_an_answer_that_contradicts_takes_the_place_of_all_before():
    offset = ClockOffset()
    for k in range(5):
        offset.add(k * S, k * S, k * S + 10 * MS)
    offset.add(10 * S, 15 * S, 10 * S + 200 * MS)  # 4.9 s ahead, where it was 5 ms behind
    assert offset.ns == 4_900 * MS


def test_an_answer_from_before_the_question_is_ignored():
    offset = ClockOffset()
    offset.add(10 * S, 5 * S, 9 * S)
    assert not offset.known


def test_the_oldest_of_nine_answers_is_forgotten():
    offset = ClockOffset()
    offset.add(0, 3 * S, 0)  # no delay at all: the quickest there can be
    for k in range(1, 9):
        offset.add(k * S, k * S + 3 * S + 500 * MS, k * S + 100 * MS)
    assert offset.ns == 3 * S + 450 * MS


@given(
    st.integers(-10 * S, 10 * S),
    st.lists(st.tuples(st.integers(0, S), st.floats(0, 1)), min_size=1, max_size=30),
)
def test_it_is_never_wrong_by_more_than_half_the_quickest_delay(true_ns, answers):
    offset = ClockOffset()
    for k, (delay_ns, share) in enumerate(answers):
        sent_ns = k * 60 * S
        answered_ns = sent_ns + round(delay_ns * share)
        offset.add(sent_ns, answered_ns + true_ns, sent_ns + delay_ns)
    quickest_ns = min(delay_ns for delay_ns, _ in answers[-8:])
    assert abs(offset.ns - true_ns) <= quickest_ns / 2 + 1

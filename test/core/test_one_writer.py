from myoprosthesis.core.one_writer import HANDOVER_S, SILENT_S, OneWriter

A, B, C = b"a", b"b", b"c"


def test_the_first_is_obeyed_and_the_second_is_not_as_long_as_it_goes_on():
    writers, t = OneWriter({A, B, C}.__contains__), 0.0
    while t < HANDOVER_S + 0.1:
        assert writers.obeys(A, t) and not writers.obeys(B, t)
        t += 0.1
    for k in range(1, 50):  # A falls silent, B goes on
        assert not writers.obeys(B, t + 0.1 * k)
    assert writers.writer == A


def test_one_that_was_killed_and_is_back_at_once_is_obeyed_while_the_graph_still_has_the_one_before():
    """It is back sooner than the one before counts as silent, and is not silent itself from then on."""
    writers = OneWriter({A, B}.__contains__)
    writers.obeys(A, 0.0)
    obeyed = [writers.obeys(B, 0.4 + 0.01 * k) for k in range(400)]
    first = obeyed.index(True)
    assert 0.4 + 0.01 * first <= SILENT_S + 0.02 and all(obeyed[first:])


def test_one_that_comes_after_a_silence_or_was_silent_itself_takes_over():
    writers = OneWriter({A, B, C}.__contains__)
    writers.obeys(A, 0.0)
    assert not writers.obeys(B, 0.1)
    assert writers.obeys(C, 0.1 + SILENT_S)  # A policy that was started again
    assert not writers.obeys(B, 0.2 + SILENT_S)
    assert writers.obeys(C, 0.3 + SILENT_S)
    assert writers.obeys(B, 1.0 + 3 * SILENT_S) and not writers.obeys(C, 1.1 + 3 * SILENT_S)


def test_the_place_of_one_that_left_is_taken_at_once_but_not_by_one_that_was_told_to_go():
    there = {A, B, C}
    writers = OneWriter(there.__contains__)
    writers.obeys(A, 0.0)
    assert not writers.obeys(B, 0.01)
    there.remove(A)
    assert writers.obeys(B, 0.02) and writers.writer == B
    t = 0.02
    while t < 0.05 + HANDOVER_S:
        t += 0.1
        assert writers.obeys(B, t) and not writers.obeys(C, t)
    there.remove(B)
    assert not writers.obeys(C, t + 0.1)

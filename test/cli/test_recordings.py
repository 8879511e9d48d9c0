"""What is said of recordings that are used together."""

from myoprosthesis.cli.recordings import _of_all


def test_that_a_value_is_nowhere_is_said_only_where_it_is_in_none():
    here, nowhere = "-9999 stands for a missing sample, and is read as NaN", "no sample is -9999 (missing)"
    assert _of_all([[nowhere, "a"], [here, "a"]]) == ["a", here]
    assert _of_all([[nowhere], [nowhere, "a"]]) == [nowhere, "a"]

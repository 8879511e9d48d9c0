"""The course of a training run as a picture."""

from myoprosthesis.training.gradient.plot import loss_curve

HISTORY = [
    {"batch": b, "loss": 1.0 / b, "error_mm": 50.0 / b, "stage": "first" if b < 30 else "second"}
    for b in range(10, 60, 10)
]


def test_a_run_is_drawn_and_the_same_run_is_drawn_alike(tmp_path):
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path in paths:
        loss_curve(HISTORY, path, "a run")
    first, second = (p.read_bytes() for p in paths)
    assert first.startswith(b"\x89PNG") and first == second
    loss_curve([{**row, "stage": "one"} for row in HISTORY], paths[1], "a run")
    assert paths[1].read_bytes() != first  # stages are marked


def test_without_history_there_is_no_picture(tmp_path):
    loss_curve([], tmp_path / "none.png", "a run")
    assert not (tmp_path / "none.png").exists()

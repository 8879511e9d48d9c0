"""The page stands by itself, and its numbers are those that were planted."""

import csv
import json
import re
import shutil

import numpy as np
import pytest

from myoprosthesis.report.comparison import compare
from myoprosthesis.report.report import report

SECTIONS = (
    *("summary", "deviation", "paths", "index", "channel", "directions", "hidden", "muscles", "timing", "learner"),
    "repeat",
)


@pytest.fixture(scope="module")
def written(session_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    numbers = report(session_folder, out)
    return out, numbers, (out / "index.html").read_text()


def rows(file):
    with file.open(newline="") as f:
        return list(csv.DictReader(f))


def test_the_page_needs_nothing_else(written):
    out, _, html = written
    assert "<script" not in html and "@import" not in html and "url(" not in html
    assert not re.search(r'(src|srcset|data)="(?!data:image/svg\+xml;base64,)', html)
    assert not re.search(r"<(link|iframe|object|embed)\b", html)
    assert re.findall(r'<section id="(\w+)"', html) == list(SECTIONS)
    assert all(f'href="#{s}"' in html for s in SECTIONS)
    assert html.count("<img alt=") == len(list(out.glob("*.png"))) > 9
    assert "&lt;with&gt; a field" in html and "<with>" not in html


MARK = "<img src=x onerror=alert(1)>"


def hostile(value):
    """Every text in plain data, keys too, with a tag at its end."""
    if isinstance(value, dict):
        return {**{k: hostile(v) for k, v in value.items()}, **{k + MARK: hostile(v) for k, v in value.items()}}
    if isinstance(value, list):
        return [hostile(v) for v in value]
    return value + MARK if isinstance(value, str) else value


def test_text_from_files_is_text_on_the_page(undrawn, write, planted, tmp_path):
    """Names, labels, provenance and what nodes said, of one session and of two beside each other."""
    blocks = ("baseline", 12, 0.0), ("adaptation", 20, 1.0), ("generalisation", 20, 1.0), ("washout", 12, 0.0)
    p = planted(blocks=tuple((name + MARK, n, share) for name, n, share in blocks))
    folder = write(tmp_path / "s", p, recorded=True)
    settings = {
        "name": "mine" + MARK, "about": "</p><script>alert(2)</script>" + MARK, "policy": "reach_null" + MARK,
        "blocks": [{"name": name + MARK, "trials": n, "role": name, "about": MARK} for name, n, _ in blocks],
    }  # fmt: skip
    (folder / "session.yaml").write_text(json.dumps(settings))
    told = json.loads((folder / "provenance.json").read_text())
    (folder / "provenance.json").write_text(json.dumps(hostile(told)))
    table = list(csv.DictReader((folder / "trials.csv").open()))
    for row in table:
        for column in ("label", "perturbation", "policy"):
            row[column] += MARK
    with (folder / "trials.csv").open("w", newline="") as file:
        out = csv.DictWriter(file, table[0])
        out.writeheader()
        out.writerows(table)
    report(folder)
    compare([folder, folder], tmp_path / "both")
    for page in (folder / "report" / "index.html", tmp_path / "both" / "index.html"):
        html = page.read_text()
        assert re.findall(r"<img (?!alt=)[^>]*>|<script", html) == [] and "&lt;img src=x" in html
        assert """content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">""" in html


def test_every_figure_lies_beside_it_as_picture_and_table(written):
    out, _, _ = written
    for file in out.glob("*.png"):
        assert file.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        table = rows(file.with_suffix(".csv"))
        assert table and all(len(r) == len(table[0]) for r in table)


def test_tables_of_figures_hold_what_was_planted(written, made, planted):
    out, _, _ = written
    trials = made(planted())
    told = rows(out / "lateral_deviation.csv")
    np.testing.assert_allclose([float(r["lateral_deviation_mm"]) for r in told], [t.deviation_mm for t in trials])
    assert [r["kind"] for r in told] == [t.kind for t in trials]
    known = {t.trial: t.known for t in trials}
    slopes = rows(out / "channel_force_slopes.csv")
    assert slopes and all(float(r["slope"]) == pytest.approx(known[int(r["trial"])], abs=1e-5) for r in slopes)
    force = rows(out / "channel_force.csv")
    late = [float(r["adaptation_late_N"]) for r in force]
    ideal = [float(r["adaptation_late_ideal_N"]) for r in force]
    assert max(late) / max(ideal) == pytest.approx(0.9, abs=0.01)
    apart = rows(out / "hidden_distance.csv")
    between = [float(r["between targets"]) for r in apart]
    assert between[0] < 0.01 and max(between) > 3 and between[-1] < 0.2 * max(between)


def test_the_planted_rate_is_within_the_interval_of_the_fit(session_folder):
    from myoprosthesis.report import figures, session_data
    from myoprosthesis.report.sections.deviation import curves

    fits = {b.name: fit for b, fit in curves(figures.session(session_data.load(session_folder)))}
    assert 25.0 in fits["adaptation"].tau and 10.0 in fits["washout"].tau
    assert 1 - np.exp(-1 / 25.0) in fits["adaptation"].rate
    assert fits["adaptation"].curve.asymptote == pytest.approx(3.0, abs=1.0)


def test_numbers_are_written_once_more_as_json(written):
    out, numbers, _ = written
    told = json.loads((out / "figures.json").read_text())
    assert told["table_sha256"] == numbers["table_sha256"] and len(told["table_sha256"]) == 64
    assert {"name", "trials", "lateral_deviation_mm_by_trial", "adaptation_index", "after_effect_mm",
            "channel_force_slope"} <= told["blocks"][1].keys()  # fmt: skip
    assert {"baseline_mm", "initial_mm", "initial_over_baseline", "reduction", "after_effect_mm",
            "after_effect_over_initial", "washout_mm", "washout_over_baseline"} <= told["course"].keys()  # fmt: skip
    assert told["faults"] == []


def test_the_nodes_own_measurements_stand_beside_those_of_the_recorder(written):
    html = written[2]
    assert "<td>effector: round trip</td><td>0.800</td><td>1.200</td><td>7.500</td>" in html
    assert "effector missed 2 of 28800 ticks" in html


def test_the_same_session_gives_the_same_bytes(written, session_folder, tmp_path):
    out, _, html = written
    report(session_folder, tmp_path)
    assert (tmp_path / "index.html").read_text() == html
    for name in ("figures.json", "lateral_deviation.png"):
        assert (tmp_path / name).read_bytes() == (out / name).read_bytes()


def test_what_is_absent_is_left_out_with_a_line(undrawn, write, planted, tmp_path):
    p = planted(special=False, learner=False, blocks=(("baseline", 24, 0.0), ("adaptation", 40, 1.0)))
    folder = write(tmp_path / "s", p)
    (folder / "session.yaml").unlink()
    report(folder)
    html = (folder / "report" / "index.html").read_text()
    for line in ("There is no recording", "There is no session.yaml", "No trajectories", "No adaptation index",
                 "No catch trials", "No profiles of force", "No generalisation", "No states of the network",
                 "No muscle activity", "No timing", "No learner took part", "No washout block"):  # fmt: skip
        assert html.count(line) == 1, line


def test_a_cut_recording_and_a_cut_table_are_reported_as_far_as_they_go(undrawn, session_folder, tmp_path):
    folder = tmp_path / "cut"
    shutil.copytree(session_folder, folder)
    recording = folder / "recording" / "recording_0.mcap"
    recording.write_bytes(recording.read_bytes()[: recording.stat().st_size // 2])
    table = folder / "trials.csv"
    table.write_bytes(table.read_bytes()[:-9])
    numbers = report(folder)
    assert numbers["trials"] == 287
    told = " ".join(numbers["faults"])
    assert "ends in the middle of a row" in told and "ends without its index" in told
    missing = re.search(r"(\d+) of 287 trials of the table are not in the recording", told)
    assert missing and 100 < int(missing[1]) < 200
    html = (folder / "report" / "index.html").read_text()
    assert missing[0] in html and "No trajectories" not in html


def test_generalisation_is_drawn_where_a_block_tests_it(undrawn, write, planted, tmp_path):
    p = planted(blocks=(("baseline", 24, 0.0), ("adaptation", 64, 1.0), ("generalisation", 64, 1.0)))
    folder = write(tmp_path / "s", p)
    numbers = report(folder)
    assert numbers["blocks"][2]["role"] == "generalisation"
    assert (folder / "report" / "generalisation_2.csv").exists()


def test_the_word_writes_the_page_and_the_figures(undrawn, command_here, session_folder, tmp_path):
    done = command_here(
        "report", str(session_folder), "--out", str(tmp_path / "page"), "--json", str(tmp_path / "f.json")
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "page" / "index.html").exists() and "planted: 288 trials, table sha256" in done.stdout
    assert json.loads((tmp_path / "f.json").read_text())["course"]["reduction"] > 0.8


def test_what_is_no_session_ends_with_one_sentence_and_leaves_nothing(command_here, tmp_path):
    (tmp_path / "empty").mkdir()
    done = command_here("report", str(tmp_path / "empty"))
    assert done.returncode == 2 and "there is no trials.csv in it" in done.stderr and "Traceback" not in done.stderr
    assert list((tmp_path / "empty").iterdir()) == []

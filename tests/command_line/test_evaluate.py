"""The command ``evaluate``."""

import json

import pytest

from sk_audioevents.command_line import main
from sk_audioevents.command_line._recordings import read_labelled
from sk_audioevents.metrics import class_report
from sk_audioevents.persistence import load_model


def test_each_class_has_its_scores(model, folder, capsys):
    assert main(["evaluate", model, str(folder), "--format", "json"]) == 0
    output = capsys.readouterr()
    rows = json.loads(output.out)
    clips = read_labelled(folder)
    expected = class_report(clips.y, load_model(model).predict_proba(clips.X))
    assert [row["label"] for row in rows] == ["high", "low", "mid"]
    for row, f1 in zip(rows, expected["f1"]):
        assert row["support"] == 8
        assert row["f1"] == pytest.approx(f1, abs=1e-6)
    assert "Accuracy 1.000" in output.err


def test_a_class_without_clips_has_no_score(model, folder, tmp_path, capsys):
    (tmp_path / "clips.csv").write_text(
        f"path,label\n{folder}/low/0.wav,low\n{folder}/mid/0.wav,mid\n"
    )
    assert main(["evaluate", model, str(tmp_path / "clips.csv"), "--format", "json"]) == 0
    high, *_ = json.loads(capsys.readouterr().out)
    assert (high["label"], high["support"], high["f1"]) == ("high", 0, None)


def test_several_labels_are_evaluated(multilabel_model, several, capsys):
    assert main(["evaluate", multilabel_model, str(several), "--quiet"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.startswith("label,n_labelled,support")
    assert [row.split(",")[:3] for row in rows] == [
        ["high", "24.0", "12.0"],
        ["low", "24.0", "12.0"],
        ["mid", "24.0", "12.0"],
    ]


def test_labels_that_the_model_does_not_know_are_an_error(model, folder, tmp_path, capsys):
    (tmp_path / "clips.csv").write_text(f"path,label\n{folder}/low/0.wav,dog\n")
    assert main(["evaluate", model, str(tmp_path / "clips.csv")]) == 2
    assert "classes of the model, 'high', 'low', 'mid'. Got 'dog'" in capsys.readouterr().err


def test_several_labels_for_a_model_of_one_are_an_error(model, several, capsys):
    assert main(["evaluate", model, str(several)]) == 2
    assert "has one label for each clip" in capsys.readouterr().err

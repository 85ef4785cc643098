"""The command ``predict``."""

import json

import pandas as pd
import pytest
from sklearn.frozen import FrozenEstimator

from sk_audioevents import SoundEventDetector
from sk_audioevents.command_line import main
from sk_audioevents.command_line._predict import _batches
from sk_audioevents.events import read_events
from sk_audioevents.persistence import load_model


@pytest.fixture
def long_recording(write_sound, tmp_path):
    """Return a recording of 4.5 s with a low tone in its middle."""
    write_sound(tmp_path / "long.wav", ["low"], 1, after=2.0)
    return str(tmp_path / "long.wav")


def table_of(text):
    """Return a CSV text as a table."""
    rows = [line.split(",") for line in text.splitlines()]
    return pd.DataFrame(rows[1:], columns=rows[0])


def test_each_recording_has_a_label_and_the_score_of_each_class(model, folder, capsys):
    paths = [str(folder / label / "1.wav") for label in ("high", "low", "mid")]
    assert main(["predict", model, *paths]) == 0
    table = table_of(capsys.readouterr().out)
    assert table.columns.tolist() == ["path", "label", "score_high", "score_low", "score_mid"]
    assert table["path"].tolist() == paths
    assert table["label"].tolist() == ["high", "low", "mid"]
    expected = load_model(model).predict_proba(paths)
    assert table.iloc[:, 2:].astype(float).to_numpy() == pytest.approx(expected, abs=1e-6)


def test_folders_are_searched_and_results_may_be_json(model, folder, tmp_path):
    output = tmp_path / "result.json"
    assert main(["predict", model, str(folder / "low"), "-o", str(output), "--quiet"]) == 0
    rows = json.loads(output.read_text())
    assert [row["path"] for row in rows] == [str(folder / "low" / f"{i}.wav") for i in range(8)]
    assert rows[0].keys() == {"path", "label", "score_high", "score_low", "score_mid"}


def test_several_labels_of_a_clip_are_joined(multilabel_model, several, capsys):
    paths = [str(several.parent / "clips" / f"{i}.wav") for i in (0, 3)]
    assert main(["predict", multilabel_model, *paths]) == 0
    table = table_of(capsys.readouterr().out)
    names = load_model(multilabel_model).labels_
    for label, scores in zip(table["label"], table.iloc[:, 2:].astype(float).to_numpy()):
        assert label == ";".join(names[scores > 0.5])


@pytest.mark.parametrize(("arguments", "threshold"), [([], 0.5), (["--threshold", "0.3"], 0.3)])
def test_any_classifier_finds_events(model, long_recording, tmp_path, capsys, arguments, threshold):
    assert main(["predict", model, long_recording, "--events", *arguments]) == 0
    (tmp_path / "events.csv").write_text(capsys.readouterr().out)
    events = read_events(tmp_path / "events.csv")
    detector = SoundEventDetector(FrozenEstimator(load_model(model)), threshold=threshold)
    expected = detector.predict_events([long_recording])
    assert len(expected) > 0
    pd.testing.assert_frame_equal(events, expected, atol=1e-6, rtol=0, check_dtype=False)


def test_a_detector_finds_events_by_its_own_thresholds(multilabel_model, long_recording, capsys):
    assert main(["predict", multilabel_model, long_recording, "--events", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    expected = load_model(multilabel_model).predict_events([long_recording])
    assert [(row["onset"], row["label"]) for row in rows] == list(
        zip(expected["onset"], expected["label"])
    )


def test_the_rules_of_events_may_be_chosen(multilabel_model, long_recording, capsys):
    arguments = ["predict", multilabel_model, long_recording, "--events"]
    assert main([*arguments, "--threshold", "0.0001", "--min-duration", "9"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1  # its columns
    assert main([*arguments, "--threshold", "0.0001", "--merge-gap", "9"]) == 0
    table = table_of(capsys.readouterr().out)
    assert sorted(table["label"]) == ["high", "low", "mid"]


def test_events_may_be_a_table_of_raven_or_audacity(model, long_recording, tmp_path, capsys):
    arguments = ["predict", model, long_recording, "--events", "--threshold", "0.001", "--quiet"]
    assert main([*arguments, "-o", str(tmp_path / "long.selections.txt")]) == 0
    assert main([*arguments, "-o", str(tmp_path / "long.txt"), "--format", "audacity"]) == 0
    assert main(arguments) == 0
    (tmp_path / "events.csv").write_text(capsys.readouterr().out)
    expected = read_events(tmp_path / "events.csv")
    raven = read_events(tmp_path / "long.selections.txt", recording=long_recording)
    audacity = read_events(tmp_path / "long.txt", format="audacity", recording=long_recording)
    assert len(expected) > 0
    for table in (raven, audacity):
        assert table["label"].tolist() == expected["label"].tolist()
        assert table["onset"].tolist() == pytest.approx(expected["onset"].tolist(), abs=1e-6)


def test_bad_recordings_are_told_of_and_do_not_stop_the_others(model, folder, tmp_path, capsys):
    bad = tmp_path / "bad.wav"
    bad.write_bytes((folder / "low" / "0.wav").read_bytes()[:500])
    good = [str(folder / "low" / f"{i}.wav") for i in (0, 1)]
    paths = [good[0], str(bad), "gone.wav", good[1]]
    assert main(["predict", model, *paths, "--quiet"]) == 1
    output = capsys.readouterr()
    assert table_of(output.out)["path"].tolist() == good
    lines = [line for line in output.err.splitlines() if "warning" in line]
    assert ["gone.wav" in lines[0], "bad.wav" in lines[1], len(lines)] == [True, True, 2]


def test_a_bad_recording_may_stop_all(model, folder, tmp_path, capsys):
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"RIFF")
    arguments = ["predict", model, str(bad), str(folder / "low" / "0.wav"), "--on-error", "stop"]
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "error: Cannot decode" in output.err


def test_bad_recordings_alone_are_an_error(model, capsys):
    assert main(["predict", model, "gone.wav"]) == 2
    assert "None of the recordings can be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--threshold", "0.5"], "--threshold is a rule for events: say --events too"),
        (["--events", "--format", "raven"], "--format raven needs --events, and a file as"),
        (["--events", "--threshold", "2"], "The 'threshold' parameter of SoundEventDetector must"),
    ],
)
def test_wrong_arguments_are_one_sentence(model, folder, capsys, arguments, message):
    assert main(["predict", model, str(folder / "low" / "0.wav"), *arguments]) == 2
    assert message in capsys.readouterr().err


def test_results_are_replaced_only_where_that_was_asked_for(model, folder, tmp_path, capsys):
    output = tmp_path / "result.csv"
    output.write_text("mine")
    arguments = ["predict", model, str(folder / "low" / "0.wav"), "-o", str(output)]
    assert main(arguments) == 2
    assert output.read_text() == "mine"
    assert main([*arguments, "--force"]) == 0
    assert output.read_text().startswith("path,label,")


def test_a_folder_without_recordings_is_an_error(model, tmp_path, capsys):
    assert main(["predict", model, str(tmp_path)]) == 2
    assert "There are no recordings in the folder" in capsys.readouterr().err


def test_batches_are_bounded_by_number_and_by_size(tmp_path):
    small, large = tmp_path / "small.wav", tmp_path / "large.wav"
    small.write_bytes(b"x")
    with open(large, "wb") as file:
        file.truncate(2**26)
    paths = [str(small)] * 40 + [str(large), str(large), str(small)]
    assert [len(batch) for batch in _batches(paths)] == [32, 8, 1, 1, 1]
    assert [path for batch in _batches(paths) for path in batch] == paths

"""The command ``train``."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline

from sk_audioevents import SLATSegmenter, SoundEventDetector
from sk_audioevents.persistence import load_model, read_model_info

LABELS = ["high", "low", "mid"]
ONCE = ("--epochs", "1")


def write_csv(folder, path, **columns):
    """Write a CSV file of the recordings in a folder, with further columns of cycling values."""
    paths = [f"{folder}/{label}/{i}.wav" for label in LABELS for i in range(8)]
    labels = [label for label in LABELS for _ in range(8)]
    table = pd.DataFrame({"path": paths, "label": labels})
    for name, values in columns.items():
        table[name] = np.resize(values, len(table))
    table.to_csv(path, index=False)
    return path


def test_a_folder_becomes_a_pipeline_that_knows_its_classes(model, folder):
    loaded = load_model(model)
    assert isinstance(loaded, Pipeline)
    assert loaded.classes_.tolist() == LABELS
    paths = [str(folder / label / "0.wav") for label in LABELS]
    assert loaded.predict(paths).tolist() == LABELS


def test_several_labels_become_a_detector_that_knows_their_names(multilabel_model):
    loaded = load_model(multilabel_model)
    assert isinstance(loaded, SoundEventDetector)
    assert loaded.labels_.tolist() == LABELS
    assert loaded.cv is None


def test_flags_are_parameters_of_the_steps(train, folder, tmp_path):
    path = tmp_path / "m"
    assert (
        train(folder, path, "--slat", "--seed", "7", "--set", "pooling=max", "--n-jobs", "2", *ONCE)
        == 0
    )
    features, segmenter, classifier = load_model(path).named_steps.values()
    assert isinstance(segmenter, SLATSegmenter)
    assert (features.sample_rate, features.n_jobs) == (8000, 2)
    assert (classifier.random_state, classifier.pooling, classifier.n_jobs) == (7, "max", 2)
    assert (classifier.max_epochs, classifier.channels, classifier.verbose) == (1, (4, 6), 0)


def test_the_same_seed_gives_the_same_model(train, folder, tmp_path):
    for name in ("a", "b"):
        train(folder, tmp_path / name, *ONCE)
    clips = [str(folder / "low" / "0.wav")]
    first, second = (load_model(tmp_path / name).predict_proba(clips) for name in ("a", "b"))
    np.testing.assert_array_equal(first, second)


def test_a_cache_is_used_and_is_no_part_of_the_model(train, folder, tmp_path):
    assert train(folder, tmp_path / "m", "--cache-dir", str(tmp_path / "cache"), *ONCE) == 0
    assert len(list((tmp_path / "cache").rglob("*.frames"))) == 24
    assert load_model(tmp_path / "m")[0].cache_dir is None


def test_evaluate_writes_the_scores_of_each_fold(train, folder, tmp_path, capsys):
    assert train(folder, tmp_path / "m", "--evaluate", "--folds", "2", "--format", "json") == 0
    output = capsys.readouterr()
    rows = json.loads(output.out)
    assert [(row["fold"], row["n_train"], row["n_test"]) for row in rows] == [
        (1, 12, 12),
        (2, 12, 12),
    ]
    assert min(row["accuracy"] for row in rows) > 0.6
    assert "at random" in output.err
    mean = np.mean([row["accuracy"] for row in rows])
    assert f"accuracy {mean:.3f}" in read_model_info(tmp_path / "m")["card"]


def test_clips_of_several_labels_are_evaluated(train, several, tmp_path, capsys):
    assert train(several, tmp_path / "m", "--evaluate", "--folds", "3", *ONCE) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header == "fold,n_train,n_test,accuracy,mean_average_precision"
    n_train, n_test = np.array([row.split(",")[1:3] for row in rows], dtype=int).T
    assert (n_train + n_test).tolist() == [24, 24, 24]
    assert n_test.sum() == 24


def test_clips_of_one_class_are_an_error(train, folder, tmp_path, capsys):
    path = write_csv(folder, tmp_path / "clips.csv")
    table = pd.read_csv(path)
    table[table["label"] == "low"].to_csv(path, index=False)
    assert train(path, tmp_path / "m", *ONCE) == 2
    assert "There must be clips of at least 2 classes. All are low (8)." in capsys.readouterr().err


def test_folds_of_the_csv_are_respected(train, folder, tmp_path, capsys):
    path = write_csv(folder, tmp_path / "clips.csv", fold=["b", "a", "a", "a"])
    assert train(path, tmp_path / "m", "--evaluate", *ONCE) == 0
    output = capsys.readouterr()
    assert [line.split(",")[:3] for line in output.out.splitlines()[1:]] == [
        ["1", "6", "18"],
        ["2", "18", "6"],
    ]
    assert "at random" not in output.err


def test_clips_of_one_group_are_in_one_fold(train, folder, tmp_path, capsys, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "sk_audioevents.command_line._train.cross_validate",
        lambda model, clips, folds, *rest: seen.append((clips.groups, folds)),
    )
    path = write_csv(folder, tmp_path / "clips.csv", group=list("aabbccdd"))
    assert train(path, tmp_path / "m", "--evaluate", "--folds", "2", *ONCE) == 0
    ((groups, folds),) = seen
    assert len(folds) == 2
    for fit_rows, test_rows in folds:
        assert not set(groups[fit_rows]) & set(groups[test_rows])


def test_windows_of_one_recording_are_a_group(train, folder, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "sk_audioevents.command_line._train.cross_validate",
        lambda model, clips, folds, *rest: seen.append((clips.X["path"].to_numpy(), folds)),
    )
    once = pd.read_csv(write_csv(folder, tmp_path / "clips.csv"))
    twice = pd.concat(
        [once.assign(start_time="", end_time=0.25), once.assign(start_time=0.25, end_time="")]
    )
    twice.to_csv(tmp_path / "clips.csv", index=False)
    assert train(tmp_path / "clips.csv", tmp_path / "m", "--evaluate", "--folds", "2", *ONCE) == 0
    ((paths, folds),) = seen
    for fit_rows, test_rows in folds:
        assert len(fit_rows) + len(test_rows) == 48
        assert not set(paths[fit_rows]) & set(paths[test_rows])


def test_groups_torn_apart_by_given_folds_are_told_of(train, folder, tmp_path, capsys):
    path = write_csv(folder, tmp_path / "clips.csv", fold=list("ab"), group=["x", "y", "y", "z"])
    assert train(path, tmp_path / "m", "--evaluate", *ONCE) == 0
    assert "the clips of some groups, such as 'y', are in several folds" in capsys.readouterr().err


def test_copies_of_test_clips_are_told_of(train, folder, tmp_path, capsys):
    path = write_csv(folder, tmp_path / "clips.csv", fold=list("ab"))
    table = pd.read_csv(path)
    copy = tmp_path / "copy.wav"
    copy.write_bytes((folder / "low" / "0.wav").read_bytes())
    table.loc[len(table)] = [str(copy), "low", "b"]
    table.to_csv(path, index=False)
    assert train(path, tmp_path / "m", "--evaluate", *ONCE) == 0
    error = capsys.readouterr().err
    assert "2 of 25 clips are also in the training set when they are tested" in error
    assert "same content" in error


def test_a_bad_recording_is_left_out_and_told_of(train, write_sound, folder, tmp_path, capsys):
    source = tmp_path / "recordings"
    for label in ("low", "mid"):
        write_sound(source / label / "a.wav", [label], 0)
    (tmp_path / "recordings" / "low" / "bad.wav").write_bytes(b"RIFF")
    assert train(source, tmp_path / "m", *ONCE) == 1
    assert "bad.wav" in capsys.readouterr().err
    assert "on 2 clips" in read_model_info(tmp_path / "m")["card"]
    assert train(source, tmp_path / "n", "--on-error", "stop", *ONCE) == 2
    assert not (tmp_path / "n").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "max_epochs=0"], "The 'max_epochs' parameter of VGGEventClassifier must be"),
        (["--set", "loss=mse"], "The 'loss' parameter of VGGEventClassifier must be a str among"),
        (["--set", "colour=red"], "--set colour is no parameter of the model, which has amin, "),
        (
            ["--set", "verbose=2"],
            "may be logmeltransformer__verbose or vggeventclassifier__verbose",
        ),
        (["--set", "loss"], "--set must be followed by NAME=VALUE. Got 'loss' instead"),
        (["--evaluate", "--folds", "9"], "'high' has 8: take fewer --folds"),
    ],
)
def test_wrong_settings_are_one_sentence(train, folder, tmp_path, capsys, arguments, message):
    assert train(folder, tmp_path / "m", *arguments, *ONCE) == 2
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    assert line.startswith("sk-audioevents train: error: ")
    assert message in line
    assert list(tmp_path.iterdir()) == []


def test_a_model_is_replaced_only_where_that_was_asked_for(train, folder, tmp_path, capsys):
    path = tmp_path / "m.safetensors"
    path.write_text("mine")
    assert train(folder, path, *ONCE) == 2
    assert "Say --force to replace it" in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert train(folder, path, "--force", *ONCE) == 0
    assert load_model(path).classes_.tolist() == ["high", "low", "mid"]


def test_a_path_that_cannot_be_a_model_is_refused_before_training(train, folder, tmp_path, capsys):
    assert train(folder, tmp_path / "m.pt", *ONCE) == 2
    assert "must end in '.safetensors'" in capsys.readouterr().err
    assert train(folder, tmp_path / "nowhere" / "m", *ONCE) == 2
    assert "There is no folder" in capsys.readouterr().err

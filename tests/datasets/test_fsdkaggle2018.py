"""FSDKaggle2018, through a small folder in its layout."""

import os

import numpy as np
import pytest
from sklearn.model_selection import PredefinedSplit

from sk_audioevents import metrics
from sk_audioevents.datasets import load_fsdkaggle2018

TRAIN = """\
fname,label,manually_verified,freesound_id,license
00044347.wav,Hi-hat,0,28739,Attribution
001ca53d.wav,Saxophone,1,358827,Attribution
002d256b.wav,Trumpet,0,10897,Creative Commons 0
0033e230.wav,Hi-hat,1,18431,Attribution
"""
TEST = """\
fname,label,usage,freesound_id,license
00326aa9.wav,Trumpet,Private,355125,Creative Commons 0
0038a046.wav,Bass_drum,Public,90621,Attribution
"""
SOUNDS = [
    *(f"FSDKaggle2018.audio_train/{line.partition(',')[0]}" for line in TRAIN.split("\n")[1:-1]),
    *(f"FSDKaggle2018.audio_test/{line.partition(',')[0]}" for line in TEST.split("\n")[1:-1]),
]
TABLES = {
    "FSDKaggle2018.meta/train_post_competition.csv": TRAIN,
    "FSDKaggle2018.meta/test_post_competition_scoring_clips.csv": TEST,
}


@pytest.fixture
def folder(write_folder):
    return write_folder(TABLES, SOUNDS)


def test_training_clips_come_first_with_paths_of_their_own_folders(folder):
    data = load_fsdkaggle2018(folder)
    assert data.paths.tolist() == [str(folder / name) for name in SOUNDS]
    assert data.split.tolist() == ["train"] * 4 + ["test"] * 2
    assert all(os.path.isfile(path) for path in data.paths)


def test_labels_are_those_of_both_indices(folder):
    data = load_fsdkaggle2018(folder)
    assert data.target_names.tolist() == ["Bass_drum", "Hi-hat", "Saxophone", "Trumpet"]
    assert data.target_names[data.target].tolist() == [
        "Hi-hat", "Saxophone", "Trumpet", "Hi-hat", "Trumpet", "Bass_drum",
    ]  # fmt: skip
    assert data.target.dtype == np.int64


def test_groups_are_recordings(folder):
    assert load_fsdkaggle2018(folder).groups.tolist() == [
        28739,
        358827,
        10897,
        18431,
        355125,
        90621,
    ]


def test_the_documented_split_trains_on_one_part_and_tests_on_the_other(folder):
    split = load_fsdkaggle2018(folder).split
    [(train, test)] = PredefinedSplit(np.where(split == "test", 0, -1)).split()
    assert (train.tolist(), test.tolist()) == ([0, 1, 2, 3], [4, 5])


def test_the_frame_tells_verified_labels_from_others(folder):
    frame = load_fsdkaggle2018(folder).frame
    assert frame.columns[:2].tolist() == ["path", "split"]
    np.testing.assert_array_equal(frame["manually_verified"], [0, 1, 0, 1, np.nan, np.nan])
    assert frame["usage"].iloc[4:].tolist() == ["Private", "Public"]
    assert frame["license"].notna().all()


def test_one_part_needs_nothing_of_the_other(write_folder):
    folder = write_folder(
        {name: text for name, text in TABLES.items() if "test" in name}, SOUNDS[4:]
    )
    data = load_fsdkaggle2018(folder, subset="test")
    assert data.split.tolist() == ["test", "test"]
    assert data.target_names.tolist() == ["Bass_drum", "Trumpet"]


def test_the_order_of_the_parts_is_that_of_the_data_set(folder):
    data = load_fsdkaggle2018(folder, subset=["test", "train"])
    assert data.paths.tolist() == load_fsdkaggle2018(folder).paths.tolist()


def test_the_metric_is_one_of_ours_with_the_k_of_the_benchmark(folder):
    (name,) = load_fsdkaggle2018(folder).metrics
    # Ranks 1, 3 and 4 of the right class: MAP@3 is the mean of 1, 1/3 and 0.
    scores = np.array([[0.9, 0.5, 0.4, 0.1], [0.2, 0.5, 0.4, 0.1], [0.1, 0.5, 0.4, 0.3]])
    score = metrics.CLIP_METRICS[name]([0, 0, 0], scores, labels=[0, 1, 2, 3])
    assert score == pytest.approx((1 + 1 / 3 + 0) / 3)


def test_features_and_target_alone_are_the_same(folder):
    data = load_fsdkaggle2018(folder)
    X, y = load_fsdkaggle2018(folder, return_X_y=True)
    np.testing.assert_array_equal(X, data.paths)
    np.testing.assert_array_equal(y, data.target)


def test_the_description_says_licence_and_citation(folder):
    descr = load_fsdkaggle2018(folder).DESCR
    assert "Creative Commons" in descr
    assert "arXiv:1807.09902" in descr


def test_a_wrong_folder_is_an_error_that_names_the_index(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no train_post_competition\.csv in '.*\.meta'"):
        load_fsdkaggle2018(tmp_path)


@pytest.mark.parametrize("column", ["fname", "label", "manually_verified", "freesound_id"])
def test_an_index_without_a_column_is_an_error_that_names_it(write_folder, column):
    folder = write_folder(
        {**TABLES, "FSDKaggle2018.meta/train_post_competition.csv": TRAIN.replace(column, "other")},
        SOUNDS,
    )
    with pytest.raises(ValueError, match=rf"competition\.csv' lacks the columns \['{column}'\]"):
        load_fsdkaggle2018(folder)


def test_missing_files_are_counted_and_the_first_is_named(folder):
    os.remove(folder / SOUNDS[5])
    with pytest.raises(FileNotFoundError, match=r"1 of the 6 files .*first is '.*0038a046\.wav'"):
        load_fsdkaggle2018(folder)


@pytest.mark.parametrize("subset", ["eval", ["train", "val"], []])
def test_an_unknown_part_is_an_error_that_names_all(folder, subset):
    with pytest.raises(ValueError, match=r"one of \['train', 'test'\], or a list.*Got"):
        load_fsdkaggle2018(folder, subset=subset)

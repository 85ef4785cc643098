"""UrbanSound8K, through a small folder in its layout."""

import os

import numpy as np
import pytest
from sklearn.model_selection import PredefinedSplit

from sk_audioevents import metrics
from sk_audioevents.audio import load_audio
from sk_audioevents.datasets import load_urbansound8k

HEADER = "slice_file_name,fsID,start,end,salience,fold,classID,class\n"
ROWS = [
    # fsID, class number, class, fold
    (100032, 3, "dog_bark", 5),
    (100263, 2, "children_playing", 5),
    (100648, 1, "car_horn", 10),
    (100795, 0, "air_conditioner", 1),
    (100795, 0, "air_conditioner", 1),
]


def clip_name(i):
    return f"{ROWS[i][0]}-{ROWS[i][1]}-0-{i}.wav"


def make_index():
    rows = (
        f"{clip_name(i)},{recording},0.0,4.0,1,{fold},{number},{name}\n"
        for i, (recording, number, name, fold) in enumerate(ROWS)
    )
    return HEADER + "".join(rows)


def make_sounds():
    return [f"audio/fold{ROWS[i][3]}/{clip_name(i)}" for i in range(len(ROWS))]


@pytest.fixture
def folder(write_folder):
    return write_folder({"metadata/UrbanSound8K.csv": make_index()}, make_sounds())


def test_paths_targets_folds_and_groups_are_those_of_the_index(folder):
    data = load_urbansound8k(folder)
    assert data.paths.tolist() == [str(folder / name) for name in make_sounds()]
    assert data.target.tolist() == [3, 2, 1, 0, 0]
    assert data.target_names.tolist() == [
        "air_conditioner", "car_horn", "children_playing", "dog_bark",
    ]  # fmt: skip
    assert data.fold.tolist() == [5, 5, 10, 1, 1]
    assert data.groups.tolist() == [100032, 100263, 100648, 100795, 100795]
    assert data.target.dtype == data.fold.dtype == data.groups.dtype == np.int64


def test_the_paths_can_be_read(folder):
    waveform, rate = load_audio(load_urbansound8k(folder).paths[0])
    assert (len(waveform), rate) == (80, 8000)


def test_the_folds_split_as_the_authors_do(folder):
    split = PredefinedSplit(load_urbansound8k(folder).fold)
    assert [test.tolist() for _, test in split.split()] == [[3, 4], [0, 1], [2]]


def test_the_frame_is_the_index_with_the_path_first(folder):
    data = load_urbansound8k(folder)
    assert data.frame.columns.tolist() == ["path", *HEADER.strip().split(",")]
    assert data.frame["path"].tolist() == data.paths.tolist()


def test_the_metric_is_one_of_ours_and_the_description_says_licence_and_citation(folder):
    data = load_urbansound8k(folder)
    assert data.metrics == ("accuracy",)
    assert data.metrics[0] in metrics.CLIP_METRICS
    assert "NonCommercial" in data.DESCR
    assert "10.1145/2647868.2655045" in data.DESCR


def test_features_and_target_alone_are_the_same(folder):
    data = load_urbansound8k(folder)
    X, y = load_urbansound8k(str(folder), return_X_y=True)
    np.testing.assert_array_equal(X, data.paths)
    np.testing.assert_array_equal(y, data.target)


def test_a_relative_folder_gives_absolute_paths(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    assert load_urbansound8k(folder.name).paths[0] == str(folder / make_sounds()[0])


def test_a_wrong_folder_is_an_error_that_names_the_index(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no UrbanSound8K\.csv in '.*metadata'"):
        load_urbansound8k(tmp_path)


@pytest.mark.parametrize("column", ["slice_file_name", "fsID", "fold", "classID", "class"])
def test_an_index_without_a_column_is_an_error_that_names_it(write_folder, column):
    header = ",".join("other" if name == column else name for name in HEADER.strip().split(","))
    text = make_index().replace(HEADER.strip(), header)
    folder = write_folder({"metadata/UrbanSound8K.csv": text}, make_sounds())
    with pytest.raises(ValueError, match=rf"UrbanSound8K\.csv' lacks the columns \['{column}'\]"):
        load_urbansound8k(folder)


def test_missing_files_are_counted_and_the_first_is_named(folder):
    os.remove(folder / make_sounds()[1])
    os.remove(folder / make_sounds()[3])
    with pytest.raises(FileNotFoundError, match=rf"2 of the 5 files .*first is '.*{clip_name(1)}'"):
        load_urbansound8k(folder)


def test_a_class_of_two_numbers_is_an_error(write_folder):
    text = make_index().replace("1,0,air_conditioner", "1,4,air_conditioner", 1)
    folder = write_folder({"metadata/UrbanSound8K.csv": text}, make_sounds())
    with pytest.raises(ValueError, match=r"each class one number.*\(4, 'air_conditioner'\)"):
        load_urbansound8k(folder)


def test_an_empty_index_is_no_table(write_folder):
    folder = write_folder({"metadata/UrbanSound8K.csv": ""}, [])
    with pytest.raises(ValueError, match=r"UrbanSound8K\.csv' is no table: No columns to parse"):
        load_urbansound8k(folder)


def test_a_folder_that_is_no_path_is_an_error():
    with pytest.raises(ValueError, match="'folder' parameter of load_urbansound8k must be"):
        load_urbansound8k(8)

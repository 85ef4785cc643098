"""FSD50K, through a small folder in its layout."""

import json
import os

import numpy as np
import pytest

from sk_audioevents import metrics
from sk_audioevents.datasets import load_fsd50k
from sk_audioevents.model_selection import MultilabelStratifiedGroupKFold

VOCABULARY = """\
0,Electric_guitar,/m/02sgy
1,Guitar,/m/0342h
2,Rain,/m/06mb1
"""
DEV = """\
fname,labels,mids,split
64760,"Electric_guitar,Guitar","/m/02sgy,/m/0342h",train
16399,"Guitar","/m/0342h",train
345111,"Electric_guitar,Guitar","/m/02sgy,/m/0342h",val
4258,Rain,/m/06mb1,train
"""
EVAL = """\
fname,labels,mids
37199,"Guitar,Rain","/m/0342h,/m/06mb1"
175151,Rain,/m/06mb1
"""
DEV_CLIPS = ["64760", "16399", "345111", "4258"]
EVAL_CLIPS = ["37199", "175151"]
TABLES = {
    "FSD50K.ground_truth/vocabulary.csv": VOCABULARY,
    "FSD50K.ground_truth/dev.csv": DEV,
    "FSD50K.ground_truth/eval.csv": EVAL,
}
SOUNDS = [
    *(f"FSD50K.dev_audio/{clip}.wav" for clip in DEV_CLIPS),
    *(f"FSD50K.eval_audio/{clip}.wav" for clip in EVAL_CLIPS),
]


def make_clips_info(clips):
    return json.dumps(
        {
            clip: {"title": "a", "tags": [], "license": "CC0", "uploader": f"user{int(clip) % 2}"}
            for clip in clips
        }
    )


METADATA = {
    "FSD50K.metadata/dev_clips_info_FSD50K.json": make_clips_info(DEV_CLIPS),
    "FSD50K.metadata/eval_clips_info_FSD50K.json": make_clips_info(EVAL_CLIPS),
}


@pytest.fixture
def folder(write_folder):
    return write_folder(TABLES, SOUNDS)


def test_paths_and_split_are_those_of_the_indices(folder):
    data = load_fsd50k(folder)
    assert data.paths.tolist() == [str(folder / name) for name in SOUNDS]
    assert data.split.tolist() == ["train", "train", "val", "train", "eval", "eval"]
    assert all(os.path.isfile(path) for path in data.paths)


def test_the_target_has_a_one_for_each_label_of_the_index(folder):
    data = load_fsd50k(folder)
    assert data.target_names.tolist() == ["Electric_guitar", "Guitar", "Rain"]
    assert data.target_ids.tolist() == ["/m/02sgy", "/m/0342h", "/m/06mb1"]
    labels = [set(row) for row in data.frame["labels"].str.split(",")]
    expected = [[int(name in row) for name in data.target_names] for row in labels]
    assert data.target.tolist() == expected
    assert data.target.dtype == np.int8
    assert data.target.sum() == 9


@pytest.mark.parametrize(
    ("subset", "clips"),
    [
        ("train", ["64760", "16399", "4258"]),
        ("val", ["345111"]),
        ("eval", ["37199", "175151"]),
        (["train", "val"], DEV_CLIPS),
        (("eval", "val"), ["345111", "37199", "175151"]),
    ],
)
def test_a_subset_holds_the_clips_of_its_parts(folder, subset, clips):
    assert load_fsd50k(folder, subset=subset).frame["fname"].tolist() == clips


@pytest.mark.parametrize(("subset", "other"), [("eval", "dev"), (["train", "val"], "eval")])
def test_a_subset_needs_nothing_of_the_other_set(write_folder, subset, other):
    folder = write_folder(
        {name: text for name, text in TABLES.items() if f"{other}.csv" not in name},
        [name for name in SOUNDS if f"{other}_audio" not in name],
    )
    assert len(load_fsd50k(folder, subset=subset).paths) == (2 if other == "dev" else 4)


def test_groups_are_none_without_metadata(folder):
    assert load_fsd50k(folder).groups is None


def test_groups_are_uploaders_where_there_is_metadata(write_folder):
    data = load_fsd50k(write_folder({**TABLES, **METADATA}, SOUNDS))
    assert data.groups.tolist() == ["user0", "user1", "user1", "user0", "user1", "user1"]
    assert data.frame["license"].tolist() == ["CC0"] * 6


def test_target_and_groups_are_what_a_splitter_by_uploader_takes(write_folder):
    data = load_fsd50k(write_folder({**TABLES, **METADATA}, SOUNDS))
    for train, test in MultilabelStratifiedGroupKFold(n_splits=2).split(
        data.paths, data.target, data.groups
    ):
        assert not set(data.groups[train]) & set(data.groups[test])


def test_the_metric_is_one_of_ours_and_the_description_says_licence_and_citation(folder):
    data = load_fsd50k(folder)
    assert data.metrics == ("mean_average_precision",)
    assert data.metrics[0] in metrics.CLIP_METRICS
    assert "Creative Commons" in data.DESCR
    assert "10.1109/TASLP.2021.3133208" in data.DESCR


def test_features_and_target_alone_are_the_same(folder):
    data = load_fsd50k(folder)
    X, y = load_fsd50k(folder, return_X_y=True)
    np.testing.assert_array_equal(X, data.paths)
    np.testing.assert_array_equal(y, data.target)


@pytest.mark.parametrize("name", list(TABLES))
def test_a_table_that_is_not_there_is_an_error_that_names_it(write_folder, name):
    folder = write_folder({key: text for key, text in TABLES.items() if key != name}, SOUNDS)
    with pytest.raises(FileNotFoundError, match=f"no {os.path.basename(name)} in '.*ground_truth'"):
        load_fsd50k(folder)


@pytest.mark.parametrize("column", ["fname", "labels", "mids", "split"])
def test_an_index_without_a_column_is_an_error_that_names_it(write_folder, column):
    folder = write_folder(
        {**TABLES, "FSD50K.ground_truth/dev.csv": DEV.replace(column, "other", 1)}, SOUNDS
    )
    with pytest.raises(ValueError, match=rf"dev\.csv' lacks the columns \['{column}'\]"):
        load_fsd50k(folder)


def test_missing_files_are_counted_and_the_first_is_named(folder):
    os.remove(folder / SOUNDS[0])
    os.remove(folder / SOUNDS[4])
    with pytest.raises(FileNotFoundError, match=r"2 of the 6 files .*first is '.*64760\.wav'"):
        load_fsd50k(folder)


def test_a_label_that_is_not_in_the_vocabulary_is_an_error_that_names_it(write_folder):
    folder = write_folder(
        {**TABLES, "FSD50K.ground_truth/eval.csv": EVAL.replace("Guitar,Rain", "Guitar,Hail")},
        SOUNDS,
    )
    with pytest.raises(ValueError, match=r"one of the 3 classes\. Row 4 of the index has 'Hail'"):
        load_fsd50k(folder)


def test_a_clip_without_metadata_is_an_error_that_names_it(write_folder):
    metadata = {name: text.replace("4258", "4259") for name, text in METADATA.items()}
    folder = write_folder({**TABLES, **metadata}, SOUNDS)
    with pytest.raises(ValueError, match=r"all clips of dev\.csv\. 1 are missing.*'4258'"):
        load_fsd50k(folder)


def test_an_unknown_part_is_an_error_that_names_all(folder):
    with pytest.raises(ValueError, match=r"one of \['train', 'val', 'eval'\].*Got 'dev' instead"):
        load_fsd50k(folder, subset="dev")

"""AudioSet, through a small folder with tables in the official form."""

import os

import numpy as np
import pytest

from sk_audioevents import metrics
from sk_audioevents.datasets import audioset_classes, load_audioset

CLASSES = """\
index,mid,display_name
0,/m/09x0r,"Speech"
1,/m/068hy,"Domestic animals, pets"
2,/m/0bt9lr,"Dog"
"""
BALANCED = """\
# Segments csv created Sun Mar  5 10:54:31 2017
# num_ytids=3, num_segs=3, num_unique_labels=3, num_positive_labels=4
# YTID, start_seconds, end_seconds, positive_labels
--PJHxphWEs, 30.000, 40.000, "/m/09x0r"
-0RWZT-miFs, 420.000, 430.000, "/m/068hy,/m/0bt9lr"
Y1234567890, 0.000, 10.000, "/m/09x0r"
"""
EVAL = """\
# Segments csv created Sun Mar  5 10:54:25 2017
# num_ytids=2, num_segs=2, num_unique_labels=3, num_positive_labels=3
# YTID, start_seconds, end_seconds, positive_labels
00000000123, 90.000, 100.000, "/m/0bt9lr,/m/09x0r"
_a_b_c_d_e_, 5.000, 15.000, "/m/068hy"
"""
TABLES = {
    "class_labels_indices.csv": CLASSES,
    "balanced_train_segments.csv": BALANCED,
    "eval_segments.csv": EVAL,
}
IDS = ["--PJHxphWEs", "-0RWZT-miFs", "Y1234567890", "00000000123", "_a_b_c_d_e_"]
STARTS = [30, 420, 0, 90, 5]
SOUNDS = [f"audio/{ytid}.wav" for ytid in IDS]


@pytest.fixture
def folder(write_folder):
    return write_folder(TABLES, SOUNDS)


def test_paths_split_and_groups_are_those_of_the_tables(folder):
    data = load_audioset(folder)
    assert data.paths.tolist() == [str(folder / name) for name in SOUNDS]
    assert data.split.tolist() == ["balanced_train"] * 3 + ["eval"] * 2
    assert data.groups.tolist() == IDS


def test_the_target_has_a_one_for_each_label_of_a_segment(folder):
    data = load_audioset(folder)
    assert data.target_names.tolist() == ["Speech", "Domestic animals, pets", "Dog"]
    assert data.target_ids.tolist() == ["/m/09x0r", "/m/068hy", "/m/0bt9lr"]
    assert data.target.tolist() == [[1, 0, 0], [0, 1, 1], [1, 0, 0], [1, 0, 1], [0, 1, 0]]
    assert data.target.dtype == np.int8


def test_classes_are_in_the_order_of_their_index(write_folder):
    header, *rows = CLASSES.splitlines(keepends=True)
    table = {"class_labels_indices.csv": header + "".join(reversed(rows))}
    data = load_audioset(write_folder({**TABLES, **table}, SOUNDS))
    assert data.target_names.tolist() == ["Speech", "Domestic animals, pets", "Dog"]
    assert data.target[1].tolist() == [0, 1, 1]


def test_the_frame_has_times_in_seconds(folder):
    frame = load_audioset(folder).frame
    assert frame.columns.tolist() == [
        "path", "split", "ytid", "start_seconds", "end_seconds", "positive_labels",
    ]  # fmt: skip
    assert frame["start_seconds"].tolist() == STARTS
    assert (frame["end_seconds"] - frame["start_seconds"] == 10).all()


@pytest.mark.parametrize(
    "form",
    [
        "{ytid}.wav",
        "Y{ytid}.wav",
        "{ytid}_{start}.flac",
        "{ytid}-{start}-{end}.wav",
        "{ytid}_{start}.000_{end}.000.wav",
        "Y{ytid}_{start}000_{end}000.ogg",
        "{ytid}_{start}000.WAV",
        "balanced_train_segments/part00/{ytid}.wav",
    ],
)
def test_a_file_is_found_by_any_of_the_usual_names(write_folder, form):
    names = [
        form.format(ytid=ytid, start=start, end=start + 10) for ytid, start in zip(IDS, STARTS)
    ]
    folder = write_folder(TABLES, names)
    data = load_audioset(folder)
    assert data.paths.tolist() == [str(folder / name) for name in names]
    assert len(data.missing) == 0


@pytest.mark.parametrize("name", ["--PJHxphWEs_50.wav", "--PJHxphWEs.txt", "PJHxphWEs.wav"])
def test_another_file_is_not_the_segments(write_folder, name):
    folder = write_folder({**TABLES, "notes/--PJHxphWEs.txt": "ours"}, SOUNDS[1:])
    os.makedirs(folder / "other")
    os.link(folder / SOUNDS[1], folder / "other" / name)
    with pytest.warns(UserWarning, match="1 of the 5"):
        data = load_audioset(folder)
    assert data.missing["ytid"].tolist() == ["--PJHxphWEs"]


def test_a_name_with_the_start_comes_before_one_without(write_folder):
    folder = write_folder(TABLES, [*SOUNDS, "strong/--PJHxphWEs_30000.wav"])
    assert load_audioset(folder).paths[0] == str(folder / "strong" / "--PJHxphWEs_30000.wav")


def test_missing_segments_are_left_out_counted_and_listed(write_folder):
    folder = write_folder(TABLES, [SOUNDS[1], SOUNDS[4]])
    with pytest.warns(UserWarning, match="3 of the 5 segments have no file below") as caught:
        data = load_audioset(folder)
    assert caught[0].filename == __file__
    assert data.groups.tolist() == [IDS[1], IDS[4]]
    assert data.target.tolist() == [[0, 1, 1], [0, 1, 0]]
    assert data.missing["ytid"].tolist() == [IDS[0], IDS[2], IDS[3]]
    assert data.missing["start_seconds"].tolist() == [30, 0, 90]
    assert data.missing["split"].tolist() == ["balanced_train", "balanced_train", "eval"]


def test_tables_may_lie_in_a_folder_of_their_own(write_folder):
    folder = write_folder({f"metadata/{name}": text for name, text in TABLES.items()}, SOUNDS)
    assert len(load_audioset(folder).paths) == 5


def test_one_part_needs_no_table_of_another(write_folder):
    tables = {name: text for name, text in TABLES.items() if not name.startswith("eval")}
    tables["unbalanced_train_segments.csv"] = tables.pop("balanced_train_segments.csv")
    data = load_audioset(write_folder(tables, SOUNDS), subset="unbalanced_train")
    assert data.split.tolist() == ["unbalanced_train"] * 3


def test_the_metrics_are_ours_and_the_description_says_licence_and_citation(folder):
    data = load_audioset(folder)
    assert data.metrics == ("mean_average_precision", "mean_auc")
    assert set(data.metrics) <= set(metrics.CLIP_METRICS)
    assert "Attribution 4.0" in data.DESCR
    assert "10.1109/ICASSP.2017.7952261" in data.DESCR


def test_features_and_target_alone_are_the_same(folder):
    data = load_audioset(folder)
    X, y = load_audioset(folder, return_X_y=True)
    np.testing.assert_array_equal(X, data.paths)
    np.testing.assert_array_equal(y, data.target)


def test_the_published_classes_stand_in_for_a_table_of_classes(write_folder):
    tables = {name: text for name, text in TABLES.items() if "segments" in name}
    data = load_audioset(write_folder(tables, SOUNDS))
    assert data.target_names.tolist() == audioset_classes()["name"].tolist()
    assert data.target.shape == (5, 527)
    assert set(data.target_names[data.target[1] == 1]) == {"Dog", "Domestic animals, pets"}


@pytest.mark.parametrize("name", [name for name in TABLES if "segments" in name])
def test_a_table_that_is_not_there_is_an_error_that_names_it(write_folder, name):
    folder = write_folder({key: text for key, text in TABLES.items() if key != name}, SOUNDS)
    with pytest.raises(FileNotFoundError, match=f"There is no {name} in"):
        load_audioset(folder)


@pytest.mark.parametrize("column", ["index", "mid", "display_name"])
def test_a_class_table_without_a_column_is_an_error_that_names_it(write_folder, column):
    table = {"class_labels_indices.csv": CLASSES.replace(column, "other", 1)}
    folder = write_folder({**TABLES, **table}, SOUNDS)
    with pytest.raises(ValueError, match=rf"indices\.csv' lacks the columns \['{column}'\]"):
        load_audioset(folder)


@pytest.mark.parametrize(
    "line", ['--PJHxphWEs, 30.000, "/m/09x0r"', '--PJHxphWEs, from, to, "/m/09x0r"']
)
def test_a_line_that_is_no_segment_is_an_error_that_counts_lines(write_folder, line):
    folder = write_folder({**TABLES, "eval_segments.csv": EVAL + line}, SOUNDS)
    with pytest.raises(ValueError, match=r"eval_segments\.csv' must be.*Line 3 after the comments"):
        load_audioset(folder)


def test_a_label_that_is_no_class_is_an_error_that_names_it(write_folder):
    table = {"eval_segments.csv": EVAL.replace("/m/0bt9lr", "/m/none")}
    folder = write_folder({**TABLES, **table}, SOUNDS)
    with pytest.raises(ValueError, match=r"of the 3 classes\. Row 3 of the index has '/m/none'"):
        load_audioset(folder)


def test_a_folder_without_any_of_the_files_is_an_error_that_shows_a_name(write_folder):
    folder = write_folder(TABLES, ["audio/dog.wav"])
    with pytest.raises(FileNotFoundError, match=r"5 segments, such as '--PJHxphWEs\.wav'"):
        load_audioset(folder)


def test_an_unknown_part_is_an_error_that_names_all(folder):
    with pytest.raises(ValueError, match=r"'unbalanced_train', 'eval'\].*Got 'train' instead"):
        load_audioset(folder, subset="train")

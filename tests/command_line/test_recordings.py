"""Folders and CSV files of labelled recordings."""

import pytest

from sk_audioevents.command_line._recordings import find_recordings, read_labelled


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a CSV file and returns its path."""

    def write(text, encoding="utf-8"):
        path = tmp_path / "clips.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def test_the_sub_folders_are_the_classes(folder):
    clips = read_labelled(folder)
    assert clips.table["label"].value_counts().to_dict() == {"high": 8, "low": 8, "mid": 8}
    assert clips.X[0] == str(folder / "high" / "0.wav")
    assert (clips.folds, clips.groups, clips.multilabel) == (None, None, False)


def test_only_recordings_are_found_in_folders(tmp_path):
    for name in (
        "dog/a.WAV",
        "dog/deep/b.flac",
        "dog/notes.txt",
        "dog/.c.wav",
        ".git/d.wav",
        "e.wav",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    clips = read_labelled(tmp_path)
    expected = [tmp_path / "dog" / "a.WAV", tmp_path / "dog" / "deep" / "b.flac"]
    assert list(clips.X) == [str(path) for path in expected]


def test_paths_are_relative_to_the_csv_file(write, tmp_path):
    clips = read_labelled(write("path,label\na.wav,dog\n/b/c.wav, cat \n"))
    expected = [str(tmp_path / "a.wav"), "/b/c.wav"]
    assert list(clips.X) == expected
    assert clips.y.tolist() == ["dog", "cat"]


def test_labels_that_look_like_numbers_or_nothing_stay_as_they_are(write):
    clips = read_labelled(write("path,label\na.wav,007\nb.wav,NA\n"))
    assert clips.y.tolist() == ["007", "NA"]


def test_several_labels_become_an_indicator(write):
    clips = read_labelled(write("path,label\na.wav,dog; cat\nb.wav,\nc.wav,dog;\n"))
    assert clips.y.columns.tolist() == ["cat", "dog"]
    assert clips.y.to_numpy().tolist() == [[1, 1], [0, 0], [0, 1]]


def test_clips_may_have_one_label_and_be_multilabel(write):
    clips = read_labelled(write("path,label\na.wav,dog\nb.wav,\n"), multilabel=True)
    assert clips.y.to_numpy().tolist() == [[1], [0]]


def test_windows_folds_and_groups_are_read(write):
    text = "path,label,start_time,end_time,fold,group\na.wav,x,,1.5,1,s1\na.wav,y,1.5,,2,s2\n"
    clips = read_labelled(write(text))
    assert clips.X.columns.tolist() == ["path", "start_time", "end_time"]
    assert clips.X["end_time"].tolist()[0] == 1.5
    assert clips.folds.tolist() == ["1", "2"]
    assert clips.groups.tolist() == ["s1", "s2"]


def test_a_table_that_excel_has_written_is_read(write):
    assert read_labelled(write("path,label\na.wav,Kauz\n", "utf-8-sig")).y.tolist() == ["Kauz"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,label\na.wav,dog\n", "must have the columns path and label.*columns file, label"),
        ("path,label\n", "a row for each clip. It has 0 rows"),
        ("", "is no CSV file in UTF-8"),
        ('path,label\n"a.wav,dog\n', "is no CSV file in UTF-8"),
        ("path,label\na.wav,dog\nb.wav,\n", "Row 3 has none: .*--multilabel"),
        ("path,label,fold\na.wav,dog,1\nb.wav,cat,\n", "must have a fold, or none of them"),
        ("path,label,end_time\na.wav,dog,soon\n", "column end_time of .* must be seconds"),
    ],
)
def test_a_wrong_table_is_an_error(write, text, message):
    with pytest.raises(ValueError, match=message):
        read_labelled(write(text))


def test_text_in_another_encoding_is_an_error(write):
    with pytest.raises(ValueError, match="is no CSV file in UTF-8"):
        read_labelled(write("path,label\na.wav,Käuzchen\n", "latin-1"))


def test_what_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no folder or CSV file at"):
        read_labelled(tmp_path / "nothing")


def test_a_folder_without_classes_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="must hold one sub-folder of recordings for each class"):
        read_labelled(tmp_path)


def test_a_recording_that_is_named_twice_is_found_once(folder):
    low = str(folder / "low")
    assert find_recordings([low, f"{low}/0.wav", "x.bin"]) == [
        *(f"{low}/{i}.wav" for i in range(8)),
        "x.bin",
    ]

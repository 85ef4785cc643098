"""Files of events, as in the documentation of the programs that they are for."""

import sys

import numpy as np
import pandas as pd
import pytest

from sk_audioevents.events import read_events, write_events


@pytest.fixture
def events():
    """Return events whose times have no short decimal form."""
    return pd.DataFrame(
        {
            "path": ["dawn.wav", "dawn.wav", "dusk, late.wav"],
            "onset": [0.1 + 0.2, 7 / 3, 0.0],
            "offset": [1 / 3, 1e3 / 7, 0.1],
            "label": ["wren", 'a "so-called" owl, perhaps', "NA"],
            "score": [0.9, 1 / 7, 0.5],
        }
    )


@pytest.mark.parametrize("path", ["events.csv", "EVENTS.CSV"])
def test_csv_comes_back_as_it_was(events, tmp_path, path):
    write_events(events, tmp_path / path)
    pd.testing.assert_frame_equal(read_events(tmp_path / path), events)


def test_csv_is_what_pandas_writes(events, tmp_path):
    write_events(events, str(tmp_path / "events.csv"))
    pd.testing.assert_frame_equal(
        pd.read_csv(tmp_path / "events.csv", keep_default_na=False), events
    )


def test_row_numbers_come_back_as_numbers(events, tmp_path):
    events["path"] = [0, 0, 11]
    write_events(events, tmp_path / "events.csv")
    pd.testing.assert_frame_equal(read_events(tmp_path / "events.csv"), events)


def test_raven_table_has_the_columns_of_raven(events, tmp_path):
    path = tmp_path / "dawn.Table.1.selections.txt"
    write_events(events[:1], path, frequency_range=(100, 8000.0))
    assert path.read_text() == (
        "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\t"
        "Annotation\tScore\n"
        "1\tSpectrogram 1\t1\t0.30000000000000004\t0.3333333333333333\t100.0\t8000.0\twren\t0.9\n"
    )


def test_raven_table_comes_back_as_it_was(events, tmp_path):
    path = tmp_path / "dawn.selections.txt"
    write_events(events[:2], path)
    pd.testing.assert_frame_equal(read_events(path, recording="dawn.wav"), events[:2])


def test_table_that_raven_saved_is_read(tmp_path):
    path = tmp_path / "two.selections.txt"
    header = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)"
    path.write_text(
        f"{header}\tBegin Path\tFile Offset (s)\tSpecies\n"
        "1\tWaveform 1\t1\t2.0\t3.5\t\t\tC:\\a.wav\t2.0\tRobin\n"
        "1\tSpectrogram 1\t1\t2.0\t3.5\t500.0\t900.0\tC:\\a.wav\t2.0\tRobin\n"
        '2\tSpectrogram 1\t1\t61.0\t62.25\t500.0\t900.0\tC:\\b.wav\t1.0\t"Wren\n'
    )
    events = read_events(path)
    assert events.to_dict("list") == {
        "path": ["C:\\a.wav", "C:\\b.wav"],
        "onset": [2.0, 1.0],
        "offset": [3.5, 2.25],
        "label": ["Robin", '"Wren'],
    }


def test_audacity_track_is_as_its_manual_says(events, tmp_path):
    write_events(events[:2], tmp_path / "labels.txt", format="audacity")
    assert (tmp_path / "labels.txt").read_text() == (
        '0.300000\t0.333333\twren\n2.333333\t142.857143\ta "so-called" owl, perhaps\n'
    )


def test_audacity_track_comes_back_to_the_microsecond(events, tmp_path):
    write_events(events[:2], tmp_path / "labels.txt", format="audacity")
    back = read_events(tmp_path / "labels.txt", format="audacity", recording="dawn.wav")
    expected = events[:2].drop(columns="score")
    pd.testing.assert_frame_equal(back, expected, rtol=0, atol=1e-6)


def test_frequencies_of_an_audacity_track_are_left_out(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_bytes(b"2.0\t2.5\twren\r\n\\\t500.0\t900.0\r\n3.0\t4.0\r\n")
    events = read_events(path, format="audacity", recording="dawn.wav")
    assert events["label"].tolist() == ["wren", ""]
    assert events["offset"].tolist() == [2.5, 4.0]


def test_point_labels_of_audacity_are_no_events(tmp_path):
    (tmp_path / "labels.txt").write_text("2.0\t2.0\there\n")
    with pytest.raises(ValueError, match="must satisfy 0 <= onset < offset"):
        read_events(tmp_path / "labels.txt", format="audacity", recording="dawn.wav")


def test_sed_eval_file_comes_back_without_scores(events, tmp_path):
    write_events(events, tmp_path / "events.tsv")
    expected = events.drop(columns="score")
    pd.testing.assert_frame_equal(read_events(tmp_path / "events.tsv"), expected)


@pytest.mark.filterwarnings("ignore")
def test_sed_eval_reads_its_file(events, tmp_path):
    sed_eval = pytest.importorskip("sed_eval", reason="needs sed_eval")
    events = events.replace({'a "so-called" owl, perhaps': "owl", "dusk, late.wav": "dusk.wav"})
    write_events(events, tmp_path / "events.tsv")
    items = sed_eval.io.load_event_list(str(tmp_path / "events.tsv"))
    assert [item["filename"] for item in items] == events["path"].tolist()
    assert [item["event_label"] for item in items] == events["label"].tolist()
    np.testing.assert_allclose([item["onset"] for item in items], events["onset"])
    np.testing.assert_allclose([item["offset"] for item in items], events["offset"])


def test_sed_eval_file_without_a_header_is_read(tmp_path):
    (tmp_path / "events.tsv").write_text("a.wav\t0.5\t1.5\tdog\n")
    events = read_events(tmp_path / "events.tsv")
    assert events.loc[0].tolist() == ["a.wav", 0.5, 1.5, "dog"]


def test_recordings_without_events_have_no_rows(tmp_path):
    (tmp_path / "events.tsv").write_text(
        "filename\tonset\toffset\tevent_label\na.wav\t\t\t\nb.wav\t0.5\t1.5\tdog\n"
    )
    assert read_events(tmp_path / "events.tsv")["path"].tolist() == ["b.wav"]


@pytest.mark.parametrize("format", ["csv", "audacity", "raven", "sed_eval"])
def test_no_events_are_written_and_read(events, tmp_path, format):  # noqa: A002
    write_events(events[:0], tmp_path / "none", format=format)
    back = read_events(tmp_path / "none", format=format, recording="dawn.wav")
    assert len(back) == 0
    assert back.columns.tolist()[:4] == ["path", "onset", "offset", "label"]
    assert back["onset"].dtype == np.float64


@pytest.mark.skipif(sys.platform != "linux", reason="file names of any bytes are Linux's")
def test_file_names_that_are_no_utf8_come_back(events, tmp_path):
    events["path"] = "d\udce4mmerung.wav"
    for path in ("events.csv", "events.tsv"):
        write_events(events, tmp_path / path)
        assert set(read_events(tmp_path / path)["path"]) == {"d\udce4mmerung.wav"}


def test_file_is_replaced(events, tmp_path):
    write_events(events, tmp_path / "events.csv")
    write_events(events[:1], tmp_path / "events.csv")
    assert len(read_events(tmp_path / "events.csv")) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["events.csv"]


def test_file_stays_as_it_was_if_writing_fails(events, tmp_path, monkeypatch):
    write_events(events, tmp_path / "events.csv")
    before = (tmp_path / "events.csv").read_text()

    def fail(_):
        raise OSError("the disk is full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk is full"):
        write_events(events[:1], tmp_path / "events.csv")
    assert (tmp_path / "events.csv").read_text() == before
    assert [path.name for path in tmp_path.iterdir()] == ["events.csv"]


@pytest.mark.parametrize("format", ["audacity", "raven"])
def test_several_recordings_are_refused_where_a_file_has_one(events, tmp_path, format):  # noqa: A002
    with pytest.raises(ValueError, match=r"must be of one recording.*groupby\('path'\)"):
        write_events(events, tmp_path / "events", format=format)


@pytest.mark.parametrize("format", ["audacity", "raven"])
def test_recording_must_be_named_where_the_file_does_not(events, tmp_path, format):  # noqa: A002
    write_events(events[:1], tmp_path / "events", format=format)
    with pytest.raises(ValueError, match="'recording' parameter of read_events must name"):
        read_events(tmp_path / "events", format=format)


@pytest.mark.parametrize("path", ["events.txt", "events", "events.csv.bak"])
def test_format_must_be_given_where_the_name_does_not_tell(events, tmp_path, path):
    with pytest.raises(ValueError, match="'format' parameter of write_events must be one of"):
        write_events(events, tmp_path / path)
    with pytest.raises(ValueError, match="'format' parameter of read_events must be one of"):
        read_events(tmp_path / path)


@pytest.mark.parametrize("label", ["a\tb", "a\nb", "a\rb"])
def test_labels_that_break_a_table_are_refused(events, tmp_path, label):
    events["label"] = label
    with pytest.raises(ValueError, match="must hold no tabs or line breaks"):
        write_events(events, tmp_path / "events.tsv")
    write_events(events[1:], tmp_path / "events.csv")
    assert read_events(tmp_path / "events.csv")["label"].tolist() == [label, label]


@pytest.mark.parametrize("frequency_range", [(0,), (9.0, 1.0), (0.0, np.inf), ("0", "1")])
def test_frequency_range_must_be_two_frequencies(events, tmp_path, frequency_range):
    with pytest.raises(ValueError, match="'frequency_range' parameter of write_events must be two"):
        write_events(events[:1], tmp_path / "a.selections.txt", frequency_range=frequency_range)


def test_what_is_no_table_of_events_is_refused(events, tmp_path):
    with pytest.raises(ValueError, match=r"'events' parameter of write_events .*Missing: label"):
        write_events(events.drop(columns="label"), tmp_path / "events.csv")
    (tmp_path / "events.csv").write_text("path,onset,offset\na.wav,0,1\n")
    with pytest.raises(ValueError, match=r"The table in '.*events.csv' .*Missing: label"):
        read_events(tmp_path / "events.csv")

"""ESC-10 as it is, and ESC-50 through a small archive in its layout on a server of our own."""

import hashlib
import io
import os
import socket
import threading
import wave
import zipfile
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pandas as pd
import pytest
import soundfile

from sk_audioevents.datasets import _esc, fetch_esc10, fetch_esc50

# Names and numbers as the published meta/esc50.csv has them; the numbers here leave no gap.
CLASSES = [
    "dog", "rooster", "cow", "rain", "sea_waves", "crackling_fire",
    "crying_baby", "sneezing", "clock_tick", "helicopter", "chainsaw", "hand_saw",
]  # fmt: skip
NOT_IN_ESC10 = {"cow", "hand_saw"}
COLUMNS = ["filename", "fold", "target", "category", "esc10", "src_file", "take"]


def make_index():
    rows = [
        (f"{fold}-{1000 + 7 * target}-A-{target}.wav", fold, target, name, name not in NOT_IN_ESC10)
        + (1000 + 7 * target, "A")
        for fold in range(1, 6)
        for target, name in enumerate(CLASSES)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def make_wav(seed):
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 44100, 0, "NONE", None))
        file.writeframes(np.random.RandomState(seed).randint(-99, 99, 50).astype("<i2").tobytes())
    return buffer.getvalue()


def make_files(index=None):
    """Return the content of a small ESC-50 by the names below its top folder."""
    index = make_index() if index is None else index
    files = {f"audio/{name}": make_wav(i) for i, name in enumerate(make_index()["filename"])}
    files["meta/esc50.csv"] = index.to_csv(index=False).encode()
    files["LICENSE"] = b"who made which clip"
    files["esc50.gif"] = b"of no use to us"
    return files


def write_zip(path, files, *, extra=()):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"ESC-50-master/{name}", content)
        for member, content in extra:
            archive.writestr(member, content)


def write_folder(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def audio_sha256(files):
    """Return what `cd audio; md5sum *.wav | sha256sum` prints."""
    names = sorted(name for name in files if name.startswith("audio/"))
    lines = [f"{hashlib.md5(files[name]).hexdigest()}  {name[6:]}\n" for name in names]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@pytest.fixture(autouse=True)
def no_local_copy(monkeypatch, request):
    """Hide the real data from the tests that do not ask for them."""
    if "esc10_folder" not in request.fixturenames:
        monkeypatch.delenv("SK_AUDIOEVENTS_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def serve(handler):
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    return server, thread


def stop(server, thread):
    server.shutdown()
    thread.join()
    server.server_close()


class QuietFileHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


class CutOffHandler(BaseHTTPRequestHandler):
    """Promises 1,000 bytes and hangs up after 300."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(bytes(300))

    def log_message(self, *args):
        pass


@pytest.fixture
def publish(tmp_path, monkeypatch):
    """Return a function that serves files as the archive of ESC-50 and returns its path."""
    folder = tmp_path / "server"
    folder.mkdir()
    server, thread = serve(partial(QuietFileHandler, directory=str(folder)))
    url = f"http://127.0.0.1:{server.server_port}/master.zip"

    def publish(files, *, extra=(), expected=None):
        write_zip(folder / "master.zip", files, extra=extra)
        monkeypatch.setattr(_esc, "_ESC50_ARCHIVE", small_archive(url, expected or files))
        return folder / "master.zip"

    yield publish
    stop(server, thread)


def small_archive(url, files):
    return replace(
        _esc._ESC50_ARCHIVE,
        url=url,
        n_classes=len(CLASSES),
        n_clips_per_class_and_fold=1,
        audio_sha256=audio_sha256(files),
    )


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def assert_nothing_left(home):
    assert list(home.iterdir()) == []


# ESC-10 as it is


def test_esc10_has_ten_classes_of_forty_clips_in_five_folds_of_eighty(esc10_folder):
    data = fetch_esc10()
    assert data.paths.shape == data.target.shape == data.fold.shape == (400,)
    assert data.target.dtype == data.fold.dtype == np.int64
    assert np.bincount(data.target).tolist() == [40] * 10
    assert np.bincount(data.fold).tolist() == [0] + [80] * 5
    assert (pd.crosstab(data.target, data.fold) == 8).all(axis=None)


def test_esc10_paths_are_absolute_files_of_the_real_folders(esc10_folder):
    data = fetch_esc10()
    on_disk = {str(path) for path in esc10_folder.absolute().glob("*/*.ogg")}
    assert data.paths.dtype == object
    assert set(data.paths) == on_disk
    assert soundfile.info(data.paths[0]).samplerate == 44100


def test_esc10_names_and_folds_are_those_of_folders_and_files(esc10_folder):
    data = fetch_esc10()
    folders = [os.path.basename(os.path.dirname(path)) for path in data.paths]
    assert [name.partition(" - ")[2] for name in folders] == data.target_names[data.target].tolist()
    assert [int(name[:3]) - 1 for name in folders] == data.target.tolist()
    assert [int(os.path.basename(path)[0]) for path in data.paths] == data.fold.tolist()


def test_esc10_takes_of_one_recording_share_a_fold(esc10_folder):
    frame = fetch_esc10().frame
    assert (frame.groupby("freesound_id")["fold"].nunique() == 1).all()


def test_esc10_frame_has_the_path_first_and_all_attribution(esc10_folder):
    data = fetch_esc10()
    assert data.frame.columns[0] == "path"
    assert data.frame["path"].tolist() == data.paths.tolist()
    assert not data.frame[["title", "author", "license", "source_url"]].isna().any(axis=None)
    assert "Attribution 3.0" in data.DESCR
    assert "10.1145/2733373.2806390" in data.DESCR


def test_esc10_as_features_and_target_is_the_same(esc10_folder):
    data = fetch_esc10()
    X, y = fetch_esc10(return_X_y=True)
    np.testing.assert_array_equal(X, data.paths)
    np.testing.assert_array_equal(y, data.target)


def test_esc10_with_missing_files_names_their_number_and_the_first(tmp_path, monkeypatch):
    header = "path,fold,target,category,freesound_id,take,title,author,license,source_url\n"
    rows = "".join(f"a/{name}.ogg,1,0,Rain,1,A,NA,null,CC0,u\n" for name in ("x", "y", "z"))
    write_folder(tmp_path / "esc10", {"esc10.csv": (header + rows).encode(), "a/y.ogg": b""})
    monkeypatch.setenv("SK_AUDIOEVENTS_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"2 of the 3 files .* first is '.*x\.ogg'"):
        fetch_esc10()


def test_esc10_titles_that_look_like_missing_values_stay_text(tmp_path, monkeypatch):
    header = "path,fold,target,category,freesound_id,take,title,author,license,source_url\n"
    write_folder(
        tmp_path / "esc10",
        {"esc10.csv": (header + "a/x.ogg,1,0,Rain,1,A,NA,null,CC0,u\n").encode(), "a/x.ogg": b""},
    )
    monkeypatch.setenv("SK_AUDIOEVENTS_DATA", str(tmp_path))
    assert fetch_esc10().frame[["title", "author"]].to_numpy().tolist() == [["NA", "null"]]


# ESC-50 from local copies


@pytest.mark.parametrize(
    "name", ["esc50", "esc50/ESC-50", "esc50/ESC-50-master", "ESC-50", "ESC-50-master"]
)
def test_a_copy_under_the_environment_variable_comes_first(name, tmp_path, home, monkeypatch):
    write_folder(tmp_path / "data" / name, make_files())
    write_folder(home / "esc50", make_files())
    monkeypatch.setenv("SK_AUDIOEVENTS_DATA", str(tmp_path / "data"))
    data = fetch_esc50(data_home=home, download_if_missing=False)
    expected = tmp_path / "data" / name / "audio" / "1-1000-A-0.wav"
    assert data.paths[0] == str(expected)


def test_a_copy_in_data_home_needs_no_download(home):
    write_folder(home / "esc50", make_files())
    data = fetch_esc50(data_home=str(home), download_if_missing=False)
    assert data.frame.columns.tolist() == ["path", *COLUMNS]
    assert data.paths.tolist() == [
        str(home / "esc50" / "audio" / name) for name in make_index()["filename"]
    ]
    assert data.target_names.tolist() == CLASSES
    assert data.target.tolist() == make_index()["target"].tolist()
    assert data.fold.tolist() == make_index()["fold"].tolist()
    assert "NonCommercial" in data.DESCR


def test_the_order_is_the_index_order_whatever_it_is(home):
    index = make_index().sample(frac=1, random_state=3)
    write_folder(home / "esc50", make_files(index))
    paths, y = fetch_esc50(data_home=home, return_X_y=True)
    assert [os.path.basename(path) for path in paths] == index["filename"].tolist()
    assert y.tolist() == index["target"].tolist()


def test_the_arrays_can_be_written_to(home):
    write_folder(home / "esc50", make_files())
    data = fetch_esc50(data_home=home)
    assert all(data[name].flags.writeable for name in ("paths", "target", "fold"))


def test_esc10_from_esc50_has_the_classes_in_the_order_of_esc10(home):
    write_folder(home / "esc50", make_files())
    data = fetch_esc10(data_home=home)
    assert len(data.paths) == 50
    # The order of the folders 001 to 010 of the first release.
    assert data.target_names.tolist() == [
        "dog", "rain", "sea_waves", "crying_baby", "clock_tick",
        "sneezing", "helicopter", "chainsaw", "rooster", "crackling_fire",
    ]  # fmt: skip
    assert data.target_names[data.target].tolist() == data.frame["category"].tolist()
    assert not NOT_IN_ESC10 & set(data.frame["category"])


def test_an_index_that_marks_other_classes_as_esc10_is_refused(home):
    index = make_index()
    index["esc10"] = index["category"] != "dog"
    write_folder(home / "esc50", make_files(index))
    with pytest.raises(ValueError, match=r"of no other, as esc10: dog, rain, .* Got chainsaw"):
        fetch_esc10(data_home=home)


def test_missing_files_are_counted_and_the_first_is_named(home):
    files = make_files()
    del files["audio/2-1000-A-0.wav"], files["audio/3-1007-A-1.wav"]
    write_folder(home / "esc50", files)
    with pytest.raises(FileNotFoundError, match=r"2 of the 60 .* '.*2-1000-A-0\.wav'"):
        fetch_esc50(data_home=home)


def test_an_index_without_a_column_is_refused(home):
    write_folder(home / "esc50", make_files(make_index().drop(columns="fold")))
    with pytest.raises(ValueError, match=r"esc50\.csv' lacks the columns \['fold'\]"):
        fetch_esc50(data_home=home)


def test_an_index_with_two_names_for_a_class_is_refused(home):
    index = make_index()
    index.loc[0, "category"] = "cat"
    write_folder(home / "esc50", make_files(index))
    with pytest.raises(ValueError, match=r"each class one number, .* and one name"):
        fetch_esc50(data_home=home)


# ESC-50 by download


def test_a_download_is_unpacked_once_and_then_found(publish, home, capfd):
    files = make_files()
    archive = publish(files)
    data = fetch_esc50(data_home=home)
    assert "master.zip: 100%" in capfd.readouterr().err
    archive.unlink()
    again = fetch_esc50(data_home=home)
    assert again.paths.tolist() == data.paths.tolist()
    assert [path.name for path in home.iterdir()] == ["esc50"]
    unpacked = {
        path.relative_to(home / "esc50").as_posix(): path.read_bytes()
        for path in (home / "esc50").rglob("*")
        if path.is_file()
    }
    del files["esc50.gif"]
    assert unpacked == files


def test_esc10_is_taken_from_the_download(publish, home):
    publish(make_files())
    paths, y = fetch_esc10(data_home=home, return_X_y=True)
    assert len(paths) == 50
    assert np.bincount(y).tolist() == [5] * 10


def test_a_file_url_works_too(tmp_path, home, monkeypatch):
    files = make_files()
    write_zip(tmp_path / "esc.zip", files)
    archive = small_archive((tmp_path / "esc.zip").as_uri(), files)
    monkeypatch.setattr(_esc, "_ESC50_ARCHIVE", archive)
    assert len(fetch_esc50(data_home=home).paths) == 60


def test_without_permission_to_download_the_error_says_where_to_put_a_copy(home):
    with pytest.raises(OSError, match="download_if_missing is False") as error:
        fetch_esc50(data_home=home, download_if_missing=False)
    message = str(error.value)
    assert repr(str(home / "esc50")) in message
    assert "SK_AUDIOEVENTS_DATA" in message
    assert "https://github.com/karolpiczak/ESC-50/archive/refs/heads/master.zip" in message
    assert_nothing_left(home)


def test_without_a_network_the_error_names_url_folder_and_variable(home, monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/master.zip"
        monkeypatch.setattr(_esc, "_ESC50_ARCHIVE", small_archive(url, make_files()))
        with pytest.raises(OSError, match=f"Cannot download {url}: .*refused") as error:
            fetch_esc50(data_home=home)
    assert repr(str(home / "esc50")) in str(error.value)
    assert "SK_AUDIOEVENTS_DATA" in str(error.value)
    assert_nothing_left(home)


def test_a_refusal_of_the_server_is_passed_on(publish, home):
    publish(make_files()).unlink()
    with pytest.raises(OSError, match=r"Cannot download http.*404"):
        fetch_esc50(data_home=home)
    assert_nothing_left(home)


def test_a_connection_that_ends_early_leaves_nothing(home, monkeypatch):
    server, thread = serve(CutOffHandler)
    url = f"http://127.0.0.1:{server.server_port}/master.zip"
    monkeypatch.setattr(_esc, "_ESC50_ARCHIVE", small_archive(url, make_files()))
    try:
        with pytest.raises(OSError, match="the connection ended after 300 of 1000 bytes"):
            fetch_esc50(data_home=home)
    finally:
        stop(server, thread)
    assert_nothing_left(home)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_archive_is_refused(publish, home, share):
    archive = publish(make_files())
    content = archive.read_bytes()
    archive.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(OSError, match="not a complete zip file"):
        fetch_esc50(data_home=home)
    assert_nothing_left(home)


def test_a_damaged_recording_is_named(publish, home):
    files = make_files()
    archive = publish(files)
    content = archive.read_bytes()
    broken = files["audio/3-1007-A-1.wav"][:-1] + b"!"
    archive.write_bytes(content.replace(files["audio/3-1007-A-1.wav"], broken))
    with pytest.raises(OSError, match=r"Bad CRC-32 for file '.*3-1007-A-1\.wav'"):
        fetch_esc50(data_home=home)
    assert_nothing_left(home)


def without_first(files):
    return {name: files[name] for name in files if name != "audio/1-1000-A-0.wav"}


def with_another(files):
    return {**files, "audio/1-5-A-0.wav": make_wav(99)}


def with_exchanged(files):
    first, second = "audio/1-1000-A-0.wav", "audio/1-1007-A-1.wav"
    return {**files, first: files[second], second: files[first]}


@pytest.mark.parametrize("change", [without_first, with_another, with_exchanged])
def test_recordings_other_than_the_published_ones_are_refused(publish, home, change):
    files = make_files()
    publish(change(files), expected=files)
    with pytest.raises(OSError, match=f"not the published ones: .* not {audio_sha256(files)}"):
        fetch_esc50(data_home=home)
    assert_nothing_left(home)


def test_an_archive_without_an_index_is_refused(publish, home):
    files = make_files()
    del files["meta/esc50.csv"]
    publish(files)
    with pytest.raises(OSError, match=r"holds no meta/esc50\.csv"):
        fetch_esc50(data_home=home)
    assert_nothing_left(home)


@pytest.mark.parametrize(
    ("column", "value"), [("fold", 5), ("target", 5), ("src_file", 5), ("take", "B")]
)
def test_an_index_that_contradicts_a_file_name_is_refused(publish, home, column, value):
    index = make_index()
    index.loc[4, column] = value
    publish(make_files(index))
    name = index.loc[4, "filename"]
    with pytest.raises(OSError, match=f"contradicts the name of the file '{name}'"):
        fetch_esc50(data_home=home)
    assert_nothing_left(home)


def test_an_index_that_leaves_out_a_recording_is_refused(publish, home):
    publish(make_files(make_index().iloc[1:]))
    with pytest.raises(OSError, match="must name the 60 recordings of the archive, once each"):
        fetch_esc50(data_home=home)
    assert_nothing_left(home)


def test_classes_of_unequal_size_are_refused(publish, home, monkeypatch):
    publish(make_files())
    archive = replace(_esc._ESC50_ARCHIVE, n_clips_per_class_and_fold=8)
    monkeypatch.setattr(_esc, "_ESC50_ARCHIVE", archive)
    with pytest.raises(OSError, match="must name 8 clips of each of 12 classes in each of 5 folds"):
        fetch_esc50(data_home=home)
    assert_nothing_left(home)


@pytest.mark.parametrize(
    "name",
    [
        "../escaped.txt",
        "ESC-50-master/audio/../../../escaped.wav",
        "/tmp/escaped.wav",
        "ESC-50-master/audio/..\\escaped.wav",
        "C:/escaped.wav",
    ],
)
def test_a_name_that_leads_out_of_the_folder_is_refused(publish, home, tmp_path, name):
    publish(make_files(), extra=[(zipfile.ZipInfo(name), b"gotcha")])
    with pytest.raises(OSError, match="could be written outside its folder"):
        fetch_esc50(data_home=home)
    assert_nothing_left(home)
    assert not list(tmp_path.rglob("*escaped*"))


def test_a_symbolic_link_in_the_archive_is_refused(publish, home):
    link = zipfile.ZipInfo("ESC-50-master/audio/link.wav")
    link.external_attr = 0o120777 << 16
    publish(make_files(), extra=[(link, b"/etc/passwd")])
    with pytest.raises(OSError, match=r"holds 'ESC-50-master/audio/link\.wav'"):
        fetch_esc50(data_home=home)
    assert_nothing_left(home)


def test_a_folder_in_the_way_is_not_touched(publish, home):
    publish(make_files())
    write_folder(home / "esc50", {"notes.txt": b"mine"})
    with pytest.raises(OSError, match="is in the way"):
        fetch_esc50(data_home=home)
    assert [path.name for path in home.rglob("*")] == ["esc50", "notes.txt"]


def test_a_copy_that_another_process_finished_first_is_taken(publish, home, monkeypatch):
    files = make_files()
    publish(files)
    check = _esc._check_published

    def check_while_another_finishes(*args):
        check(*args)
        write_folder(home / "esc50", files)

    monkeypatch.setattr(_esc, "_check_published", check_while_another_finishes)
    assert len(fetch_esc50(data_home=home).paths) == 60
    assert [path.name for path in home.iterdir()] == ["esc50"]


def test_an_interruption_leaves_nothing(publish, home, monkeypatch):
    publish(make_files())

    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(_esc, "_check_published", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fetch_esc50(data_home=home)
    assert_nothing_left(home)


@pytest.mark.parametrize("fetch", [fetch_esc10, fetch_esc50])
@pytest.mark.parametrize(
    ("parameter", "value"), [("data_home", 3), ("download_if_missing", "no"), ("return_X_y", None)]
)
def test_a_parameter_of_the_wrong_type_is_named(fetch, parameter, value):
    with pytest.raises(ValueError, match=f"The '{parameter}' parameter of {fetch.__name__} must"):
        fetch(**{parameter: value})

"""Whether unreadable files are found before anything is decoded."""

import os
import sys
from pathlib import Path

import pytest

from sk_audioevents.audio import check_files
from sk_audioevents.audio._files import MAX_FILE_SIZE
from sk_audioevents.exceptions import AudioDecodeError, AudioFileNotFoundError

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="a POSIX file system is needed")


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.wav"
    path.write_bytes(b"not decoded here")
    return path


def test_readable_files_have_no_problems(good):
    assert check_files([good, str(good)]) == {}


def test_no_clips_have_no_problems():
    assert check_files([]) == {}


def test_missing_file_is_a_file_not_found_error(tmp_path):
    with pytest.raises(AudioFileNotFoundError, match=r"typo\.wav.*there is no such file"):
        check_files([tmp_path / "typo.wav"])
    with pytest.raises(FileNotFoundError):
        check_files([tmp_path / "typo.wav"])


def test_missing_relative_path_names_the_folder_where_it_starts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AudioFileNotFoundError, match=tmp_path.name):
        check_files(["a.wav"])


def test_file_used_as_a_folder_is_a_missing_file(good):
    with pytest.raises(AudioFileNotFoundError, match="there is no such file"):
        check_files([good / "a.wav"])


def test_folder_is_refused(tmp_path):
    with pytest.raises(AudioDecodeError, match="it is a folder"):
        check_files([tmp_path])


@posix_only
def test_pipe_is_refused_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    with pytest.raises(AudioDecodeError, match="a pipe or a device"):
        check_files([tmp_path / "pipe.wav"])


@posix_only
def test_broken_link_names_its_target(tmp_path):
    (tmp_path / "link.wav").symlink_to(tmp_path / "gone.wav")
    with pytest.raises(AudioFileNotFoundError, match=r"the link leads to .*gone\.wav"):
        check_files([tmp_path / "link.wav"])


@posix_only
def test_links_in_a_circle_are_refused(tmp_path):
    (tmp_path / "a.wav").symlink_to(tmp_path / "b.wav")
    (tmp_path / "b.wav").symlink_to(tmp_path / "a.wav")
    with pytest.raises(AudioDecodeError, match="cannot be opened"):
        check_files([tmp_path / "a.wav"])


def test_empty_file_is_refused(tmp_path):
    (tmp_path / "empty.wav").touch()
    with pytest.raises(AudioDecodeError, match="the file is empty"):
        check_files([tmp_path / "empty.wav"])


@posix_only
def test_file_beyond_the_size_cap_is_refused(tmp_path):
    with open(tmp_path / "sparse.wav", "wb") as file:
        file.truncate(MAX_FILE_SIZE + 1)
    with pytest.raises(AudioDecodeError, match="64 GiB"):
        check_files([tmp_path / "sparse.wav"])


def test_file_without_permission_is_refused(good, monkeypatch):
    good.chmod(0)
    if os.access(good, os.R_OK):  # root may read all files
        monkeypatch.setattr(os, "access", lambda path, mode: mode != os.R_OK)
    with pytest.raises(AudioDecodeError, match="not permitted"):
        check_files([good])


@pytest.mark.parametrize("path", ["nul\0.wav", "surrogate\ud800.wav"])
def test_name_that_no_file_can_have_is_refused(path):
    with pytest.raises(AudioDecodeError, match="not one that a file can have"):
        check_files([path])


@posix_only
def test_name_that_is_too_long_is_refused():
    with pytest.raises(AudioDecodeError, match=r"cannot be opened .*too long"):
        check_files(["a" * 5000 + ".wav"])


@pytest.mark.skipif(sys.platform != "linux", reason="file names of any bytes are needed")
def test_name_that_is_not_utf8_is_found(tmp_path):
    path = os.fsencode(tmp_path) + b"/caf\xe9.wav"
    Path(os.fsdecode(path)).write_bytes(b"x")
    assert check_files([os.fsdecode(path)]) == {}


def test_one_error_counts_the_other_problems(good, tmp_path):
    (tmp_path / "empty.wav").touch()
    clips = [good, "gone1.wav", "gone2.wav", "gone2.wav"]
    clips.append(tmp_path / "empty.wav")
    with pytest.raises(
        AudioFileNotFoundError, match=r"gone1\.wav.*; 2 other files have problems, of 4 in all"
    ):
        check_files(clips)


def test_one_other_problem_is_counted_in_the_singular(good):
    clips = ["gone1.wav", good, "gone2.wav"]
    with pytest.raises(AudioFileNotFoundError, match=r"1 other file has a problem, of 3 in all"):
        check_files(clips)


def test_warn_returns_the_error_of_each_row(good, tmp_path):
    clips = [tmp_path, good, "gone.wav", "gone.wav"]
    problems = check_files(clips, on_error="warn")
    assert list(problems) == [0, 2, 3]
    assert type(problems[0]) is AudioDecodeError
    assert type(problems[2]) is type(problems[3]) is AudioFileNotFoundError
    assert problems[2].path == "gone.wav"


def test_each_path_is_looked_at_once(good, monkeypatch):
    looked_at = []
    stat = os.stat
    monkeypatch.setattr(os, "stat", lambda path, **kw: looked_at.append(path) or stat(path, **kw))
    check_files([str(good)] * 50)
    assert looked_at.count(os.fsencode(good)) == 1


def test_unknown_on_error_is_refused(good):
    with pytest.raises(ValueError, match="'on_error' parameter of check_files must be"):
        check_files([good], on_error="ignore")

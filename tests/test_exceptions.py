"""Errors as a user and a process border see them."""

import pickle

import pytest

from sk_audioevents.exceptions import AudioDecodeError, AudioFileNotFoundError


@pytest.mark.parametrize("kind", [AudioDecodeError, AudioFileNotFoundError])
def test_errors_name_the_file_and_survive_pickling(kind):
    error = kind("a.wav", "it is empty")
    for each in (error, pickle.loads(pickle.dumps(error))):
        assert type(each) is kind
        assert str(each) == "Cannot decode 'a.wav': it is empty."
        assert (each.path, each.problem) == ("a.wav", "it is empty")


def test_a_question_needs_no_full_stop():
    assert str(AudioDecodeError("a.wav", "it is short. Is the copy complete?")).endswith(
        "complete?"
    )


def test_a_missing_file_is_pythons_own_error_too():
    error = AudioFileNotFoundError("a.wav", "there is no such file")
    assert isinstance(error, FileNotFoundError)
    assert error.filename == "a.wav"

"""Leaks that are made here are found, and nothing else is."""

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.model_selection import GroupKFold, KFold, PredefinedSplit, ShuffleSplit

from sk_audioevents.exceptions import AudioDecodeError, AudioFileNotFoundError
from sk_audioevents.model_selection import MultilabelStratifiedGroupKFold, check_leakage
from sk_audioevents.model_selection._fingerprint import fingerprint, similar_pairs

RATE = 16000
COLUMNS = ["fold", "train_path", "test_path", "kind", "similarity"]


def scene(seed, duration=4.0):
    """Return noise whose spectrum changes from moment to moment, at a moderate level."""
    rng = np.random.default_rng(seed)
    steps = int(duration * 10) + 1
    spectrum = np.fft.rfft(rng.normal(size=(steps, 3200)), axis=1)
    shape = np.repeat(rng.gamma(1.0, size=(steps, 41)), 40, axis=1)[:, : spectrum.shape[1]]
    pieces = np.fft.irfft(spectrum * shape, axis=1) * np.hanning(3200)
    waveform = np.zeros(1600 * (steps + 1))
    for i, piece in enumerate(pieces):
        waveform[1600 * i : 1600 * i + 3200] += piece
    waveform = waveform[1600:-1600]
    return 0.1 * waveform / waveform.std()


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a waveform and returns the path."""

    def write(name, waveform, rate=RATE, **parameters):
        soundfile.write(tmp_path / name, waveform, rate, **parameters)
        return str(tmp_path / name)

    return write


def kinds(train, test, **parameters):
    """Return the kinds of leaks between one training and one test file."""
    return check_leakage([train, test], cv=[([0], [1])], **parameters).kind.tolist()


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("copy.wav", {}),
        ("copy.flac", {}),
        ("copy.aiff", {"subtype": "PCM_16"}),
        ("copy.rf64", {"format": "RF64"}),
        ("copy24.wav", {"subtype": "PCM_24"}),  # with the samples of the 16-bit file
        ("copy.w64", {"format": "W64"}),
    ],
)
def test_the_same_samples_are_found_in_another_container(write, name, parameters):
    samples = np.round(scene(0) * 32767) / 32768
    assert kinds(write("one.wav", samples), write(name, samples, **parameters)) == ["same content"]


def test_a_header_with_other_metadata_is_no_other_content(write, tmp_path):
    one = write("one.wav", scene(0))
    with soundfile.SoundFile(tmp_path / "two.wav", "w", RATE, 1) as file:
        file.title, file.artist = "Dawn chorus", "Nightingale"
        file.write(scene(0))
    assert (tmp_path / "one.wav").read_bytes() != (tmp_path / "two.wav").read_bytes()
    assert kinds(one, str(tmp_path / "two.wav")) == ["same content"]


def test_another_sample_rate_in_the_header_is_no_other_content(write):
    assert kinds(write("1.wav", scene(0)), write("2.wav", scene(0), 22050)) == ["same content"]


def test_the_sign_of_zero_is_no_other_content(write):
    one = write("one.wav", np.r_[0.0, scene(0)], subtype="FLOAT")
    assert kinds(one, write("two.wav", np.r_[-0.0, scene(0)], subtype="FLOAT")) == ["same content"]


def test_a_stereo_file_of_two_equal_channels_has_the_content_of_the_mono_file(write):
    one = write("one.wav", scene(0))
    assert kinds(one, write("two.wav", np.tile(scene(0)[:, None], 2))) == ["same content"]


def test_one_other_sample_is_a_near_duplicate(write):
    changed = scene(0)
    changed[1000] += 0.01
    one = write("one.wav", scene(0))
    assert kinds(one, write("two.wav", changed)) == ["near duplicate"]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("copy.ogg", lambda x: x),
        ("copy.mp3", lambda x: x),
        ("quiet.wav", lambda x: 0.05 * x),
        ("inverted.wav", lambda x: -x),
        ("cut.wav", lambda x: x[17_123:49_000]),
        ("cut.ogg", lambda x: 0.2 * x[17_123:49_000]),
        ("padded.wav", lambda x: np.pad(x, (12_345, 6_789))),
        ("in the middle.wav", lambda x: np.r_[scene(7), x[20_000:], scene(8)]),
        ("noise.wav", lambda x: x + 0.01 * np.random.default_rng(1).normal(size=len(x))),
    ],
)
def test_near_duplicates_are_found(write, name, change):
    one = write("one.wav", scene(0))
    leaks = check_leakage([one, write(name, change(scene(0)))], cv=[([0], [1])])
    assert leaks.kind.tolist() == ["near duplicate"]
    assert 0.75 <= leaks.similarity[0] <= 1
    assert kinds(one, write(name, change(scene(0))), near_duplicates=False) == []


def test_another_sample_rate_is_a_near_duplicate(write):
    t = np.arange(8 * RATE) / 2 / RATE
    doubled = np.interp(t, np.arange(4 * RATE) / RATE, scene(0))
    assert kinds(write("1.wav", scene(0)), write("2.wav", doubled, 2 * RATE)) == ["near duplicate"]


def test_other_sounds_of_the_same_kind_are_no_duplicates(write):
    paths = [write(f"{i}.wav", scene(i)) for i in range(12)]
    paths += [
        write(f"n{i}.wav", np.random.default_rng(i).normal(size=4 * RATE) / 20) for i in range(12)
    ]
    leaks = check_leakage(paths, cv=KFold(3, shuffle=True, random_state=0))
    assert leaks.empty
    assert leaks.columns.tolist() == COLUMNS


@pytest.mark.parametrize("duration", [0.3, 0.6])
def test_too_short_a_common_part_is_not_found(write, duration):
    part = scene(0)[: int(duration * RATE)]
    assert kinds(write("one.wav", scene(0)), write("two.wav", np.r_[scene(3), part])) == []


def test_silence_in_common_is_no_leak(write):
    silence = np.zeros(4 * RATE)
    one = write("one.wav", np.r_[scene(0), silence])
    assert kinds(one, write("two.wav", np.r_[scene(1), silence])) == []


def test_silent_clips_have_the_same_content_and_no_fingerprint(write):
    one, two = write("one.wav", np.zeros(RATE)), write("two.wav", np.zeros(RATE))
    longer = write("three.wav", np.zeros(2 * RATE))
    assert kinds(one, two) == ["same content"]
    assert kinds(one, longer) == []


def test_recordings_of_one_sample_can_be_read(write):
    assert kinds(write("one.wav", [0.5]), write("two.wav", [0.25])) == []


@pytest.fixture
def collection(write):
    """Return six clips: 0 and 1 are the same, 2 is an OGG of 3, 4 and 5 share the group only."""
    paths = [write(f"{i}.wav", scene(i)) for i in range(6)]
    paths[1] = write("1.flac", np.round(scene(0) * 32768) / 32768, subtype="PCM_16")
    paths[0] = write("0.wav", np.round(scene(0) * 32768) / 32768, subtype="PCM_16")
    paths[2] = write("2.ogg", scene(3))
    return paths, ["a", "b", "c", "d", "e", "e"]


def test_each_fold_tells_which_of_its_test_clips_are_in_training(collection):
    paths, groups = collection
    leaks = check_leakage(paths, groups=groups, cv=PredefinedSplit([0, 1, 0, 1, 0, 1]))
    leaks[["train_path", "test_path"]] = leaks[["train_path", "test_path"]].map(paths.index)
    expected = pd.DataFrame(
        [
            (0, 1, 0, "same content"),
            (0, 3, 2, "near duplicate"),
            (0, 5, 4, "same group"),
            (1, 0, 1, "same content"),
            (1, 2, 3, "near duplicate"),
            (1, 4, 5, "same group"),
        ],
        columns=COLUMNS[:-1],
    )
    pd.testing.assert_frame_equal(leaks[COLUMNS[:-1]], expected, check_dtype=False)
    assert leaks.similarity[leaks.kind == "same content"].eq(1).all()
    assert leaks.similarity[leaks.kind == "same group"].isna().all()


def test_a_split_that_keeps_them_together_does_not_leak(collection):
    paths, groups = collection
    assert check_leakage(paths, groups=groups, cv=PredefinedSplit([0, 0, 1, 1, 2, 2])).empty
    joined = ["a", "a", "c", "c", "e", "e"]
    for cv in (GroupKFold(3), MultilabelStratifiedGroupKFold(3)):
        assert check_leakage(paths, [0, 1] * 3, joined, cv=cv).empty


def test_clips_that_are_in_neither_set_do_not_leak(collection):
    paths, _ = collection
    assert check_leakage(paths, cv=[([0, 4], [5]), ([3], [0, 1])]).empty


def test_folds_may_be_masks(collection):
    paths, _ = collection
    train = np.arange(6) % 2 == 0
    assert len(check_leakage(paths, cv=[(train, ~train)])) == 2


def test_repeated_folds_are_checked_each(collection):
    paths, _ = collection
    cv = ShuffleSplit(20, test_size=0.5, random_state=0)
    leaks = check_leakage(paths, cv=cv)
    for fold, (train, test) in enumerate(cv.split(paths)):
        expected = sum((a in train) and (b in test) for a, b in ((0, 1), (1, 0), (2, 3), (3, 2)))
        assert (leaks.fold == fold).sum() == expected


def test_a_test_clip_is_named_once_with_the_most_similar_training_clip(write):
    rng = np.random.default_rng(0)
    noisy = [
        write(f"{level}.wav", scene(0) + level * rng.normal(size=4 * RATE))
        for level in (0.03, 0.003, 0.01)
    ]
    paths = [write("clean.wav", scene(0)), *noisy]
    leaks = check_leakage(paths, cv=[([1, 2, 3], [0])])
    assert leaks.train_path.tolist() == [paths[2]]


def test_the_same_path_twice_has_the_same_content(write):
    path = write("one.wav", scene(0))
    assert kinds(path, path) == ["same content"]


@pytest.mark.parametrize("parameters", [{"n_jobs": 2}, {"verbose": 1}])
def test_the_result_depends_neither_on_the_number_of_jobs_nor_on_the_progress_bar(
    collection, parameters, capsys
):
    paths, _ = collection
    expected = check_leakage(paths, cv=2)
    pd.testing.assert_frame_equal(check_leakage(paths, cv=2, **parameters), expected)
    assert ("check_leakage: 100%" in capsys.readouterr().err) == ("verbose" in parameters)


def test_a_number_of_folds_is_stratified_by_y(collection):
    """Folds of consecutive clips would put the first two, with the same content, together."""
    paths, _ = collection
    assert "same content" not in set(check_leakage(paths, cv=3).kind)
    assert "same content" in set(check_leakage(paths, [0, 0, 0, 1, 1, 1], cv=3).kind)


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"y": [0, 1]}, "inconsistent numbers of samples"),
        ({"groups": [0, 1]}, "inconsistent numbers of samples"),
        ({"groups": ["a", "b", None, "c", "d", "e"]}, "check_leakage .* of clip 2 is missing"),
        ({"cv": "five"}, "'cv' parameter of check_leakage"),
        ({"n_jobs": 0}, "'n_jobs' parameter of check_leakage"),
    ],
)
def test_bad_parameters_are_refused(collection, parameters, match):
    with pytest.raises(ValueError, match=match):
        check_leakage(collection[0], **({"cv": 2} | parameters))


def test_a_single_path_is_refused():
    with pytest.raises(ValueError, match="'paths' parameter of check_leakage"):
        check_leakage("one.wav", cv=2)


def test_a_missing_file_is_found_before_any_is_read(write, tmp_path):
    (tmp_path / "damaged.wav").write_bytes(b"RIFF no audio")
    with pytest.raises(AudioFileNotFoundError, match=r"gone\.wav"):
        check_leakage([tmp_path / "damaged.wav", tmp_path / "gone.wav"], cv=2)
    with pytest.raises(AudioDecodeError, match=r"damaged\.wav"):
        check_leakage([tmp_path / "damaged.wav", write("one.wav", scene(0))], cv=2)


def test_similarity_is_the_share_of_equal_bits():
    """Against a slow loop over all shifts of two noisy copies."""
    rng = np.random.default_rng(0)
    noisy = scene(0)[4000:] + 0.02 * rng.normal(size=4 * RATE - 4000)
    one, two = (fingerprint(x.astype(np.float32), RATE) for x in (scene(0), noisy))
    bits = [(item.words[:, None] >> np.arange(24)) & 1 for item in (one, two)]
    best = 0
    for shift in range(len(bits[0]) - 32):
        n = min(len(bits[0]) - shift, len(bits[1]))
        best = max(best, np.mean(bits[0][shift : shift + n] == bits[1][:n]))
    pairs, similarity = similar_pairs([one, two])
    assert pairs.tolist() == [[0, 1]]
    assert similarity[0] == pytest.approx(best)


def test_a_recording_is_fingerprinted_the_same_in_blocks_and_at_once(monkeypatch):
    from sk_audioevents.model_selection import _fingerprint

    waveform = scene(0).astype(np.float32)
    expected = fingerprint(waveform, RATE)
    monkeypatch.setattr(_fingerprint, "_N_FRAMES_AT_ONCE", 7)
    np.testing.assert_array_equal(fingerprint(waveform, RATE).words, expected.words)


def test_esc10_shares_one_recording_between_folds(esc10_folder):
    """Two Freesound entries of one author hold the same cry of a baby, in folds 3 and 5."""
    from sk_audioevents.datasets import fetch_esc10

    data = fetch_esc10()
    cries = np.flatnonzero(data.target == 3)
    leaks = check_leakage(
        data.paths[cries],
        groups=data.frame.freesound_id[cries],
        cv=PredefinedSplit(data.fold[cries]),
    )
    names = leaks[["train_path", "test_path"]].map(lambda path: path.rpartition("/")[2][:12])
    assert leaks.kind.tolist() == ["near duplicate"] * 2
    assert names.to_numpy().tolist() == [
        ["5-151085-A.o", "3-151080-A.o"],
        ["3-151080-A.o", "5-151085-A.o"],
    ]

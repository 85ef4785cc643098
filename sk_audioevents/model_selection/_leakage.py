"""Clips that are on both sides of a split: by content, by sound, by group."""

import hashlib
import os
import warnings
from functools import partial

import numpy as np
import pandas as pd
from sklearn.model_selection import check_cv
from sklearn.utils import check_consistent_length
from tqdm.auto import tqdm

from sk_audioevents._base import N_JOBS, validate_params
from sk_audioevents._parallel import map_in_order
from sk_audioevents.audio import check_files, load_audio
from sk_audioevents.model_selection._fingerprint import fingerprint, similar_pairs
from sk_audioevents.model_selection._groups import group_codes

_COLUMNS = ["fold", "train_path", "test_path", "kind", "similarity"]


@validate_params(
    {
        "paths": ["array-like"],
        "y": ["array-like", "sparse matrix", None],
        "groups": ["array-like", None],
        "cv": ["cv_object"],
        "near_duplicates": ["boolean"],
        "n_jobs": N_JOBS,
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=True,
)
def check_leakage(paths, y=None, groups=None, *, cv, near_duplicates=True, n_jobs=None, verbose=0):
    """Find test clips that are also in the training set, in each fold of a cross-validation.

    A model that was trained on a clip, or on another cut of the same recording, is not tested by
    it. Each file is decoded once; names, containers and headers play no part.

    Parameters
    ----------
    paths : array-like of str or os.PathLike of shape (n_clips,)
        The clips, in the order in which they are X.
    y : array-like of shape (n_clips,) or (n_clips, n_classes), default=None
        The labels, where `cv` needs them.
    groups : array-like of shape (n_clips,), default=None
        What must not be on both sides, such as the source recording. Passed to `cv` as well.
    cv : int, splitter or iterable of (train, test)
        The folds, as in :func:`~sklearn.model_selection.cross_val_score`. An int is what
        scikit-learn makes of it: stratified by a 1-D y, else folds of consecutive clips.
    near_duplicates : bool, default=True
        Whether to compare the sound of clips as well, which takes longer.
    n_jobs : int or None, default=None
        How many files to read at the same time, in threads. None is 1, -1 one per core.
    verbose : int, default=0
        Whether to show a progress bar.

    Returns
    -------
    leaks : DataFrame
        One row for each fold, test clip and kind of leak, with the columns

        - fold: number of the fold, from 0;
        - train_path, test_path: the two clips. If several training clips match, it is the first
          of them, or for near duplicates the most similar;
        - kind: "same content" (every sample is the same), "near duplicate" (they sound the same for
          about a second or more) or "same group";
        - similarity: for near duplicates the share of the bits of their fingerprints that agree,
          0.75 to 1, where unrelated sounds have about 0.5. 1 for the same content, NaN for groups.

        No rows if nothing was found.

    Raises
    ------
    AudioDecodeError
        If a file cannot be read. All paths are looked up before the first is read.
    ValueError
        If `y` or `groups` are not as long as `paths`, or a group is missing.

    See Also
    --------
    MultilabelStratifiedGroupKFold : Folds that keep groups together.

    Notes
    -----
    *Same content* compares the decoded samples, mixed down to mono, at the file's own sample rate:
    a WAV file and its FLAC copy are the same, and so is a mono file to its copy in stereo. An OGG
    or MP3 copy has other samples, and is a near duplicate.

    *Near duplicates* have a fingerprint in common [1]_ over at least 32 frames, 0.9 s, that are no
    silence: the same take re-encoded (OGG, MP3), at another level or sample rate, or cut to another
    place. Not found are copies whose speed or pitch differs by some percent, in strong noise or
    under other sounds; common parts shorter than that; and recordings of the same source at another
    time, which only `groups` can tell of. Steady synthetic tones have no fingerprint to speak of.
    Parts of the fingerprint that occur at more than 256 places are not looked up; so of hundreds of
    copies that differ a little, not all may be found.

    References
    ----------
    .. [1] J. Haitsma and T. Kalker, "A highly robust audio fingerprinting system", Proceedings of
       the 3rd International Conference on Music Information Retrieval (ISMIR), 2002.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import soundfile
    >>> from sk_audioevents.model_selection import check_leakage
    >>> noise = np.random.default_rng(0).integers(-9999, 9999, (2, 32000), dtype=np.int16)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = [f"{folder}/{name}" for name in ("a.wav", "b.wav", "a.flac", "part_of_b.ogg")]
    ...     for path, samples in zip(paths, [noise[0], noise[1], noise[0], noise[1, 5000:]]):
    ...         soundfile.write(path, samples, 16000)
    ...     leaks = check_leakage(paths, cv=2)
    >>> leaks.kind.tolist()
    ['same content', 'near duplicate', 'same content', 'near duplicate']
    """
    paths = [os.fspath(path) for path in paths]
    check_consistent_length(paths, y, groups)
    check_files(paths)
    contents, fingerprints = _read_all(paths, near_duplicates, n_jobs, verbose)
    close = _close_contents(fingerprints) if near_duplicates else None
    codes = None if groups is None else group_codes(groups, "check_leakage")

    leaks = []
    for fold, (train, test) in enumerate(_split(cv, paths, y, groups)):
        found = [_matches(contents, train, test).assign(kind="same content", similarity=1.0)]
        if near_duplicates:
            found.append(_near_matches(contents, close, train, test).assign(kind="near duplicate"))
        if groups is not None:
            found.append(_matches(codes, train, test).assign(kind="same group", similarity=np.nan))
        leaks += [table.assign(fold=fold) for table in found]
    return _name_clips(pd.concat(leaks, ignore_index=True), paths)


def _split(cv, paths, y, groups):
    """Return the row numbers of train and test for each fold."""
    with warnings.catch_warnings():
        # To check splits that know nothing of the groups is what groups are there for.
        warnings.filterwarnings("ignore", message="The groups parameter is ignored")
        folds = list(check_cv(cv, y, classifier=y is not None).split(paths, y, groups))
    rows = np.arange(len(paths))
    return [(rows[train], rows[test]) for train, test in folds]


def _read_all(paths, near_duplicates, n_jobs, verbose):
    """Return the number of the content of each clip, and the fingerprint of each content."""
    distinct = list(dict.fromkeys(paths))
    read = partial(_read, near_duplicates=near_duplicates)
    progress = tqdm(
        map_in_order(read, distinct, n_jobs),
        total=len(distinct),
        desc="check_leakage",
        unit="file",
        disable=not verbose,
    )
    of_path = dict(zip(distinct, progress, strict=True))
    contents, digests = pd.factorize(np.array([of_path[path][0] for path in paths], dtype=object))
    return contents, [dict(of_path.values())[digest] for digest in digests]


def _read(path, near_duplicates):
    """Return a digest of the samples of a file, and its fingerprint."""
    waveform, sample_rate = load_audio(path)
    digest = hashlib.blake2b((waveform + 0.0).tobytes()).hexdigest()  # -0 becomes 0
    return digest, fingerprint(waveform, sample_rate) if near_duplicates else None


def _close_contents(fingerprints):
    """Return each content with each other that sounds the same."""
    pairs, similarity = similar_pairs(fingerprints)
    both_ways = np.concatenate([pairs, pairs[:, ::-1]])
    close = pd.DataFrame(both_ways, columns=["code", "train_code"])
    return close.assign(similarity=np.tile(similarity, 2))


def _matches(codes, train, test):
    """Return the test clips whose code a training clip has too, with the first such clip."""
    first = pd.DataFrame({"code": codes[train], "train": train}).drop_duplicates("code")
    return pd.DataFrame({"code": codes[test], "test": test}).merge(first, on="code")


def _near_matches(codes, close, train, test):
    """Return the test clips that sound like a training clip, with the most similar of these."""
    trained = pd.DataFrame({"train_code": codes[train], "train": train})
    found = close.merge(trained.drop_duplicates("train_code"), on="train_code")
    found = found.sort_values(["similarity", "train"], ascending=[False, True])
    tested = pd.DataFrame({"code": codes[test], "test": test})
    return tested.merge(found.drop_duplicates("code"), on="code")


def _name_clips(leaks, paths):
    """Return the table of leaks with paths in place of row numbers."""
    paths = np.array(paths, dtype=object)
    leaks["train_path"] = paths[leaks["train"].to_numpy(dtype=np.int64)]
    leaks["test_path"] = paths[leaks["test"].to_numpy(dtype=np.int64)]
    return leaks[_COLUMNS]

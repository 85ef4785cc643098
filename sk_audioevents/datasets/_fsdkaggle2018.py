"""FSDKaggle2018, Freesound clips of one class each (Fonseca et al., DCASE 2018 task 2)."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from sk_audioevents._base import validate_params
from sk_audioevents.datasets._index import check_files_exist, check_subset, read_index

_META = "FSDKaggle2018.meta"
_PARTS = {
    # part: (index, columns it must have, folder of the audio)
    "train": (
        "train_post_competition.csv",
        ["fname", "label", "manually_verified", "freesound_id"],
        "FSDKaggle2018.audio_train",
    ),
    "test": (
        "test_post_competition_scoring_clips.csv",
        ["fname", "label", "usage", "freesound_id"],
        "FSDKaggle2018.audio_test",
    ),
}


@validate_params(
    {
        "folder": [str, os.PathLike],
        "subset": [str, "array-like"],
        "return_X_y": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def load_fsdkaggle2018(folder, *, subset=("train", "test"), return_X_y=False):
    """Load FSDKaggle2018 from a local copy: 11,073 Freesound clips of 41 classes, one class each.

    9,473 clips to train on, of which 3,710 have labels that somebody checked, and 1,600 checked
    clips to test with. Clips last 0.3 s to 30 s. The benchmark's metric is MAP@3:
    `metrics.mean_average_precision_at_k` with ``k=3``.

    Parameters
    ----------
    folder : str or path-like
        The folder that holds ``FSDKaggle2018.meta``, ``FSDKaggle2018.audio_train`` and
        ``FSDKaggle2018.audio_test``, as the archives on Zenodo unpack.
    subset : {"train", "test"} or a list of them, default=("train", "test")
        The parts to load. What belongs to another part need not be there.
    return_X_y : bool, default=False
        Whether to return ``(paths, target)`` instead of a `Bunch`.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With these attributes, in the order of the published indices, training clips first:

        paths : ndarray of shape (n_clips,), dtype object
            The absolute path of each clip, a str.
        target : ndarray of shape (n_clips,), dtype int64
            The class of each clip: its place in ``target_names``.
        target_names : ndarray of shape (n_classes,), dtype str
            The names of the classes, sorted; ``target_names[target]`` is the label of each clip.
        split : ndarray of shape (n_clips,), dtype str
            "train" or "test". ``PredefinedSplit(np.where(split == "test", 0, -1))`` is the split of
            the benchmark.
        groups : ndarray of shape (n_clips,), dtype int64
            The number of each clip's recording on freesound.org.
        metrics : tuple of str
            The metric of the benchmark, by its name in `sk_audioevents.metrics`:
            mean_average_precision_at_k, whose k is 3 by default.
        frame : DataFrame of n_clips rows
            The indices, one under the other, with the columns ``path`` and ``split`` first.
            ``manually_verified`` is 1 or 0, and NaN in the test part; ``usage`` is "Public" or
            "Private" in the test part and NaN in the training part.
        DESCR : str
            What the data are, their source, licence and citation.
    (paths, target) : tuple of ndarray
        If ``return_X_y`` is True.

    Raises
    ------
    FileNotFoundError
        If an index, or a file that it names, is not there.
    ValueError
        If an index lacks a column, or ``subset`` names no part.

    See Also
    --------
    load_fsd50k : Its successor: 200 classes, several a clip.

    Notes
    -----
    The classes are those of the parts that are loaded: all 41 in either part of the published set.

    References
    ----------
    .. [1] E. Fonseca, M. Plakal, F. Font, D. P. W. Ellis, X. Favory, J. Pons and X. Serra,
           "General-purpose tagging of Freesound audio with AudioSet labels: task description,
           dataset, and baseline", DCASE 2018 Workshop, arXiv:1807.09902.

    Examples
    --------
    >>> from sk_audioevents.datasets import load_fsdkaggle2018
    >>> train = load_fsdkaggle2018("FSDKaggle2018", subset="train")  # doctest: +SKIP
    >>> train.paths.shape, len(train.target_names)  # doctest: +SKIP
    ((9473,), 41)
    >>> (train.frame["manually_verified"] == 1).sum()  # doctest: +SKIP
    3710
    """
    folder = Path(folder).expanduser().absolute()
    parts = check_subset(subset, tuple(_PARTS), "load_fsdkaggle2018")
    frame = pd.concat([_read_part(folder, part) for part in parts], ignore_index=True)
    check_files_exist(frame["path"])
    paths = np.array(frame["path"], dtype=object)
    target_names, target = np.unique(frame["label"].to_numpy(dtype=str), return_inverse=True)
    if return_X_y:
        return paths, target
    return Bunch(
        paths=paths,
        target=target,
        target_names=target_names,
        split=frame["split"].to_numpy(dtype=str),
        groups=np.array(frame["freesound_id"], dtype=np.int64),
        metrics=("mean_average_precision_at_k",),
        frame=frame,
        DESCR=_DESCR,
    )


def _read_part(folder, part):
    index, columns, audio = _PARTS[part]
    frame = read_index(folder / _META / index, columns)
    frame.insert(0, "path", [str(folder / audio / name) for name in frame["fname"]])
    frame.insert(1, "split", part)
    return frame


_DESCR = """\
FSDKaggle2018
=============

11,073 clips of 0.3 s to 30 s from freesound.org (44.1 kHz, mono, 16 bit), each with one of 41
classes of the AudioSet ontology: instruments, human, domestic and animal sounds. Training: 9,473
clips, 94 to 300 a class, of which 3,710 have labels that were checked by hand; of the others, at
least 65 % to 70 % in each class are estimated to be right. Test: 1,600 clips, all checked.

Benchmark: DCASE 2018 task 2, on Kaggle: the mean average precision at 3, of the test clips.

Source: https://doi.org/10.5281/zenodo.2552860

Licence: each clip has the Creative Commons licence of the column `license`; the set as a whole is
under Creative Commons Attribution 4.0.

Citation: E. Fonseca, M. Plakal, F. Font, D. P. W. Ellis, X. Favory, J. Pons and X. Serra,
"General-purpose tagging of Freesound audio with AudioSet labels: task description, dataset, and
baseline", Proceedings of the DCASE 2018 Workshop, arXiv:1807.09902.
"""

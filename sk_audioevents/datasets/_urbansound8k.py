"""UrbanSound8K, excerpts of street recordings (Salamon, Jacoby and Bello, ACM Multimedia 2014)."""

import os
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from sk_audioevents._base import validate_params
from sk_audioevents.datasets._index import check_files_exist, class_names, read_index

_COLUMNS = ["slice_file_name", "fsID", "fold", "classID", "class"]


@validate_params(
    {"folder": [str, os.PathLike], "return_X_y": ["boolean"]}, prefer_skip_nested_validation=True
)
def load_urbansound8k(folder, *, return_X_y=False):
    """Load UrbanSound8K from a local copy: 8,732 excerpts of up to 4 s in ten classes.

    Ten folds that the authors fixed. Excerpts cut from one recording share a fold: cross-validate
    with ``PredefinedSplit(fold)`` and report the mean accuracy of the ten folds. On shuffled
    excerpts it comes out far too high.

    Parameters
    ----------
    folder : str or path-like
        The folder that holds ``metadata/UrbanSound8K.csv`` and ``audio/fold1`` to ``audio/fold10``.
    return_X_y : bool, default=False
        Whether to return ``(paths, target)`` instead of a `Bunch`.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With these attributes, in the order of the published index:

        paths : ndarray of shape (n_clips,), dtype object
            The absolute path of each excerpt, a str.
        target : ndarray of shape (n_clips,), dtype int64
            The class of each excerpt, 0 to 9.
        target_names : ndarray of shape (10,), dtype str
            The name of each class; ``target_names[target]`` is the label of each excerpt.
        fold : ndarray of shape (n_clips,), dtype int64
            The authors' fold of each excerpt, 1 to 10.
        groups : ndarray of shape (n_clips,), dtype int64
            The number on freesound.org of the recording that each excerpt was cut from.
        metrics : tuple of str
            The metric of the benchmark, by its name in `sk_audioevents.metrics`: accuracy.
        frame : DataFrame of n_clips rows
            The index with the absolute path in its first column, ``path``.
        DESCR : str
            What the data are, their source, licence and citation.
    (paths, target) : tuple of ndarray
        If ``return_X_y`` is True.

    Raises
    ------
    FileNotFoundError
        If the index, or a file that it names, is not there.
    ValueError
        If the index lacks a column or contradicts itself.

    Notes
    -----
    Sample rates and numbers of channels are those of the uploads and differ from file to file;
    `LogMelTransformer` and `audio.load_audio` resample and mix down.

    References
    ----------
    .. [1] J. Salamon, C. Jacoby and J. P. Bello, "A dataset and taxonomy for urban sound research",
           Proceedings of the 22nd ACM International Conference on Multimedia, 2014, pp. 1041-1044.
           :doi:`10.1145/2647868.2655045`

    Examples
    --------
    >>> from sk_audioevents.datasets import load_urbansound8k
    >>> data = load_urbansound8k("UrbanSound8K")  # doctest: +SKIP
    >>> data.paths.shape, len(data.target_names), len(set(data.fold))  # doctest: +SKIP
    ((8732,), 10, 10)
    """
    folder = Path(folder).expanduser().absolute()
    frame = read_index(folder / "metadata" / "UrbanSound8K.csv", _COLUMNS)
    files = zip(frame["fold"], frame["slice_file_name"])
    frame.insert(0, "path", [str(folder / "audio" / f"fold{fold}" / name) for fold, name in files])
    check_files_exist(frame["path"])
    paths = np.array(frame["path"], dtype=object)
    target = np.array(frame["classID"], dtype=np.int64)
    if return_X_y:
        return paths, target
    return Bunch(
        paths=paths,
        target=target,
        target_names=class_names(frame["classID"], frame["class"]),
        fold=np.array(frame["fold"], dtype=np.int64),
        groups=np.array(frame["fsID"], dtype=np.int64),
        metrics=("accuracy",),
        frame=frame,
        DESCR=_DESCR,
    )


_DESCR = """\
UrbanSound8K
============

8,732 excerpts of at most 4 s from field recordings on freesound.org, in ten classes of urban
sounds: air conditioner, car horn, children playing, dog bark, drilling, engine idling, gun shot,
jackhammer, siren, street music. Ten folds, which are never to be shuffled: excerpts of one
recording share a fold. `salience` in the index is 1 for a sound in the foreground and 2 for one in
the background; `start` and `end` are seconds of the recording.

Benchmark: accuracy, the mean of the ten folds.

Source: https://urbansounddataset.weebly.com/urbansound8k.html

Licence: Creative Commons Attribution-NonCommercial: version 3.0 by its README, 4.0 by its record on
Zenodo. FREESOUNDCREDITS.txt beside the data names who recorded what.

Citation: J. Salamon, C. Jacoby and J. P. Bello, "A dataset and taxonomy for urban sound research",
Proceedings of the 22nd ACM International Conference on Multimedia, Orlando, 2014, pp. 1041-1044,
doi:10.1145/2647868.2655045.
"""

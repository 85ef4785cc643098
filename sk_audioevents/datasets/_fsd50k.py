"""FSD50K, Freesound clips of several classes each (Fonseca et al., IEEE/ACM TASLP 2022)."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from sk_audioevents._base import validate_params
from sk_audioevents.datasets._index import check_files_exist, check_subset, indicator, read_index

_PARTS = ("train", "val", "eval")
_TRUTH = "FSD50K.ground_truth"
_METADATA = "FSD50K.metadata"


@validate_params(
    {
        "folder": [str, os.PathLike],
        "subset": [str, "array-like"],
        "return_X_y": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def load_fsd50k(folder, *, subset=("train", "val", "eval"), return_X_y=False):
    """Load FSD50K from a local copy: 51,197 Freesound clips of 200 classes, several a clip.

    36,796 clips to train on, 4,170 to validate with, 10,231 to evaluate with; 0.3 s to 30 s each.
    The benchmark's metric is the mean average precision over the classes, of the evaluation clips.

    Parameters
    ----------
    folder : str or path-like
        The folder that holds ``FSD50K.ground_truth``, ``FSD50K.dev_audio`` and
        ``FSD50K.eval_audio``, as the archives on Zenodo unpack.
    subset : {"train", "val", "eval"} or a list of them, default=("train", "val", "eval")
        The parts to load; "train" and "val" are the authors' split of the development set. The
        audio of a part that is not asked for need not be there.
    return_X_y : bool, default=False
        Whether to return ``(paths, target)`` instead of a `Bunch`.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With these attributes, in the order of the published indices, the evaluation set last:

        paths : ndarray of shape (n_clips,), dtype object
            The absolute path of each clip, a str.
        target : ndarray of shape (n_clips, n_classes), dtype int8
            1 where a clip is labelled with a class, 0 elsewhere.
        target_names : ndarray of shape (n_classes,), dtype str
            The name of each class, in the order of ``vocabulary.csv``.
        target_ids : ndarray of shape (n_classes,), dtype str
            The AudioSet id of each class, such as "/m/07q2z82".
        split : ndarray of shape (n_clips,), dtype str
            "train", "val" or "eval". For ``subset=["train", "val"]``,
            ``PredefinedSplit(np.where(split == "val", 0, -1))`` is the authors' validation.
        groups : ndarray of shape (n_clips,), dtype object, or None
            Who uploaded each clip, a str. None where ``FSD50K.metadata`` is not in the folder.
        metrics : tuple of str
            The metric of the benchmark, by its name in `sk_audioevents.metrics`:
            mean_average_precision.
        frame : DataFrame of n_clips rows
            The indices, one under the other, with the columns ``path`` and ``split`` first and,
            where ``FSD50K.metadata`` is there, ``uploader`` and ``license``.
        DESCR : str
            What the data are, their source, licence and citation.
    (paths, target) : tuple of ndarray
        If ``return_X_y`` is True.

    Raises
    ------
    FileNotFoundError
        If an index, or a file that it names, is not there.
    ValueError
        If an index lacks a column, a clip has a label that is not in ``vocabulary.csv`` or no
        metadata, or ``subset`` names no part.

    See Also
    --------
    load_audioset : The set that the classes come from.

    Notes
    -----
    Labels are smeared: a clip of an electric guitar is a guitar, an instrument and music too. Those
    of the development set are right but not complete; those of the evaluation set are both.

    The authors' split keeps most uploaders on one side. For folds of your own, pass ``groups`` to a
    splitter such as `model_selection.MultilabelStratifiedGroupKFold`: one uploader's clips often
    come from one session.

    References
    ----------
    .. [1] E. Fonseca, X. Favory, J. Pons, F. Font and X. Serra, "FSD50K: an open dataset of
           human-labeled sound events", IEEE/ACM Transactions on Audio, Speech, and Language
           Processing, vol. 30, 2022, pp. 829-852, arXiv:2010.00475.
           :doi:`10.1109/TASLP.2021.3133208`

    Examples
    --------
    >>> from sk_audioevents.datasets import load_fsd50k
    >>> data = load_fsd50k("FSD50K", subset="eval")  # doctest: +SKIP
    >>> data.target.shape, data.metrics  # doctest: +SKIP
    ((10231, 200), ('mean_average_precision',))
    """
    folder = Path(folder).expanduser().absolute()
    parts = check_subset(subset, _PARTS, "load_fsd50k")
    sets = dict.fromkeys("eval" if part == "eval" else "dev" for part in parts)
    frame = pd.concat([_read_set(folder, name) for name in sets], ignore_index=True)
    frame = frame[frame["split"].isin(parts)].reset_index(drop=True)
    check_files_exist(frame["path"])
    classes = read_index(
        folder / _TRUTH / "vocabulary.csv", [], header=None, names=["index", "label", "mid"]
    )
    paths = np.array(frame["path"], dtype=object)
    target = indicator(frame["labels"], classes["label"])
    if return_X_y:
        return paths, target
    return Bunch(
        paths=paths,
        target=target,
        target_names=classes["label"].to_numpy(dtype=str),
        target_ids=classes["mid"].to_numpy(dtype=str),
        split=frame["split"].to_numpy(dtype=str),
        groups=np.array(frame["uploader"], dtype=object) if "uploader" in frame else None,
        metrics=("mean_average_precision",),
        frame=frame,
        DESCR=_DESCR,
    )


def _read_set(folder, name):
    """Read the index of the set "dev" or "eval", with what is known of its clips."""
    columns = ["fname", "labels", "mids"] + (["split"] if name == "dev" else [])
    frame = read_index(folder / _TRUTH / f"{name}.csv", columns, dtype={"fname": str})
    audio = folder / f"FSD50K.{name}_audio"
    split = frame.pop("split") if name == "dev" else "eval"
    frame.insert(0, "path", [str(audio / f"{clip}.wav") for clip in frame["fname"]])
    frame.insert(1, "split", split)
    metadata = folder / _METADATA / f"{name}_clips_info_FSD50K.json"
    if not metadata.is_file():
        return frame
    clips = json.loads(metadata.read_text(encoding="utf-8"))
    missing = [clip for clip in frame["fname"] if clip not in clips]
    if missing:
        raise ValueError(
            f"{str(metadata)!r} must tell of all clips of {name}.csv. {len(missing)} are missing, "
            f"the first is {missing[0]!r}."
        )
    return frame.assign(
        **{key: [clips[clip][key] for clip in frame["fname"]] for key in ("uploader", "license")}
    )


_DESCR = """\
FSD50K
======

51,197 clips of 0.3 s to 30 s from freesound.org (44.1 kHz, mono, 16 bit), 108 hours, labelled by
hand with 200 classes of the AudioSet ontology, several a clip. Development set: 40,966 clips, of
which the authors train on 36,796 and validate with 4,170; their labels are right but may be
incomplete. Evaluation set: 10,231 clips, labelled exhaustively. Labels include all that stand above
them in the ontology.

Benchmark: mean average precision over the classes, of the evaluation set. Where another validation
split is used, the authors ask that it be said.

Source: https://doi.org/10.5281/zenodo.4060432

Licence: the set is under Creative Commons Attribution; each clip has a Creative Commons licence of
its own, in FSD50K.metadata (CC0, CC BY, CC BY-NC or CC Sampling+). For commercial use, the authors
ask to be contacted.

Citation: E. Fonseca, X. Favory, J. Pons, F. Font and X. Serra, "FSD50K: an open dataset of
human-labeled sound events", IEEE/ACM Transactions on Audio, Speech, and Language Processing,
vol. 30, 2022, pp. 829-852, doi:10.1109/TASLP.2021.3133208.
"""

"""ESC-10 and ESC-50, recordings of environmental sounds (Piczak, ACM Multimedia 2015)."""

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.datasets import get_data_home
from sklearn.utils import Bunch

from sk_audioevents._base import validate_params
from sk_audioevents.datasets._download import download, extract
from sk_audioevents.datasets._index import check_files_exist, class_names, read_index

DATA_VARIABLE = "SK_AUDIOEVENTS_DATA"
# The classes of ESC-10 by their names in ESC-50, in the order of ESC-10's own numbers.
ESC10_CATEGORIES = (
    "dog",
    "rain",
    "sea_waves",
    "crying_baby",
    "clock_tick",
    "sneezing",
    "helicopter",
    "chainsaw",
    "rooster",
    "crackling_fire",
)
_ESC10_COLUMNS = (
    ["path", "fold", "target", "category", "freesound_id", "take"]
    + ["title", "author", "license", "source_url"]
)  # fmt: skip
_ESC50_COLUMNS = ["filename", "fold", "target", "category", "esc10", "src_file", "take"]
_ESC50_INDEX = "meta/esc50.csv"
_ESC50_FOLDERS = ("esc50", "esc50/ESC-50", "esc50/ESC-50-master", "ESC-50", "ESC-50-master")


@dataclass(frozen=True, slots=True)
class _Archive:
    """A published archive and what its content must be."""

    url: str
    n_classes: int
    n_clips_per_class_and_fold: int
    audio_sha256: str  # of the lines "md5  filename", sorted by name, one for each audio file


# The archive follows the repository's branch, and GitHub compresses it anew at times, so that its
# bytes have no lasting checksum. The recordings have: soundata 0.1.3 (BSD-3-Clause) publishes the
# MD5 of each of the 2,000 files in soundata/datasets/indexes/esc50_index.json. This is the SHA-256
# of that list, as `LC_ALL=C sh -c 'md5sum *.wav | sha256sum'` prints it in the folder audio/.
_ESC50_ARCHIVE = _Archive(
    url="https://github.com/karolpiczak/ESC-50/archive/refs/heads/master.zip",
    n_classes=50,
    n_clips_per_class_and_fold=8,
    audio_sha256="7dac98ebb302b554321c1ceacd9ab75bb0769516f66d19b4f3a6a6874355c2f2",
)

_PARAMETER_CONSTRAINTS = {
    "data_home": [str, os.PathLike, None],
    "download_if_missing": ["boolean"],
    "return_X_y": ["boolean"],
}


@validate_params(_PARAMETER_CONSTRAINTS, prefer_skip_nested_validation=True)
def fetch_esc10(*, data_home=None, download_if_missing=True, return_X_y=False):
    """Load ESC-10: 400 field recordings of about 5 s in ten classes (classification).

    Ten classes of 40 clips, in five folds of 80 that the author fixed. Clips cut from one source
    recording share a fold: cross-validate with ``PredefinedSplit(fold)``, never on shuffled clips.

    The first of these that is there is used:

    1. ``$SK_AUDIOEVENTS_DATA/esc10/esc10.csv`` and the files that it names;
    2. the ESC-10 part of a copy of ESC-50, where :func:`fetch_esc50` looks for one;
    3. the ESC-10 part of ESC-50, after downloading all of that.

    Parameters
    ----------
    data_home : str or path-like, default=None
        The folder for downloads. None is scikit-learn's, see
        :func:`sklearn.datasets.get_data_home`.
    download_if_missing : bool, default=True
        Whether to download what is not there. If False, that is an `OSError`.
    return_X_y : bool, default=False
        Whether to return ``(paths, target)`` instead of a `Bunch`.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With these attributes, in the order of the published index:

        paths : ndarray of shape (400,), dtype object
            The absolute path of each clip, a str.
        target : ndarray of shape (400,), dtype int64
            The class of each clip, 0 to 9. The numbers mean the same classes from either source.
        target_names : ndarray of shape (10,), dtype str
            The name of each class as its index spells it: "Dog bark" from an ESC-10 index, "dog"
            from ESC-50's. ``target_names[target]`` is the label of each clip.
        fold : ndarray of shape (400,), dtype int64
            The author's fold of each clip, 1 to 5.
        frame : DataFrame of 400 rows
            The index with the absolute path in its first column, ``path``.
        DESCR : str
            What the data are, their source, licence and citation.
    (paths, target) : tuple of ndarray
        If ``return_X_y`` is True.

    Raises
    ------
    FileNotFoundError
        If a file that the index names is not there.
    OSError
        If there is no copy and none can be had; see :func:`fetch_esc50`.
    ValueError
        If an index lacks a column or contradicts itself.

    See Also
    --------
    fetch_esc50 : All fifty classes.

    Notes
    -----
    The Ogg files of the first release last 3.6 s to 7.2 s; the WAV files of ESC-50 are cropped or
    padded to 5 s.

    References
    ----------
    .. [1] K. J. Piczak, "ESC: Dataset for Environmental Sound Classification", Proceedings of the
           23rd ACM International Conference on Multimedia, 2015, pp. 1015-1018.
           :doi:`10.1145/2733373.2806390`

    Examples
    --------
    >>> from sk_audioevents.datasets import fetch_esc10
    >>> paths, y = fetch_esc10(return_X_y=True)  # doctest: +SKIP
    >>> paths.shape, y.shape  # doctest: +SKIP
    ((400,), (400,))
    """
    index = _find_esc10_index()
    if index is not None:
        frame = _read_esc10(index)
    else:
        frame = _esc10_part(_read_esc50(_find_or_download_esc50(data_home, download_if_missing)))
    return _as_bunch(frame, _ESC10_DESCR, return_X_y)


@validate_params(_PARAMETER_CONSTRAINTS, prefer_skip_nested_validation=True)
def fetch_esc50(*, data_home=None, download_if_missing=True, return_X_y=False):
    """Load ESC-50: 2,000 field recordings of 5 s in fifty classes (classification).

    Fifty classes of 40 clips, in five folds of 400 that the author fixed. Clips cut from one source
    recording share a fold: cross-validate with ``PredefinedSplit(fold)``, never on shuffled clips.

    The first of these that is there is used:

    1. ``$SK_AUDIOEVENTS_DATA/esc50/``, in the layout of the published repository:
       ``meta/esc50.csv`` and ``audio/*.wav``;
    2. ``data_home/esc50/``, in the same layout;
    3. a download of about 650 MB, which is kept in ``data_home/esc50/`` (about 900 MB).

    A folder named ``ESC-50`` or ``ESC-50-master``, inside ``esc50`` or in its place, will do too.

    Parameters
    ----------
    data_home : str or path-like, default=None
        The folder for downloads. None is scikit-learn's, see
        :func:`sklearn.datasets.get_data_home`.
    download_if_missing : bool, default=True
        Whether to download what is not there. If False, that is an `OSError`.
    return_X_y : bool, default=False
        Whether to return ``(paths, target)`` instead of a `Bunch`.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With these attributes, in the order of the published index:

        paths : ndarray of shape (2000,), dtype object
            The absolute path of each clip, a str.
        target : ndarray of shape (2000,), dtype int64
            The class of each clip, 0 to 49.
        target_names : ndarray of shape (50,), dtype str
            The name of each class; ``target_names[target]`` is the label of each clip.
        fold : ndarray of shape (2000,), dtype int64
            The author's fold of each clip, 1 to 5.
        frame : DataFrame of 2000 rows
            The index with the absolute path in its first column, ``path``.
        DESCR : str
            What the data are, their source, licence and citation.
    (paths, target) : tuple of ndarray
        If ``return_X_y`` is True.

    Raises
    ------
    FileNotFoundError
        If a file that the index names is not there.
    OSError
        If there is no copy and ``download_if_missing`` is False, the download fails, or what came
        is not ESC-50 as published. Nothing of a failed download stays.
    ValueError
        If an index lacks a column or contradicts itself.

    See Also
    --------
    fetch_esc10 : Ten of the classes, under a licence without the word NonCommercial.

    Notes
    -----
    The archive is that of a branch and its bytes change, so its content is checked instead: the
    CRC-32 of each unpacked file; the MD5 of each of the 2,000 recordings against those published
    with soundata 0.1.3; and the index: 50 classes of 8 clips a fold, and the same fold, class,
    source and take as the file's name says. That the index gives a class its right name is not
    checked, and neither is a copy made by hand, except that no file of it may be missing.

    A download grows in a hidden folder beside ``esc50`` and takes that name when it has passed.

    References
    ----------
    .. [1] K. J. Piczak, "ESC: Dataset for Environmental Sound Classification", Proceedings of the
           23rd ACM International Conference on Multimedia, 2015, pp. 1015-1018.
           :doi:`10.1145/2733373.2806390`

    Examples
    --------
    >>> from sk_audioevents.datasets import fetch_esc50
    >>> data = fetch_esc50()  # doctest: +SKIP
    >>> data.paths.shape, len(data.target_names)  # doctest: +SKIP
    ((2000,), 50)
    """
    frame = _read_esc50(_find_or_download_esc50(data_home, download_if_missing))
    return _as_bunch(frame, _ESC50_DESCR, return_X_y)


def _as_bunch(frame, description, return_X_y):
    """Check that the files are there, and lay the columns out as scikit-learn's fetchers do."""
    check_files_exist(frame["path"])
    paths = np.array(frame["path"], dtype=object)
    target = np.array(frame["target"], dtype=np.int64)
    if return_X_y:
        return paths, target
    return Bunch(
        paths=paths,
        target=target,
        target_names=class_names(frame["target"], frame["category"]),
        fold=np.array(frame["fold"], dtype=np.int64),
        frame=frame,
        DESCR=description,
    )


def _find_esc10_index():
    folder = _variable_folder()
    index = None if folder is None else folder / "esc10" / "esc10.csv"
    return index if index is not None and index.is_file() else None


def _variable_folder():
    folder = os.environ.get(DATA_VARIABLE)
    return Path(folder).expanduser().absolute() if folder else None


def _read_esc10(index):
    frame = read_index(index, _ESC10_COLUMNS)
    return frame.assign(path=[str(index.parent / path) for path in frame["path"]])


def _read_esc50(folder):
    frame = read_index(folder / _ESC50_INDEX, _ESC50_COLUMNS)
    frame.insert(0, "path", [str(folder / "audio" / name) for name in frame["filename"]])
    return frame


def _esc10_part(frame):
    frame = frame[frame["esc10"].astype(bool)].reset_index(drop=True)
    if set(frame["category"]) != set(ESC10_CATEGORIES):
        raise ValueError(
            "The index must mark the clips of these classes, and of no other, as esc10: "
            f"{', '.join(ESC10_CATEGORIES)}. Got {', '.join(sorted(set(frame['category'])))}."
        )
    return frame.assign(target=frame["category"].map(ESC10_CATEGORIES.index))


def _find_or_download_esc50(data_home, download_if_missing):
    """Return the folder that holds meta/esc50.csv and audio/."""
    variable_folder = _variable_folder()
    folder = None if variable_folder is None else _find_esc50(variable_folder)
    if folder is not None:
        return folder
    home = Path(get_data_home(data_home)).absolute()
    folder = _find_esc50(home)
    if folder is not None:
        return folder
    target = home / "esc50"
    advice = (
        f"A copy made by hand is looked for in {str(target)!r} and, when the environment variable "
        f"{DATA_VARIABLE} names a folder, first in its folder esc50: it must hold {_ESC50_INDEX} "
        f"and audio/, as unpacked from {_ESC50_ARCHIVE.url}."
    )
    if not download_if_missing:
        raise OSError(f"There is no ESC-50 here and download_if_missing is False. {advice}")
    try:
        _download_esc50(_ESC50_ARCHIVE, target)
    except (OSError, ValueError) as error:
        raise OSError(f"{error} {advice}") from error
    return target


def _find_esc50(folder):
    """Return the first folder below this one that looks like ESC-50, else None."""
    candidates = (folder / name for name in _ESC50_FOLDERS)
    return next((path for path in candidates if (path / _ESC50_INDEX).is_file()), None)


def _download_esc50(archive, target):
    """Make the folder `target`, complete and checked, or leave nothing."""
    if target.exists():
        raise FileExistsError(
            f"The folder {str(target)!r} is in the way: it holds no {_ESC50_INDEX}. Move it aside."
        )
    workplace = Path(tempfile.mkdtemp(prefix=".esc50-", dir=target.parent))
    try:
        download(archive.url, workplace / "archive.zip")
        folder = workplace / "esc50"
        md5 = extract(workplace / "archive.zip", folder, _is_part_of_esc50)
        _check_published(folder, md5, archive)
        _rename(folder, target)
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def _is_part_of_esc50(name):
    # LICENSE holds the attribution of each clip, which goes where the clips go.
    folder, _, file = name.rpartition("/")
    is_clip = folder == "audio" and file.endswith(".wav")
    return is_clip or name in (_ESC50_INDEX, "LICENSE", "README.md")


def _rename(folder, target):
    try:
        os.rename(folder, target)
    except OSError:
        # Another process may have been faster; what it put there has passed the same checks.
        if not (target / _ESC50_INDEX).is_file():
            raise


def _check_published(folder, md5, archive):
    """Raise a ValueError unless recordings and index are the published ones."""
    if _ESC50_INDEX not in md5:
        raise ValueError(f"The archive holds no {_ESC50_INDEX}.")
    clips = {name.partition("/")[2]: md5[name] for name in md5 if name.startswith("audio/")}
    if _list_sha256(clips) != archive.audio_sha256:
        raise ValueError(
            f"The {len(clips)} recordings in the archive are not the published ones: the SHA-256 "
            f"of their list of MD5 checksums is {_list_sha256(clips)}, not {archive.audio_sha256}."
        )
    frame = _read_esc50(folder)
    _check_names(frame, clips)
    counts = frame.groupby(["target", "fold"]).size()
    if len(counts) != archive.n_classes * 5 or set(counts) != {archive.n_clips_per_class_and_fold}:
        raise ValueError(
            f"The index must name {archive.n_clips_per_class_and_fold} clips of each of "
            f"{archive.n_classes} classes in each of 5 folds. Got {len(frame)} clips of "
            f"{frame['target'].nunique()} classes in {frame['fold'].nunique()} folds."
        )
    class_names(frame["target"], frame["category"])
    _esc10_part(frame)


def _list_sha256(md5):
    lines = "".join(f"{md5[name]}  {name}\n" for name in sorted(md5))
    return hashlib.sha256(lines.encode()).hexdigest()


def _check_names(frame, clips):
    """Compare each row with the name of its file, which is fold-source-take-target.wav."""
    if sorted(frame["filename"]) != sorted(clips):
        raise ValueError(
            f"The index must name the {len(clips)} recordings of the archive, once each."
        )
    for row in frame.itertuples(index=False):
        if row.filename != f"{row.fold}-{row.src_file}-{row.take}-{row.target}.wav":
            raise ValueError(f"The index contradicts the name of the file {row.filename!r}.")


_ESC10_DESCR = """\
ESC-10: Dataset for Environmental Sound Classification, the ten-class part
==========================================================================

400 field recordings from freesound.org, ten classes of 40 clips: dog bark, rain, sea waves, baby
cry, clock tick, person sneeze, helicopter, chainsaw, rooster, fire crackling. Mono, 44.1 kHz,
about 5 seconds each.

Folds
    Five, fixed by the author, 8 clips of each class in each. Clips cut from one source recording
    share a fold. Results on other splits are not comparable.
Source
    https://github.com/karolpiczak/ESC-50 (clips marked esc10), before as
    https://github.com/karoldvl/ESC-10 and https://doi.org/10.7910/DVN/YDEPUT
Licence
    The set as a whole: Creative Commons Attribution 3.0 Unported,
    https://creativecommons.org/licenses/by/3.0/. Each clip has its own, with its author, title and
    source page: in the columns license, author, title and source_url of an ESC-10 index, or in the
    file LICENSE beside the folder audio of ESC-50. Name them where you pass clips on.
Citation
    K. J. Piczak. ESC: Dataset for Environmental Sound Classification. Proceedings of the 23rd ACM
    International Conference on Multimedia, Brisbane, 2015, pp. 1015-1018.
    https://doi.org/10.1145/2733373.2806390
"""

_ESC50_DESCR = """\
ESC-50: Dataset for Environmental Sound Classification
======================================================

2,000 field recordings from freesound.org, fifty classes of 40 clips: animals, natural soundscapes
and water, human sounds without speech, interior sounds, exterior noises. Mono, 44.1 kHz, 5 seconds
each.

Folds
    Five, fixed by the author, 8 clips of each class in each. Clips cut from one source recording
    share a fold. Results on other splits are not comparable.
Source
    https://github.com/karolpiczak/ESC-50, https://doi.org/10.7910/DVN/YDEPUT
Licence
    The set as a whole: Creative Commons Attribution-NonCommercial 3.0 Unported,
    https://creativecommons.org/licenses/by-nc/3.0/; its ESC-10 part, column esc10, Creative Commons
    Attribution 3.0 Unported. The licence, author, title and source page of each clip are in the
    file LICENSE beside the folder audio. Name them where you pass clips on.
Known weakness
    Some source recordings had been processed in ways that go with their class, mostly by limiting
    their band, so that a model may learn the recorder instead of the sound.
Citation
    K. J. Piczak. ESC: Dataset for Environmental Sound Classification. Proceedings of the 23rd ACM
    International Conference on Multimedia, Brisbane, 2015, pp. 1015-1018.
    https://doi.org/10.1145/2733373.2806390
"""

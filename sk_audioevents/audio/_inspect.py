"""What a collection of recordings holds, before anything is learnt from it."""

import os

import numpy as np
from tqdm.auto import tqdm

from sk_audioevents._base import N_JOBS, validate_params
from sk_audioevents._parallel import map_in_order
from sk_audioevents._time import samples_to_seconds
from sk_audioevents.audio._header import not_finite_problem
from sk_audioevents.audio._open import open_recording
from sk_audioevents.audio._recording import mix_down
from sk_audioevents.exceptions import AudioDecodeError

_COLUMNS = {  # with their dtypes: object for text, since a file name may hold any bytes
    "path": object,
    "duration": "float64",
    "sample_rate": "Int64",
    "n_channels": "Int64",
    "format": object,
    "subtype": object,
    "peak": "float64",
    "problem": object,
}
_ALL = 2**62  # samples: more than any file holds


@validate_params(
    {"paths": ["array-like"], "n_jobs": N_JOBS, "verbose": ["verbose"]},
    prefer_skip_nested_validation=True,
)
def inspect_files(paths, *, n_jobs=None, verbose=0):
    """Decode recordings, and tabulate what they hold and what is wrong with them.

    Each file is decoded to its end, with all the checks of `load_audio` and in blocks, so that a
    recording of a day takes no more memory than one of a minute. A bad file is a row of the table
    and no error. Each distinct path is decoded once, however often it comes.

    Parameters
    ----------
    paths : array-like of str or os.PathLike
        The recordings.
    n_jobs : int or None, default=None
        How many files to decode at the same time, in threads. None is 1, -1 one per core.
    verbose : int, default=0
        Whether to show a progress bar.

    Returns
    -------
    table : pandas.DataFrame
        One row for each of `paths`, in their order, with the columns

        - path: as str;
        - duration: in seconds;
        - sample_rate: in hertz;
        - n_channels: how many channels;
        - format: the container, such as "WAV", "OGG" or "FLAC";
        - subtype: how the samples are encoded, such as "PCM_16" or "VORBIS";
        - peak: the largest absolute value of a sample in any channel, where 1 is full scale; 0 is
          silence, and formats that hold floats may exceed 1;
        - problem: None where all is well, else why `load_audio` refuses the file, in one sentence
          without a full stop. All columns but path are missing values then.

    Raises
    ------
    ValueError
        If a parameter is of the wrong type or out of its range. It is a `TypeError` too.

    See Also
    --------
    check_files : Look only whether there is a file at each path, without decoding.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import soundfile
    >>> from sk_audioevents.audio import inspect_files
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     soundfile.write(f"{folder}/noise.wav", np.tile([[0.5, -0.25]], (8000, 1)), 16000)
    ...     table = inspect_files([f"{folder}/noise.wav", f"{folder}/gone.wav"])
    >>> table[["duration", "sample_rate", "n_channels", "peak", "problem"]]
       duration  sample_rate  n_channels  peak                problem
    0       0.5        16000           2   0.5                   None
    1       NaN         <NA>        <NA>   NaN  there is no such file
    """
    import pandas as pd  # takes a second, and whoever only reads waveforms does not need it

    paths = [os.fspath(path) for path in paths]
    distinct = list(dict.fromkeys(paths))
    progress = tqdm(
        map_in_order(_inspect, distinct, n_jobs),
        total=len(distinct),
        desc="inspect_files",
        unit="file",
        disable=not verbose,
    )
    rows = dict(zip(distinct, progress, strict=True))
    table = pd.DataFrame([rows[path] for path in paths], columns=list(_COLUMNS), dtype=object)
    return table.astype(_COLUMNS)


def _inspect(path):
    """Return the row of one file."""
    row = dict.fromkeys(_COLUMNS) | {"path": path}
    try:
        with open_recording(path) as recording:
            n_samples, peak = _measure(recording)
    except AudioDecodeError as error:
        return row | {"problem": error.problem}
    return row | {
        "duration": samples_to_seconds(n_samples, recording.sample_rate),
        "sample_rate": recording.sample_rate,
        "n_channels": recording.n_channels,
        "format": recording.format,
        "subtype": recording.subtype,
        "peak": peak,
    }


def _measure(recording):
    """Decode a recording to its end and return its length in samples and its peak."""
    n_held, peak, n_bad, first_bad = 0, 0.0, 0, None
    for block in recording.blocks(0, recording.n_samples or _ALL):
        mono = mix_down(block)  # load_audio refuses what is not finite there
        finite = np.isfinite(mono)
        if not finite.all():
            at = int(np.argmin(finite))
            first_bad = first_bad or (mono[at], (n_held + at) / recording.sample_rate)
            n_bad += len(finite) - np.count_nonzero(finite)
        n_held += len(block)
        peak = max(peak, float(block.max()), -float(block.min()))
    recording.check_end(n_held)
    if n_bad:
        problem = not_finite_problem(n_bad, n_held, *first_bad)
        raise AudioDecodeError(recording.path, problem)
    return n_held, peak

"""Events in a table of scores over time."""

import numpy as np
import pandas as pd

from sk_audioevents._base import validate_params
from sk_audioevents._event_table import path_column
from sk_audioevents.events._event_rules import (
    RULE_CONSTRAINTS,
    event_rules,
    event_table,
)
from sk_audioevents.events._runs import ROUNDING
from sk_audioevents.events._time_steps import TimedScores

INDEX_NAMES = ("path", "start_time", "end_time")


@validate_params(
    {
        "timeline": [pd.DataFrame],
        **RULE_CONSTRAINTS,
    },
    prefer_skip_nested_validation=True,
)
def find_events(
    timeline, *, threshold=0.5, offset_ratio=0.5, median_filter=0.0, merge_gap=0.0, min_duration=0.0
):
    """Find the events in a table of scores over time.

    `SoundEventDetector` finds events by the same rules; this is for tables that are at hand, such
    as to try other rules on scores that took an hour, or those of another program.

    Parameters
    ----------
    timeline : DataFrame
        Scores, one row a time step and one column a class. The index has the levels ``path``,
        ``start_time`` and ``end_time`` (seconds), as `SoundEventDetector.predict_timeline` gives
        it. Steps of a recording must not overlap; events end where a step is missing.
    threshold : float or dict, default=0.5
        What the score of an event reaches, from 0 to 1; for all classes, or by label.
    offset_ratio : float or dict, default=0.5
        An event goes on while scores reach this share of the threshold, from 0 (not included) to 1
        (hysteresis).
    median_filter : float or dict, default=0.0
        Over how many seconds the median of the scores is taken first; 0 takes none. Rounded to an
        odd number of steps.
    merge_gap : float or dict, default=0.0
        Events of a class no further apart than this, in seconds, become one; 0 joins none.
    min_duration : float or dict, default=0.0
        Events shorter than this, in seconds, are left out, after gaps were closed.

    Returns
    -------
    events : DataFrame
        One row an event, by recording and onset: ``path``, ``onset`` and ``offset`` (seconds from
        the start of the recording), ``label``, and ``score``, the largest filtered score.

    Raises
    ------
    ValueError
        If the table has not these index levels, holds scores that are not finite or steps that
        overlap or do not last, or if a dict has an unknown label.

    See Also
    --------
    SoundEventDetector : Finds events in recordings.
    write_events : Writes them to a file.

    Notes
    -----
    In a dict, labels that are left out have the parameter's default. First the median filter, then
    thresholds, then gaps, then durations: so the pieces of a long event are joined before any of
    them is too short.

    Examples
    --------
    >>> import pandas as pd
    >>> from sk_audioevents.events import find_events
    >>> steps = [("dawn.wav", float(t), t + 1.0) for t in range(6)]
    >>> index = pd.MultiIndex.from_tuples(steps, names=["path", "start_time", "end_time"])
    >>> timeline = pd.DataFrame({"wren": [0.1, 0.7, 0.9, 0.4, 0.6, 0.1]}, index=index)
    >>> find_events(timeline, merge_gap=1.0)
           path  onset  offset label  score
    0  dawn.wav    1.0     5.0  wren    0.9
    """
    recordings, path_dtype = _recordings(timeline)
    labels = timeline.columns.to_numpy()
    rules = event_rules(
        labels,
        "find_events",
        threshold=threshold,
        offset_ratio=offset_ratio,
        median_filter=median_filter,
        merge_gap=merge_gap,
        min_duration=min_duration,
    )
    found = [(timed.path, *rules.events(timed)) for timed in recordings]
    return event_table(found, labels, path_dtype)


def _recordings(timeline):
    """Split a table into pieces without gaps; return them, and the type of their paths."""
    if tuple(timeline.index.names) != INDEX_NAMES:
        raise ValueError(
            "The 'timeline' parameter of find_events must have an index with the levels "
            f"{', '.join(INDEX_NAMES)}. Got {', '.join(map(str, timeline.index.names))}."
        )
    scores = timeline.to_numpy(dtype=np.float64)
    if not np.isfinite(scores).all():
        raise ValueError(
            "The 'timeline' parameter of find_events must hold finite scores. Got NaN or inf."
        )
    paths, starts, ends = (timeline.index.get_level_values(name) for name in INDEX_NAMES)
    paths = path_column(paths, "The 'timeline' parameter of find_events")
    codes, names = pd.factorize(paths)
    starts, ends = starts.to_numpy(np.float64), ends.to_numpy(np.float64)
    order = np.lexsort([starts, codes])
    codes, starts, ends, scores = codes[order], starts[order], ends[order], scores[order]
    step = starts[1:] - ends[:-1]
    same = codes[1:] == codes[:-1]
    _check_steps(names[codes], starts, ends, same & (step < -ROUNDING))
    bounds = np.flatnonzero(~(same & (step <= ROUNDING))) + 1
    pieces = np.split(np.arange(len(order)), bounds) if len(order) else []
    recordings = [
        TimedScores(names[codes[piece[0]]], starts[piece], ends[piece], scores[piece])
        for piece in pieces
    ]
    return recordings, np.dtype(np.int64 if paths.dtype == np.int64 else object)


def _check_steps(paths, starts, ends, overlaps_next):
    bad = np.flatnonzero(~(ends > starts) | ~np.isfinite(starts + ends))
    if len(bad):
        raise ValueError(
            "The 'timeline' parameter of find_events must satisfy start_time < end_time, in "
            f"seconds. {paths[bad[0]]!r} has a step from {starts[bad[0]]} to {ends[bad[0]]}."
        )
    overlaps = np.flatnonzero(overlaps_next)
    if len(overlaps):
        row = overlaps[0]
        raise ValueError(
            "The 'timeline' parameter of find_events must hold steps that do not overlap. "
            f"{paths[row]!r} has a step from {starts[row]} to {ends[row]} and one from "
            f"{starts[row + 1]}: are they overlapping windows, or is a recording in it twice?"
        )

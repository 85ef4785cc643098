"""The row of each class in a picture of events: bars, and the scores that they come from.

A row is 1 high, and the class is named at its middle, 0, with y growing downwards. From the top:
scores, if there are any, what was estimated, and the truth, if it is known.
"""

import numpy as np

from sk_audioevents.plotting._style import GREY

SCORE_0, SCORE_1 = 0.06, -0.42  # where scores of 0 and 1 are drawn
# Top and height of the bars of estimate and reference: without and with scores above them.
BARS = {False: ((-0.3, 0.28), (0.02, 0.28)), True: ((0.1, 0.15), (0.28, 0.15))}
ALONE = {False: (-0.2, 0.4), True: (0.15, 0.22)}  # of estimates that have no reference


def draw_bars(ax, labels, events, place, style):
    """Draw the events of each class into its row.

    Parameters
    ----------
    ax : Axes
        Where.
    labels : list
        The classes, from the top.
    events : DataFrame
        The columns onset, offset (seconds) and label.
    place : tuple of two floats
        Where in a row a bar begins, and its height.
    style : dict
        Parameters of ``barh``.

    Returns
    -------
    bars : dict of label to BarContainer
        The bars.
    """
    (top, height), bars = place, {}
    for row, label in enumerate(labels):
        of_label = events[events["label"] == label]
        bars[label] = ax.barh(
            np.full(len(of_label), row + top),
            of_label["offset"] - of_label["onset"],
            left=of_label["onset"],
            height=height,
            align="edge",
            **style,
        )
    return bars


def draw_scores(ax, labels, timeline, thresholds):
    """Draw the scores and the threshold of each class into its row.

    Parameters
    ----------
    ax : Axes
        Where.
    labels : list
        The classes, from the top. Those that have no scores get no line.
    timeline : DataFrame
        Scores from 0 to 1, a column for each label, with the index levels start_time and end_time.
    thresholds : dict of label to float
        The thresholds to draw.

    Returns
    -------
    lines : dict of label to Line2D
        The scores.
    """
    edges = np.column_stack(
        [timeline.index.get_level_values(name) for name in ("start_time", "end_time")]
    ).ravel()
    lines = {}
    for row, label in enumerate(labels):
        if label not in timeline:
            continue
        scores = np.repeat(timeline[label].to_numpy(), 2)
        (lines[label],) = ax.plot(edges, _height(scores, row), color="0.2", linewidth=0.8)
        if label in thresholds:
            ax.axhline(_height(thresholds[label], row), color=GREY, linestyle=":", linewidth=1)
    return lines


def _height(score, row):
    return row + SCORE_0 + (SCORE_1 - SCORE_0) * score

"""When which sounds occur in a recording: events, the truth, and the scores that they come from."""

from numbers import Real

import numpy as np

from sk_audioevents.events import find_events
from sk_audioevents.events._scorer import _attribute_of, _flat_steps
from sk_audioevents.plotting._event_checks import check_one_recording, check_timeline, events_of
from sk_audioevents.plotting._event_rows import ALONE, BARS, draw_bars, draw_scores
from sk_audioevents.plotting._panels import (
    check_axes,
    colorbar_beside,
    import_pyplot,
    stack_panels,
)
from sk_audioevents.plotting._recording import check_recording, recording_levels
from sk_audioevents.plotting._style import ESTIMATE, GREY, LEVELS, REFERENCE, short_names, size_of

WIDE = 300.0  # points of axes that have room for the legend in one line
MOST_ROWS = 20  # classes up to which those without events are drawn too
QUIETEST = 5  # percentile of the levels that has the darkest colour


class EventTimelineDisplay:
    """Show the events of a recording, a row for each class, under its spectrogram.

    Events are filled bars; those of a reference are hatched bars below them. Scores are a line from
    0, at the bottom of its part of the row, to 1 at the top, and thresholds are dotted.

    Parameters
    ----------
    events : DataFrame
        One row an event of the one recording: ``path``, ``onset``, ``offset`` (seconds) and
        ``label``.
    duration : float
        Length of the recording, in seconds.
    reference : DataFrame, default=None
        The true events, in the same form. None is not known, and a table without rows is none.
    timeline : DataFrame, default=None
        The scores of the recording over time, as
        `~sk_audioevents.events.SoundEventDetector.predict_timeline` gives them. None draws none.
    thresholds : dict of label to float, default=None
        The scores that events reach. None draws none.
    levels : ndarray of shape (n_columns, n_bins), default=None
        The spectrogram in decibels: columns divide the duration into equal parts, and bins are
        centred on 0 to `highest`, equally spaced. None draws none.
    highest : float, default=None
        Frequency of the last bin of `levels`, in hertz.
    labels : list of labels, default=None
        The rows, from the top. None is all labels in the tables or, if these are more than 20,
        those that have events.

    Attributes
    ----------
    labels_ : list
        The labels of the rows, from the top.
    bars_ : dict of label to BarContainer
        The events of each class.
    reference_bars_ : dict of label to BarContainer
        The true events of each class.
    score_lines_ : dict of label to Line2D
        The scores of each class.
    image_ : AxesImage or None
        The spectrogram.
    axes_ : list of Axes
        The panels: the spectrogram, if there is one, and the rows.
    ax_ : Axes
        The axes that hold the panels.
    figure_ : Figure
        The figure.

    See Also
    --------
    sk_audioevents.events.SoundEventDetector : Finds events.
    sk_audioevents.metrics.event_report : Compares them with the truth.

    Examples
    --------
    >>> import pandas as pd
    >>> from sk_audioevents.plotting import EventTimelineDisplay
    >>> times = {"onset": [1.0, 4.0], "offset": [2.5, 6.0]}
    >>> events = pd.DataFrame({"path": "dawn.wav", **times, "label": ["wren", "owl"]})
    >>> display = EventTimelineDisplay.from_predictions(events, 10.0, reference=events[:1])
    >>> display.labels_
    ['owl', 'wren']
    """

    def __init__(
        self,
        events,
        duration,
        *,
        reference=None,
        timeline=None,
        thresholds=None,
        levels=None,
        highest=None,
        labels=None,
    ):
        self.events = events
        self.duration = duration
        self.reference = reference
        self.timeline = timeline
        self.thresholds = thresholds
        self.levels = levels
        self.highest = highest
        self.labels = labels

    def plot(self, *, ax=None):
        """Draw the spectrogram and the rows.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw: its place is divided into panels. None is a new figure.

        Returns
        -------
        display : EventTimelineDisplay
            The display itself.
        """
        caller = f"{type(self).__name__}.plot"
        import_pyplot(caller)
        self.labels_ = self._find_labels() if self.labels is None else list(self.labels)
        row_height = 0.32 if self.timeline is None else 0.6  # inches
        heights = [max(1, row_height * len(self.labels_))]
        if self.levels is not None:
            heights = [2.0, *heights]
        self.ax_ = check_axes(ax, caller, (9, 1 + sum(heights)))
        self.figure_ = self.ax_.figure
        self.axes_ = stack_panels(self.ax_, heights)
        self.image_ = None if self.levels is None else self._draw_levels(self.axes_[0])
        self._draw_rows(self.axes_[-1])
        return self

    @classmethod
    def from_estimator(
        cls, detector, recording, *, reference=None, scores=True, labels=None, ax=None
    ):
        """Find the events in a recording, and draw them.

        Parameters
        ----------
        detector : SoundEventDetector
            A fitted detector.
        recording : str, PathLike or ndarray of shape (n_samples,)
            The recording: a file, of any length, or a waveform at the sample rate of the detector.
        reference : DataFrame, default=None
            The true events, perhaps of other recordings too: ``path`` (as `recording`; 0 for a
            waveform), ``onset``, ``offset`` (seconds) and ``label``. None is not known.
        scores : bool, default=True
            Whether to draw scores, before any smoothing, and thresholds.
        labels : list of labels, default=None
            The rows, from the top. None is all labels or, if these are more than 20, those that
            have events.
        ax : matplotlib Axes, default=None
            Where to draw. None is a new figure.

        Returns
        -------
        display : EventTimelineDisplay
            The display.

        Raises
        ------
        ValueError
            If the reference holds events, and none of the recording.
        """
        caller = f"{cls.__name__}.from_estimator"
        import_pyplot(caller)
        check_recording(recording, caller)
        timeline = detector.predict_timeline([recording])
        _, thresholds = detector._labels_and_thresholds()
        rules = ("offset_ratio", "median_filter", "merge_gap", "min_duration")
        events = find_events(
            timeline, threshold=thresholds, **{name: getattr(detector, name) for name in rules}
        )
        if reference is not None:
            reference = events_of(reference, timeline.index[0][0], caller)
        return cls.from_predictions(
            events,
            timeline.index.get_level_values("end_time").max(),
            reference=reference,
            timeline=timeline if scores else None,
            thresholds=thresholds if scores else None,
            recording=recording,
            sample_rate=_attribute_of(_flat_steps(detector._fitted_estimator()), "sample_rate"),
            labels=labels,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        events,
        duration,
        *,
        reference=None,
        timeline=None,
        thresholds=None,
        recording=None,
        sample_rate=None,
        labels=None,
        ax=None,
    ):
        """Draw the events of a recording.

        Parameters
        ----------
        events : DataFrame
            One row an event of one recording: ``path``, ``onset``, ``offset`` (seconds), ``label``.
        duration : float
            Length of the recording, in seconds.
        reference : DataFrame, default=None
            The true events of the recording, in the same form; ``path`` may differ. None is not
            known.
        timeline : DataFrame, default=None
            The scores of the recording over time, as
            `~sk_audioevents.events.SoundEventDetector.predict_timeline` gives them.
        thresholds : float or dict of label to float, default=None
            The scores that events reach, for all classes or by label. None draws none.
        recording : str, PathLike or ndarray of shape (n_samples,), default=None
            The recording whose spectrogram is drawn: a file, of any length, or a waveform. None
            draws none.
        sample_rate : int, default=None
            The rate of a waveform, in hertz. A file has its own.
        labels : list of labels, default=None
            The rows, from the top. None is all labels in the tables or, if these are more than 20,
            those that have events.
        ax : matplotlib Axes, default=None
            Where to draw. None is a new figure.

        Returns
        -------
        display : EventTimelineDisplay
            The display.

        Raises
        ------
        ValueError
            If a table holds several recordings, events that end after `duration`, or labels that
            are not in `labels`.
        """
        caller = f"{cls.__name__}.from_predictions"
        import_pyplot(caller)
        if not isinstance(duration, Real) or not 0 < duration < np.inf:
            raise ValueError(
                f"The 'duration' parameter of {caller} must be a number of seconds above 0. "
                f"Got {duration!r} instead."
            )
        events = check_one_recording(events, "events", labels, duration, caller)
        if reference is not None:
            reference = check_one_recording(reference, "reference", labels, duration, caller)
        if timeline is not None:
            check_timeline(timeline, caller)
        if isinstance(thresholds, Real):
            if timeline is None:
                raise ValueError(
                    f"The 'thresholds' parameter of {caller} must be None without a 'timeline'."
                )
            thresholds = dict.fromkeys(timeline.columns, float(thresholds))
        levels = highest = None
        if recording is not None:
            levels, highest = recording_levels(recording, duration, sample_rate, caller)
        display = cls(
            events,
            duration,
            reference=reference,
            timeline=timeline,
            thresholds=thresholds,
            levels=levels,
            highest=highest,
            labels=labels,
        )
        return display.plot(ax=ax)

    def _find_labels(self):
        tables = [table for table in (self.events, self.reference) if table is not None]
        with_events = {label for table in tables for label in table["label"]}
        known = [] if self.timeline is None else list(self.timeline.columns)
        others = sorted(with_events.difference(known), key=str)
        if len(known) + len(others) > MOST_ROWS:
            known = [label for label in known if label in with_events]
        return known + others

    def _draw_levels(self, ax):
        half_bin = self.highest / (self.levels.shape[1] - 1) / 2
        image = ax.imshow(
            self.levels.T,
            origin="lower",
            aspect="auto",
            extent=(0, self.duration, -half_bin, self.highest + half_bin),
            cmap=LEVELS,
            vmin=min(np.percentile(self.levels, QUIETEST), -1.0),
            vmax=0.0,
        )
        ax.set(ylim=(0, self.highest), ylabel="frequency (Hz)")
        colorbar_beside(ax, image, "level (dB)")
        return image

    def _draw_rows(self, ax):
        with_scores = self.timeline is not None
        place, place_of_reference = BARS[with_scores]
        if self.reference is None:
            place = ALONE[with_scores]
        self.bars_ = draw_bars(ax, self.labels_, self.events, place, ESTIMATE)
        self.reference_bars_ = {}
        if self.reference is not None:
            self.reference_bars_ = draw_bars(
                ax, self.labels_, self.reference, place_of_reference, REFERENCE
            )
        self.score_lines_ = {}
        if with_scores:
            self.score_lines_ = draw_scores(ax, self.labels_, self.timeline, self.thresholds or {})
        for row in range(1, len(self.labels_)):
            ax.axhline(row - 0.5, color="0.85", linewidth=0.8, zorder=0)
        ax.set_yticks(range(len(self.labels_)), short_names(self.labels_, self.ax_))
        ax.tick_params(axis="y", length=0)
        ax.set(
            xlim=(0, self.duration), ylim=(max(len(self.labels_), 1) - 0.5, -0.5), xlabel="time (s)"
        )
        self._draw_legend()

    def _draw_legend(self):
        plt = import_pyplot(type(self).__name__)
        entries = {"events": plt.Rectangle((0, 0), 1, 1, **ESTIMATE)}
        if self.reference is not None:
            entries["reference"] = plt.Rectangle((0, 0), 1, 1, **REFERENCE)
        if self.score_lines_:
            entries["score (0 to 1)"] = plt.Line2D([], [], color="0.2", linewidth=0.8)
        if self.score_lines_ and self.thresholds:
            entries["threshold"] = plt.Line2D([], [], color=GREY, linestyle=":")
        self.axes_[0].legend(
            entries.values(),
            entries.keys(),
            loc="lower right",
            bbox_to_anchor=(1, 1),
            ncols=len(entries) if size_of(self.ax_)[0] > WIDE else 2,
            columnspacing=1,
            fontsize="small",
            frameon=False,
        )

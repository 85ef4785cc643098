"""Scores of recordings over time, by any fitted estimator that scores segments or clips."""

import numpy as np
from tqdm.auto import tqdm

from sk_audioevents.events._rows import check_recordings
from sk_audioevents.events._time_steps import TimedScores, score_over_time
from sk_audioevents.events._windows import (
    RESAMPLING_EDGE,
    ClipWindows,
    SegmentAxis,
    SegmentWindows,
)

SECONDS_PER_CALL = 300.0  # of sound that the estimator is given at once, or one window if longer
SEGMENT_WINDOW = 60.0  # seconds; the window of an estimator that scores segments
UNKNOWN_CONTEXT = 128  # frames; the convolutions of six blocks see 94 frames beyond a segment


class RecordingScorer:
    """Score recordings of any length, window by window.

    Parameters
    ----------
    estimator : estimator
        Fitted. If its last step has ``predict_segments``, the segments are scored, else, and where
        the whole clip is the one segment, whole windows with ``predict_proba``.
    labels : EventLabels
        Which of its classes are scored.
    window, overlap : float or None
        Length and overlap of windows, in seconds.
    overlap_pooling : {"center", "mean", "max"}
        What the score of an instant is that several segments cover.
    name : str
        Who asks, for errors.
    """

    def __init__(self, estimator, labels, *, window, overlap, overlap_pooling, name):
        self._estimator = estimator
        self._labels = labels
        self._overlap_pooling = overlap_pooling
        self._steps = _flat_steps(estimator)
        self._sample_rate = _attribute_of(self._steps, "sample_rate")
        self._scores_segments = _scores_segments(self._steps)
        if not self._scores_segments and not hasattr(estimator, "predict_proba"):
            raise TypeError(
                f"The 'estimator' parameter of {name} must have predict_proba, or a last step with "
                f"predict_segments. Got {estimator!r:.200} instead."
            )
        self._seconds_per_call = max(SECONDS_PER_CALL, window or 0.0)
        if self._scores_segments:
            axis = find_segment_axis(self._steps, name)
            self._windows = SegmentWindows(axis, window or SEGMENT_WINDOW, overlap, name)
        else:
            self._windows = ClipWindows(window, overlap, name)
        self.scores_rows = not self._scores_segments and window is None

    def row_scores(self, X):
        """Return the scores of whole rows, where these are the windows.

        Parameters
        ----------
        X : array-like
            Whatever the estimator takes.

        Returns
        -------
        scores : ndarray of shape (n_rows, n_labels)
            What ``predict_proba`` gives.
        """
        scores = self._estimator.predict_proba(X)
        if isinstance(scores, list):  # as forests and neighbours give for a multi-label y
            scores = np.column_stack([column[:, 1] for column in scores])
        return self._select(scores)

    def _select(self, scores):
        """Return the columns of the labels; a class that the estimator has not seen scores 0."""
        classes = self._labels.classes
        if scores.shape[1] < len(classes):
            known = np.searchsorted(classes, self._estimator.classes_)
            scores, of_known = np.zeros((len(scores), len(classes))), scores
            scores[:, known] = of_known
        return scores[:, self._labels.columns]

    def recordings(self, X, estimator):
        """Return the rows of X as recordings; `estimator` is whose X it is."""
        n_features = getattr(self._estimator, "n_features_in_", None)
        return check_recordings(X, estimator, self._sample_rate, n_features)

    def score(self, recordings, *, verbose=0):
        """Yield the scores of each recording over time.

        Parameters
        ----------
        recordings : FileRows or WaveformRows
            What `recordings` returned.
        verbose : int, default=0
            Whether to show a progress bar.

        Yields
        ------
        timed : TimedScores
            The scores of a row, with steps of no length where it holds no sound.
        """
        durations = [recordings.duration(row) for row in range(len(recordings))]
        plans = [self._windows.plan(duration) for duration in durations]
        progress = tqdm(total=round(sum(durations)), desc="Scoring", unit="s", disable=not verbose)
        row, waiting = 0, []
        for batch in self._batches(plans, durations):
            for (_, window), scores in zip(batch, self._window_scores(recordings.cut(batch))):
                waiting.append((window, scores))
                if len(waiting) == len(plans[row]):
                    edges, scores = self._join(waiting, durations[row])
                    edges = edges + recordings.start(row)
                    yield TimedScores(recordings.paths[row], edges[:-1], edges[1:], scores)
                    progress.update(round(durations[row]))
                    row, waiting = row + 1, []
        progress.close()

    def _batches(self, plans, durations):
        """Yield lists of (row, Window) that fit into one call of the estimator."""
        batch, seconds = [], 0.0
        for row, plan in enumerate(plans):
            for window in plan:
                end = durations[row] if window.end is None else window.end
                length = end - window.start
                if batch and seconds + length > self._seconds_per_call:
                    yield batch
                    batch, seconds = [], 0.0
                batch.append((row, window))
                seconds += length
        yield batch

    def _window_scores(self, X):
        """Return for each window its scores, of shape (n_segments, n_labels)."""
        if not self._scores_segments:
            return self.row_scores(X)[:, None, :]
        for step in self._steps[:-1]:
            X = step.transform(X)
        return [self._select(scores) for scores in self._steps[-1].predict_segments(X)]

    def _join(self, windows, duration):
        """Join the segments of a recording's windows to time steps."""
        times = [self._windows.segment_times(window, len(scores)) for window, scores in windows]
        own = [slice(window.first, window.stop) for window, _ in windows]
        starts = np.concatenate([start[mine] for (start, _), mine in zip(times, own)])
        ends = np.concatenate([end[mine] for (_, end), mine in zip(times, own)])
        scores = np.concatenate([scores[mine] for (_, scores), mine in zip(windows, own)])
        return score_over_time(starts, ends, scores, self._overlap_pooling, duration)


def find_segment_axis(steps, name):
    """Find where the segments of a pipeline lie in time.

    Parameters
    ----------
    steps : list of estimators
        Its fitted steps. One has ``sample_rate`` and ``hop_length``; a later one cuts segments
        (``segment_frames``, ``hop_frames``), or the last one does so itself (``segment_frames_``,
        ``segment_hop_frames_`` and perhaps ``context_frames_``, how far it sees beyond a segment).
    name : str
        Who asks, for errors.

    Returns
    -------
    axis : SegmentAxis
        Where segments lie.
    """
    frames = next(
        (s for s in steps if hasattr(s, "sample_rate") and hasattr(s, "hop_length")), None
    )
    if frames is None:
        raise ValueError(
            f"The 'estimator' parameter of {name} must have a step with 'sample_rate' and "
            "'hop_length', such as LogMelTransformer: without it, segments have no times. "
            f"Got {type(steps[-1]).__name__} alone."
        )
    n_fft = getattr(frames, "n_fft", frames.hop_length)
    center = 0.0 if getattr(frames, "center", True) else n_fft / 2
    axis = {
        "sample_rate": frames.sample_rate,
        "hop_length": frames.hop_length,
        "first_edge": center - frames.hop_length / 2,
    }
    frame_edge = -(-(n_fft + RESAMPLING_EDGE) // frames.hop_length)
    cutter = next((s for s in steps if hasattr(s, "hop_frames")), None)
    if cutter is not None:
        return SegmentAxis(
            **axis,
            segment_frames=cutter.segment_frames,
            segment_hop_frames=cutter.hop_frames,
            context_frames=frame_edge,
        )
    last = steps[-1]
    context = getattr(last, "context_frames_", max(last.segment_frames_, UNKNOWN_CONTEXT))
    return SegmentAxis(
        **axis,
        segment_frames=last.segment_frames_,
        segment_hop_frames=last.segment_hop_frames_,
        context_frames=context + frame_edge,
    )


def _scores_segments(steps):
    """Return whether a pipeline scores parts of a clip; the whole clip may be its one segment."""
    cuts = any(hasattr(step, "hop_frames") for step in steps)
    of_parts = cuts or getattr(steps[-1], "segment_frames_", 1) is not None
    return hasattr(steps[-1], "predict_segments") and of_parts


def _flat_steps(estimator):
    """Return the steps of a pipeline, and of pipelines within it, without those that do nothing."""
    estimator = getattr(estimator, "best_estimator_", estimator)  # of a search
    steps = getattr(estimator, "steps", None)
    if steps is None:
        return [estimator]
    return [
        inner
        for _, step in steps
        if step is not None and not isinstance(step, str)
        for inner in _flat_steps(step)
    ]


def _attribute_of(steps, name):
    return next((getattr(step, name) for step in steps if hasattr(step, name)), None)

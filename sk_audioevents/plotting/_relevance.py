"""Which part of a sound decided: its relevance over its spectrogram."""

from numbers import Integral

import numpy as np

from sk_audioevents.plotting._frequency import draw_bands
from sk_audioevents.plotting._panels import (
    check_axes,
    check_one_of,
    colorbar_beside,
    import_pyplot,
    stack_panels,
)
from sk_audioevents.plotting._recording import check_recording
from sk_audioevents.plotting._style import BLUE, LEVELS, VERMILION, short

SIGNED = "RdBu_r"  # red for, blue against, white for nothing; light to dark in print
FAINT = "Greys"
CLEAREST = 99.5  # percentile of the absolute relevance that has the full colour


class RelevanceDisplay:
    """Show which part of a sound spoke for a class, and which against it.

    From the top: the frames that the network got; their relevance, red for the class and blue
    against it, over the same in grey; the relevance of each frame, summed over its bands; and the
    scores of the segments, darker the more they count in the explained score.

    Parameters
    ----------
    relevance : ndarray of shape (n_frames, n_bands)
        The relevance of each frame and band.
    frames : ndarray of shape (n_frames, n_bands)
        The frames, such as levels in decibels.
    times : ndarray of shape (n_frames,)
        The centres of the frames, in seconds, equally spaced.
    frequencies : ndarray of shape (n_bands,), default=None
        The centres of the bands, in hertz. None is for bands without a frequency (MFCCs).
    segment_times : ndarray of shape (n_segments, 2), default=None
        Start and end of each segment, in seconds. None draws no segments.
    segment_scores : ndarray of shape (n_segments,), default=None
        The logit of the class in each segment: above 0, it is more probable than not.
    segment_weights : ndarray of shape (n_segments,), default=None
        How much each segment counts in the explained score, 0 to 1. None is 1 each.
    title : str, default=None
        What is explained. None has no title.

    Attributes
    ----------
    frames_mesh_ : QuadMesh
        The frames.
    relevance_mesh_ : QuadMesh
        The relevance.
    marginal_line_ : Line2D
        The relevance of each frame.
    segment_lines_ : LineCollection or None
        The scores of the segments.
    axes_ : list of Axes
        The panels, from the top.
    ax_ : Axes
        The axes that hold the panels.
    figure_ : Figure
        The figure.

    See Also
    --------
    sk_audioevents.explain.explain_lrp : Computes relevance.
    sk_audioevents.explain.relevant_audio : Makes it audible.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_audioevents.plotting import RelevanceDisplay
    >>> relevance = np.outer([0.0, 2.0, -1.0], [0.5, 0.25])
    >>> display = RelevanceDisplay(relevance, np.ones((3, 2)), np.arange(3) * 0.01).plot()
    >>> display.marginal_line_.get_ydata().tolist()
    [0.0, 1.5, -0.75]
    """

    def __init__(
        self,
        relevance,
        frames,
        times,
        *,
        frequencies=None,
        segment_times=None,
        segment_scores=None,
        segment_weights=None,
        title=None,
    ):
        self.relevance = relevance
        self.frames = frames
        self.times = times
        self.frequencies = frequencies
        self.segment_times = segment_times
        self.segment_scores = segment_scores
        self.segment_weights = segment_weights
        self.title = title

    def plot(self, *, ax=None):
        """Draw the panels.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw: its place is divided into panels. None is a new figure.

        Returns
        -------
        display : RelevanceDisplay
            The display itself.

        Raises
        ------
        ValueError
            If shapes do not fit each other.
        """
        caller = f"{type(self).__name__}.plot"
        import_pyplot(caller)
        self._check_shapes(caller)
        heights = [2, 2, 1] if self.segment_times is None else [2, 2, 1, 1]
        self.ax_ = check_axes(ax, caller, (8, 0.8 + 1.0 * sum(heights)))
        self.figure_ = self.ax_.figure
        self.axes_ = stack_panels(self.ax_, heights)
        self._draw_frames(self.axes_[0])
        self._draw_relevance(self.axes_[1])
        self._draw_marginal(self.axes_[2])
        self.segment_lines_ = None
        if self.segment_times is not None:
            self.segment_lines_ = self._draw_segments(self.axes_[3])
        half_step = 0.5 * np.median(np.diff(self.times)) if len(self.times) > 1 else 0.5
        self.axes_[0].set_xlim(self.times[0] - half_step, self.times[-1] + half_step)
        self.axes_[-1].set_xlabel("time (s)")
        if self.title is not None:
            self.axes_[0].set_title(self.title, fontsize="medium")
        return self

    @classmethod
    def from_estimator(
        cls,
        estimator,
        recording,
        *,
        target=None,
        method="lrp",
        label=None,
        ax=None,
        **parameters,
    ):
        """Explain what a pipeline says of a recording, and draw it.

        The title tells the class with its score and probability and, where another class is more
        probable, that class.

        Parameters
        ----------
        estimator : Pipeline
            A fitted pipeline from a transformer of recordings to a
            `~sk_audioevents.VGGEventClassifier`.
        recording : str, PathLike or ndarray of shape (n_samples,)
            The recording: a file, or a waveform at the sample rate of the pipeline.
        target : label or int, default=None
            The class to explain, as for `~sk_audioevents.explain.explain_lrp`. None is the class
            that is most probable.
        method : {"lrp", "gradient_times_input", "integrated_gradients", "grad_cam"}, \
                default="lrp"
            How it is explained, by a function of `sk_audioevents.explain`.
        label : str, default=None
            What the title calls the class. None is its label.
        ax : matplotlib Axes, default=None
            Where to draw. None is a new figure.
        **parameters : dict
            Other parameters of that function, such as ``rule``.

        Returns
        -------
        display : RelevanceDisplay
            The display.
        """
        caller = f"{cls.__name__}.from_estimator"
        import_pyplot(caller)
        from sk_audioevents import explain  # takes torch, which no other display needs

        methods = {
            "lrp": explain.explain_lrp,
            "gradient_times_input": explain.gradient_times_input,
            "integrated_gradients": explain.integrated_gradients,
            "grad_cam": explain.grad_cam,
        }
        check_one_of(method, "method", methods, caller)
        check_recording(recording, caller)
        relevance = methods[method](estimator, [recording], target=target, **parameters)
        display = cls._of_clip(relevance, 0, 0, label, caller)
        explained = np.ravel(relevance.target[0])[0]
        probabilities = estimator.predict_proba([recording])[0]
        display.title += _how_probable(explained, estimator.classes_, probabilities)
        return display.plot(ax=ax)

    @classmethod
    def from_relevance(cls, relevance, *, clip=0, target=0, label=None, ax=None):
        """Draw the relevance of one of the explained recordings.

        Parameters
        ----------
        relevance : RecordingRelevance
            What `~sk_audioevents.explain.explain_lrp` returned for a pipeline.
        clip : int, default=0
            Which recording, counted from 0.
        target : int, default=0
            Which of the explained classes of the recording, counted from 0, where there are
            several.
        label : str, default=None
            What the title calls the class. None is its label.
        ax : matplotlib Axes, default=None
            Where to draw. None is a new figure.

        Returns
        -------
        display : RelevanceDisplay
            The display.

        Raises
        ------
        TypeError
            If the relevance is not that of recordings.
        IndexError
            If there is no such recording or target.
        """
        caller = f"{cls.__name__}.from_relevance"
        import_pyplot(caller)
        return cls._of_clip(relevance, clip, target, label, caller).plot(ax=ax)

    @classmethod
    def _of_clip(cls, relevance, clip, target, label, caller):
        """Return the display of one clip and target of `from_relevance`, not drawn yet."""
        if not hasattr(relevance, "segment_times"):
            raise TypeError(
                f"The 'relevance' parameter of {caller} must be a RecordingRelevance. Got "
                f"{type(relevance).__name__}: explain a pipeline, so that frames have times."
            )
        several = relevance.score.ndim == 2
        n_clips, n_targets = relevance.score.shape if several else (len(relevance.score), 1)
        _check_index(clip, "clip", n_clips, caller)
        _check_index(target, "target", n_targets, caller)

        def of_clip(values):
            return values[clip][target] if several else values[clip]

        label = of_clip(relevance.target) if label is None else label
        return cls(
            of_clip(relevance.relevance),
            relevance.frames[clip],
            relevance.times[clip],
            frequencies=relevance.frequencies,
            segment_times=relevance.segment_times[clip],
            segment_scores=of_clip(relevance.segment_scores),
            segment_weights=of_clip(relevance.segment_weights),
            title=f"{short(label)}: explained score {of_clip(relevance.score):.2f}",
        )

    def _check_shapes(self, caller):
        n_frames, n_bands = np.shape(self.frames)
        if (
            np.shape(self.relevance) != (n_frames, n_bands)
            or np.shape(self.times) != (n_frames,)
            or (self.frequencies is not None and np.shape(self.frequencies) != (n_bands,))
        ):
            raise ValueError(
                f"The parameters of {caller} must be frames and relevance of one shape (n_frames, "
                "n_bands), a time for each frame and a frequency for each band. Got "
                f"{np.shape(self.frames)}, {np.shape(self.relevance)}, {np.shape(self.times)} and "
                f"{None if self.frequencies is None else np.shape(self.frequencies)}."
            )

    def _draw_frames(self, ax):
        self.frames_mesh_ = draw_bands(ax, self.frames, self.times, self.frequencies, cmap=LEVELS)
        unit = "coefficient" if self.frequencies is None else "level (dB)"
        colorbar_beside(ax, self.frames_mesh_, unit)

    def _draw_relevance(self, ax):
        """Draw the relevance in colours that are the clearer the larger it is."""
        draw_bands(ax, self.frames, self.times, self.frequencies, cmap=FAINT, alpha=0.35)
        size = np.abs(self.relevance)
        full = float(np.percentile(size, CLEAREST)) or float(size.max()) or 1.0
        self.relevance_mesh_ = draw_bands(
            ax,
            self.relevance,
            self.times,
            self.frequencies,
            cmap=SIGNED,
            vmin=-full,
            vmax=full,
            alpha=np.minimum(size.T / full, 1.0),
        )
        label = "relevance\n← against   for →"
        colorbar_beside(ax, self.relevance_mesh_, label, extend="both")

    def _draw_marginal(self, ax):
        marginal = np.asarray(self.relevance, dtype=np.float64).sum(axis=1)
        (self.marginal_line_,) = ax.plot(self.times, marginal, color="black", linewidth=0.8)
        for sign, color, hatch in ((1, VERMILION, None), (-1, BLUE, "////")):
            ax.fill_between(
                self.times,
                np.maximum(sign * marginal, 0) * sign,
                facecolor=color if hatch is None else "white",
                edgecolor=color,
                linewidth=0,
                hatch=hatch,
            )
        ax.axhline(0, color="black", linewidth=0.5)
        ax.set_ylabel("sum over\nbands")

    def _draw_segments(self, ax):
        n_segments = len(self.segment_times)
        weights = np.ones(n_segments) if self.segment_weights is None else self.segment_weights
        starts, ends = np.transpose(self.segment_times)
        shades = 0.15 + 0.85 * np.asarray(weights, dtype=float) / max(np.max(weights), 1e-12)
        lines = ax.hlines(
            self.segment_scores, starts, ends, color="black", linewidth=3, alpha=shades
        )
        ax.axhline(0, color="black", linewidth=0.5, linestyle=":")
        ax.margins(y=0.15)
        ax.set_ylabel("segment\nlogit")
        return lines


def _how_probable(explained, classes, probabilities):
    """Return what a title says of the probability of a class, and of one that is more probable."""
    probability = probabilities[np.flatnonzero(classes == explained)[0]]
    text = f", probability {probability:.2f}"
    best = probabilities.argmax()
    if probabilities[best] > probability:
        text += f"; most probable is {short(classes[best])}, {probabilities[best]:.2f}"
    return text


def _check_index(index, name, n_items, caller):
    if not isinstance(index, Integral) or not -n_items <= index < n_items:
        raise IndexError(
            f"The {name!r} parameter of {caller} must be an int from 0 to {n_items - 1}. "
            f"Got {index!r} instead."
        )

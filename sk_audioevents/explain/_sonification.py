"""The relevant part of a recording, as sound."""

from numbers import Real

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.signal import ShortTimeFFT, get_window
from sklearn.pipeline import Pipeline

from sk_audioevents._base import Interval, validate_params
from sk_audioevents._validation import check_clips, object_array
from sk_audioevents.audio import load_audio
from sk_audioevents.explain._recordings import feature_step, pipeline_steps
from sk_audioevents.explain._relevance import RecordingRelevance

WINDOW = 0.04  # seconds; a compromise between clicks and hum


@validate_params(
    {
        "pipeline": [Pipeline],
        "relevance": [RecordingRelevance],
        "share": [Interval(Real, 0, 1, closed="right")],
        "smoothing": [Interval(Real, 0, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def relevant_audio(pipeline, X, relevance, *, share=0.8, smoothing=1.0):
    """Keep the part of each recording that speaks for the explained class, to listen to.

    Those instants and frequencies are kept that hold a given share of the positive relevance, and
    no more of them than it takes; all else is taken out of the recording's own short-time spectrum.

    Parameters
    ----------
    pipeline : Pipeline
        The pipeline whose prediction was explained.
    X : list, array, Series or DataFrame
        The recordings that were explained: paths, waveforms, or a table of paths and windows.
    relevance : RecordingRelevance
        What `explain_lrp`, or a function like it, gave for them, with one class a clip.
    share : float, default=0.8
        How much of the positive relevance is kept, above 0, at most 1.
    smoothing : float, default=1.0
        Standard deviation of the Gaussian, in frames and bands, that relevance is smoothed by
        before; 0 is none. With less, the sound gets more watery.

    Returns
    -------
    waveforms : object array of shape (n_clips,)
        The sounds, float32, as long as the recordings and at the sample rate of the pipeline's
        first step. Silence where nothing speaks for the class.

    Raises
    ------
    ValueError
        If X is not what was explained, or bands have no frequency.

    See Also
    --------
    explain_lrp : Gives the relevance.

    Examples
    --------
    >>> from sk_audioevents import LogMelTransformer, VGGEventClassifier
    >>> from sk_audioevents.datasets import make_sound_events
    >>> from sk_audioevents.explain import explain_lrp, relevant_audio
    >>> from sklearn.pipeline import make_pipeline
    >>> data = make_sound_events(n_clips=8, n_classes=2, duration=1.0, random_state=0)
    >>> tiny = VGGEventClassifier(channels=(4, 8), embedding_dim=8, max_epochs=3, random_state=0)
    >>> model = make_pipeline(LogMelTransformer(sample_rate=22050, n_mels=40), tiny)
    >>> result = explain_lrp(model.fit(data.waveforms, data.target), data.waveforms)
    >>> relevant_audio(model, data.waveforms, result)[0].shape
    (22050,)
    """
    *transformers, classifier = pipeline_steps(pipeline)
    features = feature_step(transformers, classifier)
    if relevance.frequencies is None:
        raise ValueError(
            "relevant_audio needs bands with frequencies, which MFCCs have not: train a pipeline "
            "that begins with a LogMelTransformer."
        )
    if relevance.score.ndim == 2:
        raise ValueError(
            "relevant_audio needs one explained class a clip. Got several: explain them one by one."
        )
    waveforms = _read(X, features)
    if len(waveforms) != len(relevance.relevance):
        raise ValueError(
            f"The X of relevant_audio must be what was explained: {len(relevance.relevance)} "
            f"clips. Got {len(waveforms)}."
        )
    maps = zip(waveforms, relevance.relevance, relevance.times)
    spectrum = _Spectrum(features.sample_rate)
    return object_array(
        [
            spectrum.masked(waveform, times, relevance.frequencies, _most(cells, share, smoothing))
            for waveform, cells, times in maps
        ]
    )


def _read(X, features):
    kind, clips = check_clips(X, features, reset=False)
    if kind != "files":
        return clips
    return [
        load_audio(
            clip.path,
            sample_rate=features.sample_rate,
            start_time=clip.start_time,
            end_time=clip.end_time,
        )[0]
        for clip in clips
    ]


def _most(cells, share, smoothing):
    """Return which cells are the fewest that hold a share of the positive relevance."""
    positive = gaussian_filter(cells.astype(np.float64), smoothing).clip(min=0)
    order = np.argsort(-positive, axis=None, kind="stable")
    before = np.cumsum(positive.flat[order]) - positive.flat[order]
    kept = np.zeros(positive.size, dtype=bool)
    kept[order] = (before < share * positive.sum()) & (positive.flat[order] > 0)
    return kept.reshape(positive.shape)


class _Spectrum:
    """Short-time spectra at a sample rate, from which parts can be taken out."""

    def __init__(self, sample_rate):
        quarter = max(1, round(WINDOW * sample_rate / 4))
        window = get_window("hann", 4 * quarter)
        self.transform = ShortTimeFFT(window, hop=quarter, fs=sample_rate)

    def masked(self, waveform, times, frequencies, kept):
        """Return the waveform with nothing but the kept cells (n_times, n_frequencies)."""
        n_samples = max(len(waveform), self.transform.m_num)
        padded = np.zeros(n_samples)
        padded[: len(waveform)] = waveform
        middles = (times[:-1] + times[1:]) / 2
        frame = np.searchsorted(middles, self.transform.t(n_samples))
        gains = np.array([np.interp(self.transform.f, frequencies, row) for row in kept * 1.0])
        spectrum = self.transform.stft(padded) * gains[frame].T
        return self.transform.istft(spectrum, k1=n_samples)[: len(waveform)].astype(np.float32)

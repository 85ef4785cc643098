"""What an explanation is: relevance of each frame and band, and the score that it adds up to."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True, eq=False)
class Relevance:
    """How much each frame and band of clips speaks for a class.

    Relevance adds up to the explained score: for clip i, ``relevance[i].sum() + bias_relevance[i]``
    is ``score[i]``, to within rounding. Where several classes of each clip are explained, arrays
    have an axis ``n_targets`` after that of the clips.

    Parameters
    ----------
    relevance : ndarray of shape (n_clips, [n_targets,] n_frames, n_bands) or (n_clips,)
        Positive values speak for the class, negative ones against it. As X: for bags, the maps are
        (n_segments, n_frames, n_bands); for a ragged X, an object array of maps. In the precision
        of the network.
    target : ndarray of shape (n_clips,) or (n_clips, n_targets)
        The explained classes.
    score : ndarray of shape (n_clips,) or (n_clips, n_targets)
        The explained scores: weighted means of segment logits. float64.
    bias_relevance : ndarray of shape (n_clips,) or (n_clips, n_targets)
        The part of the score that no frame and band accounts for. float64.
    segment_scores : object array of shape (n_clips,)
        The logits of the class in each segment, arrays of shape ([n_targets,] n_segments).
    segment_weights : object array of shape (n_clips,)
        How much each of them counts in the score: they sum to 1.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_audioevents import VGGEventClassifier
    >>> from sk_audioevents.explain import explain_lrp
    >>> X, y = np.random.default_rng(0).normal(size=(6, 20, 8)), ["owl", "frog"] * 3
    >>> tiny = VGGEventClassifier(channels=(4, 8), embedding_dim=8, max_epochs=3, random_state=0)
    >>> result = explain_lrp(tiny.fit(X, y), X)
    >>> result.relevance.shape
    (6, 20, 8)
    >>> bool(np.allclose(result.relevance.sum(axis=(1, 2)) + result.bias_relevance, result.score))
    True
    """

    relevance: np.ndarray
    target: np.ndarray
    score: np.ndarray
    bias_relevance: np.ndarray
    segment_scores: np.ndarray
    segment_weights: np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False)
class RecordingRelevance(Relevance):
    """How much each instant and frequency of recordings speaks for a class.

    Where segments overlap, their relevance is added up, so that for recording i
    ``relevance[i].sum() + padding_relevance[i] + bias_relevance[i]`` is ``score[i]``, to within
    rounding.

    Parameters
    ----------
    relevance : object array of shape (n_clips,)
        Maps of shape ([n_targets,] n_frames, n_bands), over the frames of the recording.
    target : ndarray of shape (n_clips,) or (n_clips, n_targets)
        The explained classes.
    score : ndarray of shape (n_clips,) or (n_clips, n_targets)
        The explained scores: weighted means of segment logits. float64.
    bias_relevance : ndarray of shape (n_clips,) or (n_clips, n_targets)
        The part of the score that no frame and band accounts for. float64.
    segment_scores : object array of shape (n_clips,)
        The logits of the class in each segment, arrays of shape ([n_targets,] n_segments).
    segment_weights : object array of shape (n_clips,)
        How much each of them counts in the score: they sum to 1.
    padding_relevance : ndarray of shape (n_clips,) or (n_clips, n_targets)
        The relevance of frames that a `SLATSegmenter` has added after the end of the recording.
    frames : object array of shape (n_clips,)
        The frames of each recording, (n_frames, n_bands), as the first step gives them.
    times : object array of shape (n_clips,)
        The centres of the frames, in seconds from the start of the recording or its window.
    frequencies : ndarray of shape (n_bands,) or None
        The centres of the bands, in hertz; None where bands have no frequency (MFCCs).
    segment_times : object array of shape (n_clips,)
        Start and end of each segment, in seconds, arrays of shape (n_segments, 2). The last may
        reach beyond the end of the recording.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from sk_audioevents import LogMelTransformer, VGGEventClassifier
    >>> from sk_audioevents.explain import explain_lrp
    >>> X, y = np.random.default_rng(0).normal(size=(6, 8000)), ["owl", "frog"] * 3
    >>> tiny = VGGEventClassifier(channels=(4, 8), embedding_dim=8, max_epochs=1, random_state=0)
    >>> model = make_pipeline(LogMelTransformer(sample_rate=8000, n_mels=20), tiny).fit(X, y)
    >>> result = explain_lrp(model, list(X[:1]))
    >>> result.relevance[0].shape, result.times[0].shape, result.frequencies.shape
    ((16, 20), (16,), (20,))
    """

    padding_relevance: np.ndarray
    frames: np.ndarray
    times: np.ndarray
    frequencies: np.ndarray | None
    segment_times: np.ndarray

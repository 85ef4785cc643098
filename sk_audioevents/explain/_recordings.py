"""From maps of frames or bags to maps of recordings, in seconds and hertz."""

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sk_audioevents._time import samples_to_seconds
from sk_audioevents._validation import object_array
from sk_audioevents.explain._clips import explain_clips
from sk_audioevents.explain._relevance import RecordingRelevance
from sk_audioevents.features import LogMelTransformer, MFCCTransformer
from sk_audioevents.features._mel_bank import mel_corners
from sk_audioevents.segments import SLATSegmenter


def explain(estimator, X, method, target, output, segment):
    """Explain clips or recordings: see `explain_clips` for the parameters.

    Parameters
    ----------
    estimator : VGGEventClassifier or Pipeline
        The fitted estimator.
    X, method, target, output, segment
        As for `explain_clips`.

    Returns
    -------
    relevance : Relevance or RecordingRelevance
        The maps.
    """
    if not isinstance(estimator, Pipeline):
        return explain_clips(estimator, X, method, target, output, segment)
    *transformers, classifier = pipeline_steps(estimator)
    check_is_fitted(classifier)
    features = feature_step(transformers, classifier)
    frames, clips, cutter = _transform(transformers, X)
    maps = explain_clips(classifier, clips, method, target, output, segment)
    return _Placement(features, cutter, classifier).place(maps, frames)


def pipeline_steps(pipeline):
    """Return the steps of a pipeline and of those within it, without those that do nothing."""
    steps = []
    for _, step in pipeline.steps:
        if isinstance(step, Pipeline):
            steps += pipeline_steps(step)
        elif step is not None and step != "passthrough":
            steps.append(step)
    return steps


def feature_step(transformers, classifier):
    """Return the first step, which must be one that knows the time of its frames."""
    if not transformers or not isinstance(transformers[0], (LogMelTransformer, MFCCTransformer)):
        first = type((*transformers, classifier)[0]).__name__
        raise TypeError(
            "A pipeline that is explained must begin with a LogMelTransformer or MFCCTransformer, "
            f"so that frames have times. Got {first}: pass the classifier and its frames instead."
        )
    return transformers[0]


def _transform(transformers, X):
    """Return the frames of the first step, what the classifier gets, and the segmenter if any."""
    frames = clips = transformers[0].transform(X)
    cutter = None
    for step in transformers[1:]:
        before, clips = clips, step.transform(clips)
        if isinstance(step, SLATSegmenter):
            cutter = step
        elif [np.shape(clip) for clip in clips] != [np.shape(clip) for clip in before]:
            raise ValueError(
                f"The step {type(step).__name__} changes the shape of frames, so that relevance "
                "has no place in the recording. Only a SLATSegmenter may; pass the classifier and "
                "what it gets instead."
            )
    return frames, clips, cutter


class _Placement:
    """Where frames, bands and segments lie in a recording."""

    def __init__(self, features, cutter, classifier):
        self.features = features
        self.cutter = cutter
        self.output_frames = classifier.segment_frames_
        self.output_hop_frames = classifier.segment_hop_frames_

    def place(self, maps, frames):
        """Return the `RecordingRelevance` of the maps of clips or bags."""
        several = maps.score.ndim == 2
        placed, padding = [], []
        for clip_map, clip in zip(maps.relevance, frames):
            per_target = clip_map if several else clip_map[None]
            if self.cutter is not None:
                per_target, beyond = self._overlap_add(per_target, len(clip))
            else:
                beyond = np.zeros(len(per_target))
            placed.append(per_target if several else per_target[0])
            padding.append(beyond if several else beyond[0])
        n_outputs = [scores.shape[-1] for scores in maps.segment_scores]
        return RecordingRelevance(
            **{**vars(maps), "relevance": object_array(placed)},
            padding_relevance=np.array(padding),
            frames=object_array([np.asarray(clip) for clip in frames]),
            times=object_array([self._times(len(clip)) for clip in frames]),
            frequencies=band_frequencies(self.features),
            segment_times=object_array([self._segment_times(n) for n in n_outputs]),
        )

    def _overlap_add(self, bags, n_frames):
        """Add up the relevance of each frame over its segments.

        From (n_targets, n_segments, segment_frames, n_bands) to (n_targets, n_frames, n_bands) and
        what lies beyond the last frame, (n_targets,).
        """
        n_targets, n_segments, segment_frames, n_bands = bags.shape
        hop = self.cutter.hop_frames
        n_padded = max(n_frames, (n_segments - 1) * hop + segment_frames)
        total = np.zeros((n_targets, n_padded, n_bands))
        for k in range(n_segments):
            total[:, k * hop : k * hop + segment_frames] += bags[:, k]
        return total[:, :n_frames].astype(bags.dtype), total[:, n_frames:].sum(axis=(1, 2))

    def _times(self, n_frames):
        features = self.features
        first = 0 if features.center else features.n_fft / 2
        return samples_to_seconds(
            first + np.arange(n_frames) * features.hop_length, features.sample_rate
        )

    def _segment_times(self, n_outputs):
        """Return start and end of each segment output, in seconds."""
        hop = samples_to_seconds(self.features.hop_length, self.features.sample_rate)
        first, n_frames = np.arange(n_outputs) * self.output_hop_frames, self.output_frames
        if self.cutter is not None:  # a segment of a bag has one output or several
            n_frames = min(n_frames, self.cutter.segment_frames)
            n_parts = max(1, -(-self.cutter.segment_frames // self.output_hop_frames) - 1)
            k, part = np.divmod(np.arange(n_outputs), n_parts)
            first = k * self.cutter.hop_frames + part * self.output_hop_frames
        starts = self._times(1)[0] + (first - 0.5) * hop
        return np.column_stack([starts, starts + n_frames * hop])


def band_frequencies(features):
    """Return the centres of mel bands, in hertz; None for cepstral coefficients."""
    if not isinstance(features, LogMelTransformer):
        return None
    fmax = features.sample_rate / 2 if features.fmax is None else features.fmax
    return mel_corners(features.n_mels, features.fmin, fmax, features.htk)[1:-1]

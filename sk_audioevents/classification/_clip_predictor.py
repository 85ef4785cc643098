"""What a fitted classifier says of clips: labels, probabilities, scores, embeddings."""

import numpy as np
import torch
from scipy.special import softmax
from sklearn.utils.validation import check_is_fitted

from sk_audioevents._validation import object_array
from sk_audioevents.classification._batches import PREDICTION_BATCH, ExampleSet
from sk_audioevents.classification._prediction import (
    clip_embeddings,
    pooled_scores,
    segment_scores,
)
from sk_audioevents.classification._training import torch_threads


class ClipPredictor:
    """The methods of a fitted classifier, which has a ``net_`` and knows its labels.

    A subclass has the parameters ``batch_size`` and ``n_jobs``, the fitted attributes ``net_``,
    ``_labels`` and ``_n_features_out``, and implements ``_check_clips(X, reset)``.
    """

    def predict(self, X):
        """Predict the labels of clips.

        Parameters
        ----------
        X : array, list or table of n_clips clips
            The clips, as for ``fit``.

        Returns
        -------
        y : ndarray of shape (n_clips,) or (n_clips, n_classes)
            The most probable label; for a multi-label problem 1 where the probability is above 0.5.
        """
        scores = self.decision_function(X)
        return self._labels.decode(scores)

    def predict_proba(self, X):
        """Predict the probability of each class.

        Parameters
        ----------
        X : array, list or table of n_clips clips
            The clips, as for ``fit``.

        Returns
        -------
        probabilities : ndarray of shape (n_clips, n_classes)
            float64. Rows sum to 1, but for a multi-label problem, where each column is a
            probability of its own.
        """
        return clip_probabilities(self._clip_scores(X), self._labels)

    def decision_function(self, X):
        """Compute the score of each class.

        Parameters
        ----------
        X : array, list or table of n_clips clips
            The clips, as for ``fit``.

        Returns
        -------
        scores : ndarray of shape (n_clips,) or (n_clips, n_classes)
            float64. The log odds, log p - log(1 - p), of the clip's pooled probability; of the
            second class in a binary problem. With ``loss="cross_entropy"`` and more than two
            classes, log p.
        """
        scores = self._clip_scores(X)
        if scores.log_absent is None:
            return scores.log_present.numpy()
        log_odds = (scores.log_present - scores.log_absent).numpy()
        return log_odds[:, 0] if self._labels.binary else log_odds

    def predict_segments(self, X):
        """Predict the probability of each class in each segment of a clip.

        For frames, segment k covers the ``segment_frames_`` frames from frame
        ``k * segment_hop_frames_`` on; for bags, it is the k-th segment of the bag.

        Parameters
        ----------
        X : array, list or table of n_clips clips
            The clips, as for ``fit``.

        Returns
        -------
        probabilities : ndarray of shape (n_clips, n_segments, n_classes) or (n_clips,)
            float64. If X is ragged, a 1-D object array of arrays (n_segments, n_classes). With
            "bce" and "focal", classes of a multi-class problem are not normalised to sum to 1: in a
            segment without any of the events, all are small.
        """
        examples = self._examples_of(X)
        with torch_threads(self.n_jobs):
            scores, counts = segment_scores(
                self.net_.module_, examples, self._prediction_batch_size
            )
        probabilities = (
            _both_classes(scores) if self._labels.binary else np.exp(scores.log_present.numpy())
        )
        per_segment = np.split(probabilities, np.cumsum(counts)[:-1])
        is_uniform = isinstance(examples.clips, np.ndarray)
        return np.stack(per_segment) if is_uniform else object_array(per_segment)

    def transform(self, X):
        """Compute the embedding of each clip: what the network makes of it before the classes.

        Parameters
        ----------
        X : array, list or table of n_clips clips
            The clips, as for ``fit``.

        Returns
        -------
        embeddings : ndarray of shape (n_clips, embedding_dim)
            The mean over the segments of a clip, in the precision of the network.
        """
        examples = self._examples_of(X)
        with torch_threads(self.n_jobs):
            return clip_embeddings(
                self.net_.module_, examples, self._prediction_batch_size, self._n_features_out
            )

    @property
    def _prediction_batch_size(self):
        return PREDICTION_BATCH if self.batch_size == "auto" else self.batch_size

    def _clip_scores(self, X):
        """Return the pooled ClipScores (n_clips, n_outputs) of all clips."""
        examples = self._examples_of(X)
        with torch_threads(self.n_jobs):
            return pooled_scores(self.net_.module_, examples, self._prediction_batch_size)

    def _examples_of(self, X):
        check_is_fitted(self)
        return ExampleSet(self._check_clips(X, reset=False))


def clip_probabilities(scores, labels):
    """Return the probabilities of the classes in clips.

    Parameters
    ----------
    scores : ClipScores of shape (n_clips, n_outputs)
        Log probabilities of the outputs.
    labels : LabelCoder
        What the outputs mean.

    Returns
    -------
    probabilities : ndarray of shape (n_clips, n_classes)
        As `ClipPredictor.predict_proba` returns them.
    """
    if labels.multilabel:
        return np.exp(scores.log_present.numpy())
    if labels.binary:
        return _both_classes(scores)
    return softmax(scores.log_present.numpy(), axis=1)


def _both_classes(scores):
    """Return probabilities (n, 2) from those of the second class."""
    return np.exp(torch.cat([scores.log_absent, scores.log_present], dim=-1).numpy())

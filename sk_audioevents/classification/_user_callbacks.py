"""What a user asks to be done in each epoch: callbacks of skorch, and metrics by their names."""

import numpy as np

from sk_audioevents.classification._callbacks import ClipMetrics
from sk_audioevents.metrics import CLIP_METRICS


def user_callbacks(callbacks, validation, labels, predict, name):
    """Return the callbacks of a user as skorch callbacks; metrics by name become one.

    Parameters
    ----------
    callbacks : list or None
        Callbacks of skorch and names of metrics.
    validation : ExampleSet or None
        The held-out clips that the metrics are of.
    labels : LabelCoder
        What the targets mean.
    predict : callable
        Returns the probabilities of the held-out clips (n_clips, n_classes), given the net.
    name : str
        The estimator that errors speak of.

    Returns
    -------
    callbacks : list of skorch callbacks
        The callbacks.

    Raises
    ------
    ValueError
        If a name is no metric's, or there are no held-out clips for it.
    """
    chosen, metrics = [], {}
    for callback in callbacks or []:
        if not isinstance(callback, str):
            chosen.append(callback)
        elif callback not in CLIP_METRICS:
            raise ValueError(
                f"A name in the 'callbacks' parameter of {name} must be one of "
                f"{sorted(CLIP_METRICS)}. Got {callback!r} instead."
            )
        elif validation is None:
            raise ValueError(
                f"The metric {callback!r} in the 'callbacks' parameter of {name} needs "
                "held-out clips: pass early_stopping=True or 'validation_data' to fit."
            )
        else:
            metrics[callback] = CLIP_METRICS[callback]
    if metrics:
        chosen.append(ClipMetrics(metrics, _metric_targets(validation, labels), predict))
    return chosen


def _metric_targets(validation, labels):
    """Return an indicator (n_clips, n_classes), or the column of each clip's class."""
    _, first = np.unique(validation.clip_of, return_index=True)
    targets = validation.targets[first]
    if labels.binary:
        return targets[:, 0].astype(int)
    return targets if labels.multilabel else targets.argmax(axis=1)

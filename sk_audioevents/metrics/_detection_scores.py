"""From counts of hits, misses and false alarms to precision, recall, F1 and error rates."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.exceptions import UndefinedMetricWarning


@dataclass(frozen=True, slots=True)
class DetectionCounts:
    """What was to be found and what was, of each class.

    Attributes
    ----------
    labels : list of length n_classes
        The labels.
    n_true, n_pred : ndarray of int64 of shape (n_classes,)
        Number of items in the truth and in the predictions.
    n_hits : ndarray of int64 of shape (n_classes,)
        Items of the truth that were found.
    n_false : ndarray of int64 of shape (n_classes,)
        Items of the predictions that are not in the truth.
    n_substitutions : int, default=0
        Misses and false alarms, of different classes, that are one error together.
    """

    labels: list
    n_true: np.ndarray
    n_pred: np.ndarray
    n_hits: np.ndarray
    n_false: np.ndarray
    n_substitutions: int = 0


def detection_report(counts, *, error_rates):
    """Return the table of the scores of each class, NaN for a class that the truth has not."""
    n_true = np.where(counts.n_true > 0, counts.n_true, np.nan)
    n_missed = counts.n_true - counts.n_hits
    precision, recall, f1 = _rates(n_true, counts.n_hits, counts.n_false)
    columns = {
        "n_true": counts.n_true,
        "n_pred": counts.n_pred,
        "n_hits": counts.n_hits,
        "precision": precision,
        "recall": recall,
        "f1": f1,
    }
    if error_rates:
        columns |= {
            "error_rate": (n_missed + counts.n_false) / n_true,
            "deletion_rate": n_missed / n_true,
            "insertion_rate": counts.n_false / n_true,
        }
    return pd.DataFrame(columns, index=pd.Index(counts.labels, name="label"))


def detection_scores(counts, *, name, error_rates):
    """Return the scores of all classes as one, and the means over those that the truth has."""
    scored = counts.n_true > 0
    if not scored.any():
        warnings.warn(
            f"No events in 'y_true': the scores of {name} are NaN.",
            UndefinedMetricWarning,
            stacklevel=4,
        )
    n_true = float(counts.n_true.sum()) or np.nan
    n_hits, n_false = int(counts.n_hits.sum()), int(counts.n_false.sum())
    micro = _rates(n_true, n_hits, n_false)
    of_classes = _rates(counts.n_true[scored], counts.n_hits[scored], counts.n_false[scored])
    macro = [values.mean() if scored.any() else np.nan for values in of_classes]
    scores = {
        f"{score}_{average}": float(value)
        for average, values in {"micro": micro, "macro": macro}.items()
        for score, value in zip(("precision", "recall", "f1"), values)
    }
    if error_rates:
        n_deletions = counts.n_true.sum() - n_hits - counts.n_substitutions
        n_insertions = n_false - counts.n_substitutions
        errors = counts.n_substitutions + n_deletions + n_insertions
        scores |= {
            "error_rate": float(errors / n_true),
            "substitution_rate": float(counts.n_substitutions / n_true),
            "deletion_rate": float(n_deletions / n_true),
            "insertion_rate": float(n_insertions / n_true),
        }
    return scores | {
        "n_true": int(counts.n_true.sum()),
        "n_pred": int(counts.n_pred.sum()),
        "n_classes": len(counts.labels),
        "n_scored_classes": int(scored.sum()),
    }


def _rates(n_true, n_hits, n_false):
    """Return precision, recall and F1; NaN where n_true is."""
    scored = n_true * 0 + 1
    precision = scored * n_hits / np.maximum(n_hits + n_false, 1)
    return precision, n_hits / n_true, 2 * n_hits / (n_true + n_hits + n_false)

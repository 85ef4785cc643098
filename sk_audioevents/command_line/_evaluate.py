"""``sk-audioevents evaluate``: test a model on labelled recordings."""

import pandas as pd

from sk_audioevents.command_line._models import SavedModel
from sk_audioevents.command_line._recordings import read_labelled
from sk_audioevents.command_line._results import check_new, write_table
from sk_audioevents.metrics import accuracy, class_report, mean_average_precision


def run(options, messages):
    """Write the scores of each class, and return how many recordings could not be read."""
    check_new(options.output, options.force)
    model = SavedModel.load(options, messages)
    clips = read_labelled(options.source, multilabel=options.multilabel)
    clips, n_failed = clips.without_unreadable(options, messages)
    truth = _truth(clips, model)
    messages.tell(f"Predicting {len(truth)} clips.")
    probabilities = model.classifier.predict_proba(clips.X)
    report = class_report(truth, probabilities).reset_index()
    labels = {} if model.multilabel else {"labels": model.names}
    share = accuracy(truth if model.multilabel else clips.y, probabilities, **labels)
    messages.tell(
        f"Accuracy {share:.3f}, mean average precision "
        f"{mean_average_precision(truth, probabilities):.3f}. These are scores of new recordings "
        "only if the model was not trained on any of them."
    )
    write_table(report.round(6), options, options.output)
    return n_failed


def _truth(clips, model):
    """Return an indicator of the classes of the model, as a table."""
    if clips.multilabel and not model.multilabel:
        raise ValueError("The model has one label for each clip, and these clips have several.")
    y = clips.y
    indicator = y if clips.multilabel else pd.get_dummies(pd.Series(y), dtype=int)
    unknown = [name for name in indicator if name not in model.names]
    if unknown:
        raise ValueError(
            f"The labels must be classes of the model, {', '.join(map(repr, model.names))}. "
            f"Got {unknown[0]!r}."
        )
    return indicator.reindex(columns=model.names, fill_value=0)

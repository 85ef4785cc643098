"""``sk-audioevents explain``: a picture of what in a recording spoke for a class."""

import os

import pandas as pd

from sk_audioevents.command_line._models import SavedModel
from sk_audioevents.command_line._results import check_new, write_table
from sk_audioevents.explain import explain_lrp
from sk_audioevents.plotting import RelevanceDisplay

RESOLUTION = 150  # dots per inch of a .png


def run(options, messages):
    """Draw the picture; return 0, since a recording that cannot be read is an error here."""
    check_new(options.output, options.force)
    pyplot = _import_pyplot()
    model = SavedModel.load(options, messages)
    target = None if options.target is None else _class_of(model, options.target)
    messages.tell(f"Explaining {options.path}.")
    relevance = explain_lrp(model.classifier, [options.path], target=target, rule=options.rule)
    label = model.names[list(model.model.classes_).index(relevance.target[0])]
    display = RelevanceDisplay.from_relevance(relevance, label=label)
    display.figure_.savefig(options.output, dpi=RESOLUTION)
    pyplot.close(display.figure_)
    balance = _balance(relevance, options.path, label)
    messages.tell(
        f"Drew {options.output}. Relevance adds up to the score of {label} to within "
        f"{abs(balance['missing'][0]):.0e}."
    )
    write_table(balance, options)
    return 0


def _import_pyplot():
    """Raise before anything is computed if there is no matplotlib; draw without a window."""
    os.environ.setdefault("MPLBACKEND", "Agg")
    from sk_audioevents.plotting._panels import import_pyplot

    return import_pyplot("sk-audioevents explain")


def _class_of(model, name):
    return model.model.classes_[model.column(name)]


def _balance(relevance, path, label):
    """Return in one row what the relevance adds up to: the three parts are the score."""
    parts = {
        "of_recording": relevance.relevance[0].sum(dtype="float64"),
        "of_padding": relevance.padding_relevance[0],
        "of_biases": relevance.bias_relevance[0],
    }
    score = relevance.score[0]
    missing = score - sum(parts.values())
    return pd.DataFrame(
        [{"path": path, "label": label, "score": score, **parts, "missing": missing}]
    )

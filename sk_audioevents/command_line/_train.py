"""``sk-audioevents train``: learn from labelled recordings, and save the model."""

from sklearn.exceptions import NotFittedError

from sk_audioevents.command_line._cross_validation import (
    cross_validate,
    make_folds,
    scores_in_words,
)
from sk_audioevents.command_line._models import THRESHOLD
from sk_audioevents.command_line._recordings import read_labelled
from sk_audioevents.command_line._results import write_table
from sk_audioevents.command_line._settings import make_model
from sk_audioevents.events import SoundEventDetector
from sk_audioevents.persistence import save_model

SILENT = {"vggeventclassifier__verbose": 0}  # the progress of this training is no part of the model


def run(options, messages):
    """Train, and return how many recordings could not be read."""
    model = make_model(options, messages)
    _check_destination(model, options)
    clips = read_labelled(options.source, multilabel=options.multilabel)
    clips, n_failed = clips.without_unreadable(options, messages)
    _check_classes(clips, messages)
    folds = make_folds(clips, options, messages) if _needs_folds(options) else None
    report = cross_validate(model, clips, folds, options, messages) if options.evaluate else None
    fitted = _fit(model, clips, folds, options, messages)
    save_model(fitted, options.output, card=_card(clips, report), overwrite=options.force)
    messages.tell(f"Saved {options.output}.")
    if report is not None:
        write_table(report, options)
    return n_failed


def _check_destination(model, options):
    """Raise if the model could not be saved, before hours of training."""
    try:
        save_model(model, options.output, overwrite=options.force)
    except NotFittedError:
        return  # it looks at the path first
    except FileExistsError as error:
        text = str(error).replace("Pass overwrite=True", "Say --force")
        raise FileExistsError(text) from error


def _needs_folds(options):
    return options.evaluate or options.tune_thresholds


def _check_classes(clips, messages):
    """Tell which classes there are, and raise if there is but one."""
    y = clips.y
    counts = y.sum() if clips.multilabel else clips.table["label"].value_counts().sort_index()
    classes = ", ".join(f"{name} ({count})" for name, count in counts.items())
    messages.tell(f"{len(clips.table)} clips of {len(counts)} classes: {classes}.")
    if len(counts) < 2 and not clips.multilabel:
        raise ValueError(f"There must be clips of at least 2 classes. All are {classes}.")


def _fit(model, clips, folds, options, messages):
    """Fit the model to all clips, with a detector around it where it is needed.

    Thresholds and the names of the classes of a multi-label problem are kept by the detector.
    """
    messages.tell(f"Training on all {len(clips.table)} clips.")
    if not (options.tune_thresholds or clips.multilabel):
        return model.fit(clips.X, clips.y).set_params(**SILENT)
    detector = SoundEventDetector(
        model,
        threshold="tuned" if options.tune_thresholds else THRESHOLD,
        cv=folds,
    )
    detector.fit(clips.X, clips.y)
    detector.estimator_.set_params(**SILENT)
    model.set_params(**SILENT)
    return detector.set_params(cv=None)  # the folds are rows of these clips, and done with


def _card(clips, report):
    """Return what the model should tell of its training, in Markdown."""
    lines = [f"Trained with `sk-audioevents train` on {len(clips.table)} clips."]
    if report is not None:
        scores = scores_in_words(report.iloc[:, 3:].mean())
        lines.append(
            f"Mean of {len(report)} folds, each tested by a model that had not heard it: {scores}."
        )
    return "\n\n".join(lines)

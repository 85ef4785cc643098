"""``sk-audioevents predict``: what is in recordings, or when."""

import os

import pandas as pd
from tqdm import tqdm

from sk_audioevents.audio import check_files
from sk_audioevents.command_line._models import SavedModel
from sk_audioevents.command_line._recordings import find_recordings
from sk_audioevents.command_line._results import check_new, write_table
from sk_audioevents.events import write_events
from sk_audioevents.exceptions import AudioDecodeError

FILES_AT_ONCE = 32
BYTES_AT_ONCE = 2**26  # of files that are read at once, unless one alone is larger
DECIMALS = 6  # of seconds and scores
FOR_EVENTS = ("audacity", "raven")


def run(options, messages):
    """Predict, and return how many recordings could not be read."""
    check_new(options.output, options.force)
    _check_options(options)
    paths = find_recordings(options.paths)
    model = SavedModel.load(options, messages)
    compute = model.detector(options).predict_events if options.events else _labels_of(model)
    tables, n_failed = _in_batches(compute, paths, options.on_error, messages)
    if n_failed == len(paths):
        raise ValueError("None of the recordings can be read.")
    table = pd.concat(tables, ignore_index=True)
    numbers = ["onset", "offset", "score"] if options.events else table.columns[2:]
    table[numbers] = table[numbers].round(DECIMALS)
    if _is_for_events(options):
        write_events(table, options.output, format=options.format)
    else:
        write_table(table, options, options.output)
    found = "event" if options.events else "recording"
    messages.tell(f"{len(table)} {found}{'' if len(table) == 1 else 's'}.")
    return n_failed


def _check_options(options):
    """Raise if arguments do not go together."""
    rules = ("threshold", "min_duration", "merge_gap", "median_filter")
    given = [name for name in rules if getattr(options, name) is not None]
    if given and not options.events:
        raise ValueError(f"--{given[0].replace('_', '-')} is a rule for events: say --events too.")
    if options.format in FOR_EVENTS and not (options.events and options.output):
        raise ValueError(f"--format {options.format} needs --events, and a file as --output.")


def _is_for_events(options):
    """Return whether events are written for a program that shows them beside the recording."""
    by_name = str(options.output).endswith(".selections.txt") and options.format is None
    return options.events and (by_name or options.format in FOR_EVENTS)


def _labels_of(model):
    """Return the function from paths to a table of labels and the scores of all classes."""
    columns = [f"score_{name}" for name in model.names]

    def labels(paths):
        probabilities = model.classifier.predict_proba(paths)
        table = pd.DataFrame(probabilities, columns=columns)
        table.insert(0, "label", model.labels(probabilities))
        table.insert(0, "path", paths)
        return table

    return labels


def _in_batches(compute, paths, on_error, messages):
    """Return the tables of all batches, and how many files could not be read."""
    tables, failed = [], []

    def attempt(batch):
        try:
            tables.append(compute(batch))
        except AudioDecodeError as error:
            if len(batch) > 1:
                for path in batch:
                    attempt([path])
            else:
                fail(error)

    def fail(error):
        if on_error == "stop":
            raise error
        messages.warn(str(error))
        failed.append(error.path)

    problems = check_files(paths, on_error="warn")
    for error in problems.values():
        fail(error)
    readable = [path for i, path in enumerate(paths) if i not in problems]
    quiet = messages.quiet or not readable
    with tqdm(total=len(readable), desc="Predicting", unit="file", disable=quiet) as progress:
        for batch in _batches(readable):
            attempt(batch)
            progress.update(len(batch))
    return tables, len(failed)


def _batches(paths):
    """Yield lists of paths that are read at once."""
    batch, n_bytes = [], 0
    for path in paths:
        size = os.path.getsize(path)
        if batch and (len(batch) == FILES_AT_ONCE or n_bytes + size > BYTES_AT_ONCE):
            yield batch
            batch, n_bytes = [], 0
        batch.append(path)
        n_bytes += size
    if batch:
        yield batch

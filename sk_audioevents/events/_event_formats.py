"""The text formats of event tables: CSV, and those of Audacity, Raven and sed_eval."""

import csv
import io

import numpy as np
import pandas as pd

RAVEN_LABELS = ("Annotation", "Species", "Label")  # where a label is looked for, in this order
SED_EVAL_COLUMNS = {
    "path": "filename",
    "onset": "onset",
    "offset": "offset",
    "label": "event_label",
}


def csv_text(events):
    """Return a table of events as CSV."""
    file = io.StringIO(newline="")
    csv.writer(file).writerows([events.columns, *events.itertuples(index=False)])
    return file.getvalue()


def parse_csv(text):
    """Return the table of events in CSV, all of it text."""
    return _parse_table(text, ",", csv.QUOTE_MINIMAL)


def audacity_text(events):
    """Return the events of one recording as a label track of Audacity."""
    rows = zip(events["onset"], events["offset"], events["label"])
    return _tab_text([f"{onset:.6f}", f"{offset:.6f}", label] for onset, offset, label in rows)


def parse_audacity(text):
    """Return the events of a label track, without paths and without frequencies."""
    rows = [
        (line.split("\t", 2) + ["", ""])[:3]
        for line in text.splitlines()
        if line and not line.startswith("\\")  # the frequencies of the label before
    ]
    return pd.DataFrame(rows, columns=["onset", "offset", "label"], dtype="str")


def raven_text(events, frequency_range):
    """Return the events of one recording as a selection table of Raven."""
    columns = {
        "Selection": np.arange(1, len(events) + 1),
        "View": "Spectrogram 1",
        "Channel": 1,
        "Begin Time (s)": events["onset"],
        "End Time (s)": events["offset"],
        "Low Freq (Hz)": float(frequency_range[0]),
        "High Freq (Hz)": float(frequency_range[1]),
        "Annotation": events["label"],
    }
    if "score" in events.columns:
        columns["Score"] = events["score"]
    return _table_text(pd.DataFrame(columns, index=events.index))


def parse_raven(text):
    """Return the events of a selection table, with paths where it has them."""
    table = _parse_table(text, "\t", csv.QUOTE_NONE)
    if "View" in table.columns and table["View"].str.startswith("Spectrogram").any():
        table = table[table["View"].str.startswith("Spectrogram")]
    label = next((column for column in RAVEN_LABELS if column in table.columns), "Annotation")
    theirs = {"Begin Time (s)": "onset", "End Time (s)": "offset", label: "label", "Score": "score"}
    events = table.rename(columns=theirs)
    if "Begin Path" in table.columns:
        events["path"] = table["Begin Path"]
        if "File Offset (s)" in table.columns:  # Raven counts on through all the files of a sound
            onset, offset, in_file = (
                pd.to_numeric(table[column])
                for column in ("Begin Time (s)", "End Time (s)", "File Offset (s)")
            )
            events["onset"], events["offset"] = in_file, in_file + (offset - onset)
    return events


def sed_eval_text(events):
    """Return a table of events as sed_eval reads it."""
    return _table_text(events[list(SED_EVAL_COLUMNS)].rename(columns=SED_EVAL_COLUMNS))


def parse_sed_eval(text):
    """Return the events of a file for sed_eval, with or without a header."""
    if not text.startswith("filename\t"):
        text = "\t".join(SED_EVAL_COLUMNS.values()) + "\n" + text
    table = _parse_table(text, "\t", csv.QUOTE_NONE)
    events = table.rename(columns={theirs: ours for ours, theirs in SED_EVAL_COLUMNS.items()})
    # A recording without events has a row with its name alone.
    return events[events["label"] != ""] if "label" in events.columns else events


def _table_text(table):
    return _tab_text([table.columns, *table.itertuples(index=False)])


def _tab_text(rows):
    lines = []
    for row in rows:
        cells = [str(cell) for cell in row]
        for cell in cells:
            if any(character in cell for character in "\t\r\n"):
                raise ValueError(
                    "The labels and paths of a tab-separated file must hold no tabs or line "
                    f"breaks. Got {cell!r}: write CSV instead."
                )
        lines.append("\t".join(cells) + "\n")
    return "".join(lines)


def _parse_table(text, separator, quoting):
    # Not by pandas, which refuses file names that are no UTF-8.
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, quoting=quoting))
    header, rows = (rows[0], rows[1:]) if rows else ([], [])
    rows = [(row + [""] * len(header))[: len(header)] for row in rows if row]
    return pd.DataFrame(rows, columns=header, dtype="str")

"""Fixtures: tables of random events, and the toolboxes that the metrics are compared with."""

import importlib
import warnings

import numpy as np
import pandas as pd
import pytest

COLUMNS = ["path", "onset", "offset", "label"]


def _import_oracle(name):
    """Import a toolbox whose own dependencies warn that they are out of date."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip(name, reason=f"needs {name}: pip install 'sk_audioevents[oracles]'")
        return importlib.import_module(name)


@pytest.fixture(scope="session")
def sed_eval():
    return _import_oracle("sed_eval")


@pytest.fixture
def sed_scores_eval(monkeypatch):
    toolbox = _import_oracle("sed_scores_eval")
    statistics = toolbox.base_modules.statistics
    curves = statistics.onset_offset_curves

    def curves_of_copies(scores, timestamps, candidates=None):
        return curves(np.array(scores), np.array(timestamps), candidates)

    # Since pandas 3, its arrays are read-only, which the toolbox's compiled loop refuses.
    monkeypatch.setattr(statistics, "onset_offset_curves", curves_of_copies)
    return toolbox


@pytest.fixture
def event_table():
    """Return a function that makes a table of events from tuples."""
    return lambda *rows: pd.DataFrame(list(rows), columns=COLUMNS)


@pytest.fixture
def random_events():
    """Return a function that draws a table of events, some of which overlap or repeat a time."""

    def draw(rng, n_files=3, labels="abc", max_events=8, decimals=2):
        rows = []
        for file in range(n_files):
            for _ in range(rng.integers(0, max_events + 1)):
                onset = round(rng.uniform(0, 8), decimals)
                offset = round(onset + rng.uniform(0.1, 3), decimals)
                rows.append((f"{file}.wav", onset, offset, labels[rng.integers(len(labels))]))
        return pd.DataFrame(rows, columns=COLUMNS).drop_duplicates()

    return draw


@pytest.fixture
def predict_events(random_events):
    """Return a function that moves, renames, drops and adds events of a table.

    Many are moved by exactly a collar.
    """

    def predict(rng, y_true, labels="abc", decimals=2):
        y_pred, n_events = y_true.copy(), len(y_true)
        onset = y_true["onset"] + rng.choice([0, 0.2, -0.2, 0.1, 0.3, -0.07], n_events)
        offset = y_true["offset"] + rng.choice([0, 0.2, -0.2, 0.5, 1.0, -0.13], n_events)
        y_pred["onset"] = onset.clip(lower=0).round(decimals)
        y_pred["offset"] = np.maximum(offset, y_pred["onset"] + 0.1).round(decimals)
        renamed = rng.random(n_events) < 0.15
        y_pred.loc[renamed, "label"] = rng.choice(list(labels), renamed.sum())
        kept = y_pred[rng.random(n_events) < 0.9]
        added = random_events(rng, labels=labels, max_events=2, decimals=decimals)
        return pd.concat([kept, added]).drop_duplicates()

    return predict

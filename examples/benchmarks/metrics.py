"""Metrics: of classes against scikit-learn, of events against sed_eval and sed_scores_eval.

All labels, scores and events are made here. Times are those of the processor, in one thread; the
contenders take turns.

    pip install "sk_audioevents[oracles]"
    python examples/benchmarks/metrics.py [--rounds 5] [--files 10000]
"""

import argparse
import platform
import time
import warnings

import numpy as np
import pandas as pd
import sklearn
from sklearn.metrics import average_precision_score, roc_auc_score

from sk_audioevents.metrics import class_report, event_scores, psds

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what the packages themselves import
    import dcase_util
    import sed_eval
    import sed_scores_eval
    from sed_scores_eval.base_modules import statistics

LABELS = list("abcdefghij")
FRAME = 0.016  # seconds


def seconds(function):
    """Return what a function returns, and the processor time that it took."""
    start = time.process_time()
    result = function()
    return result, time.process_time() - start


def compare(name, ours, theirs, rounds):
    """Print the times of two functions that return the same scores, and how many times faster."""
    ours()  # compiles
    times = []
    for _ in range(rounds):
        (score, time_ours), (expected, time_theirs) = seconds(ours), seconds(theirs)
        times.append((time_ours, time_theirs))
    difference = np.abs(np.subtract(score, expected)).max()
    time_ours, time_theirs = np.median(times, axis=0)
    ratios = sorted(theirs / ours for ours, theirs in times)
    print(
        f"| {name} | {time_theirs:.2f} | {time_ours:.2f} | {np.median(ratios):.0f} "
        f"({ratios[0]:.0f} to {ratios[-1]:.0f}) | {difference:.0e} |",
        flush=True,
    )


def print_clips(rounds, n_clips=20000, n_classes=527):
    """Print the times of average precision and AUC of each class."""
    rng = np.random.default_rng(0)
    scores = rng.random((n_clips, n_classes))
    for share in (0.005, 0.5):
        y_true = rng.random((n_clips, n_classes)) < share
        for dtype in (np.float64, np.float32):
            y_score = scores.astype(dtype)

            def ours(y_true=y_true, y_score=y_score):
                return class_report(y_true, y_score)[["average_precision", "auc"]].to_numpy()

            def theirs(y_true=y_true, y_score=y_score):
                return [
                    (average_precision_score(truth, score), roc_auc_score(truth, score))
                    for truth, score in zip(y_true.T, y_score.T)
                ]

            name = f"{n_clips} clips, {n_classes} classes, {share:.1%} positive, {dtype.__name__}"
            compare(name, ours, theirs, rounds)


def make_events(n_files, per_file=8):
    """Return tables of true and of predicted events in clips of 10 s."""
    rng = np.random.default_rng(0)
    n_events = n_files * per_file
    onset = rng.uniform(0, 9, n_events).round(3)
    y_true = pd.DataFrame(
        {
            "path": [f"{i:06d}.wav" for i in rng.integers(n_files, size=n_events)],
            "onset": onset,
            "offset": (onset + rng.uniform(0.1, 3, n_events)).round(3),
            "label": rng.choice(LABELS, n_events),
        }
    ).drop_duplicates()
    y_pred = y_true.sample(frac=0.9, random_state=0)
    y_pred["onset"] = (y_pred["onset"] + rng.normal(0, 0.15, len(y_pred))).clip(lower=0)
    offset = y_pred["offset"] + rng.normal(0, 0.3, len(y_pred))
    y_pred["offset"] = np.maximum(offset, y_pred["onset"] + 0.01)
    return y_true, y_pred


def event_lists(y_true, y_pred):
    """Return for each file the lists of events that sed_eval takes."""
    lists = {path: ([], []) for path in sorted({*y_true["path"], *y_pred["path"]})}
    for i, table in enumerate((y_true, y_pred)):
        for path, onset, offset, label in table.itertuples(index=False):
            event = {"event_onset": onset, "event_offset": offset, "event_label": label}
            lists[path][i].append(event | {"file": path})
    return [
        tuple(dcase_util.containers.MetaDataContainer(events) for events in pair)
        for pair in lists.values()
    ]


def print_events(rounds, n_files):
    """Print the times of event-based F1, of all events and averaged over the classes."""
    y_true, y_pred = make_events(n_files)
    pairs = event_lists(y_true, y_pred)

    def ours():
        scores = event_scores(y_true, y_pred)
        return scores["f1_micro"], scores["f1_macro"]

    def theirs():
        metrics = sed_eval.sound_event.EventBasedMetrics(LABELS, event_matching_type="optimal")
        for true, pred in pairs:
            metrics.evaluate(true, pred)
        averages = metrics.results_class_wise_average_metrics()
        return metrics.overall_f_measure()["f_measure"], averages["f_measure"]["f_measure"]

    compare(f"{n_files} files, {len(y_true)} events", ours, theirs, rounds)


def make_frames(n_files, n_frames=625):
    """Return events that do not overlap within a label, and scores of frames that follow them."""
    rng = np.random.default_rng(0)
    edges = np.arange(n_frames + 1) * FRAME
    events, frames = [], []
    for file in range(n_files):
        active = np.zeros((n_frames, len(LABELS)))
        for i, label in enumerate(LABELS):
            onset = rng.exponential(10)
            while (offset := onset + rng.uniform(0.2, 3)) < edges[-1]:
                events.append((f"{file}", onset, offset, label))
                active[int(onset / FRAME) : int(offset / FRAME) + 1, i] = 1
                onset = offset + 0.1 + rng.exponential(10)
        noise = np.apply_along_axis(np.convolve, 0, rng.normal(size=active.shape), np.ones(15) / 4)
        scores = 1 / (1 + np.exp(noise[7:-7] - 3 * active + 1.5))
        frame = pd.DataFrame(scores, columns=LABELS)
        frames.append(frame.assign(path=f"{file}", onset=edges[:-1], offset=edges[1:]))
    columns = ["path", "onset", "offset", "label"]
    return pd.DataFrame(events, columns=columns), pd.concat(frames, ignore_index=True)


def print_psds(rounds, n_files):
    """Print the times of both scenarios of PSDS."""
    y_true, y_score = make_frames(n_files)
    tables = {
        path: frames[["onset", "offset", *LABELS]] for path, frames in y_score.groupby("path")
    }
    truth = {path: [] for path in tables}
    for path, *event in y_true.itertuples(index=False):
        truth[path].append(tuple(event))
    durations = {path: frames["offset"].iloc[-1] for path, frames in tables.items()}
    scenarios = {
        1: {"dtc_threshold": 0.7, "gtc_threshold": 0.7},
        2: {"dtc_threshold": 0.1, "gtc_threshold": 0.1, "cttc_threshold": 0.3, "alpha_ct": 0.5},
    }
    for scenario, criteria in scenarios.items():

        def ours(scenario=scenario):
            return psds(y_true, y_score, scenario=scenario)

        def theirs(criteria=criteria):
            return sed_scores_eval.intersection_based.psds(
                tables, truth, durations, alpha_st=1.0, **criteria
            )[0]

        compare(f"PSDS {scenario}, {n_files} files of 10 s, 10 classes", ours, theirs, rounds)


def let_sed_scores_eval_write():
    """Give its compiled loop copies: since pandas 3, the arrays of tables are read-only."""
    curves = statistics.onset_offset_curves

    def curves_of_copies(scores, timestamps, candidates=None):
        return curves(np.array(scores), np.array(timestamps), candidates)

    statistics.onset_offset_curves = curves_of_copies


def main():
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--files", type=int, default=10000, help="files of events")
    parser.add_argument("--scored-files", type=int, default=1000, help="files of frames")
    arguments = parser.parse_args()
    let_sed_scores_eval_write()
    print(
        f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}, "
        f"scikit-learn {sklearn.__version__}\n"
    )
    print("| what | theirs, s | ours, s | times their speed | largest difference |")
    print("|---|---|---|---|---|")
    print_clips(arguments.rounds)
    print_events(arguments.rounds, arguments.files)
    print_psds(arguments.rounds, arguments.scored_files)


if __name__ == "__main__":
    main()

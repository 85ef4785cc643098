"""Event F1 of SoundEventDetector, trained on weak labels only, against a threshold of 0.5.

Soundscapes are mixed from ESC-10: those for training from the recordings of folds 1 to 4, those
for the test from fold 5. Training sees 5 s clips and which sounds are in them, never when. The test
asks when, in soundscapes four times as long. All rows of a table share the trained network and its
scores; what differs is how scores become events.

    SK_AUDIOEVENTS_DATA=... python examples/benchmarks/detection.py [--seeds 0 1 2] [--n-jobs 2]
"""

import argparse
import time

import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline

from sk_audioevents import LogMelTransformer, VGGEventClassifier
from sk_audioevents.datasets import fetch_esc10, make_soundscapes
from sk_audioevents.events import SoundEventDetector, find_events
from sk_audioevents.metrics import event_scores, segment_scores

SAMPLE_RATE = 16000
TEST_SECONDS = 20.0
MIX = {
    "sample_rate": SAMPLE_RATE,
    "event_duration": (0.5, 2.0),
    "snr_db": (6.0, 24.0),
    "trim_db": 30.0,
}
TUNED = "tuned"
SYSTEMS = {
    # name: (overlap_pooling, threshold, rules)
    "0.5, nothing else": ("center", 0.5, {"offset_ratio": 1.0}),
    "0.5, hysteresis": ("center", 0.5, {"offset_ratio": 0.5}),
    "tuned, nothing else": ("center", TUNED, {"offset_ratio": 1.0}),
    "tuned, hysteresis": ("center", TUNED, {"offset_ratio": 0.5}),
    "tuned, offset_ratio=0.3": ("center", TUNED, {"offset_ratio": 0.3}),
    "tuned, hysteresis, median_filter=1": (
        "center",
        TUNED,
        {"offset_ratio": 0.5, "median_filter": 1.0},
    ),
    "tuned, hysteresis, merge_gap=0.5": ("center", TUNED, {"offset_ratio": 0.5, "merge_gap": 0.5}),
    "tuned, hysteresis, min_duration=0.5": (
        "center",
        TUNED,
        {"offset_ratio": 0.5, "min_duration": 0.5},
    ),
    "tuned, hysteresis, mean": ("mean", TUNED, {"offset_ratio": 0.5}),
    "tuned, hysteresis, max": ("max", TUNED, {"offset_ratio": 0.5}),
}


def make_data(seed):
    """Return soundscapes for training and for the test, from different recordings."""
    esc10 = fetch_esc10(download_if_missing=False)
    labels = esc10.target_names[esc10.target]
    sets = []
    for part, n_clips, duration, n_events in (
        (esc10.fold < 5, 600, TEST_SECONDS / 4, (0, 2)),
        (esc10.fold == 5, 120, TEST_SECONDS, (0, 6)),
    ):
        sounds = {"events": list(esc10.paths[part]), "labels": labels[part]}
        sets.append(
            make_soundscapes(
                n_clips,
                **sounds,
                **MIX,
                duration=duration,
                n_events=n_events,
                random_state=seed + 1000 * len(sets),
            )
        )
    return sets


def make_detector(seed, n_jobs):
    """Return the detector: four blocks, segments of 0.64 s that start 0.32 s apart."""
    model = make_pipeline(
        LogMelTransformer(sample_rate=SAMPLE_RATE, hop_length=320, n_mels=48, top_db=None),
        VGGEventClassifier(
            channels=(8, 16, 32, 64),
            embedding_dim=64,
            pooling="max",
            max_epochs=15,
            batch_size=8,
            random_state=seed,
        ),
    )
    return SoundEventDetector(model, cv=3, n_jobs=n_jobs)


def score(data, events):
    """Return the figures of the table."""
    durations = dict.fromkeys(range(len(data.waveforms)), TEST_SECONDS)
    strict = event_scores(data.events, events, offset_share=0.2, durations=durations)
    lenient = event_scores(
        data.events, events, onset_collar=0.5, offset_collar=0.5, durations=durations
    )
    per_second = segment_scores(data.events, events, durations=durations)
    return {
        "event F1, 0.2 s": strict["f1_macro"],
        "event F1, 0.5 s": lenient["f1_macro"],
        "segment F1, 1 s": per_second["f1_macro"],
        "events": len(events),
    }


def run(seed, n_jobs):
    """Train and test one detector; return one row of figures per system."""
    train, test = make_data(seed)
    start = time.perf_counter()
    target = pd.DataFrame(train.target, columns=train.target_names)
    detector = make_detector(seed, n_jobs).fit(train.waveforms, target)
    print(f"Seed {seed}: fitted in {time.perf_counter() - start:.0f} s", flush=True)
    timelines = {
        pooling: detector.set_params(overlap_pooling=pooling).predict_timeline(test.waveforms)
        for pooling in ("center", "mean", "max")
    }
    rows = {}
    for name, (pooling, threshold, rules) in SYSTEMS.items():
        thresholds = detector.thresholds_ if threshold == TUNED else threshold
        rows[name] = score(test, find_events(timelines[pooling], threshold=thresholds, **rules))
    print(f"{len(test.events)} true events")
    print(pd.DataFrame(rows).T.round(3).to_string(), flush=True)
    return pd.DataFrame(rows).T


def main():
    """Print the means over the seeds, with the smallest and the largest."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--n-jobs", type=int, default=2, help="folds fitted at the same time")
    arguments = parser.parse_args()
    tables = [run(seed, arguments.n_jobs) for seed in arguments.seeds]
    print("| system | " + " | ".join(tables[0].columns) + " |")
    print("|---" * (1 + tables[0].shape[1]) + "|")
    for name in SYSTEMS:
        figures = np.array([table.loc[name] for table in tables])
        cells = [
            f"{mean:.2f} ({low:.2f} to {high:.2f})" if mean < 1 else f"{mean:.0f}"
            for mean, low, high in zip(figures.mean(0), figures.min(0), figures.max(0))
        ]
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()

"""What each option of VGGEventClassifier does to the accuracy on ESC-10, one option at a time.

Each row trains the same small network on folds 1 to 4 of ESC-10 with one parameter changed, and
counts the right answers for fold 5; each seed is another initialisation and order of batches. One
clip of the 80 is 1.25 points, so differences below 3 points mean little.

    SK_AUDIOEVENTS_DATA=... python examples/benchmarks/options.py [--seeds 2] [--epochs 30] [names]
"""

import argparse
import time

import numpy as np
from joblib import Parallel, delayed
from tqdm.auto import tqdm

from sk_audioevents import LogMelTransformer, SLATSegmenter, VGGEventClassifier
from sk_audioevents import augmentation as aug
from sk_audioevents.datasets import fetch_esc10

SMALL = {"channels": (8, 16, 32, 64, 128, 256), "embedding_dim": 256, "batch_size": 32}
FINE = ((2, 2), (2, 2), (2, 2), (2, 2), (1, 2), (1, 1))  # 16 instead of 64 frames apart
RECIPE = [aug.TimeShift(), aug.Gain(), aug.SpecAugment(), aug.Mixup()]
OPTIONS = {
    "defaults": {},
    "SLATSegmenter before it": {},
    'loss="focal"': {"loss": "focal"},
    'loss="cross_entropy"': {"loss": "cross_entropy"},
    "label_smoothing=0.1": {"label_smoothing": 0.1},
    'pooling="max"': {"pooling": "max"},
    'pooling="attention"': {"pooling": "attention"},
    'pooling="linear_softmax"': {"pooling": "linear_softmax"},
    'pooling="auto"': {"pooling": "auto"},
    'temporal="lstm"': {"temporal": "lstm"},
    'temporal="bilstm"': {"temporal": "bilstm"},
    "pool_sizes, 4 times finer in time": {"pool_sizes": FINE},
    "augment=TimeShift()": {"augment": aug.TimeShift()},
    "augment=TimeStretch()": {"augment": aug.TimeStretch()},
    "augment=FrequencyShift()": {"augment": aug.FrequencyShift()},
    "augment=Gain()": {"augment": aug.Gain()},
    "augment=SpecAugment()": {"augment": aug.SpecAugment()},
    "augment=BackgroundMix()": {"augment": aug.BackgroundMix()},
    "augment=Mixup()": {"augment": aug.Mixup()},
    "augment=BetweenClass()": {"augment": aug.BetweenClass()},
    "augment: shift, gain, masks, mixup": {"augment": aug.Compose(RECIPE)},
    'sampling="balanced"': {"sampling": "balanced"},
    'optimizer="adamw", weight_decay=0.05': {"optimizer": "adamw", "weight_decay": 0.05},
    'learning_rate_schedule="constant"': {"learning_rate_schedule": "constant"},
    'learning_rate_schedule="one_cycle"': {"learning_rate_schedule": "one_cycle"},
    "warmup_epochs=3": {"warmup_epochs": 3},
    "max_grad_norm=1": {"max_grad_norm": 1.0},
    "ema_decay=0.99": {"ema_decay": 0.99},
    "early_stopping=True": {"early_stopping": True, "validation_fraction": 0.15},
}


def accuracy(name, seed, n_epochs, frames, data):
    """Train with one option and return the share of right answers, and the seconds it took."""
    model = VGGEventClassifier(**SMALL, max_epochs=n_epochs, random_state=seed)
    model.set_params(**OPTIONS[name])
    if name == "SLATSegmenter before it":
        frames = SLATSegmenter().transform(frames)
    train, test = data.fold != 5, data.fold == 5
    start = time.perf_counter()
    model.fit(frames[train], data.target[train])
    seconds = time.perf_counter() - start
    return model.score(frames[test], data.target[test]), seconds


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=2, help="number of seeds")
    parser.add_argument("--epochs", type=int, default=30, help="passes over the data")
    parser.add_argument("names", nargs="*", default=list(OPTIONS), help="options; all if none")
    options = parser.parse_args()
    data = fetch_esc10()
    frames = LogMelTransformer(sample_rate=16000, n_mels=40).transform(data.paths)
    jobs = [(name, seed) for seed in range(options.seeds) for name in options.names]
    results = Parallel(n_jobs=2, return_as="generator")(
        delayed(accuracy)(name, seed, options.epochs, frames, data) for name, seed in jobs
    )
    found = {name: [] for name in options.names}
    for (name, seed), (score, seconds) in zip(jobs, results):
        found[name].append((score, seconds))
        tqdm.write(f"{name}, seed {seed}: {score:.4f} in {seconds:.0f} s")
    print("\n| option | accuracy, % | of each seed | training time |\n|---|---:|---:|---:|")
    base = np.median([seconds for _, seconds in found[options.names[0]]])
    for name, runs in found.items():
        scores, seconds = np.array(runs).T
        each = ", ".join(f"{100 * score:.1f}" for score in scores)
        ratio = np.median(seconds) / base
        print(f"| {name} | {100 * scores.mean():.1f} | {each} | {ratio:.2f} times |")


if __name__ == "__main__":
    main()

"""How much too good a random split of ESC-10 is, for two classifiers on mean and spread of frames.

SK_AUDIOEVENTS_DATA=... python examples/benchmarks/splits.py [--seeds 10]
"""

import argparse

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import PredefinedSplit, StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_audioevents import LogMelTransformer
from sk_audioevents.datasets import fetch_esc10

CLASSIFIERS = {
    "nearest neighbour": make_pipeline(StandardScaler(), KNeighborsClassifier(1)),
    "random forest": RandomForestClassifier(300, random_state=0),
}


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=10, help="number of random splits")
    n_seeds = parser.parse_args().seeds
    data = fetch_esc10()
    frames = LogMelTransformer(n_jobs=-1).transform(data.paths)
    X = np.array([np.concatenate([clip.mean(axis=0), clip.std(axis=0)]) for clip in frames])
    print("| classifier | folds of the data set | random folds | smallest to largest |")
    print("|---|---:|---:|---:|")
    for name, classifier in CLASSIFIERS.items():
        honest = cross_val_score(classifier, X, data.target, cv=PredefinedSplit(data.fold)).mean()
        rosy = [
            cross_val_score(
                classifier,
                X,
                data.target,
                cv=StratifiedKFold(5, shuffle=True, random_state=seed),
            ).mean()
            for seed in range(n_seeds)
        ]
        print(
            f"| {name} | {100 * honest:.1f} | {100 * np.mean(rosy):.1f} "
            f"| {100 * min(rosy):.1f} to {100 * max(rosy):.1f} |"
        )


if __name__ == "__main__":
    main()

"""Training and prediction of VGGEventClassifier against bare PyTorch, and whole clips against SLAT.

Training: both train the same network on batches of the same shape, with the same optimiser, memory
layout and number of threads, in turn, in one run. The estimator's time is that of the whole
``fit``: checks, statistics of the bands, batches, skorch, callbacks. The loop's is that of its
epochs alone.

Prediction: ``predict_proba`` against the network's own forward pass, in batches of the same size.

Whole clips: the same clips as they are, and cut by SLATSegmenter with a hop of half a segment.

Settings: an epoch with clips of unequal lengths, in bfloat16, in two threads, against one without.

    python examples/benchmarks/training.py [--repeats 7] [--n-jobs 1]
"""

import argparse
import platform
import time

import numpy as np
import torch

from sk_audioevents import SLATSegmenter, VGGEventClassifier
from sk_audioevents.networks import VGGNetwork, binary_cross_entropy

N_EPOCHS = 2
BATCH_SIZE = 32
N_CLASSES = 10
DEFAULT = (16, 32, 64, 128, 256, 512)
HALF = tuple(n // 2 for n in DEFAULT)
CASES = {
    # name: (channels, embedding_dim, (n_clips, n_frames, n_bands))
    "default net, 5 s at 44.1 kHz, 128 bands": (DEFAULT, 1024, (64, 431, 128)),
    "default net, SLAT segments": (DEFAULT, 1024, (128, 128, 128)),
    "half-width net, 5 s at 22.05 kHz, 64 bands": (HALF, 256, (320, 216, 64)),
    "tiny net, short clips": ((8, 16, 32), 32, (640, 64, 40)),
}


def make_clips(shape):
    """Return random frames and balanced labels."""
    rng = np.random.default_rng(0)
    return rng.normal(size=shape).astype(np.float32), np.arange(shape[0]) % N_CLASSES


def time_estimator(X, y, channels, embedding_dim, n_jobs):
    """Return the seconds of a whole fit."""
    model = VGGEventClassifier(
        channels=channels,
        embedding_dim=embedding_dim,
        max_epochs=N_EPOCHS,
        batch_size=BATCH_SIZE,
        learning_rate_schedule="constant",
        device="cpu",
        n_jobs=n_jobs,
        random_state=0,
    )
    start = time.perf_counter()
    model.fit(X, y)
    return time.perf_counter() - start


def time_loop(X, y, channels, embedding_dim, n_jobs):
    """Return the seconds of the same epochs in a plain loop."""
    torch.set_num_threads(n_jobs)
    network = VGGNetwork(X.shape[-1], N_CLASSES, channels, embedding_dim=embedding_dim)
    network.to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    frames = torch.from_numpy(X)
    targets = torch.nn.functional.one_hot(torch.from_numpy(y), N_CLASSES).float()
    rng = np.random.default_rng(0)
    start = time.perf_counter()
    for _ in range(N_EPOCHS):
        for batch in torch.from_numpy(rng.permutation(len(X))).split(BATCH_SIZE):
            optimizer.zero_grad()
            loss = binary_cross_entropy(network(frames[batch]), targets[batch]).mean()
            loss.backward()
            optimizer.step()
            loss.item()
    return time.perf_counter() - start


def time_call(function):
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def print_pairs(name, run_a, run_b, repeats):
    """Run both in turn; print median times and the ratio b / a: median, smallest and largest."""
    run_a(), run_b()
    a, b = np.array([(time_call(run_a), time_call(run_b)) for _ in range(repeats)]).T
    ratio = b / a
    print(
        f"| {name} | {np.median(a):.2f} | {np.median(b):.2f} | "
        f"{np.median(ratio):.3f} ({ratio.min():.3f} to {ratio.max():.3f}) |",
        flush=True,
    )


def compare_predictions(repeats, n_jobs):
    """Print predict_proba against the forward pass of the network alone."""
    print("\n| prediction | forward, s | predict_proba, s | predict_proba / forward |")
    print("|---|---|---|---|")
    for name, (channels, embedding_dim, shape) in CASES.items():
        X, y = make_clips(shape)
        model = VGGEventClassifier(
            channels=channels,
            embedding_dim=embedding_dim,
            batch_size=BATCH_SIZE,
            max_epochs=1,
            device="cpu",
            n_jobs=n_jobs,
        ).fit(X[:40], y[:40])
        network, frames = model.net_.module_.eval(), torch.from_numpy(X)

        def forward(network=network, frames=frames):
            torch.set_num_threads(n_jobs)
            with torch.inference_mode():
                return [network(batch) for batch in frames.split(BATCH_SIZE)]

        print_pairs(name, forward, lambda m=model, X=X: m.predict_proba(X), repeats)


def compare_slat(repeats, n_jobs):
    """Print whole clips against the same clips in segments, in training and in prediction."""
    print("\n| default net, 16 clips of 896 frames | whole, s | SLAT, s | SLAT / whole |")
    print("|---|---|---|---|")
    X, y = make_clips((16, 896, 128))
    bags = SLATSegmenter().transform(X)
    models = [
        VGGEventClassifier(max_epochs=1, batch_size=size, device="cpu", n_jobs=n_jobs)
        for size in (4, 4 * bags.shape[1])
    ]
    fits = [lambda m=m, X=X_: m.fit(X, y) for m, X_ in zip(models, (X, bags))]
    print_pairs("training", *fits, repeats)
    predictions = [lambda m=m, X=X_: m.predict_proba(X) for m, X_ in zip(models, (X, bags))]
    print_pairs("prediction", *predictions, repeats)


def compare_settings(repeats):
    """Print an epoch of the half-width net against one with other lengths, types and threads."""
    print("\n| half-width net, an epoch | one thread, float32, s | other, s | other / first |")
    print("|---|---|---|---|")
    X, y = make_clips((320, 216, 64))
    lengths = np.random.default_rng(0).integers(208, 217, size=len(X))
    unequal = [clip[:length] for clip, length in zip(X, lengths)]

    def epoch(X, **parameters):
        settings = {"batch_size": 16, "max_epochs": 1, "device": "cpu"} | parameters
        return VGGEventClassifier(channels=HALF, embedding_dim=256, **settings).fit(X, y)

    others = {
        "208 to 216 frames, padded": (unequal, {}),
        "bfloat16": (X, {"mixed_precision": True}),
        "208 to 216 frames, padded, bfloat16": (unequal, {"mixed_precision": True}),
        "two threads": (X, {"n_jobs": 2}),
    }
    for name, (clips, parameters) in others.items():
        print_pairs(name, lambda: epoch(X), lambda c=clips, p=parameters: epoch(c, **p), repeats)


def main():
    """Print a table of throughputs and of the ratio, pair by pair."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=7, help="pairs of runs per case")
    parser.add_argument("--n-jobs", type=int, default=1, help="threads of torch")
    arguments = parser.parse_args()
    print(f"{platform.machine()}, torch {torch.__version__}, {arguments.n_jobs} thread(s)")
    print("| case | clips/s, loop | clips/s, estimator | estimator/loop: median (min to max) |")
    print("|---|---|---|---|")
    for name, (channels, embedding_dim, shape) in CASES.items():
        X, y = make_clips(shape)
        settings = (X, y, channels, embedding_dim, arguments.n_jobs)
        time_loop(*settings)  # warm up
        pairs = [
            (time_loop(*settings), time_estimator(*settings)) for _ in range(arguments.repeats)
        ]
        loop, estimator = np.array(pairs).T
        clips = N_EPOCHS * len(X)
        ratio = loop / estimator
        print(
            f"| {name} | {clips / np.median(loop):.1f} | {clips / np.median(estimator):.1f} | "
            f"{np.median(ratio):.3f} ({ratio.min():.3f} to {ratio.max():.3f}) |",
            flush=True,
        )
    compare_predictions(arguments.repeats, arguments.n_jobs)
    compare_slat(arguments.repeats, arguments.n_jobs)
    compare_settings(arguments.repeats)


if __name__ == "__main__":
    main()

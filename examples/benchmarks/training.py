"""Training throughput: VGGEventClassifier against a bare PyTorch loop over the same net and data.

Both train the same network on batches of the same shape, with the same optimiser, memory layout and
number of threads, in turn, in one run. The estimator's time is that of the whole ``fit``: checks,
statistics of the bands, batches, skorch, callbacks. The loop's is that of its epochs alone.

    python examples/benchmarks/training.py [--repeats 7] [--n-jobs 1]
"""

import argparse
import platform
import time

import numpy as np
import torch

from sk_audioevents import VGGEventClassifier
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
    network = VGGNetwork(X.shape[-1], N_CLASSES, channels, embedding_dim)
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


if __name__ == "__main__":
    main()

"""The cache of LogMelTransformer: what a hit costs, what a search saves, what memory rows take.

All recordings are made here, of noise. The third table needs 5 GB of disk at its default size.

    python examples/benchmarks/cache.py [--n-clips 1000 10000 50000] [--folder FOLDER]
"""

import argparse
import multiprocessing
import platform
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sk_audioevents import LogMelTransformer, SLATSegmenter, VGGEventClassifier

RATE = 44100  # hertz
REPEATS = 5
TINY = {"channels": (4,), "embedding_dim": 8, "max_epochs": 1, "random_state": 0}


def write_noise(folder, n_files, seconds, suffix):
    """Write recordings of noise and return their paths."""
    rng = np.random.default_rng(0)
    paths = [str(folder / f"{seconds}s-{i}{suffix}") for i in range(n_files)]
    for path in paths:
        soundfile.write(path, rng.normal(size=seconds * RATE) / 10, RATE)
    return paths


def milliseconds(function, n_clips):
    """Return the shortest time of a call, per clip."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return f"{1e3 * min(times) / n_clips:.3f}"


def print_costs(folder, n_clips=200):
    """Print what a clip of 10 s, 861 frames of 128 bands, costs in one thread."""
    wav = write_noise(folder, n_clips, 10, ".wav")
    flac = write_noise(folder, n_clips, 10, ".flac")
    print("| step | ms per clip |\n|---|---|")
    plain = LogMelTransformer()
    plain.transform(wav[:2])
    for name, paths in {"WAV": wav, "FLAC": flac}.items():
        start = time.perf_counter()
        plain.transform(paths)
        time_plain = time.perf_counter() - start
        start = time.perf_counter()
        LogMelTransformer(cache_dir=folder / name).transform(paths)
        time_first = time.perf_counter() - start
        print(f"| {name}, no cache | {1e3 * time_plain / n_clips:.2f} |")
        print(f"| {name}, first time with a cache | {1e3 * time_first / n_clips:.2f} |")
    random = np.random.default_rng(0).permutation(n_clips)
    for dtype in ("float32", "float16"):
        arrays = LogMelTransformer(cache_dir=folder / dtype, cache_dtype=dtype)
        lazy = LogMelTransformer(cache_dir=folder / dtype, cache_dtype=dtype, lazy=True)
        arrays.transform(wav)
        rows = lazy.transform(wav)
        bags = SLATSegmenter().transform(rows)
        steps = {
            "hit, array": lambda arrays=arrays: arrays.transform(wav),
            "hit, lazy row": lambda lazy=lazy: lazy.transform(wav),
            "read a lazy row": lambda rows=rows: [len(np.asarray(rows[i])) for i in random],
            "read a segment of 128 frames": lambda bags=bags: [len(bags[i][5]) for i in random],
        }
        for name, step in steps.items():
            print(f"| {name}, {dtype} | {milliseconds(step, n_clips)} |", flush=True)
    for i, frames in enumerate(plain.transform(wav)):
        np.save(folder / f"{i}.npy", frames)
    steps = {
        "for comparison: np.load of a .npy file": lambda: [
            len(np.load(folder / f"{i}.npy")) for i in random
        ],
        "for comparison: np.load(mmap_mode='r'), all pages touched": lambda: [
            np.load(folder / f"{i}.npy", mmap_mode="r").sum() for i in random
        ],
    }
    for name, step in steps.items():
        print(f"| {name} | {milliseconds(step, n_clips)} |")
    waveforms = [soundfile.read(path, dtype="float32")[0] for path in wav[:50]]
    kept = LogMelTransformer(cache_dir=folder / "waveforms")
    kept.transform(waveforms)
    print(f"| waveform, no cache | {milliseconds(lambda: plain.transform(waveforms), 50)} |")
    print(f"| waveform, hit | {milliseconds(lambda: kept.transform(waveforms), 50)} |")


def mean_frames(X):
    """Return the mean frame of each clip."""
    return np.stack([np.asarray(frames).mean(axis=0) for frames in X])


def print_search(folder, n_clips=60):
    """Print the time of a grid search of 5 folds and 4 candidates, with a refit.

    The classifier takes next to no time, so that the time is that of the frames.
    """
    paths = np.array(write_noise(folder, n_clips, 5, ".ogg"))
    y = np.arange(n_clips) % 2
    print("| cache | seconds |\n|---|---|")
    settings = {
        "none": {},
        "empty": {"cache_dir": folder / "search"},
        "filled by the search before": {"cache_dir": folder / "search"},
        "the same, lazy rows": {"cache_dir": folder / "search", "lazy": True},
    }
    for name, parameters in settings.items():
        model = make_pipeline(
            LogMelTransformer(**parameters),
            FunctionTransformer(mean_frames),
            StandardScaler(),
            LogisticRegression(),
        )
        start = time.perf_counter()
        search = GridSearchCV(model, {"logisticregression__C": [0.01, 0.1, 1, 10]}, cv=5)
        search.fit(paths, y)
        print(f"| {name} | {time.perf_counter() - start:.1f} |", flush=True)


def peak_memory():
    """Return the largest resident memory that the process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def memory_of(folder, n_clips, lazy):
    """Return seconds and peak memory, in MB above that of a few clips, after each step."""
    path = folder / "120s-0.wav"  # its windows of 2 s, 1 ms apart, are the clips
    starts = np.arange(n_clips) / 1000
    X = pd.DataFrame({"path": str(path), "start_time": starts, "end_time": starts + 2.0})
    y = np.arange(n_clips) % 2
    transformer = LogMelTransformer(cache_dir=folder / "memory", lazy=lazy, n_jobs=2)
    classifier = VGGEventClassifier(**TINY)
    classifier.fit(transformer.transform(X[:200]), y[:200]).predict(transformer.transform(X[:200]))
    before = peak_memory()
    results = []

    def note(function):
        start = time.perf_counter()
        result = function()
        results.append((time.perf_counter() - start, peak_memory() - before))
        return result

    rows = note(lambda: transformer.transform(X))
    note(lambda: classifier.fit(rows, y))
    note(lambda: classifier.predict_proba(rows))
    return results


def print_memory(folder, sizes):
    """Print memory against the number of clips of 2 s, 173 frames of 128 bands."""
    write_noise(folder, 1, 120, ".wav")
    in_memory = {n_clips: n_clips * 173 * 128 * 4 / 1e6 for n_clips in sizes}
    print("| clips | all frames, MB | rows | transform | fit, 1 epoch | predict_proba |")
    print("|---|---|---|---|---|---|")
    with ProcessPoolExecutor(
        1, mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=1
    ) as pool:
        for n_clips in sizes:
            pool.submit(fill, folder, n_clips).result()
            for lazy in (True, False) if in_memory[n_clips] < 1000 else (True,):
                results = pool.submit(memory_of, folder, n_clips, lazy).result()
                cells = " | ".join(f"+{memory:.0f} MB, {time:.1f} s" for time, memory in results)
                rows = "lazy" if lazy else "arrays"
                print(f"| {n_clips} | {in_memory[n_clips]:.0f} | {rows} | {cells} |", flush=True)


def fill(folder, n_clips):
    """Have the cache hold all clips."""
    starts = np.arange(n_clips) / 1000
    X = pd.DataFrame(
        {"path": str(folder / "120s-0.wav"), "start_time": starts, "end_time": starts + 2.0}
    )
    LogMelTransformer(cache_dir=folder / "memory", lazy=True, n_jobs=2).transform(X)


def main():
    """Print the three tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--n-clips", type=int, nargs="+", default=[1000, 10000, 50000])
    parser.add_argument("--folder", help="where a temporary folder is made")
    arguments = parser.parse_args()
    print(f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}\n")
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        print_costs(Path(folder))
        print()
        print_search(Path(folder))
        print()
        print_memory(Path(folder), arguments.n_clips)


if __name__ == "__main__":
    main()

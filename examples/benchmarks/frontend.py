"""From recordings to features: sk_audioevents against librosa and torchaudio.

All contenders take the same clips in turn, in one run, with as many threads; what is compared is
the ratio of their times, round by round, since other work on the machine then strikes all alike.
Each package works in a process of its own, which reads the clips one by one, as its users have it:
where large arrays were freed before, the C library keeps their memory, and who makes many arrays
need not ask the system for it. In each turn it goes over the clips twice; the second time counts.
Times are those of the processor, in one thread; two threads are compared with one by the clock.

Clips are the recordings of ESC-10 in the folder that the environment variable SK_AUDIOEVENTS_DATA
names, else noise. Each is also written as WAV, FLAC and OGG into a temporary folder.

    python examples/benchmarks/frontend.py [--clips 40] [--rounds 9]
"""

import os

# Before numpy is imported: one thread for each library, unless a case asks for two of its own.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import atexit
import multiprocessing
import platform
import tempfile
import time
from functools import cache, partial
from pathlib import Path

import joblib
import librosa
import numba
import numpy as np
import scipy
import soundfile

from sk_audioevents import LogMelTransformer, MFCCTransformer
from sk_audioevents.audio import load_audio

RATE = 44100
LOG_MEL = {"n_fft": 1024, "hop_length": 512, "n_mels": 128}
MFCC = {
    "n_fft": 1024,
    "hop_length": 507,
    "win_length": 970,
    "window": "hamming",
    "n_mels": 127,
    "n_mfcc": 40,
}
FORMATS = {"WAV": "PCM_16", "FLAC": "PCM_16", "OGG": "VORBIS"}
PRECISIONS = ("double", "single")
KERNEL = "kernel alone, {}"
TRANSFORM = "transform, {}"
OTHERS = ("librosa", "torchaudio")  # contenders with a process of their own
TRANSFORMERS = {"log-mel": LogMelTransformer, "MFCC": MFCCTransformer}


def librosa_features(kind, waveform):
    """Return librosa's log-mel spectrogram, or coefficients of the pre-emphasised waveform."""
    if kind == "log-mel":
        return librosa.power_to_db(librosa.feature.melspectrogram(y=waveform, sr=RATE, **LOG_MEL))
    return librosa.feature.mfcc(y=librosa.effects.preemphasis(waveform), sr=RATE, **MFCC)


def librosa_from_path(path):
    """Return librosa's log-mel spectrogram of a file."""
    return librosa_features("log-mel", librosa.load(path, sr=RATE)[0])


@cache
def torchaudio_functions():
    """Return torchaudio's log-mel and MFCC functions of a tensor, or none."""
    try:
        import torch
        import torchaudio
    except (ImportError, OSError):
        return {}
    torch.set_num_threads(1)
    mel = torchaudio.transforms.MelSpectrogram(
        RATE, n_fft=1024, hop_length=512, n_mels=128, norm="slaney", mel_scale="slaney"
    )
    decibels = torchaudio.transforms.AmplitudeToDB(top_db=80)
    mfcc = torchaudio.transforms.MFCC(
        RATE,
        n_mfcc=40,
        melkwargs={
            "n_fft": 1024,
            "hop_length": 507,
            "win_length": 970,
            "n_mels": 127,
            "window_fn": torch.hamming_window,
        },
    )
    preemphasis = torchaudio.transforms.Preemphasis(0.97)
    return {
        "log-mel": lambda waveform: decibels(mel(torch.from_numpy(waveform))),
        "MFCC": lambda waveform: mfcc(preemphasis(torch.from_numpy(waveform))),
    }


def torchaudio_features(kind, waveform):
    """Return torchaudio's log-mel spectrogram or coefficients."""
    return torchaudio_functions()[kind](waveform)


class Waveforms(list):
    """The clips in some WAV files, several times over; each process reads the files itself."""

    def __init__(self, paths, times=1):
        self.paths = tuple(paths)
        self.times = times
        super().__init__(_read_waveforms(self.paths) * times)

    def __reduce__(self):
        return Waveforms, (self.paths, self.times)


@cache
def _read_waveforms(paths):
    return [soundfile.read(path, dtype="float32")[0] for path in paths]


class Package:
    """A process in which one package does what it is told, and says how long it took."""

    def __init__(self):
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,))
        self._process.start()
        atexit.register(self._end)

    def _end(self):
        self._connection.send((None, None))
        self._process.join()

    def prepare(self, name, run):
        """Send a function of no arguments, and have it called once."""
        self._connection.send((name, run))
        self._connection.recv()

    def time(self, name, clock):
        """Return how many seconds the function of a name takes, by a clock of the module time."""
        self._connection.send((name, clock))
        return self._connection.recv()


def _serve(connection):
    runs = {}
    while True:
        name, message = connection.recv()
        if name is None:
            return
        if callable(message):
            runs[name] = message
            message()
            connection.send(None)
        else:
            clock, run = getattr(time, message), runs[name]
            run()  # unmeasured: it finds the caches full of what another package left there
            start = clock()
            run()
            connection.send(clock() - start)


@cache
def package(name):  # noqa: ARG001 - it is the key
    """Return the process of a package."""
    return Package()


def measure(cases, n_rounds, n_clips, clock="process_time"):
    """Return milliseconds per clip of each case in each round; all cases take turns."""
    packages = {case: package(case if case in OTHERS else "ours") for case, _ in cases}
    for key, run in cases.items():
        packages[key[0]].prepare(key, run)
    times = {key: [] for key in cases}
    for _ in range(n_rounds):
        for key in cases:
            times[key].append(packages[key[0]].time(key, clock) / n_clips * 1e3)
    return {key: np.array(values) for key, values in times.items()}


def print_table(title, times, baseline="librosa"):
    """Print median times and the ratio to the baseline: median, smallest and largest of a round."""
    print(f"\n{title}\n")
    print(f"| | ms per clip | times {baseline}'s speed | smallest to largest |")
    print("|---|---:|---:|---:|")
    for (name, n_jobs), values in times.items():
        ratios = times[baseline, n_jobs] / values
        print(
            f"| {name} | {np.median(values):.3f} | {np.median(ratios):.1f} | "
            f"{ratios.min():.1f} to {ratios.max():.1f} |"
        )


def in_threads(function, items, n_jobs, keep):
    """Apply a function to each item, in threads, and keep the results or drop each.

    To find new memory for results takes the system some 0.1 ms a clip. `transform` keeps them, and
    so does whoever computes features for a classifier.
    """

    def apply(item):
        result = function(item)
        return result if keep else None

    if n_jobs == 1:
        return [apply(item) for item in items]
    parallel = joblib.Parallel(n_jobs=n_jobs, prefer="threads")
    return parallel(joblib.delayed(apply)(item) for item in items)


def kernel_cases(kind, clips):
    """Return the contenders from one waveform to its frames, which are dropped."""
    functions = {"librosa": partial(librosa_features, kind)}
    for precision in PRECISIONS:
        transformer = TRANSFORMERS[kind](precision=precision)
        functions[KERNEL.format(precision)] = transformer._make_extractor(n_clips=10**9)
    if torchaudio_functions():
        functions["torchaudio"] = partial(torchaudio_features, kind)
    return {
        (name, 1): partial(in_threads, function, clips, 1, False)
        for name, function in functions.items()
    }


def waveform_cases(kind, clips, n_jobs):
    """Return the contenders from waveforms to the frames of all of them."""
    function = partial(librosa_features, kind)
    cases = {("librosa", n_jobs): partial(in_threads, function, clips, n_jobs, True)}
    return cases | transform_cases(kind, clips, n_jobs)


def path_cases(paths, n_jobs):
    """Return the contenders from paths to log-mel frames."""
    cases = {("librosa", n_jobs): partial(in_threads, librosa_from_path, paths, n_jobs, True)}
    return cases | transform_cases("log-mel", paths, n_jobs)


def transform_cases(kind, clips, n_jobs):
    """Return our transformers, on waveforms or paths."""
    return {
        (TRANSFORM.format(precision), n_jobs): partial(
            TRANSFORMERS[kind](precision=precision, n_jobs=n_jobs).transform, clips
        )
        for precision in PRECISIONS
    }


def measure_threads(cases, n_clips, n_rounds):
    """Return the speed of two threads over one, in each round: double, single, librosa.

    Parameters
    ----------
    cases : callable
        Returns the contenders for a number of threads.
    n_clips : int
        How many clips each of them treats.
    n_rounds : int
        Of the other tables; here a third of them will do.
    """
    cases = cases(n_jobs=1) | cases(n_jobs=2)
    # One thread and two take turns, so that what the machine does besides strikes both.
    cases = {key: cases[key] for key in sorted(cases)}
    times = measure(cases, max(3, n_rounds // 3), n_clips, "perf_counter")
    names = [*map(TRANSFORM.format, PRECISIONS), "librosa"]
    return [times[name, 1] / times[name, 2] for name in names]


def stage_cases(paths, resampled_paths, clips):
    """Return what a path goes through: decoding, resampling, the spectrum."""
    extract = LogMelTransformer()._make_extractor(n_clips=10**6)
    resample = partial(load_audio, sample_rate=RATE)
    runs = {
        "decode": partial(in_threads, load_audio, paths, 1, False),
        "decode and resample from 48 kHz": partial(in_threads, resample, resampled_paths, 1, False),
        "spectrum": partial(in_threads, extract, clips, 1, False),
        "all, at 44.1 kHz": partial(LogMelTransformer().transform, paths),
    }
    return {(name, 1): run for name, run in runs.items()}


@numba.njit
def _multiply_add_independently(numbers, factor, summand, n_rounds):
    """Multiply and add, 16 times per number and round, on 512 numbers that stay in registers."""
    for _ in range(n_rounds):
        for i in range(len(numbers)):
            x = numbers[i]
            for _ in range(16):
                x = x * factor + summand
            numbers[i] = x


def operations_of_log_mel(n_samples):
    """Return how many additions and multiplications the log-mel spectrogram of a clip takes.

    For each frame: 1,024 products with the window; 192 butterflies of 60 operations, with two
    thirds of which go 7 complex factors of 6; 257 splits of bin pairs with 26; 1,007 weights of mel
    bands and 128 logarithms of 11 multiply-adds. Loads, stores and shuffles are not counted.
    """
    n_frames = 1 + n_samples // LOG_MEL["hop_length"]
    return n_frames * (1024 + 192 * 60 + 128 * 7 * 6 + 257 * 26 + 2 * 1007 + 2 * 128 * 11)


def peak_operations(dtype):
    """Return how many additions and multiplications a second one thread does at best."""
    numbers, n_rounds = np.full(512, 0.5, dtype=dtype), 2000
    arguments = (numbers, dtype(0.999), dtype(0.001), n_rounds)
    _multiply_add_independently(*arguments)
    best = np.inf
    for _ in range(15):
        start = time.perf_counter()
        _multiply_add_independently(*arguments)
        best = min(best, time.perf_counter() - start)
    return 2 * 16 * len(numbers) * n_rounds / best


def read_clips(n_clips):
    """Return five-second clips at 44.1 kHz, and where they come from."""
    folder = Path(os.environ.get("SK_AUDIOEVENTS_DATA", "")) / "esc10"
    if "SK_AUDIOEVENTS_DATA" in os.environ and folder.is_dir():
        paths = sorted(folder.rglob("*.ogg"))
        paths = paths[:: max(1, len(paths) // n_clips)][:n_clips]
        return [soundfile.read(path, dtype="float32")[0] for path in paths], "ESC-10"
    rng = np.random.default_rng(0)
    return [rng.normal(0, 0.1, 5 * RATE).astype(np.float32) for _ in range(n_clips)], "noise"


def write_clips(clips, folder, name, rate=RATE, subtype=None):
    """Write the clips as files of one format; return their paths."""
    subtype = subtype or FORMATS[name]
    paths = [str(folder / f"{i}-{rate}-{subtype}.{name.lower()}") for i in range(len(clips))]
    for path, clip in zip(paths, clips):
        soundfile.write(path, clip, rate, format=name, subtype=subtype)
    return paths


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--clips", type=int, default=40, help="number of clips")
    parser.add_argument("--rounds", type=int, default=9, help="turns of each contender")
    options = parser.parse_args()
    clips, source = read_clips(options.clips)
    n_clips = len(clips)
    print(
        f"{n_clips} clips of 5 s ({source}), {options.rounds} rounds. {platform.machine()}, "
        f"{os.cpu_count()} processors, Python {platform.python_version()}, "
        f"numba {numba.__version__}, numpy {np.__version__}, scipy {scipy.__version__}, "
        f"librosa {librosa.__version__}."
    )
    with tempfile.TemporaryDirectory() as folder:
        compare(clips, Path(folder), options.rounds)


def compare(clips, folder, n_rounds):
    """Measure everything, and print it."""
    speedups, stages, kernels, n_clips = {}, {}, {}, len(clips)
    # At least as many clips as ESC-10 has: it takes the system some ms to give work to a processor
    # that had none.
    times = -(-400 // n_clips)
    waveform_paths = write_clips(clips, folder, "WAV", subtype="FLOAT")
    few, many = Waveforms(waveform_paths), Waveforms(waveform_paths, times)
    for kind in TRANSFORMERS:
        kernels[kind] = measure(kernel_cases(kind, few), n_rounds, n_clips)
        print_table(f"**Waveform to {kind}, frames dropped**", kernels[kind])
        kept = measure(waveform_cases(kind, few, 1), n_rounds, n_clips)
        print_table(f"**Waveform to {kind}, frames kept**", kept)
        cases = partial(waveform_cases, kind, many)
        speedups[f"waveform to {kind}"] = measure_threads(cases, len(many), n_rounds)
    for name in FORMATS:
        paths = write_clips(clips, folder, name)
        from_paths = measure(path_cases(paths, 1), n_rounds, n_clips)
        print_table(f"**{name} file to log-mel, frames kept**", from_paths)
        cases = partial(path_cases, paths * times)
        speedups[f"{name} file to log-mel"] = measure_threads(cases, len(many), n_rounds)
        resampled = write_clips(clips, folder, name, 48000)
        stages[name] = measure(stage_cases(paths, resampled, few), n_rounds, n_clips)
    print_speedups(speedups)
    print_stages(stages)
    print_limit(kernels["log-mel"])


def print_speedups(speedups):
    """Print how many times as fast two threads are."""
    print("\n**Two threads against one, times the speed, by the clock**\n")
    print("| | double | single | librosa |\n|---|---:|---:|---:|")
    for name, ratios in speedups.items():
        cells = [f"{np.median(r):.2f} ({r.min():.2f} to {r.max():.2f})" for r in ratios]
        print(f"| {name} | " + " | ".join(cells) + " |")


def print_stages(stages):
    """Print how long each stage takes, for each format."""
    print("\n**Where the time goes, ms per clip, one thread, double precision**\n")
    print("| | " + " | ".join(stages) + " |\n|---|" + "---:|" * len(stages))
    for stage in next(iter(stages.values())):
        medians = [f"{np.median(times[stage]):.2f}" for times in stages.values()]
        print(f"| {stage[0]} | " + " | ".join(medians) + " |")


def print_limit(times):
    """Print how near the kernel is to the additions and multiplications that are possible."""
    print("\n**How near the spectrum is to what the processor can do**\n")
    print("| | operations per clip | at best, per second | at best, ms | measured, ms | share |")
    print("|---|---:|---:|---:|---:|---:|")
    operations = operations_of_log_mel(5 * RATE)
    for precision, dtype in zip(PRECISIONS, (np.float64, np.float32)):
        peak = peak_operations(dtype)
        measured = np.median(times[KERNEL.format(precision), 1])
        print(
            f"| {precision} | {operations / 1e6:.1f} million | {peak / 1e9:.0f} billion | "
            f"{operations / peak * 1e3:.3f} | {measured:.3f} | "
            f"{operations / peak * 1e3 / measured:.0%} |"
        )


if __name__ == "__main__":
    main()

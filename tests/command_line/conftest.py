"""Recordings on disk, and models that the command line has trained on them."""

import numpy as np
import pytest
import soundfile
import torch

from sk_audioevents.command_line import main

SAMPLE_RATE = 8000
PITCHES = {"high": 2500, "low": 300, "mid": 1000}  # hertz, by class
N_CLIPS = 8  # of each class
TINY = [
    *("--epochs", "12", "--sample-rate", str(SAMPLE_RATE), "--seed", "0", "--quiet"),
    *("--set", "channels=(4,6)", "--set", "embedding_dim=8", "--set", "n_mels=20"),
    *("--set", "n_fft=256", "--set", "hop_length=128", "--set", "learning_rate=0.02"),
]


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Let torch compute in one thread: more cost more than they give for a few values."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


def make_sound(names, seed):
    """Return 0.5 s of soft noise with a tone of 0.2 s for each of some classes."""
    rng = np.random.default_rng(seed)
    samples = rng.normal(0, 0.01, SAMPLE_RATE // 2)
    time = np.arange(SAMPLE_RATE // 5) / SAMPLE_RATE
    for name in names:
        start = rng.integers(0, len(samples) - len(time))
        pitch = PITCHES[name] * rng.uniform(0.95, 1.05)
        samples[start : start + len(time)] += 0.2 * np.sin(2 * np.pi * pitch * time)
    return samples


@pytest.fixture(scope="session")
def write_sound():
    """Return the function that writes a recording with some of the classes in it."""

    def write_sound(path, names, seed, after=0.0):
        """Write 0.5 s after so many seconds of soft noise, and as many of it again."""
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(0).normal(0, 0.01, round(after * SAMPLE_RATE))
        soundfile.write(path, np.r_[noise, make_sound(names, seed), noise], SAMPLE_RATE)

    return write_sound


@pytest.fixture(scope="session")
def train():
    """Return a function that trains a tiny model, and returns the exit code."""
    return lambda source, output, *more: main(
        ["train", str(source), "-o", str(output), *TINY, *more]
    )


@pytest.fixture(scope="session")
def folder(write_sound, tmp_path_factory):
    """Return a folder of one sub-folder of recordings for each class."""
    folder = tmp_path_factory.mktemp("recordings")
    for label in PITCHES:
        for i in range(N_CLIPS):
            write_sound(folder / label / f"{i}.wav", [label], 100 * PITCHES[label] + i)
    return folder


@pytest.fixture(scope="session")
def several(write_sound, tmp_path_factory):
    """Return a CSV file whose clips have none, one or two labels."""
    folder = tmp_path_factory.mktemp("several")
    rows = ["path,label"]
    for i in range(24):
        names = [name for k, name in enumerate(sorted(PITCHES)) if i >> k & 1]
        write_sound(folder / "clips" / f"{i}.wav", names, i)
        rows.append(f"clips/{i}.wav,{' ; '.join(names)}")
    (folder / "clips.csv").write_text("\n".join(rows) + "\n")
    return folder / "clips.csv"


@pytest.fixture(scope="session")
def model(train, folder, tmp_path_factory):
    """Return the path of a model of one label a clip."""
    path = tmp_path_factory.mktemp("models") / "tones.safetensors"
    assert train(folder, path) == 0
    return str(path)


@pytest.fixture(scope="session")
def multilabel_model(train, several, tmp_path_factory):
    """Return the path of a model of several labels a clip, with tuned thresholds."""
    path = tmp_path_factory.mktemp("models") / "several.safetensors"
    assert train(several, path, "--tune-thresholds", "--folds", "2") == 0
    return str(path)

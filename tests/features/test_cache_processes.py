"""The cache under several processes, and under processes that are killed while they write."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sk_audioevents import LogMelTransformer
from sk_audioevents.features._frame_store import FrameStore

RATE = 8000
SMALL = {"sample_rate": RATE, "n_fft": 256, "hop_length": 100, "n_mels": 20}

COUNTING = '''
import os
import time

from sk_audioevents import LogMelTransformer


class CountingLogMel(LogMelTransformer):
    """Append the number of the process to a file for each clip that is computed."""

    def _make_extractor(self, n_clips):
        extract = super()._make_extractor(n_clips)

        def extract_and_count(waveform):
            with open(os.environ["COUNT_FILE"], "ab", buffering=0) as file:
                file.write(f"{os.getpid()}\\n".encode())
            time.sleep(float(os.environ.get("COUNT_DELAY", 0)))
            return extract(waveform)

        return extract_and_count
'''

GRID_SEARCH = """
import glob
import sys

import numpy as np
from counting import CountingLogMel
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sk_audioevents import SLATSegmenter, VGGEventClassifier

paths = np.array(sorted(glob.glob("*.wav")))
model = make_pipeline(
    CountingLogMel(
        sample_rate=8000, n_fft=256, hop_length=100, n_mels=20,
        cache_dir="cache", lazy=sys.argv[1] == "lazy",
    ),
    SLATSegmenter(segment_frames=8, hop_frames=4),
    VGGEventClassifier(channels=(4,), embedding_dim=4, max_epochs=1, random_state=0),
)
grid = {
    "slatsegmenter": [SLATSegmenter(segment_frames=8, hop_frames=4), "passthrough"],
    "vggeventclassifier__loss": ["bce", "focal"],
}
search = GridSearchCV(model, grid, cv=5, n_jobs=2, scoring="neg_log_loss", error_score="raise")
search.fit(paths, np.arange(len(paths)) % 2)
"""

TRANSFORM = """
import glob

from counting import CountingLogMel

transformer = CountingLogMel(
    sample_rate=8000, n_fft=256, hop_length=100, n_mels=20, cache_dir="cache"
)
"""


@pytest.fixture
def folder(tmp_path):
    """Return a folder of 20 recordings and of a transformer that counts."""
    for i in range(20):
        waveform = np.random.default_rng(i).normal(size=1500 + 100 * (i % 3)) / 10
        soundfile.write(tmp_path / f"{i:02}.wav", waveform, RATE, subtype="FLOAT")
    (tmp_path / "counting.py").write_text(COUNTING)
    return tmp_path


def start(folder, code, *arguments, **variables):
    """Start a Python process in the folder; processes that it starts find counting.py too."""
    package = str(Path(sys.modules["sk_audioevents"].__file__).parents[1])
    environment = os.environ | variables
    environment["COUNT_FILE"] = str(folder / "count.txt")
    environment["PYTHONPATH"] = os.pathsep.join([str(folder), package])
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )


def run(folder, code, *arguments, **variables):
    process = start(folder, code, *arguments, **variables)
    process.communicate(timeout=300)
    assert process.returncode == 0


def computed_by(folder):
    """Return the process numbers, one for each clip that was computed."""
    return (folder / "count.txt").read_text().split() if (folder / "count.txt").exists() else []


def assert_right(folder):
    """Compare what a new transformer gives from the cache with what it gives without."""
    paths = sorted(folder.glob("*.wav"))
    expected = LogMelTransformer(**SMALL).transform(paths)
    for frames, expected_frames in zip(
        LogMelTransformer(**SMALL, cache_dir=folder / "cache").transform(paths), expected
    ):
        np.testing.assert_array_equal(frames, expected_frames)


@pytest.mark.parametrize("kind", ["arrays", "lazy"])
def test_a_grid_search_in_two_processes_computes_each_clip_once(folder, kind):
    run(
        folder, GRID_SEARCH, kind, COUNT_DELAY="0.1"
    )  # or one would be done before the other begins
    computed = computed_by(folder)
    assert len(computed) == 20  # not once for each of 4 candidates in each of 5 folds, and a refit
    assert len(set(computed)) >= 2  # in more processes than one
    assert_right(folder)


def test_processes_that_start_together_share_the_work(folder):
    code = TRANSFORM + "transformer.transform(sorted(glob.glob('*.wav')))"
    processes = [start(folder, code, COUNT_DELAY="0.1") for _ in range(2)]
    for process in processes:
        process.communicate(timeout=300)
        assert process.returncode == 0
    assert len(computed_by(folder)) == 20
    assert_right(folder)


@pytest.mark.parametrize("moment", ["nothing written", "half written", "not yet renamed"])
def test_a_process_killed_in_mid_write_leaves_a_good_cache(folder, moment):
    stop = """
import os
import time

from sk_audioevents.features import _frame_store

n_left = 5
replace, use = os.replace, _frame_store._mark_as_used

def stop_here():
    print("writing", flush=True)
    time.sleep(600)

def stopping_replace(source, target):
    global n_left
    n_left -= str(target).endswith(".frames")
    if n_left == 0 and MOMENT == "not yet renamed":
        stop_here()
    replace(source, target)

def stopping_use(file):
    if n_left == 1 and file.writable():
        if MOMENT == "half written":
            file.truncate(os.fstat(file.fileno()).st_size // 2)
        if MOMENT == "nothing written":
            file.truncate(0)
        if MOMENT != "not yet renamed":
            stop_here()
    use(file)

os.replace, _frame_store._mark_as_used = stopping_replace, stopping_use
transformer.transform(sorted(glob.glob("*.wav")))
"""
    process = start(folder, TRANSFORM + stop.replace("MOMENT", repr(moment)))
    assert process.stdout.readline() == "writing\n"
    process.kill()
    process.communicate()
    assert len(list((folder / "cache").glob("??/*.frames"))) == 4
    assert len(list((folder / "cache" / "aside").iterdir())) == 1
    n_before = len(computed_by(folder))
    start_time = time.monotonic()
    run(folder, TRANSFORM + "transformer.transform(sorted(glob.glob('*.wav')))")
    assert time.monotonic() - start_time < 30  # the lock of the killed process is no more
    assert len(computed_by(folder)) - n_before == 16
    assert_right(folder)


def test_processes_killed_at_any_time_leave_a_good_cache(folder):
    code = (
        TRANSFORM + "print('ready', flush=True)\ntransformer.transform(sorted(glob.glob('*.wav')))"
    )
    for i in range(6):
        process = start(folder, code, COUNT_DELAY="0.002")
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.003 + 0.013 * i)
        process.kill()
        process.communicate()
        assert_whole(folder)
    assert_right(folder)


def assert_whole(folder):
    """Check that no entry is damaged."""
    store = FrameStore(folder / "cache", "float32", None)
    for path in (folder / "cache").glob("??/*.frames"):
        assert store.read(path.parent.name + path.stem) is not None

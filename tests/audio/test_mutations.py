"""Whether 2,000 damaged copies of real recordings are read truly or refused, and nothing worse.

The files are read in processes of their own: one that crashes or hangs is a failure of its file.
"""

import json
import queue
import struct
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sk_audioevents.audio import load_audio

WORKER = Path(__file__).with_name("mutation_worker.py")
TIMEOUT = 30  # s for a file that is read in some 10 ms
MAX_MEMORY = 400  # MiB; the worker holds 150 before it reads, and a sound file needs less than 20
N_MUTATIONS = 500  # of each format
N_RECORDINGS = 5
SECONDS = 1

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the memory is read from /proc"),
]


class Worker:
    """A process that reads files, and is replaced when it crashes or hangs."""

    def __init__(self):
        self.start()

    def start(self):
        # mpg123 writes its complaints to stderr, which nobody reads here.
        self.process = subprocess.Popen(
            [sys.executable, WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.answers = queue.Queue()
        threading.Thread(target=self.listen, args=(self.process.stdout, self.answers)).start()

    def listen(self, stream, answers):
        with stream:
            for line in stream:
                answers.put(json.loads(line))
        answers.put(None)

    def ask(self, path):
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        try:
            answer = self.answers.get(timeout=TIMEOUT)
        except queue.Empty:
            answer = {"error": f"no answer in {TIMEOUT} s"}
        if answer is None:
            answer = {"error": f"crash with code {self.process.wait()}"}
        if "inspected" not in answer:
            self.stop()
            self.start()
        return answer

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()


def mutate(data, rng):
    """Return a file in which bits are flipped, bytes are cut out, put in or set to zero."""
    data = bytearray(data)
    at, length = int(rng.integers(len(data))), int(rng.integers(1, 200))
    kind = rng.choice(["flip", "flip in the header", "break off", "cut", "insert", "zero"])
    if kind.startswith("flip"):
        reach = len(data) if kind == "flip" else 200
        for position in rng.integers(min(reach, len(data)), size=rng.integers(1, 4)):
            data[position] ^= 1 << int(rng.integers(8))
    elif kind == "break off":
        del data[at:]
    elif kind == "cut":
        del data[at : at + length]
    elif kind == "insert":
        data[at:at] = rng.bytes(length)
    else:
        data[at : at + length] = bytes(len(data[at : at + length]))
    return bytes(data)


def failure(answer, path, is_true):
    """Return what is wrong with how a file was read, or None."""
    if answer.get("peak_memory", 0) > MAX_MEMORY:
        return f"{answer['peak_memory']:.0f} MiB"
    if "error" in answer:
        return refusal_failure(answer, path)
    if answer["inspected"] is not None:
        return f"only inspect_files finds: {answer['inspected']}"
    if not is_true(path, np.load(f"{path}.npy"), answer["sample_rate"]):
        return "the samples are not what the file holds"
    return None


def refusal_failure(answer, path):
    """Return what is wrong with an error, or None: it names the file, as the other reader does."""
    message = answer.get("message", "")
    if answer["error"] != "AudioDecodeError" or str(path) not in message:
        return f"{answer['error']}: {message}"
    if answer["inspected"] is None:
        return f"only load_audio finds: {message}"
    # A header that promises hours is refused by load_audio before anything is decoded.
    if answer["inspected"] not in message and "are to be read at once" not in message:
        return f"{message} / {answer['inspected']}"
    return None


def check_mutations(originals, folder, make_is_true):
    """Read mutations of files, and compare what is not refused with what it should be.

    ``make_is_true(waveform, sample_rate)`` takes what the whole file gives, and returns a function
    that tells whether the samples of a mutated one are what that file holds.
    """
    workers = queue.Queue()
    for _ in range(2):
        workers.put(Worker())

    def check_one(job):
        i, (original, is_true) = job
        path = folder / f"{i}{original.suffix}"
        path.write_bytes(mutate(original.read_bytes(), np.random.default_rng(i)))
        worker = workers.get()
        answer = worker.ask(path)
        workers.put(worker)
        return answer, failure(answer, path, is_true)

    truths = [make_is_true(*load_audio(original)) for original in originals]
    jobs = list(zip(originals, truths)) * (N_MUTATIONS // len(originals))
    try:
        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(check_one, enumerate(jobs)))
    finally:
        while not workers.empty():
            workers.get().stop()
    failures = {i: text for i, (_, text) in enumerate(results) if text is not None}
    n_refused = sum("error" in answer for answer, _ in results)
    most = max(answer.get("peak_memory", 0) for answer, _ in results)
    print(f"{len(results)} files: {n_refused} refused, at most {most:.0f} MiB")  # noqa: T201
    assert not failures


@pytest.fixture(scope="module")
def recordings(esc10_folder):
    """Return the first second of some real recordings, with a sound in it."""
    paths = sorted(esc10_folder.glob("*/*.ogg"))
    found = []
    for path in np.random.default_rng(0).permutation(paths):
        waveform, sample_rate = soundfile.read(path, dtype="float32", frames=SECONDS * 44100)
        if np.abs(waveform).max() > 0.05:
            found.append((waveform, sample_rate))
    return found[:N_RECORDINGS]


def write_all(recordings, folder, suffix, **options):
    paths = [folder / f"original{i}{suffix}" for i in range(len(recordings))]
    for path, (waveform, sample_rate) in zip(paths, recordings, strict=True):
        soundfile.write(path, waveform, sample_rate, **options)
    return paths


def test_wav(recordings, tmp_path):
    """A WAV file has no checksums: whatever is in the data chunk is what it holds."""

    def make_is_true(*_):
        def is_true(path, waveform, sample_rate):
            data = path.read_bytes()
            n_channels, rate = struct.unpack_from("<HI", data, 22)
            stop = 44 + int.from_bytes(data[40:44], "little")
            channels = np.frombuffer(data[44:stop], dtype="<i2").reshape(-1, n_channels) / 32768
            return rate == sample_rate and np.array_equal(waveform, channels.mean(axis=1))

        return is_true

    check_mutations(write_all(recordings, tmp_path, ".wav"), tmp_path, make_is_true)


@pytest.mark.parametrize(
    ("suffix", "options"),
    [(".flac", {}), (".ogg", {}), (".opus", {"format": "OGG", "subtype": "OPUS"})],
)
def test_formats_with_checksums(recordings, tmp_path, suffix, options):
    """What is not refused is the original."""
    if suffix == ".opus":
        recordings = [(waveform, 48000) for waveform, _ in recordings]

    def make_is_true(original, original_rate):
        def is_true(path, waveform, sample_rate):
            return sample_rate == original_rate and np.array_equal(waveform, original)

        return is_true

    check_mutations(write_all(recordings, tmp_path, suffix, **options), tmp_path, make_is_true)


def make_is_as_long(tolerance):
    """Return what tells whether a waveform without checksums is as long as the original."""

    def make_is_true(original, original_rate):
        def is_true(path, waveform, sample_rate):
            near = abs(len(waveform) - len(original)) <= tolerance * original_rate
            return sample_rate == original_rate and near and np.isfinite(waveform).all()

        return is_true

    return make_is_true


@pytest.mark.parametrize("bitrate_mode", ["CONSTANT", "VARIABLE"])
def test_mp3(recordings, tmp_path, bitrate_mode):
    """Flipped bits are not found, also in the delay and padding that the first frame tells."""
    paths = write_all(recordings, tmp_path, ".mp3", bitrate_mode=bitrate_mode)
    check_mutations(paths, tmp_path, make_is_as_long(8192 / 44100))


@pytest.mark.parametrize(
    ("suffix", "codec", "options"),
    [
        (".m4a", "aac", {}),
        (".webm", "libopus", {}),
        (".webm", "libopus", {"live": "1"}),
    ],
)
def test_formats_that_ffmpeg_reads(recordings, tmp_path, encode, suffix, codec, options):
    paths = [tmp_path / f"original{i}{suffix}" for i in range(len(recordings))]
    for path, (waveform, _) in zip(paths, recordings, strict=True):
        encode(path, waveform, 48000, codec, **options)
    check_mutations(paths, tmp_path, make_is_as_long(0.1))

"""Damaged files, and files changed at random by somebody who makes the checksums right again."""

import copy
import resource
import sys

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

from sk_audioevents import SoundEventDetector
from sk_audioevents.exceptions import ModelFormatError
from sk_audioevents.model_selection import MultilabelStratifiedKFold
from sk_audioevents.persistence import load_model, save_model
from sk_audioevents.persistence._classes import CLASSES, class_named

NUMBERS = [pytest.param(100, id="100"), pytest.param(1000, id="1000", marks=pytest.mark.slow)]
MAX_MEMORY = 64  # MiB that all these loads may add; a file has 14 kB
# What loading has no reason to do: to run a program, to write a file, to speak to the network.
FORBIDDEN = ("os.", "subprocess.", "socket.", "pickle.", "shutil.", "ctypes.", "exec", "compile")
NASTY = [
    None,
    True,
    0,
    -1,
    2**63,
    1e308,
    "",
    "os.system",
    "../../etc/passwd",
    [],
    [[]],
    {},
    {"type": "object", "class": "os.system", "parameters": {}},
    {"type": "object", "same_as": "model"},
    {"type": "array", "tensor": "model"},
    {"type": "array", "dtype": "object", "shape": [1], "items": [None]},
    {"type": "float", "value": "nan"},
    {"type": "tuple", "items": [1, "a"]},
    {"type": "path", "value": "/etc/passwd"},
]


class Auditor:
    """Notes what Python does while a model is loaded."""

    def __init__(self):
        self.watching = False
        self.seen = []
        sys.addaudithook(self)

    def __call__(self, event, arguments):
        if self.watching and (event.startswith(FORBIDDEN) or is_writing(event, arguments)):
            self.seen.append((event, repr(arguments)[:200]))

    def load(self, path):
        """Load a model, or return None if it is refused as it should be."""
        self.watching = True
        try:
            return load_model(path)
        except ModelFormatError:
            return None
        finally:
            self.watching = False


def is_writing(event, arguments):
    return event == "open" and (set("wax+") & set(arguments[1] or ""))


@pytest.fixture(scope="module")
def auditor():
    """Return an auditor; all that models may consist of is imported before."""
    for name in CLASSES:
        class_named(name)
    repr(StratifiedKFold()), repr(LinearSVC())  # messages show such
    return Auditor()


@pytest.fixture(scope="module")
def detector_file(pipeline, sounds, tmp_path_factory):
    """Return the file of a detector, with many kinds of values in it."""
    detector = SoundEventDetector(
        FrozenEstimator(pipeline),
        threshold={"click": 0.5},
        min_duration=0.1,
        class_names=np.array(["chirp", "click", "engine"], dtype=object),
        cv=MultilabelStratifiedKFold(3),
    )
    path = tmp_path_factory.mktemp("detector") / "detector.safetensors"
    save_model(detector.fit(sounds.waveforms, sounds.target_names[sounds.target]), path)
    return path


@pytest.fixture
def memory():
    """Check how much memory a test has added, at its worst."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    added = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert added < MAX_MEMORY


@pytest.mark.parametrize("n_files", NUMBERS)
def test_a_damaged_file_is_refused_or_as_good_as_before(
    detector_file, sounds, tmp_path, auditor, memory, n_files
):
    data, rng = detector_file.read_bytes(), np.random.default_rng(n_files)
    expected = auditor.load(detector_file).predict_proba(sounds.waveforms)
    path, n_refused = tmp_path / "damaged.safetensors", 0
    for _ in range(n_files):
        path.write_bytes(damage(data, rng))
        model = auditor.load(path)
        if model is None:
            n_refused += 1
        else:
            np.testing.assert_array_equal(model.predict_proba(sounds.waveforms), expected)
    assert not auditor.seen
    assert n_refused > 0.9 * n_files


@pytest.mark.parametrize("n_files", NUMBERS)
def test_a_forged_file_is_refused_or_a_model(detector_file, forge, auditor, memory, n_files):
    rng, n_refused = np.random.default_rng(n_files), 0
    auditor.load(detector_file)
    for _ in range(n_files):

        def change(description, tensors):
            for _ in range(rng.integers(1, 4)):
                change_somewhere(description["model"], tensors, rng)

        model = auditor.load(forge(change, detector_file))
        assert model is None or isinstance(model, BaseEstimator)
        n_refused += model is None
    assert not auditor.seen
    assert 0.3 * n_files < n_refused < n_files


def test_the_auditor_hears_what_it_should(auditor, tmp_path):
    auditor.watching = True
    (tmp_path / "x").write_bytes(b"x")
    exec("1")
    auditor.watching = False
    assert {event for event, _ in auditor.seen} >= {"open", "exec", "compile"}
    auditor.seen.clear()


def damage(data, rng):
    """Return a file in which bits are flipped, or bytes are cut out, put in or set to zero."""
    data = bytearray(data)
    kind, place = rng.integers(5), int(rng.integers(len(data)))
    length = int(rng.integers(1, 200))
    if kind == 0:
        for at in rng.integers(len(data), size=rng.integers(1, 4)):
            data[at] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        del data[place : place + length]
    elif kind == 2:
        data[place:place] = rng.bytes(length)
    elif kind == 3:
        data[place : place + length] = bytes(len(data[place : place + length]))
    else:
        del data[place:]
    return bytes(data)


def change_somewhere(content, tensors, rng):
    """Change a random place of a description, or one of its tensors."""
    if rng.random() < 0.1:
        name = sorted(tensors)[rng.integers(len(tensors))]
        tensors[name] = tensors[name].ravel()[: rng.integers(0, 3)]
        return
    places = list(places_of(content))
    parent, key = places[rng.integers(len(places))]
    other_parent, other_key = places[rng.integers(len(places))]
    kind = rng.integers(4)
    if kind == 0:
        del parent[key]
    elif kind == 1:
        parent[key] = copy.deepcopy(other_parent[other_key])
    elif kind == 2 and isinstance(parent, dict):
        parent[NAMES[rng.integers(len(NAMES))]] = parent.pop(key)
    else:
        parent[key] = copy.deepcopy(NASTY[rng.integers(len(NASTY))])


NAMES = ["fitted", "parameters", "class", "type", "id", "same_as", "__class__", "fit", "net_"]


def places_of(content):
    """Yield each place in a JSON value, as what holds it and its key there."""
    keys = content if isinstance(content, dict) else range(len(content))
    for key in keys:
        yield content, key
        if isinstance(content[key], (dict, list)):
            yield from places_of(content[key])

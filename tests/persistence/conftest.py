"""A small fitted pipeline, its file, and files that somebody changed who knows the format."""

import hashlib
import json

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file
from sklearn.pipeline import make_pipeline

from sk_audioevents import LogMelTransformer, SLATSegmenter, VGGEventClassifier
from sk_audioevents.datasets import make_sound_events
from sk_audioevents.persistence import save_model

CODES = {"float32": "F32", "float64": "F64", "int64": "I64"}


@pytest.fixture(scope="session")
def sounds():
    """Return clips of three sounds."""
    return make_sound_events(18, n_classes=3, duration=0.6, sample_rate=8000, random_state=0)


@pytest.fixture
def front_end():
    """Return a transformer that makes few small frames."""
    return LogMelTransformer(sample_rate=8000, n_fft=256, hop_length=128, n_mels=12)


@pytest.fixture
def tiny():
    """Return a function that makes a classifier of few parameters."""

    def make(**parameters):
        small = {"channels": (4, 4), "embedding_dim": 6, "max_epochs": 2, "random_state": 0}
        return VGGEventClassifier(**small | parameters)

    return make


@pytest.fixture(scope="session")
def pipeline(sounds):
    """Return a fitted pipeline. Tests must not change it."""
    model = make_pipeline(
        LogMelTransformer(sample_rate=8000, n_fft=256, hop_length=128, n_mels=12),
        SLATSegmenter(segment_frames=16, hop_frames=8),
        VGGEventClassifier(channels=(4, 4), embedding_dim=6, max_epochs=2, random_state=0),
    )
    return model.fit(sounds.waveforms, sounds.target_names[sounds.target])


@pytest.fixture(scope="session")
def model_file(pipeline, tmp_path_factory):
    """Return the file of the pipeline. Tests must not change it."""
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    save_model(pipeline, path)
    return path


@pytest.fixture
def forge(model_file, tmp_path):
    """Return a function that changes a copy of the file, and makes its checksums right again.

    It goes by what the documentation says of the format, and shares no code with the package.
    """

    def make(change, source=model_file):
        with safe_open(source, framework="numpy") as file:
            description = json.loads(file.metadata()["sk_audioevents"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        change(description, tensors)
        path = tmp_path / "forged.safetensors"
        description["weights_sha256"] = weights_checksum(tensors)
        description["sha256"] = description_checksum(description)
        save_file(tensors, path, {"sk_audioevents": json.dumps(description)})
        return path

    return make


def description_checksum(description):
    """Return the checksum of a description, as docs/model_format.rst defines it."""
    rest = {name: value for name, value in description.items() if name != "sha256"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def weights_checksum(tensors):
    """Return the checksum of tensors, as docs/model_format.rst defines it."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        array = np.asarray(tensors[name])
        fields = {"dtype": CODES[array.dtype.name], "name": name, "shape": list(array.shape)}
        line = json.dumps(fields, sort_keys=True, separators=(",", ":")) + "\n"
        digest.update(line.encode("ascii") + array.tobytes())
    return digest.hexdigest()

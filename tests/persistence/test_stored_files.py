"""Model files of earlier versions load, and predict what they predicted then.

``data/make_files.py`` has written them, and tells how.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from sk_audioevents.persistence import load_model, read_model_info

DATA = Path(__file__).parent / "data"
FILES = sorted(path.stem for path in DATA.glob("*.safetensors"))


@pytest.fixture
def clips():
    """Return the clips of data/make_files.py."""
    time = np.arange(4000) / 8000
    slopes = np.tile([2000.0, -2000.0, 0.0], 4)
    phases = [(1500 + 60 * i) * time + slope * time**2 for i, slope in enumerate(slopes)]
    return np.sin(2 * np.pi * np.array(phases))


def test_there_are_files():
    assert {"detector_1", "linear_1", "sets_1", "waveforms_1"} <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_an_earlier_version_predicts_as_it_did(name, clips):
    model = load_model(DATA / f"{name}.safetensors")
    expected = json.loads((DATA / f"{name}.json").read_text())
    for method in expected.keys() & {"predict_proba", "decision_function"}:
        found = getattr(model, method)(clips)
        # Another processor may round otherwise.
        np.testing.assert_allclose(found, expected[method], rtol=0, atol=1e-4)
    if "predict" in expected:
        assert model.predict(clips).tolist() == expected["predict"]
    if "timeline" in expected:
        timeline = model.predict_timeline(clips).to_numpy()
        np.testing.assert_allclose(timeline, expected["timeline"], rtol=0, atol=1e-4)
    if "thresholds" in expected:
        found = model.thresholds_
        assert (found if isinstance(found, dict) else found.tolist()) == expected["thresholds"]


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_an_earlier_version_tells_what_it_is(name):
    info = read_model_info(DATA / f"{name}.safetensors")
    assert info["card"] == f"The {name.partition('_')[0]}."
    assert info["versions"]["sk_audioevents"]
    assert len(info["classes"]) in (2, 3)
    assert info["file_size"] < 100_000

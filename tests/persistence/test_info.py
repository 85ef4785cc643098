"""What is told of a model without loading it."""

import subprocess
import sys

import pytest

from sk_audioevents import SoundEventDetector
from sk_audioevents.exceptions import ModelFormatError
from sk_audioevents.persistence import read_model_info, save_model


def test_the_parts_and_classes_are_told(pipeline, model_file):
    info = read_model_info(model_file)
    assert [found["class"] for found in info["objects"]] == [
        "sklearn.pipeline.Pipeline",
        "sk_audioevents.LogMelTransformer",
        "sk_audioevents.SLATSegmenter",
        "sk_audioevents.VGGEventClassifier",
    ]
    assert info["objects"][1]["parameters"]["sample_rate"] == 8000
    assert info["objects"][3]["parameters"]["channels"] == [4, 4]
    assert info["classes"] == ["chirp", "click", "engine"]
    assert info["file_size"] == model_file.stat().st_size
    state = pipeline[-1].net_.module_.state_dict()
    history = 3 * pipeline[-1].n_iter_  # of floats: train_loss, learning_rate, seconds
    assert info["n_weights"] == sum(tensor.numel() for tensor in state.values()) + history


def test_the_names_that_a_detector_gives_are_told(pipeline, sounds, tmp_path):
    detector = SoundEventDetector(pipeline, threshold=0.5, class_names=["bird", "frog", "car"])
    save_model(detector.fit(sounds.waveforms, sounds.target), tmp_path / "model", card="Of June.")
    info = read_model_info(tmp_path / "model")
    assert info["classes"] == ["bird", "frog", "car"]
    assert info["card"] == "Of June."


def test_weights_are_not_read(model_file, tmp_path):
    data = model_file.read_bytes()
    (tmp_path / "model.safetensors").write_bytes(data[:-4] + b"\xff" * 4)
    assert read_model_info(tmp_path / "model.safetensors") == read_model_info(model_file)


@pytest.mark.slow
def test_torch_is_not_needed(model_file):
    code = f"""if True:
        import sys
        from sk_audioevents.persistence import read_model_info
        read_model_info({str(model_file)!r})
        sys.exit("torch" in sys.modules)"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_other_files_are_refused(tmp_path):
    (tmp_path / "model").write_text("hello, world")
    with pytest.raises(ModelFormatError, match="no safetensors file"):
        read_model_info(tmp_path / "model")

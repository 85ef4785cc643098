"""The command ``info``."""

import json

from sk_audioevents.command_line import main


def test_info_tells_classes_steps_and_card(model, capsys):
    assert main(["info", model]) == 0
    text = capsys.readouterr().out
    assert text.startswith("Classes: high, low, mid\n")
    assert "LogMelTransformer: sample_rate=8000, n_fft=256, hop_length=128" in text
    assert text.endswith("Trained with `sk-audioevents train` on 24 clips.\n")
    assert max(map(len, text.splitlines())) <= 100


def test_info_may_be_json(model, capsys):
    assert main(["info", model, "--format", "json"]) == 0
    info = json.loads(capsys.readouterr().out)
    assert info["classes"] == ["high", "low", "mid"]
    assert info["file_size"] > 4 * info["n_weights"]


def test_what_is_no_model_is_one_sentence(tmp_path, capsys):
    (tmp_path / "m.safetensors").write_bytes(b"PK")
    assert main(["info", str(tmp_path / "m.safetensors")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("sk-audioevents info: error: ")
    assert "m.safetensors" in line

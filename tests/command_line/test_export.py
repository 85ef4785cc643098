"""The command ``export``."""

import onnx
import pytest

from sk_audioevents.command_line import main


@pytest.mark.parametrize("kind", ["model", "multilabel_model"])
@pytest.mark.parametrize(("arguments", "expected"), [([], "waveform"), (["--frames"], "frames")])
def test_a_model_becomes_an_onnx_file(request, kind, tmp_path, arguments, expected):
    path = tmp_path / "model.onnx"
    saved = request.getfixturevalue(kind)
    assert main(["export", saved, "-o", str(path), *arguments]) == 0
    exported = onnx.load(path)
    assert [value.name for value in exported.graph.input] == [expected]
    (classes,) = (item.value for item in exported.metadata_props if item.key == "classes")
    assert classes == '["high", "low", "mid"]'


def test_a_file_is_replaced_only_where_that_was_asked_for(model, tmp_path, capsys):
    path = tmp_path / "model.onnx"
    path.write_text("mine")
    assert main(["export", model, "-o", str(path)]) == 2
    assert "say --force to replace it" in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert main(["export", model, "-o", str(path), "--force", "--quiet"]) == 0
    assert capsys.readouterr().err == ""
    onnx.checker.check_model(onnx.load(path))

"""The command ``explain``."""

import json
import sys

import pytest

from sk_audioevents.command_line import main

pytest.importorskip("matplotlib")


@pytest.mark.parametrize("kind", ["model", "multilabel_model"])
def test_a_picture_is_drawn_and_relevance_adds_up(request, kind, folder, tmp_path, capsys):
    model = request.getfixturevalue(kind)
    picture = tmp_path / "low.png"
    arguments = ["explain", model, str(folder / "low" / "2.wav"), "-o", str(picture)]
    assert main([*arguments, "--target", "low", "--format", "json"]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    (row,) = json.loads(capsys.readouterr().out)
    assert row["label"] == "low"
    parts = row["of_recording"] + row["of_padding"] + row["of_biases"]
    assert parts == pytest.approx(row["score"], abs=1e-4)
    assert row["missing"] == pytest.approx(row["score"] - parts, abs=1e-12)


def test_the_most_probable_class_is_explained_if_none_is_named(model, folder, tmp_path, capsys):
    picture = tmp_path / "mid.svg"
    assert main(["explain", model, str(folder / "mid" / "2.wav"), "-o", str(picture)]) == 0
    assert ",mid," in capsys.readouterr().out
    assert "<svg" in picture.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target", "dog"], "must be one of 'high', 'low', 'mid'. Got 'dog' instead"),
        (["--rule", "magic"], "'rule'"),
    ],
)
def test_wrong_arguments_are_one_sentence(model, folder, tmp_path, capsys, arguments, message):
    picture = tmp_path / "low.png"
    path = str(folder / "low" / "2.wav")
    assert main(["explain", model, path, "-o", str(picture), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not picture.exists()


def test_a_picture_of_another_kind_is_an_error(model, folder, tmp_path, capsys):
    path = str(folder / "low" / "2.wav")
    assert main(["explain", model, path, "-o", str(tmp_path / "low.xyz")]) == 2
    assert "xyz" in capsys.readouterr().err


def test_without_matplotlib_the_error_tells_how_to_install_it(
    model, folder, tmp_path, capsys, monkeypatch
):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    path = str(folder / "low" / "2.wav")
    assert main(["explain", model, path, "-o", str(tmp_path / "low.png")]) == 2
    assert "sk-audioevents explain needs matplotlib: pip install" in capsys.readouterr().err

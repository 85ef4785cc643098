"""Saving: what is written, what is refused, and what a kill leaves."""

import os
import shutil
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from safetensors import safe_open
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC
from skorch.callbacks import EpochScoring

from sk_audioevents import SoundEventDetector
from sk_audioevents._atomic import publish_file
from sk_audioevents.augmentation import BackgroundMix, Compose
from sk_audioevents.exceptions import ParameterNotSavedWarning
from sk_audioevents.persistence import load_model, read_model_info, save_model


def halve(batch, generator):
    return batch


def test_a_path_with_the_suffix_is_one_file_that_safetensors_reads(pipeline, tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(pipeline, path)
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]
    state = pipeline[-1].net_.module_.state_dict()
    with safe_open(path, framework="numpy") as file:
        for key, tensor in state.items():
            stored = file.get_tensor(f"model.steps.2.1.weights.{key}")
            np.testing.assert_array_equal(stored, tensor.numpy(), strict=True)


def test_any_other_path_is_a_folder_with_a_card(pipeline, tmp_path):
    save_model(pipeline, tmp_path / "birds-0.1", card="Heard in **Ghent**.")
    names = {file.name for file in (tmp_path / "birds-0.1").iterdir()}
    assert names == {"weights.safetensors", "model.json", "README.md"}
    card = (tmp_path / "birds-0.1" / "README.md").read_text()
    assert card.startswith("---\nlibrary_name: sk_audioevents\n")
    assert "Heard in **Ghent**." in card
    assert "`chirp`, `click`, `engine`" in card


def test_a_card_with_its_own_header_is_all_of_the_readme(pipeline, tmp_path):
    save_model(pipeline, tmp_path / "model", card="---\nlicense: mit\n---\nMine.")
    assert (tmp_path / "model" / "README.md").read_text() == "---\nlicense: mit\n---\nMine."


def test_labels_of_strange_characters_are_saved(tiny, tmp_path):
    X = np.random.default_rng(0).normal(size=(4, 16, 5)).astype(np.float32)
    labels = ["Ω\n`x`", "\udcff"]  # the second one stands for a byte that is no text
    save_model(tiny().fit(X, [labels[0], labels[1]] * 2), tmp_path / "model")
    assert load_model(tmp_path / "model").classes_.tolist() == labels


def test_the_file_is_hardly_larger_than_the_weights(tiny, tmp_path):
    X = np.random.default_rng(0).normal(size=(4, 64, 12)).astype(np.float32)
    model = tiny(channels=(8, 64), embedding_dim=512, max_epochs=1).fit(X, [0, 1, 0, 1])
    save_model(model, tmp_path / "model.safetensors")
    weights = sum(tensor.nbytes for tensor in model.net_.module_.state_dict().values())
    assert weights > 500_000
    assert os.path.getsize(tmp_path / "model.safetensors") < 1.05 * weights


def test_the_same_model_gives_the_same_bytes(pipeline, model_file, tmp_path):
    save_model(pipeline, tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == model_file.read_bytes()


def test_others_may_read_what_the_umask_lets_them(pipeline, tmp_path):
    (tmp_path / "plain").touch()
    save_model(pipeline, tmp_path / "model.safetensors")
    mode = (tmp_path / "model.safetensors").stat().st_mode
    assert mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("name", ["model.safetensors", "model"])
def test_nothing_is_overwritten_unasked(pipeline, tmp_path, name):
    path = tmp_path / name
    save_model(pipeline, path, card="first")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        save_model(pipeline, path, card="second")
    assert read_model_info(path)["card"] == "first"
    save_model(pipeline, path, card="second", overwrite=True)
    assert read_model_info(path)["card"] == "second"
    assert not [file for file in tmp_path.iterdir() if file.name != name]


def test_an_empty_folder_is_filled(pipeline, tmp_path):
    (tmp_path / "model").mkdir()
    save_model(pipeline, tmp_path / "model")
    assert load_model(tmp_path / "model").classes_.tolist() == ["chirp", "click", "engine"]


def test_a_folder_of_other_things_is_never_touched(pipeline, tmp_path):
    (tmp_path / "README.md").write_text("Years of work")
    with pytest.raises(FileExistsError, match="holds other things than a model"):
        save_model(pipeline, tmp_path, overwrite=True)
    assert [file.read_text() for file in tmp_path.iterdir()] == ["Years of work"]


def test_a_folder_must_be_there(pipeline, tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        save_model(pipeline, tmp_path / "no" / "model")


@pytest.mark.parametrize("suffix", [".pkl", ".pt", ".joblib", ".zip"])
def test_names_of_other_formats_are_refused(pipeline, tmp_path, suffix):
    with pytest.raises(ValueError, match=r"must end in '\.safetensors' for one file"):
        save_model(pipeline, tmp_path / f"model{suffix}")


def test_a_file_that_appears_meanwhile_is_kept(tmp_path):
    def write(file):
        file.write(b"new")
        (tmp_path / "model").write_bytes(b"of another process")

    with pytest.raises(FileExistsError, match="by now"):
        publish_file(write, tmp_path / "model", overwrite=False)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"of another process"]


def test_an_error_while_writing_leaves_the_old_file(tmp_path):
    def write(file):
        file.write(b"half of it")
        raise OSError("No space left on device")

    (tmp_path / "model").write_bytes(b"old")
    with pytest.raises(OSError, match="No space left"):
        publish_file(write, tmp_path / "model", overwrite=True)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"old"]


@pytest.mark.parametrize("name", ["model.safetensors", "model"])
def test_at_each_step_of_a_save_there_is_the_old_model_or_the_new_one(
    pipeline, tmp_path, monkeypatch, name
):
    home, cards = tmp_path / "home", []
    home.mkdir()
    save_model(pipeline, home / name, card="old")

    def looked_at(function):
        def look_and_do(*arguments):
            copy = tmp_path / str(len(cards))  # what a process that is killed here leaves
            shutil.copytree(home, copy)
            load_model(copy / name)
            cards.append(read_model_info(copy / name)["card"])
            return function(*arguments)

        return look_and_do

    for step in ("fsync", "replace"):
        monkeypatch.setattr(os, step, looked_at(getattr(os, step)))
    save_model(pipeline, home / name, card="new", overwrite=True)
    assert set(cards) == {"old", "new"}
    assert cards == sorted(cards, reverse=True)
    assert read_model_info(home / name)["card"] == "new"


def test_a_new_folder_appears_whole(pipeline, tmp_path, monkeypatch):
    seen, sync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: seen.append(path.exists()) or sync(file))
    path = tmp_path / "model"
    save_model(pipeline, path)
    assert seen == [False] * 4 + [True]  # three files, the new folder, and the one around it


@pytest.mark.slow
def test_a_killed_save_leaves_the_old_model(model_file, tmp_path):
    path = tmp_path / "model.safetensors"
    shutil.copy(model_file, path)
    code = f"""if True:
        import os, signal
        from sk_audioevents.persistence import load_model, save_model
        model = load_model({str(path)!r})
        os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
        save_model(model, {str(path)!r}, card="new", overwrite=True)"""
    result = subprocess.run([sys.executable, "-c", code], check=False)
    assert result.returncode == -signal.SIGKILL
    assert path.read_bytes() == model_file.read_bytes()


@pytest.mark.parametrize("name", ["model.safetensors", "model"])
def test_those_who_read_while_others_write_find_whole_models(pipeline, tmp_path, name):
    path = tmp_path / name
    save_model(pipeline, path, card="0")
    problems, done = [], threading.Event()

    def read():
        while not done.is_set():
            try:
                load_model(path)
            except Exception as error:  # an error in a thread is none of the test
                problems.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    writers = [
        threading.Thread(target=save_model, args=(pipeline, path), kwargs=kwargs)
        for kwargs in ({"card": str(i), "overwrite": True} for i in range(8))
    ]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()
    assert not problems
    assert len(list(tmp_path.iterdir())) == 1


def test_a_model_that_is_not_fitted_is_refused(front_end, tiny, tmp_path):
    with pytest.raises(NotFittedError):
        save_model(make_pipeline(front_end, tiny()), tmp_path / "model")
    with pytest.raises(NotFittedError):
        save_model(SoundEventDetector(tiny(), threshold=0.5), tmp_path / "model")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda X, y: RandomForestClassifier(n_estimators=2).fit(X, y), "a RandomForestClassifier"),
        (
            lambda X, y: make_pipeline(StandardScaler(), FunctionTransformer(np.abs)).fit(X, y),
            "the 'steps' parameter of Pipeline, which is or holds a FunctionTransformer",
        ),
        (
            lambda X, y: GridSearchCV(LinearSVC(), {}, cv=2).fit(X, y),
            "a GridSearchCV.*save the best_estimator_",
        ),
    ],
)
def test_other_classes_are_refused_by_name(make, reason, tmp_path):
    X, y = np.random.default_rng(0).normal(size=(12, 3)), [0, 1] * 6
    with pytest.raises(TypeError, match=reason):
        save_model(make(X, y), tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_a_class_derived_from_one_of_ours_is_refused(tmp_path):
    class MyScaler(StandardScaler):
        def transform(self, X):
            return X

    with pytest.raises(TypeError, match="a MyScaler"):
        save_model(MyScaler().fit([[0.0], [1.0]]), tmp_path / "model")


@pytest.mark.parametrize(
    ("parameter", "value", "reason"),
    [
        ("augment", lambda batch, generator: batch, "a function or class .*<lambda>"),
        ("augment", halve, r"a function or class \(halve\)"),
        ("callbacks", [EpochScoring(len, use_caching=False)], "a EpochScoring"),
        ("random_state", np.random.RandomState(0), "a RandomState"),
    ],
)
def test_what_only_matters_for_training_is_left_out_with_a_warning(
    tiny, tmp_path, parameter, value, reason
):
    X = np.random.default_rng(0).normal(size=(4, 16, 5)).astype(np.float32)
    model = tiny().fit(X, [0, 1, 0, 1]).set_params(**{parameter: value})
    expected = f"The '{parameter}' parameter .*{reason}"
    with pytest.warns(ParameterNotSavedWarning, match=expected) as caught:
        save_model(model, tmp_path / "model.safetensors")
    assert caught[0].filename == __file__
    loaded = load_model(tmp_path / "model.safetensors")
    assert getattr(loaded, parameter) is None
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


def test_what_is_left_out_takes_nothing_along(tiny, tmp_path):
    X = np.random.default_rng(0).normal(size=(4, 16, 5)).astype(np.float32)
    background = BackgroundMix(backgrounds=[X[0]])
    model = tiny(augment=Compose([background, halve])).fit(X, [0, 1, 0, 1])
    detector = SoundEventDetector(FrozenEstimator(model), threshold=0.5, class_names=["a", "b"])
    with pytest.warns(ParameterNotSavedWarning, match="augment"):
        save_model(detector, tmp_path / "model.safetensors")
    assert load_model(tmp_path / "model.safetensors").estimator.estimator.augment is None


def test_weights_that_are_not_finite_are_refused(tiny, tmp_path):
    X = np.random.default_rng(0).normal(size=(4, 16, 5)).astype(np.float32)
    model = tiny().fit(X, [0, 1, 0, 1])
    model.net_.module_.classes.bias.data.fill_(np.nan)
    with pytest.raises(TypeError, match=r"a network whose 'classes\.bias' is not finite"):
        save_model(model, tmp_path / "model")

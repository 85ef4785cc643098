"""Files made by somebody who knows the format and means ill: each is refused, for its reason."""

import json
import os
import pickle
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
import torch
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from torch.utils._python_dispatch import TorchDispatchMode

from sk_audioevents.exceptions import ModelFormatError
from sk_audioevents.persistence import load_model, read_model_info, save_model


def step(description, number):
    """Return the part of a description that is about a step of the pipeline."""
    return description["model"]["parameters"]["steps"][number]["items"][1]


class CountMemory(TorchDispatchMode):
    """Count the bytes of all tensors that torch really makes."""

    n_bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **kwargs or {})
        if isinstance(result, torch.Tensor) and result.device.type != "meta":
            self.n_bytes += result.nbytes
        return result


class Bomb:
    """What runs code when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("executed",)


@pytest.fixture(autouse=True)
def in_its_own_folder(tmp_path, monkeypatch):
    """Let what might be executed leave its trace in a folder that the test looks into."""
    monkeypatch.chdir(tmp_path)
    yield
    assert not (tmp_path / "executed").exists()


def refused(path, reason):
    """Check that a file is refused, by an error that names it and the reason."""
    with pytest.raises(ModelFormatError, match=reason) as caught:
        load_model(path)
    assert str(caught.value).startswith(f"Cannot load the model {str(path)!r}: ")


def raw_file(path, header, data=b""):
    """Write a safetensors file by hand."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (lambda path: path.write_bytes(pickle.dumps(Bomb())), "it is a pickle"),
        (lambda path: torch.save({"a": Bomb()}, path), "it is a zip archive, as torch.save writes"),
        (lambda path: path.write_bytes(b""), "it has 0 bytes, too few"),
        (lambda path: path.write_bytes(b"\0" * 7), "it has 7 bytes, too few"),
        (lambda path: path.write_bytes(b"x" * 99), "it is no safetensors file"),
        (lambda path: path.write_bytes(struct.pack("<Q", 2**63) + b"{" * 99), "no safetensors"),
        (lambda path: path.mkdir(), "the folder holds no file 'weights.safetensors'"),
    ],
)
def test_other_files_are_refused(tmp_path, write, reason):
    write(tmp_path / "model.safetensors")
    refused(tmp_path / "model.safetensors", reason)


def test_a_zip_archive_is_refused_and_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "model.zip", "w") as archive:
        archive.writestr("../../executed", "x")
    refused(tmp_path / "model.zip", "it is a zip archive")


def test_nothing_at_the_path_is_pythons_own_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="loaded by from_pretrained"):
        load_model(tmp_path / "model")


def test_a_pipe_does_not_make_it_wait(tmp_path):
    os.mkfifo(tmp_path / "model.safetensors")
    refused(tmp_path / "model.safetensors", "it is no regular file")


def test_a_link_to_a_secret_tells_nothing_of_it(tmp_path):
    (tmp_path / "secret").write_text("the password is 12345678901234567890")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights.safetensors").symlink_to(tmp_path / "secret")
    with pytest.raises(ModelFormatError) as caught:
        load_model(tmp_path / "model")
    assert "password" not in str(caught.value)


A = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


@pytest.mark.parametrize(
    ("header", "n_bytes", "reason"),
    [
        ({}, 0, "no model of sk_audioevents"),
        ({"a": A}, 4, "no model of sk_audioevents"),
        ({"a": A}, 3, "promises 4 bytes of tensors, and it holds 3"),
        ({"a": A}, 5, "promises 4 bytes of tensors, and it holds 5"),
        ({"a": A, "b": A}, 4, "overlaps another one"),
        ({"a": A, "b": A | {"data_offsets": [2, 6]}}, 6, "overlaps another one"),
        ({"a": A, "b": A | {"data_offsets": [8, 12]}}, 12, "follows a gap"),
        ({"a": A | {"shape": [2**62]}}, 4, "has 4 bytes"),
        ({"a": A | {"shape": [2**40, 2**40]}}, 4, "has 4 bytes"),
        ({"a": A | {"shape": [-1]}}, 4, "no shape or no place"),
        ({"a": A | {"shape": [1.0]}}, 4, "no shape or no place"),
        ({"a": A | {"shape": [1] * 33}}, 4, "no shape or no place"),
        ({"a": A | {"data_offsets": [4, 0]}}, 4, "has -4 bytes"),
        ({"a": A | {"data_offsets": [-4, 0]}}, 4, "no shape or no place"),
        ({"a": A | {"data_offsets": [0, 4, 8]}}, 4, "no shape or no place"),
        ({"a": A | {"dtype": "BF16"}}, 4, "of the unknown type 'BF16'"),
        ({"a": A | {"dtype": ["F32"]}}, 4, "of the unknown type"),
        ({"a": A | {"code": "os.system"}}, 4, "does not tell where its tensor 'a' is"),
        ({"a": 4}, 4, "does not tell where its tensor 'a' is"),
        ({"__metadata__": {"sk_audioevents": 1}}, 0, "must be texts"),
        ({"__metadata__": ["sk_audioevents"]}, 0, "must be texts"),
        ({"__metadata__": {"sk_audioevents": "{}"}}, 0, "names no format"),
        ({"__metadata__": {"sk_audioevents": "[]"}}, 0, "no JSON object"),
        ({"__metadata__": {"sk_audioevents": "import os"}}, 0, "is no JSON"),
        ({"__metadata__": {"sk_audioevents": '{"a": 1, "a": 2}'}}, 0, "same key twice"),
        ({"__metadata__": {"sk_audioevents": '{"a": NaN}'}}, 0, "holds NaN"),
        ({"__metadata__": {"sk_audioevents": '{"a": -Infinity}'}}, 0, "holds -Infinity"),
        ({"__metadata__": {"sk_audioevents": '{"a": 1e999}'}}, 0, "too large"),
        ({"__metadata__": {"sk_audioevents": '{"a": 1' + "0" * 5000 + "}"}}, 0, "too large"),
        ({"__metadata__": {"sk_audioevents": '{"a":' * 9999}}, 0, "nested too deeply|is no JSON"),
        (b'{"a": {}, "a": {}}', 0, "same key twice"),
        (b'{"__metadata__": {"x": "1", "x": "2"}}', 0, "same key twice"),
        (b'{"a": \xff}', 0, "is no JSON"),
        (b"[" * 10**5, 0, "no safetensors file"),
        (b'{"a":' + b"[" * 10**5, 0, "nested too deeply|is no JSON"),
        (b"{" + b" " * 2**21 + b"}", 0, "too many for"),
    ],
    ids=range(36),
)
def test_headers_that_lie_are_refused(tmp_path, header, n_bytes, reason):
    refused(raw_file(tmp_path / "model.safetensors", header, b"\0" * n_bytes), reason)


def test_an_empty_axis_beside_a_huge_one_is_refused(forge, tmp_path):
    # No byte is promised, but numpy has no such shape; the safetensors library cannot write it.
    path = forge(lambda description, tensors: tensors.update(extra=np.zeros((0, 5), np.float32)))
    data = path.read_bytes()
    changed = data.replace(b'"shape":[0,5]', b'"shape":[0,%d]' % 2**62, 1)
    length = struct.unpack("<Q", data[:8])[0] + len(changed) - len(data)
    path.write_bytes(struct.pack("<Q", length) + changed[8:])
    refused(path, "has the shape")


def in_description(change):
    """Return a change of the description alone."""
    return lambda description, tensors: change(description)


def parameter(number, name, value):
    """Return a change of a parameter of a step."""
    return in_description(lambda d: step(d, number)["parameters"].update({name: value}))


def fitted(number, name, value):
    """Return a change of a part of the fitted state of a step."""
    return in_description(lambda d: step(d, number)["fitted"].update({name: value}))


def of_class(name):
    """Return a change of the class of the first step."""
    return in_description(lambda d: step(d, 0).update({"class": name}))


def pipeline_steps(value):
    """Return a change of the steps of the pipeline."""
    return in_description(lambda d: d["model"]["parameters"].update(steps=value))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (in_description(lambda d: d.update(format_version=2)), "version 2.*Upgrade sk_audioevents"),
        (in_description(lambda d: d.update(format_version="1")), "names no format"),
        (in_description(lambda d: d.update(format="other")), "names no format"),
        (in_description(lambda d: d.update(code="import os")), "unknown field 'code'"),
        (in_description(lambda d: d.pop("versions")), "lacks the field 'versions'"),
        (in_description(lambda d: d.update(versions=[])), "versions in its description"),
        (in_description(lambda d: d.update(card=3)), "card in its description"),
        (in_description(lambda d: d.update(model="os.system")), "no estimator"),
        (in_description(lambda d: d.update(model=[d["model"]])), "no estimator"),
        (in_description(lambda d: d["model"].update(path="../../x")), "unknown field 'path'"),
        (in_description(lambda d: d["model"].pop("fitted")), "lacks the field 'fitted'"),
        (of_class("os.system"), "asks for the class 'os.system'"),
        (of_class("builtins.eval"), "asks for the class"),
        (of_class("sklearn.pipeline.Pipeline.__init__"), "asks for the class"),
        (of_class("sk_audioevents.persistence._load.load_model"), "asks for the class"),
        (of_class("LogMelTransformer"), "asks for the class"),
        (of_class("sklearn.preprocessing.FunctionTransformer"), "asks for the class"),
        (of_class(["sk_audioevents.LogMelTransformer"]), "asks for the class"),
        (of_class("sk_audioevents.SLATSegmenter"), "has the parameter"),
        (parameter(0, "__class__", "os"), "has the parameter '__class__'"),
        (parameter(0, "transform", None), "has the parameter 'transform'"),
        (parameter(0, "cache_dir", "/tmp/x"), "does not take from a file"),
        (parameter(2, "device", "cuda"), "does not take from a file"),
        (parameter(2, "checkpoint_dir", "/tmp/x"), "does not take from a file"),
        (parameter(0, "n_fft", "os.system"), "'n_fft' parameter of LogMelTransformer must be"),
        (parameter(0, "n_fft", None), "'n_fft' parameter of LogMelTransformer must be"),
        (parameter(0, "n_fft", -1), "'n_fft' parameter of LogMelTransformer must be"),
        (parameter(0, "n_jobs", 10**6), "asks for n_jobs=1000000"),
        (parameter(1, "hop_frames", 2**70), "too large"),
        (parameter(2, "channels", 5), "'channels' parameter of VGGEventClassifier must be"),
        (parameter(2, "channels", "ab"), "'channels' parameter of VGGEventClassifier must be"),
        (parameter(2, "channels", []), "network of its VGGEventClassifier cannot be made"),
        (parameter(2, "channels", [4, 2**63]), "VGGEventClassifier"),
        (parameter(2, "channels", [4, 10**9]), "blocks.1.units.0.* is float32 of the shape"),
        (parameter(2, "channels", [4] * 10**5), "more layers than it has weights for"),
        (parameter(2, "channels", [4, 4, 4]), r"lacks 'blocks\.1"),
        (parameter(2, "embedding_dim", 10**12), "is float32 of the shape"),
        (parameter(2, "temporal", "lstm"), "lacks 'temporal"),
        (parameter(2, "augment", "os.system"), "'augment' parameter of VGGEventClassifier must be"),
        (parameter(2, "augment", {"type": "function", "name": "os.system"}), "type 'function'"),
        (parameter(2, "augment", {"name": "os.system"}), "unknown type None"),
        (parameter(2, "augment", {"type": ["object"]}), "unknown type"),
        (parameter(2, "augment", {"type": "object", "same_as": "model"}), "refers to 'model'"),
        (parameter(2, "augment", {"type": "array", "tensor": "../x"}), "no tensor '../x'"),
        (parameter(2, "class_weight", {"type": "dict", "items": [[[], 1]]}), "has the key"),
        (
            parameter(2, "class_weight", {"type": "dict", "items": [[1, 1], [1, 2]]}),
            "has the key 1",
        ),
        (parameter(2, "class_weight", {"type": "dict", "items": [1]}), "a key and a value"),
        (parameter(2, "learning_rate", {"type": "float", "value": "1"}), "holds the float"),
        (parameter(2, "learning_rate", {"type": "float", "value": "nan"}), "learning_rate|NaN|nan"),
        (
            parameter(2, "learning_rate", {"type": "scalar", "dtype": "O", "value": 1}),
            "unknown type",
        ),
        (
            parameter(2, "learning_rate", {"type": "scalar", "dtype": "float16", "value": 1e9}),
            "an array or scalar cannot be made",
        ),
        (fitted(0, "n_features_in_", "3"), "the 'n_features_in_' of its LogMelTransformer"),
        (fitted(0, "transform", 3), "unknown field 'transform'"),
        (fitted(2, "n_features_in_", 10**9), "is float32 of the shape"),
        (fitted(2, "n_features_in_", True), "the 'n_features_in_' of its VGGEventClassifier"),
        (fitted(2, "dtype", "float16"), "of the unknown type 'float16'"),
        (fitted(2, "dtype", "float64"), "is float32 of the shape"),
        (fitted(2, "weights", "model.steps"), "lacks|too many weights"),
        (fitted(2, "weights", 3), "must be a text"),
        (fitted(2, "multilabel", "yes"), "the classes of its VGGEventClassifier"),
        (fitted(2, "classes", ["a", "b", "c"]), "the classes of its VGGEventClassifier"),
        (fitted(2, "history", []), "record of a training"),
        (fitted(2, "history", {"type": "dict", "items": [["epoch", 1]]}), "record of a training"),
        (in_description(lambda d: step(d, 2).update(fitted=None)), "nothing uses its tensor"),
        (pipeline_steps([]), "do not fit each other"),
        (pipeline_steps([{"type": "tuple", "items": ["a", 5]}]), "do not fit each other"),
        (pipeline_steps("os.system"), "Pipeline"),
    ],
    ids=range(67),
)
def test_descriptions_that_lie_are_refused(forge, change, reason):
    refused(forge(change), reason)


def shorten(description, _):
    description["model"]["fitted"]["estimators_"].pop()


def exchange(description, _):
    other = {"class": "sk_audioevents.LogMelTransformer", "parameters": {}, "fitted": {}}
    description["model"]["fitted"]["le_"] = {"type": "object"} | other


def relabel(description, _):
    description["model"]["fitted"]["le_"]["fitted"]["classes_"]["items"] = [1, 2]


@pytest.mark.parametrize("change", [shorten, exchange, relabel])
def test_a_committee_whose_parts_do_not_fit_is_refused(tmp_path, forge, change):
    X, y = np.random.default_rng(0).normal(size=(12, 3)), [0, 1] * 6
    members = [(name, LogisticRegression()) for name in "ab"]
    save_model(VotingClassifier(members).fit(X, y), tmp_path / "committee.safetensors")

    def change_and_drop_tensors(description, tensors):
        change(description, tensors)
        kept = json.dumps(description)
        for name in [name for name in tensors if f'"{name}"' not in kept]:
            del tensors[name]

    refused(
        forge(change_and_drop_tensors, tmp_path / "committee.safetensors"),
        "parts of its VotingClassifier do not fit each other",
    )


def text_array(items, width, shape=None):
    return {
        "type": "array",
        "dtype": "str",
        "width": width,
        "shape": [len(items)] if shape is None else shape,
        "items": items,
    }


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (text_array(["a", "b", "c"], 2**40), "has a width of"),
        (text_array(["a", "b", "c"], 2**24), "more than .* bytes of text"),
        (text_array(["a", "bb", "c"], 1), "has a width of 1"),
        (text_array(["a", "b", 3], 1), "texts for items"),
        (text_array(["a", "b", "c"], None), "texts for items"),
        (text_array(["a", "b", "c"], 1, [4]), "has 3 items"),
        (text_array(["a", "b", "c"], 1, [-3]), "has 3 items"),
        (text_array(["a", "b", "c"], 1, 3), "must be a list"),
        (text_array(["b", "a", "c"], 1), "not in order"),
        (text_array(["a", "a", "c"], 1), "not in order"),
        (text_array(["a", "b"], 1), "is float32 of the shape"),
        (text_array([], 1), "the classes of its"),
        (text_array(["a", "b", "c"], 1) | {"dtype": "object"}, "unknown field 'width'"),
        ({"type": "array", "dtype": "int8", "shape": [3], "items": [1, 2, 300]}, "cannot be made"),
        ({"type": "array", "dtype": "int8", "shape": [3], "items": [1, 2, True]}, "something else"),
        ({"type": "array", "dtype": "M8[s]", "shape": [3], "items": [1, 2, 3]}, "unknown type"),
        ({"type": "array", "tensor": "model.steps.2.1.weights.classes.bias"}, "lacks|classes"),
    ],
    ids=range(17),
)
def test_arrays_that_lie_are_refused(forge, array, reason):
    refused(forge(fitted(2, "classes", array)), reason)


def change_tensor(name, change):
    """Return a change of one of the weights."""

    def make(description, tensors):
        tensors[f"model.steps.2.1.weights.{name}"] = change(
            tensors[f"model.steps.2.1.weights.{name}"]
        )

    return make


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (change_tensor("classes.bias", lambda x: x[:-1]), "is float32 of the shape"),
        (change_tensor("classes.bias", lambda x: x.astype(np.float64)), "is float64 of the shape"),
        (change_tensor("classes.bias", lambda x: x + np.float32(np.nan)), "are not finite"),
        (change_tensor("classes.weight", lambda x: x.reshape(-1)), "is float32 of the shape"),
        (lambda d, tensors: tensors.update(more=np.zeros(3)), "nothing uses its tensor 'more'"),
        (
            lambda d, tensors: tensors.pop("model.steps.2.1.weights.classes.bias"),
            r"lacks 'classes\.bias'",
        ),
        (
            lambda d, tensors: tensors.update({"model.steps.2.1.weights.os": np.zeros(3)}),
            "has too many weights: 'os'",
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused(forge, change, reason):
    refused(forge(change), reason)


def test_a_changed_description_or_weight_is_found(model_file, tmp_path):
    data = model_file.read_bytes()
    path = tmp_path / "model.safetensors"
    assert data.count(b"chirp") == 1
    path.write_bytes(data.replace(b"chirp", b"chips"))
    refused(path, "its description has changed")
    with pytest.raises(ModelFormatError, match="its description has changed"):
        read_model_info(path)
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    refused(path, "its weights have changed")


def test_two_names_that_change_places_are_found(model_file, tmp_path):
    data, path = model_file.read_bytes(), tmp_path / "model.safetensors"
    one, two = b"blocks.0.units.0.norm.weight", b"blocks.0.units.1.norm.weight"
    path.write_bytes(data.replace(one, b"?" * 28).replace(two, one).replace(b"?" * 28, two))
    refused(path, "its weights have changed")


@pytest.mark.parametrize(
    "change",
    [
        parameter(2, "channels", [10**6, 10**6]),
        parameter(2, "channels", [1] * 10**5),
        parameter(2, "embedding_dim", 10**9),
        fitted(2, "n_features_in_", 10**9),
        fitted(2, "classes", text_array(["a", "b", "c"], 2**22)),
    ],
    ids=["channels", "many", "embedding", "bands", "text"],
)
def test_what_a_file_asks_for_is_not_allocated(forge, change):
    path = forge(change)
    tracemalloc.start()
    try:
        with pytest.raises(ModelFormatError), CountMemory() as of_torch:
            load_model(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < path.stat().st_size * 20 + 2**20
    assert of_torch.n_bytes < 1000


def test_a_loaded_model_takes_the_memory_of_its_weights(tiny, tmp_path):
    X = np.random.default_rng(0).normal(size=(4, 64, 12)).astype(np.float32)
    model = tiny(channels=(8, 64), embedding_dim=1024, max_epochs=1).fit(X, [0, 1, 0, 1])
    path = tmp_path / "model.safetensors"
    save_model(model, path)
    largest = max(tensor.nbytes for tensor in model.net_.module_.state_dict().values())
    load_model(path)  # so that all is imported
    tracemalloc.start()
    try:
        load_model(path)
        peak = tracemalloc.get_traced_memory()[1]  # of numpy, beside the weights that torch has
    finally:
        tracemalloc.stop()
    assert peak < 2 * largest + 2**20


def test_a_model_that_is_not_fitted_is_refused(forge):
    def forget(description, tensors):
        step(description, 2)["fitted"] = None
        tensors.clear()

    refused(forge(forget), "a fitted model cannot be made")


def test_the_longest_description_takes_a_bounded_memory(tmp_path):
    text = json.dumps({"a": "[]"}).replace('"[]"', "[" + "[]," * 340_000 + "[]]")
    path = raw_file(tmp_path / "model.safetensors", {"__metadata__": {"sk_audioevents": text}})
    assert 1_000_000 < path.stat().st_size < 2**20
    tracemalloc.start()
    try:
        refused(path, "names no format")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 32 * 2**20

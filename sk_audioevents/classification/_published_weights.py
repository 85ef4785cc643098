"""Weights that others have published, as those of a fitted classifier."""

from functools import partial
from os import PathLike, fspath
from typing import NamedTuple

import numpy as np
import torch

from sk_audioevents.classification._history import history_table
from sk_audioevents.classification._labels import LabelCoder
from sk_audioevents.classification._published_front_end import FRONT_ENDS, check_layout
from sk_audioevents.datasets import audioset_classes

# Numbers of the convolutions among the layers of weak_mxh64_1024; the others are poolings.
KUMAR2018_LAYERS = (1, 2, 4, 5, 7, 8, 10, 11, 13, 14, 16, 18)
CLASS_LAYERS = {"kumar2018": "layer19.0"} | dict.fromkeys(("cnn6", "cnn10", "cnn14"), "fc_audioset")
# Of the spectrogram in PANNs, which a LogMelTransformer computes; and what old versions lack.
IGNORED = ("spectrogram_extractor.", "logmel_extractor.")
OPTIONAL = ".num_batches_tracked"
# Checkpoints of PANNs hold the state of the sampler beside the weights, as arrays of numbers.
SAFE_NUMPY = [
    np.ndarray,
    np.dtype,
    *(type(np.dtype(code)) for code in "?bhilqBHILQefd"),
    *(
        (example.__reduce__()[0], f"numpy.{core}.multiarray.{function}")
        for core in ("core", "_core")
        for function, example in {"_reconstruct": np.empty(1), "scalar": np.float64(0)}.items()
    ),
]


def published_classifier(cls, state, layout, classes, parameters):
    """Make a fitted classifier: see `VGGEventClassifier.from_torch_state_dict`.

    Parameters
    ----------
    cls : type
        The class of the classifier.
    state, layout, classes, parameters
        As there.

    Returns
    -------
    classifier : VGGEventClassifier
        The classifier.
    """
    name = f"{cls.__name__}.from_torch_state_dict"
    check_layout(layout, name)
    state = _without_prefixes(_read(state, name))
    classifier = cls(**_checked_parameters(parameters, layout, name))
    classifier._validate_params()
    bias = state.get(f"{CLASS_LAYERS[layout]}.bias")
    n_outputs = 527 if bias is None else bias.numel()
    classes = _checked_classes(classes, n_outputs, layout, name)
    labels = LabelCoder(np.zeros((2, n_outputs), dtype=int), cls.__name__)
    labels.classes = classes
    classifier._labels, classifier.classes_ = labels, labels.classes
    classifier.front_end_ = dict(FRONT_ENDS[layout])
    classifier.n_features_in_ = classifier.front_end_["n_mels"]
    classifier.net_ = classifier._new_net(torch.float32, seed=0)
    module = classifier.net_.module_
    _copy_weights(state, getattr(module, "_orig_mod", module), layout, name)
    classifier.n_iter_, classifier.loss_curve_ = 0, []
    classifier.history_ = history_table(classifier.net_.history)
    return classifier


def _read(state, name):
    """Return the dict of tensors that a file or a checkpoint holds."""
    source = f"a {type(state).__name__}"
    if isinstance(state, (str, PathLike)):
        source = repr(fspath(state))
        try:
            with torch.serialization.safe_globals(SAFE_NUMPY):
                state = torch.load(state, map_location="cpu", weights_only=True)
        except OSError:
            raise
        except Exception as error:  # whatever a file of something else may lead to
            raise ValueError(
                f"The 'state' of {name} must be a file of torch that holds tensors and nothing "
                f"else. Cannot read {source}: {error}"
            ) from error
    if isinstance(state, dict) and isinstance(state.get("model"), dict):
        state = state["model"]
    if not isinstance(state, dict) or not all(
        isinstance(key, str) and torch.is_tensor(value) for key, value in state.items()
    ):
        raise ValueError(
            f"The 'state' of {name} must be a dict of tensors by name, a checkpoint that has one "
            f"as 'model', or the file of either. Got {source} that is neither instead."
        )
    return state


def _without_prefixes(state):
    """Return the tensors without what torch's DataParallel puts before their names."""
    state = {key.removeprefix("module."): tensor for key, tensor in state.items()}
    return {key: tensor for key, tensor in state.items() if not key.startswith(IGNORED)}


def _checked_parameters(parameters, layout, name):
    """Return the parameters of the classifier."""
    fixed = {"backbone": layout, "temporal": None, "embedding_dim": None}
    for key in fixed.keys() & parameters.keys():
        if parameters[key] != fixed[key]:
            raise ValueError(
                f"The {key!r} parameter of {name} is that of the published weights, "
                f"{fixed[key]!r}. Got {parameters[key]!r} instead."
            )
    if parameters.get("loss") == "cross_entropy":
        raise ValueError(
            f"The 'loss' parameter of {name} must be 'bce' or 'focal', since the published classes "
            "do not exclude each other. Got 'cross_entropy' instead."
        )
    if parameters.get("pooling") in ("attention", "auto"):
        raise ValueError(
            f"The 'pooling' parameter of {name} must be one that learns nothing: 'mean', 'max' or "
            f"'linear_softmax'. Got {parameters['pooling']!r} instead."
        )
    segments = {} if layout == "kumar2018" else {"segment_frames": "clip"}
    return segments | parameters | fixed


def _checked_classes(classes, n_outputs, layout, name):
    """Return the names of the outputs."""
    if n_outputs < 2:
        raise ValueError(f"The 'state' of {name} must have at least 2 classes. Got {n_outputs}.")
    if classes is None:
        order = "kumar2018" if layout == "kumar2018" else "audioset"
        classes = audioset_classes(order=order)["name"].tolist()
    classes = np.asarray(classes)
    if classes.ndim != 1 or len(classes) != n_outputs or len(set(classes.tolist())) != n_outputs:
        raise ValueError(
            f"The 'classes' of {name} must be {n_outputs} different names, one for each output of "
            f"the network. Got shape {classes.shape} instead."
        )
    return classes


class _Slot(NamedTuple):
    """A place for a published tensor.

    Attributes
    ----------
    shape : tuple of int
        The shape that it must have.
    put : callable
        Takes the tensor.
    """

    shape: tuple
    put: callable


def _copy_weights(state, network, layout, name):
    """Copy published tensors to the network, or name all that do not fit."""
    slots = dict(_kumar2018_slots(network) if layout == "kumar2018" else _panns_slots(network))
    needed = {key for key in slots if not key.endswith(OPTIONAL)}
    problems = {
        "missing": sorted(needed - state.keys()),
        "unexpected": sorted(state.keys() - slots.keys()),
        "misshapen": [
            f"{key} is {tuple(state[key].shape)} and must be {slot.shape}"
            for key, slot in slots.items()
            if key in state and tuple(state[key].shape) != slot.shape
        ],
        "not finite": sorted(key for key in state if not state[key].isfinite().all()),
    }
    found = [f"{kind}: {', '.join(keys)}" for kind, keys in problems.items() if keys]
    if found:
        raise ValueError(
            f"The 'state' of {name} must hold the tensors of the layout {layout!r}. "
            f"{'; '.join(found)}. Is it of another layout?"
        )
    with torch.no_grad():
        for key, slot in slots.items():
            if key in state:
                slot.put(state[key])
        if layout != "kumar2018":
            _move_to_bands(network.band_norm, network.band_mean, network.band_scale)


def _kumar2018_slots(network):
    """Yield the published name and the `_Slot` of each tensor."""
    units = [*(unit for block in network.blocks for unit in block.units), network.embedding]
    for number, unit in zip(KUMAR2018_LAYERS, units, strict=True):
        yield from _slots(f"layer{number}.0", unit.conv)
        yield from _slots(f"layer{number}.1", unit.norm)
        # Last, since the bias of a convolution is a part of the mean that batch norm takes away.
        mean = unit.norm.running_mean
        yield f"layer{number}.0.bias", _Slot(tuple(mean.shape), mean.sub_)
    yield from _slots("layer19.0", network.classes)


def _panns_slots(network):
    """Yield the published name and the `_Slot` of each tensor."""
    yield from _slots("bn0", network.band_norm)
    for i, block in enumerate(network.blocks, start=1):
        for j, unit in enumerate(block.units, start=1):
            yield from _slots(f"conv_block{i}.conv{j}", unit.conv)
            yield from _slots(f"conv_block{i}.bn{j}", unit.norm)
    yield from _slots("fc1", network.embedding)
    # A dense layer, which for us is a convolution over single steps.
    yield from _slots("fc_audioset", network.classes, n_axes=2)


def _slots(name, module, n_axes=None):
    for key, tensor in module.state_dict(keep_vars=True).items():
        yield f"{name}.{key}", _Slot(tuple(tensor.shape[:n_axes]), partial(_copy, tensor))


def _copy(tensor, published):
    tensor.copy_(published.reshape(tensor.shape))


def _move_to_bands(norm, band_mean, band_scale):
    """Let the statistics of batch norm over bands be those of the bands: nothing else changes.

    So augmentation knows what mean the bands have.
    """
    band_mean.copy_(norm.running_mean)
    band_scale.copy_(torch.sqrt(norm.running_var + norm.eps))
    norm.running_mean.zero_()
    norm.running_var.fill_(1 - norm.eps)

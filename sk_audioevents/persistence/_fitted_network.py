"""The fitted state of a classifier: classes, weights, the record of its training."""

from numbers import Integral

import numpy as np
import pandas as pd
import torch
from skorch.history import History

from sk_audioevents.classification._labels import LabelCoder
from sk_audioevents.persistence._fitted_attributes import INPUT, is_labels
from sk_audioevents.persistence._network_outline import network_outline
from sk_audioevents.persistence._problems import FormatProblem, NotStorable, problem_with
from sk_audioevents.persistence._values import check_fields, decode, encode

FLOATS = {"float32": torch.float32, "float64": torch.float64}
FIELDS = ("classes", "dtype", "history", "multilabel", "weights")
ATTRIBUTES = {**INPUT, "front_end_": lambda value: type(value) is dict}  # only some have them


class FittedNetwork:
    """How the fitted state of an `EventClassifier` is stored."""

    def pack(self, classifier, where, packer):
        """Return the fitted state as JSON, or None if there is none.

        Parameters
        ----------
        classifier : EventClassifier
            The classifier.
        where : str
            Its place in the model.
        packer : Packer
            What takes the weights.

        Returns
        -------
        fitted : dict or None
            The state.
        """
        if not hasattr(classifier, "net_"):
            return None
        state = _module(classifier.net_).state_dict()
        for key, tensor in state.items():
            array = tensor.detach().cpu().numpy()
            if not np.isfinite(array).all():
                raise NotStorable(f"a network whose {key!r} is not finite")
            packer.add_tensor(f"{where}.weights.{key}", array)
        columns = {name: column.to_numpy() for name, column in classifier.history_.items()}
        return {
            "classes": encode(classifier.classes_, f"{where}.classes", packer),
            "dtype": next(name for name, kind in FLOATS.items() if kind == _precision(state)),
            "history": encode(columns, f"{where}.history", packer),
            "multilabel": classifier._labels.multilabel,
            "weights": f"{where}.weights.",
            **{
                name: encode(getattr(classifier, name), f"{where}.{name}", packer)
                for name in ATTRIBUTES
                if hasattr(classifier, name)
            },
        }

    def unpack(self, classifier, fitted, unpacker):
        """Build the network, and give it its weights.

        Parameters
        ----------
        classifier : EventClassifier
            The classifier, as its parameters make it.
        fitted : dict or None
            What ``pack`` returned.
        unpacker : Unpacker
            What has the weights.
        """
        if fitted is None:
            return
        name = type(classifier).__name__
        check_fields(fitted, f"the fitted {name}", FIELDS, ATTRIBUTES)
        for attribute, check in ATTRIBUTES.items():
            if attribute in fitted:
                value = decode(fitted[attribute], unpacker)
                if not check(value):
                    raise FormatProblem(f"the {attribute!r} of its {name} is {value!r:.80}")
                setattr(classifier, attribute, value)
        classifier._labels = _labels(fitted, name, unpacker)
        classifier.classes_ = classifier._labels.classes
        weights = unpacker.tensors_below(fitted["weights"])
        seed = classifier._seed() if isinstance(classifier.random_state, Integral) else 0
        _check_outline(classifier, fitted["dtype"], weights, seed, unpacker)
        with problem_with(f"the network of its {name}"):
            classifier.net_ = classifier._new_net(FLOATS[fitted["dtype"]], seed)
        _set_weights(_module(classifier.net_), weights, unpacker)
        _set_history(classifier, decode(fitted["history"], unpacker))


def _module(net):
    """Return the module of a net, not the compiled one around it."""
    return getattr(net.module_, "_orig_mod", net.module_)


def _precision(state):
    return next(tensor.dtype for tensor in state.values() if tensor.is_floating_point())


def _labels(fitted, name, unpacker):
    """Return the LabelCoder of the classes."""
    classes = decode(fitted["classes"], unpacker)
    if not is_labels(classes) or type(fitted["multilabel"]) is not bool:
        raise FormatProblem(f"the classes of its {name} are {classes!r:.80}")
    with problem_with(f"the classes of its {name}"):
        if fitted["multilabel"]:  # columns, which published networks have names for
            labels = LabelCoder(np.zeros((2, len(classes)), dtype=int), name)
            labels.classes = classes
        else:
            labels = LabelCoder(classes[:1], name, classes)
        if not np.array_equal(labels.classes, classes) or len({*classes.tolist()}) < len(classes):
            raise FormatProblem(f"the classes of its {name} are not in order: {classes!r:.80}")
    return labels


def _check_outline(classifier, dtype, weights, seed, unpacker):
    """Raise unless the weights are those of the network that the parameters ask for."""
    name = type(classifier).__name__
    if type(dtype) is not str or dtype not in FLOATS:
        raise FormatProblem(f"the network of its {name} is of the unknown type {dtype!r:.40}")
    with problem_with(f"the network of its {name}"):
        network, parameters = classifier._network(
            classifier._labels.n_outputs, classifier._exclusive(), seed
        )
        outline = network_outline(network, parameters, len(weights))
    for key in sorted(outline.keys() ^ weights.keys()):
        verb = "lacks" if key in outline else "has too many weights:"
        raise FormatProblem(f"the network of its {name} {verb} {key!r:.80}")
    for key, wanted in outline.items():
        found = unpacker.place(weights[key])
        kind = dtype if wanted.is_floating_point() else str(wanted.dtype).removeprefix("torch.")
        if (found.shape, found.dtype) != (tuple(wanted.shape), kind):
            raise FormatProblem(
                f"the {key!r} of its {name} is {found.dtype} of the shape {found.shape}, and the "
                f"network that its parameters ask for has {kind} of {tuple(wanted.shape)}"
            )


def _set_weights(module, weights, unpacker):
    with torch.no_grad():
        for key, tensor in module.state_dict().items():
            array = unpacker.take_tensor(weights[key])
            if not np.isfinite(array).all():
                raise FormatProblem(f"the weights {key!r} are not finite")
            tensor.copy_(torch.from_numpy(array))
    module.eval()


def _set_history(classifier, columns):
    """Give the net the record of its training, so that it is known how many epochs it had."""
    if type(columns) is not dict or not all(
        type(name) is str and is_labels(column) and column.dtype.kind in "biuf"
        for name, column in columns.items()
    ):
        raise FormatProblem("the record of a training must be numbers by name")
    if columns and ("train_loss" not in columns or len(set(map(len, columns.values()))) > 1):
        raise FormatProblem("the record of a training must have a loss for each epoch")
    names = {"seconds": "dur"}  # what skorch calls it
    rows = zip(*(column.tolist() for column in columns.values()))
    classifier.net_.history = History(
        {names.get(name, name): value for name, value in zip(columns, row) if value == value}
        for row in rows
    )
    classifier.history_ = pd.DataFrame(columns)
    classifier.n_iter_ = len(classifier.history_)
    classifier.loss_curve_ = columns["train_loss"].tolist() if columns else []

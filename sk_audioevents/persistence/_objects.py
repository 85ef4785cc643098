"""Estimators, and the other objects that parameters may be, as JSON and back."""

from inspect import Parameter, signature
from numbers import Integral

from sklearn.base import BaseEstimator

from sk_audioevents.persistence._classes import CLASSES, class_named, name_of
from sk_audioevents.persistence._problems import FormatProblem, NotStorable, problem_with
from sk_audioevents.persistence._safetensors import CODES
from sk_audioevents.persistence._values import MAX_TEXT, check_fields, decode, encode

# What belongs to the machine or the session that trained, and has its default in the loaded model.
NOT_STORED = {"cache_dir", "checkpoint_dir", "compile", "device", "lazy", "memory", "pretrained"}
# What does not change a prediction. A value that cannot be stored is left out with a warning.
TRAINING_ONLY = {"augment", "augmentation", "calibration", "callbacks", "cv", "random_state"}
MAX_JOBS = 1024  # a file must not ask for more threads than that


class Packer:
    """Turn a model into JSON and tensors.

    Attributes
    ----------
    tensors : dict of {str: ndarray}
        The tensors so far.
    left_out : list of str
        What is not stored, one sentence each.
    """

    def __init__(self):
        self.tensors, self.left_out = {}, []
        self._packed = {}  # by id: the object, which so keeps its id, its JSON, and its place
        self._text_left = MAX_TEXT

    def add_tensor(self, name, array):
        """Take an array to be stored as a tensor.

        Parameters
        ----------
        name : str
            Its name.
        array : ndarray
            The array, of a type in ``CODES``.

        Returns
        -------
        name : str
            The name.
        """
        if array.dtype.name not in CODES:
            raise NotStorable(f"an array of the type {array.dtype}")
        self.tensors[name] = array
        return name

    def count_text(self, n_bytes):
        """Count the memory that arrays of text take, and raise where that is too much.

        Parameters
        ----------
        n_bytes : int
            The size of one more array.
        """
        self._text_left -= n_bytes
        if self._text_left < 0:
            raise NotStorable(f"more than {MAX_TEXT} bytes of text in arrays; a list takes less")

    def pack(self, item, where):
        """Return an object as JSON.

        Parameters
        ----------
        item : object
            An object of a class in the table; the same one may come twice.
        where : str
            Its place in the model.

        Returns
        -------
        content : dict
            Its class, parameters and fitted state, or which other one it is.

        Raises
        ------
        NotStorable
            If it is of another class.
        """
        if id(item) in self._packed:
            _, content, first_place = self._packed[id(item)]
            content["id"] = first_place
            return {"type": "object", "same_as": first_place}
        name = name_of(type(item))
        if name is None:
            raise NotStorable(_description(item))
        content = {"type": "object", "class": name, "parameters": self._parameters(item, where)}
        if CLASSES[name] is not None:
            content["fitted"] = CLASSES[name].pack(item, where, self)
        self._packed[id(item)] = item, content, where
        return content

    def _parameters(self, item, where):
        parameters, own = {}, type(item).__module__.startswith("sk_audioevents")
        for name, default in _defaults(type(item)).items():
            value = getattr(item, name)
            # Those of scikit-learn come and go between versions; at their default they do no harm.
            if name in NOT_STORED or (not own and _is_same(value, default)):
                continue
            before = dict(self.tensors), dict(self._packed)
            try:
                parameters[name] = encode(value, f"{where}.{name}", self)
            except NotStorable as reason:
                if name not in TRAINING_ONLY or default is Parameter.empty:
                    raise _within(reason, name, item) from None
                self.tensors, self._packed = before
                self.left_out.append(
                    f"The {name!r} parameter of {type(item).__name__} is not saved, because it is "
                    f"or holds {reason}. The loaded model predicts the same; it has {default!r} "
                    f"for {name!r}, should it be trained again."
                )
        return parameters


class Unpacker:
    """Make a model of JSON and tensors.

    Parameters
    ----------
    file : TensorFile
        The file with the tensors.
    device : str
        The device of all networks.
    """

    def __init__(self, file, device):
        self._file = file
        self._device = device
        self._untouched = set(file.places)
        self._made = {}
        self._text_left = MAX_TEXT

    def place(self, name):
        """Return the Place of a tensor.

        Parameters
        ----------
        name : str
            Its name.

        Returns
        -------
        place : Place
            Its type and shape.
        """
        return self._file.places[name]

    def take_tensor(self, name):
        """Read a tensor, which can be done once.

        Parameters
        ----------
        name : str
            Its name, if the file is right.

        Returns
        -------
        array : ndarray
            A new array.
        """
        if type(name) is not str or name not in self._untouched:
            raise FormatProblem(f"there is no tensor {name!r:.80}, or it is used twice")
        self._untouched.remove(name)
        return self._file.read(name)

    def tensors_below(self, prefix):
        """Return the names of tensors that begin with a prefix.

        Parameters
        ----------
        prefix : str
            The prefix, if the file is right.

        Returns
        -------
        names : dict of {str: str}
            Their names by what follows the prefix.
        """
        if type(prefix) is not str:
            raise FormatProblem("the name of the weights must be a text")
        return {name[len(prefix) :]: name for name in self._untouched if name.startswith(prefix)}

    def count_text(self, n_bytes):
        """Count the memory that arrays of text take, and raise where that is too much.

        Parameters
        ----------
        n_bytes : int
            The size of one more array.
        """
        self._text_left -= n_bytes
        if self._text_left < 0:
            raise FormatProblem(f"its description asks for more than {MAX_TEXT} bytes of text")

    def unpack(self, content):
        """Make an object.

        Parameters
        ----------
        content : dict
            What ``Packer.pack`` returned.

        Returns
        -------
        item : object
            The object.
        """
        if "same_as" in content:
            check_fields(content, "an object", ["type", "same_as"])
            key = content["same_as"]
            if type(key) is not str or key not in self._made:
                raise FormatProblem(f"its description refers to {key!r:.80}, which is not there")
            return self._made[key]
        name = content.get("class")
        if type(name) is not str or name not in CLASSES:
            raise FormatProblem(
                f"it asks for the class {name!r:.80}, which a model may not consist of. Is it of a "
                "newer version of sk_audioevents?"
            )
        fitted = [] if CLASSES[name] is None else ["fitted"]
        check_fields(content, f"a {name}", ["type", "class", "parameters", *fitted], ["id"])
        item = self._make(class_named(name), content["parameters"])
        if fitted:
            CLASSES[name].unpack(item, content["fitted"], self)
        if "id" in content:
            if type(content["id"]) is not str or content["id"] in self._made:
                raise FormatProblem(f"its description has {content['id']!r:.80} twice")
            self._made[content["id"]] = item
        return item

    def finish(self):
        """Raise if there are tensors that nothing has asked for."""
        if self._untouched:
            raise FormatProblem(f"nothing uses its tensor {min(self._untouched)!r:.80}")

    def _make(self, cls, parameters):
        defaults = _defaults(cls)
        if type(parameters) is not dict:
            raise FormatProblem(f"the parameters of its {cls.__name__} must be a JSON object")
        unknown = sorted(parameters.keys() - defaults.keys() | parameters.keys() & NOT_STORED)
        if unknown:
            raise FormatProblem(
                f"its {cls.__name__} has the parameter {unknown[0]!r:.80}, which this version does "
                "not know or does not take from a file. Is it of a newer version?"
            )
        values = {name: decode(content, self) for name, content in parameters.items()}
        if isinstance(values.get("n_jobs"), Integral) and abs(values["n_jobs"]) > MAX_JOBS:
            raise FormatProblem(f"its {cls.__name__} asks for n_jobs={values['n_jobs']}")
        if "device" in defaults:
            values["device"] = self._device
        with problem_with(f"a {cls.__name__}"):
            item = cls(**values)
            if hasattr(cls, "_parameter_constraints"):
                item._validate_params()
        return item


def _defaults(cls):
    """Return the default of each parameter, or Parameter.empty."""
    return {name: parameter.default for name, parameter in signature(cls).parameters.items()}


def _is_same(value, default):
    return value is default or (type(value) is type(default) and value == default)


def _within(reason, name, item):
    """Tell in whose parameter the value is that cannot be stored, the innermost one."""
    if str(reason).startswith("the '"):
        return reason
    return NotStorable(
        f"the {name!r} parameter of {type(item).__name__}, which is or holds {reason}"
    )


def _description(item):
    kind = type(item).__name__
    if isinstance(item, type) or (callable(item) and not isinstance(item, BaseEstimator)):
        return f"a function or class ({getattr(item, '__qualname__', kind)})"
    return f"a {kind}"

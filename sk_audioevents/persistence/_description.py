"""The description of a model: the JSON beside the weights, and its checksums."""

import hashlib

import numpy as np

from sk_audioevents.persistence._problems import FormatProblem
from sk_audioevents.persistence._safetensors import CODES, little_endian
from sk_audioevents.persistence._strict_json import canonical_json, parse_json
from sk_audioevents.persistence._values import check_fields

KEY = "sk_audioevents"  # of the description in the metadata of the safetensors file
FORMAT = "sk_audioevents model"
FORMAT_VERSION = 1
FIELDS = ("format", "format_version", "versions", "card", "model", "weights_sha256", "sha256")


def make_description(model, card, versions, tensors):
    """Return the description of a model.

    Parameters
    ----------
    model : dict
        The model, as a Packer gives it.
    card : str or None
        What its author says about it.
    versions : dict of {str: str}
        Versions of the packages that it was made with.
    tensors : dict of {str: ndarray}
        Its weights.

    Returns
    -------
    description : dict
        What JSON can hold, in the order of the fields.
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest_tensor(digest, name, tensors[name])
    description = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "versions": versions,
        "card": card,
        "model": model,
        "weights_sha256": digest.hexdigest(),
    }
    return description | {"sha256": _own_checksum(description)}


def read_description(file):
    """Return the description in a file, after all checks that need no weights.

    Parameters
    ----------
    file : TensorFile
        The file.

    Returns
    -------
    description : dict
        It has all fields and no other ones.

    Raises
    ------
    FormatProblem
        If there is none, or it is damaged, or of a newer format.
    """
    if KEY not in file.metadata:
        raise FormatProblem("it is a safetensors file, but no model of sk_audioevents")
    description = parse_json(file.metadata[KEY], "description")
    version = description.get("format_version")
    if description.get("format") != FORMAT or type(version) is not int or version < 1:
        raise FormatProblem("its description names no format, or another one")
    if version > FORMAT_VERSION:
        raise FormatProblem(
            f"it has the format version {version}, and this version of sk_audioevents reads up to "
            f"{FORMAT_VERSION}. Upgrade sk_audioevents"
        )
    check_fields(description, "its description", FIELDS)
    sha256 = description.pop("sha256")
    if sha256 != _own_checksum(description):
        raise FormatProblem("its description has changed since it was saved. Is it damaged?")
    _check_types(description)
    return description | {"sha256": sha256}


def check_weights(file, description):
    """Raise if the tensors of a file have changed since it was saved.

    Parameters
    ----------
    file : TensorFile
        The file.
    description : dict
        Its description.
    """
    digest = hashlib.sha256()
    for name in sorted(file.places):
        digest_tensor(digest, name, file.read(name))
    if description["weights_sha256"] != digest.hexdigest():
        raise FormatProblem("its weights have changed since it was saved. Is it damaged?")


def digest_tensor(digest, name, array):
    """Add a tensor to a checksum: its name, type and shape as one line of JSON, then its bytes.

    Parameters
    ----------
    digest : hash
        The checksum.
    name : str
        Name of the tensor.
    array : ndarray
        The tensor.
    """
    line = {"name": name, "dtype": CODES[array.dtype.name], "shape": list(np.shape(array))}
    digest.update(canonical_json(line).encode("ascii") + b"\n")
    digest.update(little_endian(array).data)


def _own_checksum(description):
    return hashlib.sha256(canonical_json(description).encode("ascii")).hexdigest()


def _check_types(description):
    versions, card = description["versions"], description["card"]
    if type(versions) is not dict or not all(type(text) is str for text in versions.values()):
        raise FormatProblem("the versions in its description must be texts")
    if card is not None and type(card) is not str:
        raise FormatProblem("the card in its description must be a text")

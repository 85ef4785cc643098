"""What a description says of a model, for people: its classes, its settings."""

from typing import NamedTuple


class DescribedObject(NamedTuple):
    """An estimator or another object in a description.

    Attributes
    ----------
    name : str
        Its class.
    parameters : dict
        Its parameters as JSON.
    fitted : dict or None
        Its fitted state as JSON.
    """

    name: str
    parameters: dict
    fitted: dict | None


def objects_of(content):
    """Return all objects in a part of a description, in the order in which they come.

    Parameters
    ----------
    content : object
        JSON.

    Returns
    -------
    objects : list of DescribedObject
        The objects, each before those that are parts of it.
    """
    if isinstance(content, list):
        return [found for item in content for found in objects_of(item)]
    if not isinstance(content, dict):
        return []
    own = []
    if isinstance(content.get("class"), str) and isinstance(content.get("parameters"), dict):
        own = [DescribedObject(content["class"], content["parameters"], content.get("fitted"))]
    return own + objects_of(list(content.values()))


def readable(content):
    """Return a parameter as people write it: objects by their class, tuples as lists.

    Parameters
    ----------
    content : object
        JSON of a description.

    Returns
    -------
    value : object
        Simpler JSON.
    """
    if isinstance(content, list):
        return [readable(item) for item in content]
    if not isinstance(content, dict):
        return content
    shorter = {"object": "class", "array": "items", "scalar": "value"}
    shorter |= {"tuple": "items", "dict": "items", "path": "value", "float": "value"}
    kind = content.get("type")
    field = shorter.get(kind) if isinstance(kind, str) else None
    return readable(content[field]) if field in content else content


def class_labels(content):
    """Return the labels of the first classifier in a description that is fitted.

    Parameters
    ----------
    content : object
        JSON.

    Returns
    -------
    labels : list or None
        Its classes, or the names that a detector gave them; None if there are none.
    """
    found = objects_of(content)
    places = [one.parameters.get("names") for one in found]  # of the EventLabels of a detector
    for fitted in (one.fitted for one in found if isinstance(one.fitted, dict)):
        places += [fitted.get("classes"), fitted.get("classes_")]
    for labels in places:
        if isinstance(labels, dict) and isinstance(labels.get("items"), list):
            return labels["items"]
    return None

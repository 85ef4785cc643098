"""The 527 classes of AudioSet (Gemmeke et al., ICASSP 2017)."""

from importlib.resources import files

import pandas as pd

from sk_audioevents._base import StrOptions, validate_params


@validate_params(
    {"order": [StrOptions({"audioset", "kumar2018"})]}, prefer_skip_nested_validation=True
)
def audioset_classes(*, order="audioset"):
    """Return the names of the 527 sound classes of AudioSet, and their ids.

    Parameters
    ----------
    order : {"audioset", "kumar2018"}, default="audioset"
        The order of the rows: that of AudioSet's own table, ``class_labels_indices.csv``, which is
        that of the outputs of most networks; or that of the outputs of the network of [2]_, from
        the rarest class to the most frequent ones.

    Returns
    -------
    classes : DataFrame of 527 rows
        ``index`` is the number of the class in AudioSet's table, from 0; ``id`` its AudioSet id,
        such as "/m/015p6"; ``name`` its name, such as "Bird".

    References
    ----------
    .. [1] J. F. Gemmeke et al., "Audio Set: an ontology and human-labeled dataset for audio
       events", ICASSP 2017.
    .. [2] A. Kumar, M. Khadkevich and C. Fügen, "Knowledge transfer from weakly labeled audio using
       convolutional neural network for sound events and scenes", ICASSP 2018, arXiv:1711.01369.

    Examples
    --------
    >>> from sk_audioevents.datasets import audioset_classes
    >>> classes = audioset_classes()
    >>> classes.shape
    (527, 3)
    >>> classes.set_index("id").loc["/m/015p6", "name"]
    'Bird'
    """
    table = files("sk_audioevents.datasets").joinpath("tables", "audioset_classes.csv")
    with table.open(encoding="utf-8") as file:
        classes = pd.read_csv(file)
    if order == "kumar2018":
        classes = classes.sort_values("kumar2018", ignore_index=True)
    return classes.drop(columns="kumar2018")

"""Training that starts from a trained network: what is copied, and what is frozen for how long.

The stages of a network but the last are its body, the last is its head: see
`sk_audioevents.networks.VGGNetwork.stages`. Gradual unfreezing is that of J. Howard and S. Ruder,
"Universal language model fine-tuning for text classification", ACL 2018, arXiv:1801.06146, section
3.3.
"""

import hashlib
from os import PathLike

from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from skorch.callbacks import Callback

# What a network is built with that its body's weights do not depend on.
NOT_OF_THE_BODY = {"n_outputs", "pooling", "exclusive", "seed", "segment_frames", "dropout"}


def check_fine_tuning(estimator, starts_anew):
    """Raise if parameters of fine-tuning ask for something of a network that is not trained yet.

    Parameters
    ----------
    estimator : EventClassifier
        The classifier to be trained.
    starts_anew : bool
        Whether its network is made now.

    Raises
    ------
    ValueError
        If they do.
    """
    name = type(estimator).__name__
    if estimator.unfreeze_every is not None and estimator.freeze is None:
        raise ValueError(
            f"The 'unfreeze_every' parameter of {name} needs frozen stages: set freeze='body'."
        )
    if not starts_anew or estimator.pretrained is not None:
        return
    for key, neutral in (("freeze", (None, 0)), ("body_learning_rate_factor", (1,))):
        if getattr(estimator, key) not in neutral:
            raise ValueError(
                f"The {key!r} parameter of {name} is for a network that is trained already. Got "
                f"{getattr(estimator, key)!r} without one: pass it as 'pretrained'."
            )


def checked_pretrained(estimator):
    """Return the classifier that another one begins with, if it can.

    Parameters
    ----------
    estimator : EventClassifier
        The classifier to be trained, which knows its features.

    Returns
    -------
    pretrained : EventClassifier
        As `pretrained_classifier` returns it.

    Raises
    ------
    ValueError
        If there is none, its network differs in more than the head, or it has fewer stages than
        are to be frozen.
    """
    pretrained = pretrained_classifier(estimator)
    _check_same_body(estimator, pretrained)
    n_frozen_stages(estimator, pretrained.net_.module_)
    return pretrained


def pretrained_classifier(estimator):
    """Return the classifier that the 'pretrained' parameter of another one stands for.

    Parameters
    ----------
    estimator : EventClassifier
        The classifier to be trained.

    Returns
    -------
    pretrained : EventClassifier
        A fitted classifier of the same class.

    Raises
    ------
    ValueError
        If there is none, or it is not fitted.
    """
    name, pretrained = type(estimator).__name__, estimator.pretrained
    if isinstance(pretrained, (str, PathLike)):
        from sk_audioevents.persistence import load_model  # it stands above the classifiers

        pretrained = load_model(pretrained)
    while isinstance(pretrained, (FrozenEstimator, Pipeline)):
        is_pipeline = isinstance(pretrained, Pipeline)
        pretrained = pretrained[-1] if is_pipeline else pretrained.estimator
    if not isinstance(pretrained, type(estimator)):
        raise ValueError(
            f"The 'pretrained' parameter of {name} must be a fitted {name}, or a pipeline or file "
            f"of a pipeline that ends in one. Got a {type(pretrained).__name__} instead."
        )
    if not hasattr(pretrained, "net_"):
        raise ValueError(
            f"The 'pretrained' parameter of {name} must be a fitted {name}. Got one that is not "
            "fitted: clone, and so every search and cross-validation, takes the fit away. Pass "
            "FrozenEstimator(fitted) of sklearn.frozen, which keeps it."
        )
    return pretrained


def _check_same_body(estimator, pretrained):
    """Raise if parameters of the networks differ that the body depends on; name them all."""
    wanted, found = _body_parameters(estimator), _body_parameters(pretrained)
    keys = dict.fromkeys([*found, *wanted])
    differing = [key for key in keys if found.get(key) != wanted.get(key)]
    if differing:
        name = type(estimator).__name__
        sentences = "; ".join(
            f"its {key} is {found.get(key)}, and that of this fit is {wanted.get(key)}"
            for key in differing
        )
        raise ValueError(
            f"The 'pretrained' parameter of {name} must be a {name} with the same features and the "
            f"same network: {sentences}. To begin with the parameters of a fitted one, use "
            "clone(fitted).set_params(pretrained=FrozenEstimator(fitted))."
        )


def _body_parameters(estimator):
    network, parameters = estimator._network(n_outputs=1, exclusive=False, seed=0)
    parameters = {"network": network.__name__} | parameters
    if hasattr(estimator, "sample_rate"):
        parameters["sample_rate"] = estimator.sample_rate
    if parameters["temporal"] is None:
        parameters.pop("temporal_dim")
    return {key: value for key, value in parameters.items() if key not in NOT_OF_THE_BODY}


def n_frozen_stages(estimator, module):
    """Return how many stages a classifier wants frozen.

    Parameters
    ----------
    estimator : EventClassifier
        The classifier.
    module : SegmentNetwork
        Its network.

    Returns
    -------
    n_stages : int
        Their number, from the input on.

    Raises
    ------
    ValueError
        If the body has fewer.
    """
    names = [name for name, _ in module.stages()[:-1]]
    if estimator.freeze is None:
        return 0
    if estimator.freeze == "body":
        return len(names)
    if estimator.freeze > len(names):
        raise ValueError(
            f"The 'freeze' parameter of {type(estimator).__name__} must be None, 'body' or an int "
            f"up to {len(names)}, the number of stages before the classes: {', '.join(names)}. "
            f"Got {estimator.freeze} instead."
        )
    return estimator.freeze


def copy_body(source, target):
    """Copy the body of a network, its statistics and those of the bands to another network.

    Parameters
    ----------
    source, target : SegmentNetwork
        Networks that differ in their heads at most.
    """
    for ours, theirs in zip(_body_modules(target), _body_modules(source), strict=True):
        ours.load_state_dict(theirs.state_dict())
    target.band_mean.copy_(source.band_mean)
    target.band_scale.copy_(source.band_scale)


def body_digest(module):
    """Return a text that tells the bodies of networks apart.

    Parameters
    ----------
    module : SegmentNetwork
        The network.

    Returns
    -------
    digest : str
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for part in _body_modules(module):
        for tensor in part.state_dict().values():
            digest.update(tensor.cpu().numpy().tobytes())
    for tensor in (module.band_mean, module.band_scale):
        digest.update(tensor.cpu().numpy().tobytes())
    return digest.hexdigest()


def _body_modules(module):
    return [part for _, parts in module.stages()[:-1] for part in parts]


class Freezing(Callback):
    """Freeze the first stages of the network; if wanted, free one more every few epochs.

    Parameters
    ----------
    n_stages : int
        How many stages are frozen in the first epoch.
    unfreeze_every : int or None
        After how many epochs the last frozen stage is trained too, and so on. None is never.
    first_epoch : int
        The epoch, of all that the net was trained in, from which these are counted.
    """

    def __init__(self, n_stages, unfreeze_every, first_epoch):
        self.n_stages = n_stages
        self.unfreeze_every = unfreeze_every
        self.first_epoch = first_epoch

    def on_epoch_begin(self, net, **kwargs):  # noqa: ARG002
        """Freeze what this epoch does not train."""
        n_freed = 0
        if self.unfreeze_every is not None:
            n_freed = (len(net.history) - 1 - self.first_epoch) // self.unfreeze_every
        net.freeze(max(0, self.n_stages - n_freed))

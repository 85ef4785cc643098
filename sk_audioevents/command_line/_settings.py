"""The model that is trained, from the flags of the command line."""

from ast import literal_eval
from collections import Counter

from sklearn.pipeline import make_pipeline

from sk_audioevents import LogMelTransformer, SLATSegmenter, VGGEventClassifier


def make_model(options, messages):
    """Return the pipeline that the user asked for, not fitted."""
    model = make_pipeline(
        LogMelTransformer(n_jobs=options.n_jobs, cache_dir=options.cache_dir),
        *([SLATSegmenter()] if options.slat else []),
        VGGEventClassifier(
            random_state=options.seed,
            device=options.device,
            n_jobs=options.n_jobs,
            verbose=messages.verbose,
        ),
    )
    if options.epochs is not None:
        model.set_params(vggeventclassifier__max_epochs=options.epochs)
    if options.sample_rate is not None:
        model.set_params(logmeltransformer__sample_rate=options.sample_rate)
    for setting in options.parameters:
        name, value = _parse(setting)
        model.set_params(**{_full_name(name, model): value})
    for _, step in model.steps:
        step._validate_params()  # before recordings are read
    return model


def _parse(setting):
    """Return name and value of NAME=VALUE; what Python does not read as a value is a str."""
    name, sign, text = setting.partition("=")
    if not sign or not name:
        raise ValueError(f"--set must be followed by NAME=VALUE. Got {setting!r} instead.")
    try:
        return name.strip(), literal_eval(text.strip())
    except (ValueError, SyntaxError):
        return name.strip(), text.strip()


def _full_name(name, model):
    """Return the name of a parameter with that of its step, which may be left out."""
    of_steps = {
        f"{step}__{parameter}": parameter
        for step, estimator in model.steps
        for parameter in estimator.get_params(deep=False)
    }
    if name in of_steps:
        return name
    found = [full for full, parameter in of_steps.items() if parameter == name]
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(f"--set {name} may be {' or '.join(found)}: say which.")
    once = sorted(p for p, count in Counter(of_steps.values()).items() if count == 1)
    raise ValueError(f"--set {name} is no parameter of the model, which has {', '.join(once)}.")

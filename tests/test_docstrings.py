"""Public docstrings are complete, and say the same as the signatures."""

import ast
import importlib
import inspect
import pkgutil
import re

import pytest
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import validate

import sk_audioevents

# Left out: extended summaries and See Also, which not every function needs; Examples, which have a
# test of their own, since methods are shown at work by their class; numpydoc's
# taste in the layout of Returns (RT02, RT04), which is against named arrays with a dtype in front.
CHECKS = (
    {"GL01", "GL02", "GL03", "GL05", "GL06", "GL07", "GL08", "GL10"}
    | {"SS01", "SS02", "SS03", "SS04", "SS05", "SS06"}
    | {"PR01", "PR02", "PR03", "PR04", "PR05", "PR06", "PR07", "PR08", "PR09", "PR10"}
    | {"RT01", "RT03", "RT05", "YD01", "SA02", "SA03", "SA04"}
)


def public_modules():
    """Return the names of the package and of all its modules without an underscore."""
    found = pkgutil.iter_modules(sk_audioevents.__path__, prefix="sk_audioevents.")
    return ["sk_audioevents", *(module.name for module in found if "._" not in module.name)]


def public_names(module):
    """Return the public names of a module: its ``__all__``, else the classes that it defines."""
    if hasattr(module, "__all__"):
        return module.__all__
    return [name for name, item in vars(module).items() if inspect.isclass(item)]


def public_methods(cls):
    """Return the names of public methods and properties that the package, not a base, wrote."""
    members = {name: inspect.getattr_static(cls, name) for name in dir(cls)}
    functions = {name: getattr(item, "fget", item) for name, item in members.items()}
    return [
        name
        for name, function in functions.items()
        if not name.startswith("_")
        and inspect.isroutine(function)
        and (getattr(function, "__module__", None) or "").startswith("sk_audioevents")
    ]


def public_objects():
    """Return all public classes, functions and methods by their dotted names."""
    found = {}
    for module_name in public_modules():
        module = importlib.import_module(module_name)
        for name in public_names(module):
            item = getattr(module, name)
            if not (inspect.isclass(item) or inspect.isroutine(item)):
                continue  # modules, scorers and tables
            found[f"{module_name}.{name}"] = item
            for method in public_methods(item) if inspect.isclass(item) else ():
                found[f"{module_name}.{name}.{method}"] = getattr(item, method)
    return found


OBJECTS = public_objects()


def docstring_problems(item):
    """Return what numpydoc has against the docstring of an object."""
    doc = get_doc_object(item)
    errors = validate(doc)["errors"]
    if is_named_tuple(item):  # its fields are documented as attributes and are the parameters too
        documented = [attribute.name for attribute in doc["Attributes"]]
        errors = [error for error in errors if error[0] != "PR01"]
        if documented != list(item._fields):
            errors.append(("PR01", f"Attributes {documented} are not the fields {item._fields}"))
    return [f"{code}: {text}" for code, text in errors if code in CHECKS]


def default_problems(item):
    """Return where the documented defaults differ from those in the signature."""
    documented_parameters = get_doc_object(item)["Parameters"]
    if not documented_parameters:  # PR01 tells of undocumented parameters
        return []
    parameters = inspect.signature(item).parameters
    problems = []
    for name, text, _ in documented_parameters:
        if name not in parameters or text == "Ignored":  # PR02 tells of unknown parameters
            continue
        default = parameters[name].default
        documented = re.search(r"default=(.+)$", text)
        if documented is None and default is not inspect.Parameter.empty:
            problems.append(f"{name} has the default {default!r}, which is not documented")
        elif documented is not None and not equal_default(documented[1], default):
            got = "no default" if default is inspect.Parameter.empty else f"the default {default!r}"
            problems.append(f"{name} is documented with default={documented[1]} and has {got}")
    return problems


def equal_default(text, default):
    """Tell whether a text such as "1e-3" or "torch.float32" is a certain default."""
    try:
        documented = ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text == str(default)
    return type(documented) is type(default) and documented == default


def is_method(name):
    """Tell whether a dotted name is that of a method: its class is in the table too."""
    return name.rpartition(".")[0] in OBJECTS


def is_named_tuple(item):
    """Tell whether an object is a class made by ``typing.NamedTuple``."""
    return inspect.isclass(item) and issubclass(item, tuple) and hasattr(item, "_fields")


@pytest.mark.parametrize("name", OBJECTS)
def test_docstring_is_complete(name):
    problems = docstring_problems(OBJECTS[name])
    assert not problems, f"The docstring of {name}:\n" + "\n".join(problems)


@pytest.mark.parametrize("name", OBJECTS)
def test_documented_defaults_are_those_of_the_signature(name):
    problems = default_problems(OBJECTS[name])
    assert not problems, f"The docstring of {name}:\n" + "\n".join(problems)


@pytest.mark.parametrize("name", [name for name in OBJECTS if not is_method(name)])
def test_docstring_has_an_example(name):
    assert ">>> " in "\n".join(get_doc_object(OBJECTS[name])["Examples"])


def test_all_kinds_of_objects_are_looked_at():
    assert {
        "sk_audioevents.LogMelTransformer",
        "sk_audioevents.LogMelTransformer.transform",  # inherited from a private base
        "sk_audioevents.VGGEventClassifier.predict_segments",
        "sk_audioevents.audio.load_audio",
        "sk_audioevents.exceptions.AudioDecodeWarning",
        "sk_audioevents.networks.VGGNetwork.forward",
    } <= set(OBJECTS)
    inherited = (".set_fit_request", ".add_note", ".state_dict")
    assert not [name for name in OBJECTS if name.endswith(inherited)]
    assert "sk_audioevents.VGGEventClassifier.get_params" not in OBJECTS


def test_broken_docstring_is_found():
    def scale(waveform, gain_db=0.0, *, clip=True):
        """Scales a waveform.

        Parameters
        ----------
        waveform : ndarray
            the samples.
        gain_db : float, default=6.0
            Gain.
        limit : bool, default=True
            Whether to clip.
        """
        return waveform, gain_db, clip

    codes = {problem[:4] for problem in docstring_problems(scale)}
    assert codes == {"SS05", "PR01", "PR02", "PR08", "RT01"}
    assert default_problems(scale) == [
        "gain_db is documented with default=6.0 and has the default 0.0"
    ]


def test_missing_and_invented_defaults_are_found():
    def shift(waveform, n_samples, wrap=True):
        """Shift a waveform.

        Parameters
        ----------
        waveform : ndarray
            The samples.
        n_samples : int, default=1
            How far.
        wrap : bool
            Whether to wrap around.
        """
        return waveform, n_samples, wrap

    assert default_problems(shift) == [
        "n_samples is documented with default=1 and has no default",
        "wrap has the default True, which is not documented",
    ]

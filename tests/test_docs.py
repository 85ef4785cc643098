"""The code in the documentation runs, and every public name and every picture has a page."""

import ast
import doctest
import importlib
import inspect
import pkgutil
import re
import textwrap
from pathlib import Path

import pytest

import sk_audioevents
from sk_audioevents.datasets import fetch_esc10

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
MADE_BY_SPHINX = {"_build", "_templates", "auto_examples", "generated"}
PAGES = sorted(
    path.relative_to(DOCS).as_posix()
    for path in DOCS.rglob("*.rst")
    if not MADE_BY_SPHINX & set(path.relative_to(DOCS).parts)
)


@pytest.mark.parametrize("page", PAGES)
def test_examples_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where the pages write their small audio files
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    report = doctest.testfile(
        str(DOCS / page), module_relative=False, optionflags=flags, encoding="utf-8"
    )
    assert report.failed == 0, f"{report.failed} examples of docs/{page} fail, see above"


@pytest.mark.parametrize("page", PAGES)
def test_listings_are_python(page):
    for code in python_listings((DOCS / page).read_text(encoding="utf-8")):
        ast.parse(code, filename=page)


def test_pages_with_examples_are_found():
    assert {"tutorial.rst", "user_guide/audio.rst", "user_guide/classification.rst"} <= set(PAGES)
    assert python_listings((DOCS / "index.rst").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_tutorial_runs_on_esc10(tmp_path, monkeypatch):
    try:
        fetch_esc10(download_if_missing=False)
    except OSError as reason:
        pytest.skip(str(reason))
    monkeypatch.chdir(tmp_path)
    found = {}
    for code in python_listings((DOCS / "tutorial.rst").read_text(encoding="utf-8")):
        exec(compile(code, "tutorial.rst", "exec"), found)
    assert found["accuracy"] > 0.8  # the page says 0.888
    assert found["interval"].low < found["accuracy"] < found["interval"].high
    assert len(list(tmp_path.glob("what decided *.wav"))) == 2


def documented_modules():
    """Return the modules that the API reference lists."""
    return re.findall(r"^   (sk_audioevents[.\w]*)$", (DOCS / "api.rst").read_text(), re.MULTILINE)


def public_items(module_name):
    """Return what a module makes public: its ``__all__``, else its classes, by name."""
    module = importlib.import_module(module_name)
    classes = [name for name, item in vars(module).items() if inspect.isclass(item)]
    return {name: getattr(module, name) for name in getattr(module, "__all__", classes)}


def test_every_public_name_has_a_page():
    # A module's page lists its public names, so what must be complete is the list of modules.
    shown = {id(item) for name in documented_modules() for item in public_items(name).values()}
    modules = [
        module.name
        for module in pkgutil.iter_modules(sk_audioevents.__path__, prefix="sk_audioevents.")
        if "._" not in module.name
    ]
    lost = [
        f"{module}.{name}"
        for module in modules
        for name, item in public_items(module).items()
        if id(item) not in shown
    ]
    assert not lost, f"docs/api.rst lacks the modules of {lost}"


def test_documented_modules_are_public_and_in_order():
    names = documented_modules()
    assert names == sorted(names)
    assert not [name for name in names if "._" in name]


EXAMPLES = sorted((ROOT / "examples").glob("plot_*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_example_says_what_it_is(example):
    code = example.read_text(encoding="utf-8")
    title, line, *words = ast.get_docstring(ast.parse(code)).splitlines()
    assert line == "=" * len(title)
    assert " ".join(words).strip()


@pytest.mark.parametrize("figure", sorted((DOCS / "figures").glob("*.py")), ids=lambda p: p.stem)
def test_figure_is_on_a_page_with_a_text_for_those_who_cannot_see_it(figure):
    directive = rf"\.\. plot:: figures/{figure.name}\n   :alt: (.+)\n"
    found = [re.search(directive, (DOCS / page).read_text(encoding="utf-8")) for page in PAGES]
    assert any(match and len(match[1]) > 20 for match in found)


def python_listings(text):
    """Return the Python code blocks of a page, which are not run because they need recordings."""
    blocks = re.findall(r"^\.\. code-block:: python\n\n((?:   .*\n|\n)+)", text, re.MULTILINE)
    return [textwrap.dedent(block) for block in blocks]

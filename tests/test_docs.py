"""The code in the documentation runs, and does what the pages say."""

import ast
import doctest
import re
import textwrap
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
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
    assert {"quickstart.rst", "user_guide/audio.rst", "user_guide/classification.rst"} <= set(PAGES)
    assert python_listings((DOCS / "index.rst").read_text(encoding="utf-8"))


def python_listings(text):
    """Return the Python code blocks of a page, which are not run because they need recordings."""
    blocks = re.findall(r"^\.\. code-block:: python\n\n((?:   .*\n|\n)+)", text, re.MULTILINE)
    return [textwrap.dedent(block) for block in blocks]

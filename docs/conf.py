"""Sphinx configuration; `sphinx-build -W -b html docs docs/_build/html` needs no network."""

import os

import sk_audioevents

project = "sk_audioevents"
author = "The sk_audioevents developers"
copyright = f"2026, {author}"
version = release = sk_audioevents.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.extlinks",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
smartquotes = False  # default="hann" is code
templates_path = ["_templates"]
exclude_patterns = ["_build", "_templates", "**/GALLERY_HEADER.rst"]
default_role = "py:obj"  # `name` links where the name is known, and is plain code where it is not

# Links to other projects need their inventories from the network, so they are asked for:
# SK_AUDIOEVENTS_DOCS_INTERSPHINX=1 sphinx-build -W -b html docs docs/_build/html
if os.environ.get("SK_AUDIOEVENTS_DOCS_INTERSPHINX") == "1":
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_timeout = 30  # seconds
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "joblib": ("https://joblib.readthedocs.io/en/stable", None),
        "librosa": ("https://librosa.org/doc/latest", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "pandas": ("https://pandas.pydata.org/docs", None),
        "scipy": ("https://docs.scipy.org/doc/scipy", None),
        "sklearn": ("https://scikit-learn.org/stable", None),
        "skorch": ("https://skorch.readthedocs.io/en/stable", None),
        "torch": ("https://docs.pytorch.org/docs/stable", None),
    }

autosummary_generate = True
extlinks = {"doi": ("https://doi.org/%s", "doi:%s")}
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False  # the templates list the members
suppress_warnings = ["ref.citation"]  # references that stand at a docstring's end uncited

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"[\\/]plot_",
    "ignore_pattern": r"__init__\.py|[\\/]benchmarks[\\/]",
    "within_subsection_order": "FileNameSortKey",
    "doc_module": ("sk_audioevents",),
    "backreferences_dir": "generated/backreferences",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "write_computation_times": False,
    "show_signature": False,
}

html_theme = "pydata_sphinx_theme"
html_title = project
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
}
html_sidebars = {"index": [], "quickstart": [], "install": [], "changelog": [], "cite": []}


def skip_foreign_member(_app, _what, _name, item, skip, _options):
    """Skip what scikit-learn, torch and Python wrote: its pages are elsewhere."""
    function = getattr(item, "fget", item)
    module = getattr(function, "__module__", None) or ""
    return True if not module.startswith("sk_audioevents") else skip


def setup(app):
    app.connect("autodoc-skip-member", skip_foreign_member)

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
    "matplotlib.sphinxext.plot_directive",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
smartquotes = False  # default="hann" is code
templates_path = ["_templates"]
exclude_patterns = ["_build", "_templates", "figures", "**/GALLERY_HEADER.rst"]
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


# A name that the package and one of its modules have is shown once: for these modules, on the page
# of the package; for all others, on that of the module.
shown_on_the_package = ("classification", "features", "segments")
homes = {
    name: getattr(getattr(sk_audioevents, name), "__module__", project).split(".")[1:2]
    for name in sk_audioevents.__all__
}
elsewhere = [name for name, home in homes.items() if home and home[0] not in shown_on_the_package]
autosummary_context = {
    "shown_elsewhere": {
        project: elsewhere,
        **{f"{project}.{module}": list(homes) for module in shown_on_the_package},
    }
}
autosummary_generate = True
autosummary_ignore_module_all = False  # a module's page lists the names of its __all__
autosummary_imported_members = True  # which come from its private files
extlinks = {"doi": ("https://doi.org/%s", "doi:%s")}
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False  # the templates list the members
suppress_warnings = ["ref.citation"]  # references that stand at a docstring's end uncited

# The pages' pictures are drawn when they are built, by the scripts in docs/figures.
plot_include_source = False
plot_html_show_source_link = False
plot_html_show_formats = False
plot_formats = [("png", 110)]
plot_rcparams = {"figure.constrained_layout.use": True, "font.size": 10}
plot_apply_rcparams = True

# sphinx-build -b linkcheck docs docs/_build/linkcheck, with a network
linkcheck_anchors = False
linkcheck_ignore = [r"https://doi\.org/"]  # publishers refuse programs
linkcheck_timeout = 20  # seconds

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"[\\/]plot_",
    "ignore_pattern": r"__init__\.py|example_sounds\.py|[\\/]benchmarks[\\/]",
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
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_context = {"default_mode": "auto"}
html_favicon = "_static/logo.svg"
html_last_updated_fmt = "%d %B %Y"
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": project, "image_light": "_static/logo.svg", "image_dark": "_static/logo.svg"},
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright", "last-updated"],
    "footer_end": ["sphinx-version", "theme-version"],
}
html_sidebars = {
    page: []
    for page in ("index", "install", "tutorial", "recipes", "comparison", "method")
    + ("model_format", "glossary", "changelog", "contributing", "cite")
}


def skip_foreign_member(_app, _what, _name, item, skip, _options):
    """Skip what scikit-learn, torch and Python wrote: its pages are elsewhere."""
    function = getattr(item, "fget", item)
    module = getattr(function, "__module__", None) or ""
    return True if not module.startswith("sk_audioevents") else skip


def setup(app):
    app.connect("autodoc-skip-member", skip_foreign_member)

"""Tables of results as CSV or JSON, on stdout or in a file."""

import json
import os
import sys
from pathlib import Path

from sk_audioevents._atomic import publish_file

FORMATS = {".csv": "csv", ".json": "json"}


def check_new(path, force):
    """Raise if there is a file at a path, and it may not be replaced."""
    if path is not None and os.path.lexists(path) and not force:
        raise FileExistsError(f"There is a file at {path!r} already: say --force to replace it.")
    if path is not None and not Path(path).parent.is_dir():
        raise FileNotFoundError(f"There is no folder {str(Path(path).parent)!r} to write to.")


def result_format(options, path=None):
    """Return the format that the user asked for or, without a wish, that of a path or CSV."""
    return options.format or FORMATS.get(Path(path or "").suffix, "csv")


def write_table(table, options, path=None):
    """Write a table.

    Parameters
    ----------
    table : DataFrame
        The results; its index is left out.
    options : Namespace
        The arguments, of which ``format`` says how to write.
    path : str, default=None
        The file. None is stdout.
    """
    if result_format(options, path) == "json":
        write_json(table.to_dict(orient="records"), path)
    else:
        _write(table.to_csv(index=False, lineterminator="\n"), path)


def write_json(content, path=None):
    """Write lists and dicts as JSON, to a file or to stdout."""
    _write(json.dumps(_without_nan(content), indent=2, ensure_ascii=False) + "\n", path)


def _without_nan(content):
    """Return content in which what is not known is null: JSON has no NaN."""
    if isinstance(content, dict):
        return {key: _without_nan(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_without_nan(value) for value in content]
    content = content.item() if hasattr(content, "item") else content
    return None if content != content else content


def _write(text, path):
    if path is None:
        if hasattr(sys.stdout, "reconfigure"):  # a file name may hold bytes that are no character
            sys.stdout.reconfigure(errors="surrogateescape")
        sys.stdout.write(text)
        return
    content = text.encode("utf-8", "surrogateescape")
    publish_file(lambda file: file.write(content), Path(path), overwrite=True)

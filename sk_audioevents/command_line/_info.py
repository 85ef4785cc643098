"""``sk-audioevents info``: what a model consists of."""

import sys
from textwrap import fill

from sk_audioevents.command_line._results import write_json
from sk_audioevents.persistence import read_model_info

WIDTH = 100  # of lines
CONTAINERS = {"sklearn.pipeline.Pipeline"}  # which have no parameters but their steps


def run(options, messages):  # noqa: ARG001
    """Write what there is to know of a model, and return 0."""
    info = read_model_info(options.model)
    if options.format == "json":
        write_json(info)
    else:
        sys.stdout.write(_text(info))
    return 0


def _text(info):
    classes = ", ".join(map(str, info["classes"] or [])) or "not known"
    versions = ", ".join(f"{name} {number}" for name, number in info["versions"].items())
    paragraphs = [
        f"Classes: {classes}",
        f"Weights: {info['n_weights']:,} numbers, {info['file_size'] / 1e6:.1f} MB",
        f"Saved with: {versions}; format {info['format_version']}",
        *(_described(step) for step in info["objects"] if step["class"] not in CONTAINERS),
    ]
    lines = [fill(text, width=WIDTH, subsequent_indent="  ") for text in paragraphs]
    if info["card"]:
        lines += ["", info["card"].strip()]
    return "\n".join(lines) + "\n"


def _described(step):
    parameters = ", ".join(f"{name}={value!r}" for name, value in step["parameters"].items())
    return f"{step['class'].rpartition('.')[2]}: {parameters}"

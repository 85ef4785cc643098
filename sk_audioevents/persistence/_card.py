"""The model card of a folder: README.md, as model hubs show it."""

from sk_audioevents.persistence._contents import class_labels, objects_of

FRONT_MATTER = """---
library_name: sk_audioevents
pipeline_tag: audio-classification
tags:
- sk_audioevents
- audio
- sound-event-detection
---
"""
LOADING = """## How to load it

```python
from sk_audioevents.persistence import load_model

model = load_model("path of this folder")
```

From a model hub: `from_pretrained("user/name")` in place of `load_model`. Loading runs no code of
the file.
"""
MAX_LABELS = 100  # of the classes, that the card lists


def model_card(description):
    """Return the text of a model card.

    Parameters
    ----------
    description : dict
        The description of the model. A card in it that begins with ``---``, as a YAML header does,
        is all of the result.

    Returns
    -------
    text : str
        Markdown with a YAML header.
    """
    card = description["card"]
    if card is not None and card.startswith("---"):
        return card
    about = "No description was saved with this model." if card is None else card.strip()
    return "\n".join(
        [FRONT_MATTER, "# A model of sk_audioevents", "", about, "", LOADING, _facts(description)]
    )


def _facts(description):
    lines = ["## What it consists of", ""]
    lines += [f"- `{found.name}`" for found in objects_of(description["model"])]
    labels = class_labels(description["model"])
    if labels is not None:
        shown = ", ".join(f"`{label}`" for label in labels[:MAX_LABELS])
        more = ", ..." if len(labels) > MAX_LABELS else ""
        lines += ["", f"{len(labels)} classes: {shown}{more}"]
    versions = ", ".join(f"{name} {text}" for name, text in description["versions"].items())
    return "\n".join([*lines, "", f"Saved with {versions}.", ""])

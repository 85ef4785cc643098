"""``sk-audioevents export``: a model for programs without Python."""

from sk_audioevents.command_line._models import SavedModel
from sk_audioevents.command_line._results import check_new
from sk_audioevents.export import export_onnx


def run(options, messages):
    """Write the model as an ONNX file, and return 0."""
    check_new(options.output, options.force)
    model = SavedModel.load(options, messages)
    export_onnx(
        model.classifier,
        options.output,
        front_end=not options.frames,
        class_names=model.names,
        overwrite=options.force,
    )
    messages.tell(f"Wrote {options.output}.")
    return 0

"""The arguments of the commands, and their help."""

import argparse

from sk_audioevents import __version__

DESCRIPTION = """\
Learn to recognise sounds from recordings, and find them in others.

A model begins with recordings whose sounds are known: a folder with one sub-folder of recordings
for each class, or a CSV file with the columns path and label.
"""
EPILOG = """\
example:
  sk-audioevents train recordings/ -o birds.safetensors --evaluate
  sk-audioevents predict birds.safetensors dawn.wav --events

exit codes:
  0 all went well    1 some recordings could not be read    2 wrong arguments or input
  130 interrupted
"""
SOURCE_HELP = (
    "a folder with one sub-folder of recordings for each class; or a CSV file with the columns "
    "path (relative to the file) and label, and perhaps fold, group (the take or site that clips "
    "come from), start_time and end_time (seconds)"
)


def make_parser():
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="sk-audioevents",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"sk-audioevents {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (_add_train, _add_evaluate, _add_predict, _add_explain, _add_export, _add_info):
        add(commands)
    return parser


def _add_train(commands):
    parser = _add_command(
        commands,
        "train",
        "learn from labelled recordings, and save the model",
        "sk-audioevents train recordings/ -o birds.safetensors --evaluate --epochs 30",
    )
    parser.add_argument("source", metavar="FOLDER|CSV", help=SOURCE_HELP)
    _add_model_output(parser)
    _add_multilabel(parser)
    parser.add_argument(
        "--evaluate",
        action="store_true",
        help="first train on some folds and test on the others, so that the scores are those of "
        "recordings that the model has not heard. Takes as many trainings more",
    )
    parser.add_argument(
        "--folds",
        type=int,
        metavar="K",
        help="how many folds, where the CSV has no column fold (default: 5). Clips of one group "
        "are in one fold",
    )
    parser.add_argument(
        "--tune-thresholds",
        action="store_true",
        help="tune a threshold of events for each class, on clips that were not trained on. Takes "
        "as many trainings more as there are folds",
    )
    parser.add_argument("--epochs", type=int, metavar="N", help="passes over the recordings")
    parser.add_argument(
        "--sample-rate",
        type=int,
        metavar="HZ",
        help="rate that recordings are resampled to (default: 44100)",
    )
    parser.add_argument(
        "--slat",
        action="store_true",
        help="train on overlapping segments that inherit the label of their clip",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of all randomness (default: 0)"
    )
    _add_device(parser, "auto")
    parser.add_argument(
        "--cache-dir",
        metavar="DIR",
        help="a folder that keeps spectrograms, so that no later training computes them again",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="parameters",
        help="any other parameter of the steps of the model, such as n_mels=64 or "
        "vggeventclassifier__loss=focal. May come several times",
    )
    _add_results(parser, output=False)
    _add_on_error(parser)


def _add_evaluate(commands):
    parser = _add_command(
        commands,
        "evaluate",
        "test a model on labelled recordings that it was not trained on",
        "sk-audioevents evaluate birds.safetensors new_recordings.csv",
    )
    _add_model(parser)
    parser.add_argument("source", metavar="FOLDER|CSV", help=SOURCE_HELP)
    _add_multilabel(parser)
    _add_device(parser, "cpu")
    _add_results(parser)
    _add_on_error(parser)


def _add_predict(commands):
    parser = _add_command(
        commands,
        "predict",
        "tell what is in recordings or, with --events, when",
        "sk-audioevents predict birds.safetensors field/ --events -o events.csv",
    )
    _add_model(parser)
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="recordings, and folders that are searched for them",
    )
    _add_device(parser, "cpu")
    events = parser.add_argument_group("events")
    events.add_argument("--events", action="store_true", help="find onset and offset of each sound")
    events.add_argument(
        "--threshold",
        type=float,
        metavar="P",
        help="score that an event reaches, 0 to 1 (default: the model's own, else 0.5)",
    )
    for name, text in (
        ("min-duration", "leave out shorter events"),
        ("merge-gap", "join events of a class that are no further apart"),
        ("median-filter", "take the median of the scores over so much time first"),
    ):
        events.add_argument(f"--{name}", type=float, metavar="SECONDS", help=text)
    _add_results(parser, formats=("csv", "json", "audacity", "raven"))
    _add_on_error(parser)


def _add_explain(commands):
    parser = _add_command(
        commands,
        "explain",
        "draw which part of a recording spoke for a class, and which against it",
        "sk-audioevents explain birds.safetensors dawn.wav -o dawn.png --target wren",
    )
    _add_model(parser)
    parser.add_argument("path", metavar="PATH", help="the recording")
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="PICTURE",
        help="where to write the picture: .png, .svg or .pdf",
    )
    parser.add_argument(
        "--target", metavar="CLASS", help="the class to explain (default: the most probable)"
    )
    parser.add_argument(
        "--rule",
        default="composite",
        metavar="RULE",
        help="how relevance is shared out in the convolutions (default: %(default)s)",
    )
    _add_device(parser, "cpu")
    _add_results(parser, output=False)


def _add_export(commands):
    parser = _add_command(
        commands,
        "export",
        "write a model as an ONNX file, for programs without Python",
        "sk-audioevents export birds.safetensors -o birds.onnx",
    )
    _add_model(parser)
    parser.add_argument(
        "-o", "--output", required=True, metavar="FILE", help="where to write: birds.onnx"
    )
    parser.add_argument(
        "--frames", action="store_true", help="take spectrogram frames rather than waveforms"
    )
    _add_force(parser)
    parser.set_defaults(device="cpu", n_jobs=None)


def _add_info(commands):
    parser = _add_command(
        commands,
        "info",
        "tell what a model consists of, without loading it",
        "sk-audioevents info birds.safetensors",
    )
    _add_model(parser)
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="default: %(default)s"
    )


def _add_command(commands, name, text, example):
    parser = commands.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--debug", action="store_true", help="where an error comes from, for a report of a bug"
    )
    return parser


def _add_model(parser):
    parser.add_argument("model", metavar="MODEL", help="a saved model")


def _add_model_output(parser):
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="MODEL",
        help="where to save the model: a file that ends in .safetensors, or a folder",
    )


def _add_multilabel(parser):
    parser.add_argument(
        "--multilabel",
        action="store_true",
        help="clips may have several labels, separated by ';', or none. Not needed where a label "
        "of the CSV holds a ';'",
    )


def _add_device(parser, default):
    parser.add_argument(
        "--device", default=default, help="cpu, cuda, cuda:1 or auto (default: %(default)s)"
    )
    parser.add_argument(
        "--n-jobs",
        type=int,
        metavar="N",
        help="processors to use, -1 for all (default: the model's own, 1)",
    )


def _add_results(parser, *, output=True, formats=("csv", "json")):
    default = "csv"
    if output:
        parser.add_argument(
            "-o", "--output", metavar="FILE", help="where to write results (default: stdout)"
        )
        default = "what the name of the file says, else csv"
    parser.add_argument("--format", choices=formats, help=f"of the results (default: {default})")
    _add_force(parser)


def _add_force(parser):
    parser.add_argument("--force", action="store_true", help="replace a file that is there already")
    parser.add_argument("-q", "--quiet", action="store_true", help="show no progress")


def _add_on_error(parser):
    parser.add_argument(
        "--on-error",
        choices=("skip", "stop"),
        default="skip",
        help="what a recording does that cannot be read (default: %(default)s)",
    )

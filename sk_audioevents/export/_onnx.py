"""A fitted model as one ONNX file, which runs without Python or torch."""

import json
import os
from pathlib import Path

import numpy as np

from sk_audioevents import __version__
from sk_audioevents._atomic import publish_file
from sk_audioevents._base import HasMethods, validate_params
from sk_audioevents.events._scorer import find_segment_axis
from sk_audioevents.export._front_end import add_front_end, at_least_one_sample
from sk_audioevents.export._graph import Graph, import_onnx
from sk_audioevents.export._network import add_network
from sk_audioevents.export._parts import model_parts
from sk_audioevents.export._pooling import Pooling
from sk_audioevents.export._segments import add_segmenter

FORMAT_VERSION = 1  # of the inputs, outputs and metadata
# Parameters of a front end that change nothing of its frames.
NOT_IN_METADATA = {
    "cache_dir",
    "cache_dtype",
    "cache_size",
    "lazy",
    "n_jobs",
    "on_error",
    "verbose",
}


@validate_params(
    {
        "model": [HasMethods("predict_proba")],
        "path": [str, os.PathLike],
        "front_end": ["boolean"],
        "class_names": ["array-like", None],
        "overwrite": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def export_onnx(model, path, *, front_end=True, class_names=None, overwrite=False):
    """Write a fitted model as an ONNX file, for programs without Python or torch.

    The file takes waveforms, or frames, and gives what ``predict_proba``, ``predict_segments`` and
    ``transform`` of the classifier give, to within 1e-4. Any ONNX runtime of 2022 or later reads
    it, on a server, a telephone or a recorder in the field.

    Parameters
    ----------
    model : VGGEventClassifier, WaveformEventClassifier or Pipeline
        Fitted. A pipeline has a `LogMelTransformer` or `MFCCTransformer`, perhaps a
        `SLATSegmenter`, and a `VGGEventClassifier`.
    path : str or os.PathLike
        Where to write, usually with the suffix ``.onnx``. The file appears as a whole or not at
        all.
    front_end : bool, default=True
        Whether the file takes waveforms. False leaves the transformer of a pipeline out, for
        programs that compute the frames themselves.
    class_names : array-like of shape (n_classes,), default=None
        What the metadata call the classes, in the order of ``classes_``. None is ``classes_``,
        which for a multi-label problem are numbers.
    overwrite : bool, default=False
        Whether a file at ``path`` may be replaced.

    Raises
    ------
    TypeError
        If the model has a step that cannot be exported.
    ValueError
        If ``front_end`` is True and there is none, or there are more or fewer names than classes.
    FileExistsError
        If there is a file at ``path`` and ``overwrite`` is False.
    ImportError
        If onnx is not installed.

    Notes
    -----
    The input is ``waveform``, float32 of shape (batch, n_samples), mono at the sample rate of the
    model, or ``frames``, float32 of shape (batch, n_frames, n_bands). Batch and length may be
    anything, also shorter than a segment; the rows of a batch are equally long. The outputs, all of
    float32, are

    - ``probabilities`` (batch, n_classes), as ``predict_proba``;
    - ``segment_probabilities`` (batch, n_segments, n_classes), as ``predict_segments``;
    - ``embedding`` (batch, embedding_dim), as ``transform``.

    The metadata of the file hold, as JSON, what a program needs to use them: ``classes`` and
    whether the model is ``multilabel``; ``sample_rate``; where segments lie, ``segment_start``,
    ``segment_duration`` and ``segment_hop`` in seconds, unless the clip is one segment; for a file
    that takes frames, in ``front_end``, the parameters that they are computed with; and
    ``versions``.

    Files are not decoded, nor resampled: that is left to the program. Levels are computed in double
    precision, all else in float32, also where the model was trained on float64.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sk_audioevents import WaveformEventClassifier
    >>> from sk_audioevents.datasets import make_sound_events
    >>> from sk_audioevents.export import export_onnx
    >>> sounds = make_sound_events(8, n_classes=2, duration=0.5, sample_rate=8000, random_state=0)
    >>> model = WaveformEventClassifier(sample_rate=8000, max_epochs=1, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export_onnx(model.fit(sounds.waveforms, sounds.target), Path(folder) / "model.onnx")
    """
    onnx = import_onnx("export_onnx")
    path = Path(path)
    if path.exists() and not overwrite:
        raise FileExistsError(
            f"There is a file at {str(path)!r} already. Pass overwrite=True to replace it."
        )
    whole = model_parts(model)
    if front_end and whole.front_end is None and not whole.reads_waveforms:
        raise ValueError(
            "The 'front_end' parameter of export_onnx must be False for a VGGEventClassifier "
            "without a transformer before it. Got True: pass the whole pipeline?"
        )
    parts = whole if front_end else whole._replace(front_end=None)
    metadata = _metadata(whole, parts, _class_names(class_names, parts.classifier))
    exported = _build(onnx, parts)
    onnx.helper.set_model_props(exported, {key: json.dumps(v) for key, v in metadata.items()})
    publish_file(lambda file: file.write(exported.SerializeToString()), path, overwrite)


def _build(onnx, parts):
    """Return the ONNX model of the parts."""
    graph, classifier = Graph(onnx), parts.classifier
    module = classifier.net_.module_
    module = getattr(module, "_orig_mod", module)  # what torch.compile has wrapped
    n_bands, n_classes = len(module.band_mean), len(classifier.classes_)
    inputs, frames = _add_input(graph, parts, n_bands)
    probabilities, segments, embedding = _add_outputs(graph, frames, parts, module)
    outputs = {
        "probabilities": (probabilities, ["batch", n_classes]),
        "segment_probabilities": (segments, ["batch", "n_segments", n_classes]),
        "embedding": (embedding, ["batch", module.embedding_dim]),
    }
    return graph.model(
        inputs,
        outputs,
        producer_name="sk_audioevents",
        producer_version=__version__,
        doc_string=f"{type(classifier).__name__} for {n_classes} classes of sound events.",
    )


def _add_input(graph, parts, n_bands):
    """Return the shape of the input by its name, and frames (B, T, n_bands)."""
    if parts.front_end is None and not parts.reads_waveforms:
        return {"frames": ["batch", "n_frames", n_bands]}, "frames"
    if parts.front_end is not None:
        frames = add_front_end(graph, "waveform", parts.front_end)
    else:
        frames = graph.add("Unsqueeze", at_least_one_sample(graph, "waveform"), [2])
    return {"waveform": ["batch", "n_samples"]}, frames


def _add_outputs(graph, frames, parts, module):
    """Return probabilities of clips and of segments, and the embeddings of clips."""
    labels = parts.classifier._labels
    pooling = Pooling(graph, module.pooling, binary=labels.binary, multilabel=labels.multilabel)
    if parts.segmenter is None:
        embeddings, logits = add_network(graph, frames, module)
        segments = pooling.segments(logits)
    else:

        def of_clips(values, n_columns):
            shape = graph.join(graph.length(frames, 0), -1, n_columns)
            return graph.add("Reshape", values, shape)

        bags = add_segmenter(graph, frames, parts.segmenter, len(module.band_mean))
        embeddings, logits = add_network(graph, bags, module)
        # A segment may have several outputs of the network.
        segments = of_clips(pooling.pooled(logits), len(parts.classifier.classes_))
        embeddings = of_clips(embeddings, module.embedding_dim)
        logits = of_clips(logits, module.n_logits)
    embedding = graph.add("ReduceMean", embeddings, axes=[1], keepdims=0)
    return pooling.clips(logits), segments, embedding


def _class_names(class_names, classifier):
    """Return what the classes are called, as JSON can hold it."""
    n_classes = len(classifier.classes_)
    names = classifier.classes_ if class_names is None else list(class_names)
    if len(names) != n_classes:
        raise ValueError(
            f"The 'class_names' parameter of export_onnx must be {n_classes} names, one for each "
            f"class. Got {len(names)}."
        )
    return [_plain(name) for name in names]


def _metadata(whole, parts, class_names):
    """Return what a program needs to know beside the graph; ``whole`` has its front end."""
    classifier = parts.classifier
    about = {
        "classes": class_names,
        "multilabel": classifier._labels.multilabel,
        "versions": {"sk_audioevents": __version__, "format": FORMAT_VERSION},
    }
    if whole.front_end is None and not whole.reads_waveforms:
        return about  # frames of which nobody knows the times
    about["sample_rate"] = whole.steps[0].sample_rate
    if whole.front_end is not None and parts.front_end is None:
        parameters = whole.front_end.get_params()
        about["front_end"] = {"class": type(whole.front_end).__name__} | {
            key: value for key, value in parameters.items() if key not in NOT_IN_METADATA
        }
    if classifier.segment_frames_ is None and whole.segmenter is None:
        return about  # the one segment is the clip
    axis = find_segment_axis(whole.steps, "export_onnx")
    return about | {
        "segment_start": axis.first_edge / axis.sample_rate,
        "segment_duration": axis.segment_frames * axis.hop_length / axis.sample_rate,
        "segment_hop": axis.stride / axis.sample_rate,
    }


def _plain(label):
    """Return a label as JSON can hold it."""
    label = label.item() if isinstance(label, np.generic) else label
    return label if isinstance(label, (str, int, float)) else str(label)

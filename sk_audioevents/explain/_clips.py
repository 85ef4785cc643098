"""Explain frames or bags of a fitted classifier, by whatever method, in batches."""

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from sk_audioevents._validation import object_array
from sk_audioevents.classification._batches import ExampleSet
from sk_audioevents.classification._event_classifier import EventClassifier
from sk_audioevents.classification._training import torch_threads
from sk_audioevents.explain._folded_network import FoldedNetwork
from sk_audioevents.explain._question import Question, class_indices
from sk_audioevents.explain._relevance import Relevance
from sk_audioevents.networks._block_network import BlockNetwork

# One clip of 5 s at a time, or more that are shorter: what a layer has then stays in the cache, and
# relevance takes two thirds of the time that it takes with eight. All layers together have 60 kB
# for each frame of 128 bands with the default network.
VALUES_PER_BATCH = 2**16


def explain_clips(estimator, X, method, target, output, segment):
    """Explain what a classifier says of clips.

    Parameters
    ----------
    estimator : EventClassifier
        A fitted classifier.
    X : array, list, Series or DataFrame
        What it predicts on: frames or bags, or waveforms.
    method : callable
        From a BlockNetwork, its FoldedNetwork and frames (B, T, n_bands) to an object with
        ``logits`` (B, K, n_logits) and ``relevance(weights, columns, signs)``, which gives the
        relevance of the frames (B, T, n_bands) and of the rest (B,): see `Head.relevance`.
    target, output, segment
        As for `explain_lrp`.

    Returns
    -------
    relevance : Relevance
        The maps.
    """
    module = _network_of(estimator)
    examples = ExampleSet(estimator._check_clips(X, reset=False))
    targets, is_several = class_indices(target, estimator.classes_, examples.n_clips)
    question = Question(module.pooling, estimator._labels.binary, targets, output, segment)
    explainer = _Explainer(module, examples, method, question)
    with torch_threads(estimator.n_jobs):
        explainer.run()
    is_uniform = isinstance(examples.clips, np.ndarray)
    return explainer.result(estimator.classes_, is_several, is_uniform)


def _network_of(estimator):
    if not isinstance(estimator, EventClassifier):
        raise TypeError(
            "What is explained must be a VGGEventClassifier, a WaveformEventClassifier, or a "
            f"pipeline that ends with one. Got a {type(estimator).__name__} instead."
        )
    check_is_fitted(estimator)
    module = estimator.net_.module_
    module = getattr(module, "_orig_mod", module)  # where it was compiled
    if not isinstance(module, BlockNetwork):
        raise TypeError(
            "The network that is explained must be a VGGNetwork or a WaveformNetwork. Got a "
            f"{type(module).__name__} instead: train a VGGEventClassifier with backbone='vgg'."
        )
    return module


class _Explainer:
    """Maps, scores and answers of all clips, filled batch by batch."""

    def __init__(self, module, examples, method, question):
        self.module = module
        self.network = FoldedNetwork(module)
        self.examples = examples
        self.method = method
        self.question = question
        self.parameter = next(module.parameters())
        shape = (question.n_targets,)
        dtype = torch.empty(0, dtype=self.parameter.dtype).numpy().dtype
        self.maps = [np.empty(shape + clip.shape, dtype) for clip in examples.clips]
        self.kept = np.zeros((examples.n_clips, question.n_targets))
        self.answers = [None] * examples.n_clips

    def run(self):
        """Explain all clips. The answer for a bag needs all its segments, which come first."""
        if self.examples.is_bags:
            self._ask_of_bags()
        for indices in self._batches():
            run = self.method(self.module, self.network, self._frames(indices))
            if not self.examples.is_bags:
                for clip, logits in zip(indices, run.logits):
                    self.answers[clip] = self.question.ask(clip, logits)
            for row in range(self.question.n_targets):
                self._explain(run, indices, row)

    def _ask_of_bags(self):
        logits = [None] * len(self.examples)
        for indices in self._batches():
            with torch.no_grad():
                x = self.network.standardise(self._frames(indices))
                batch = self.module.classify(self.network.run(x))
            for i, example in zip(indices, batch):
                logits[i] = example
        for clip in range(self.examples.n_clips):
            own = [logits[i] for i in np.flatnonzero(self.examples.clip_of == clip)]
            self.answers[clip] = self.question.ask(clip, torch.cat(own), n_parts=len(own[0]))

    def _explain(self, run, indices, row):
        """Explain one class of each example of a batch."""
        answers = [self.answers[clip] for clip in self.examples.clip_of[indices]]
        n_rows = run.logits.shape[1]
        first = self.examples.segment_of[indices] * n_rows
        weights = torch.stack(
            [a.weights[row, start : start + n_rows] for a, start in zip(answers, first)]
        )
        columns = torch.stack([answer.columns[row] for answer in answers])
        signs = torch.stack([answer.signs[row] for answer in answers])
        relevance, kept = run.relevance(
            weights.to(self.parameter), columns, signs.to(self.parameter)
        )
        relevance, kept = relevance.cpu().numpy(), kept.cpu().numpy()
        for i, example_map, example_kept in zip(indices, relevance, kept):
            clip = self.examples.clip_of[i]
            maps = self.maps[clip][row]
            (maps[self.examples.segment_of[i]] if self.examples.is_bags else maps)[:] = example_map
            self.kept[clip, row] += example_kept

    def _batches(self):
        """Yield indices of examples of one length, so many as memory allows."""
        n_bands = self.examples.clips[0].shape[-1]
        for length in np.unique(self.examples.lengths):
            indices = np.flatnonzero(self.examples.lengths == length)
            n_at_once = max(1, VALUES_PER_BATCH // (int(length) * n_bands))
            yield from (indices[i : i + n_at_once] for i in range(0, len(indices), n_at_once))

    def _frames(self, indices):
        frames = np.stack([self.examples.frames(i) for i in indices])
        return torch.from_numpy(frames).to(self.parameter)

    def result(self, classes, is_several, is_uniform):
        """Return what was found as a `Relevance`."""

        def shaped(per_target):
            return per_target if is_several else per_target[0]

        targets = np.stack([answer.targets.cpu().numpy() for answer in self.answers])
        score = np.stack([answer.score.cpu().numpy() for answer in self.answers])
        maps = [shaped(maps) for maps in self.maps]
        return Relevance(
            relevance=np.stack(maps) if is_uniform else object_array(maps),
            target=classes[targets if is_several else targets[:, 0]],
            score=score if is_several else score[:, 0],
            bias_relevance=self.kept if is_several else self.kept[:, 0],
            segment_scores=object_array(
                [shaped(answer.logits.cpu().numpy()) for answer in self.answers]
            ),
            segment_weights=object_array(
                [shaped(answer.weights.cpu().numpy()) for answer in self.answers]
            ),
        )

"""Prediction in chunks and embeddings, against one pass and against the network itself."""

import numpy as np
import pytest
import torch

from sk_audioevents._lazy import LazyArray
from sk_audioevents.explain import explain_lrp

NETWORKS = {
    "mean": {},
    "attention": {"pooling": "attention"},
    "auto": {"pooling": "auto"},
    "lstm": {"temporal": "lstm", "temporal_dim": 5},
    "bilstm": {"temporal": "bilstm", "temporal_dim": 5},
    "fine": {"pool_sizes": ((1, 2), (2, 3))},
}


@pytest.fixture
def fitted(tiny, clips):
    def fit(**parameters):
        return tiny(**parameters, max_epochs=3).fit(*clips())

    return fit


def recording(n_frames, n_bands=9):
    return np.random.default_rng(5).normal(size=(n_frames, n_bands)).astype(np.float32)


@pytest.mark.parametrize("parameters", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("n_frames", [801, 1000, 1003])
def test_the_seams_of_a_long_recording_cannot_be_seen(parameters, n_frames, fitted, monkeypatch):
    model, clip = fitted(**parameters), recording(n_frames)
    at_once = [model.predict_proba([clip]), model.predict_segments([clip])[0]]
    for frames_per_batch in (1, 64, 500):
        name = "sk_audioevents.classification._batches.VALUES_PER_BATCH"
        monkeypatch.setattr(name, 9 * frames_per_batch)
        np.testing.assert_allclose(model.predict_proba([clip]), at_once[0], atol=1e-6)
        segments = model.predict_segments([clip])[0]
        np.testing.assert_allclose(segments, at_once[1], rtol=0, atol=1e-6)


class WatchedFrames(LazyArray):
    """Frames that tell how many were read at once."""

    dtype = np.dtype(np.float32)
    is_finite = True

    def __init__(self, frames):
        self.frames, self.shape, self.most = frames, frames.shape, 0

    def read(self, start=0, stop=None):
        part = self.frames[start:stop]
        self.most = max(self.most, len(part))
        return part.copy()


def test_a_long_recording_is_read_chunk_by_chunk(fitted, monkeypatch):
    monkeypatch.setattr("sk_audioevents.classification._batches.VALUES_PER_BATCH", 9 * 100)
    watched = WatchedFrames(recording(3000))
    fitted().predict_proba([watched])
    assert 100 <= watched.most < 200


@pytest.mark.parametrize("parameters", NETWORKS.values(), ids=NETWORKS)
def test_embeddings_are_the_means_over_segments(parameters, fitted):
    model = fitted(**parameters)
    clips = [recording(n) for n in (3, 30, 57)]
    embeddings = model.transform(clips)
    assert embeddings.shape == (3, 8)
    with torch.inference_mode():
        for clip, embedding in zip(clips, embeddings):
            segments = model.net_.module_.embed(torch.from_numpy(clip)[None])[0, :, :, 0]
            np.testing.assert_allclose(embedding, segments.mean(dim=1), rtol=1e-5, atol=1e-6)


def test_embeddings_of_bags_are_the_means_over_their_segments(fitted):
    model, bag = fitted(), np.stack([recording(8), recording(8) + 1])
    each = model.transform(list(bag))
    np.testing.assert_allclose(model.transform([bag])[0], each.mean(axis=0), rtol=1e-5, atol=1e-6)


def test_embeddings_have_names(fitted):
    names = fitted().get_feature_names_out()
    assert names[0] == "vggeventclassifier0"
    assert len(names) == 8


def test_segments_are_finer_where_time_is_pooled_less(fitted):
    model = fitted(pool_sizes=((1, 2), (2, 3)))
    assert (model.segment_frames_, model.segment_hop_frames_) == (4, 2)
    assert model.predict_segments([recording(20)])[0].shape == (9, 3)


@pytest.mark.parametrize("sizes", [((2, 2),), ((2, 2), (2, 0)), (2, 2), ((2, 2), (2, 2, 2)), 3])
def test_wrong_pool_sizes(sizes, tiny, clips):
    with pytest.raises(ValueError, match="The 'pool_sizes' parameter of VGGEventClassifier"):
        tiny(pool_sizes=sizes).fit(*clips())


@pytest.mark.parametrize("parameters", NETWORKS.values(), ids=NETWORKS)
def test_clips_beside_a_clip_do_not_matter(parameters, fitted):
    model = fitted(**parameters)
    clips = [recording(n) for n in (1, 5, 30, 31, 64)]
    together = model.predict_proba(clips)
    for clip, probabilities in zip(clips, together):
        np.testing.assert_allclose(model.predict_proba([clip])[0], probabilities, atol=1e-6)


@pytest.mark.parametrize("pooling", ["mean", "max", "attention", "linear_softmax", "auto"])
def test_a_bag_is_pooled_over_its_segments(pooling, fitted):
    model, bag = fitted(pooling=pooling), np.stack([recording(8), recording(8) + 1, -recording(8)])
    module = model.net_.module_.eval()
    with torch.inference_mode():
        logits, _ = module.segment_logits(torch.from_numpy(bag))  # one output for each segment
        expected = module.pooling(logits[:, 0][None].double()).log_present.exp()
    expected = expected / expected.sum()
    np.testing.assert_allclose(model.predict_proba([bag]), expected, rtol=1e-5)


def test_the_method_explains_as_the_function_does(fitted):
    model, clip = fitted(), recording(40)
    ours = model.explain_lrp([clip], target=1, rule="epsilon", bias="keep")
    expected = explain_lrp(model, [clip], target=1, rule="epsilon", bias="keep")
    np.testing.assert_array_equal(ours.relevance[0], expected.relevance[0])
    assert ours.relevance[0].shape == clip.shape

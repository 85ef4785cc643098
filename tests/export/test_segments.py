"""Segments in the graph against the segmenter."""

import numpy as np
import pytest

from sk_audioevents import SLATSegmenter
from sk_audioevents.export._segments import add_segmenter


@pytest.mark.parametrize("pad_mode", ["minimum", "edge", "wrap"])
@pytest.mark.parametrize("last_segment", ["pad", "drop"])
@pytest.mark.parametrize(("segment_frames", "hop_frames"), [(8, 3), (5, 5), (4, 9), (1, 1)])
def test_segments_are_those_of_the_segmenter(
    evaluate, segment_frames, hop_frames, last_segment, pad_mode
):
    segmenter = SLATSegmenter(
        segment_frames=segment_frames,
        hop_frames=hop_frames,
        last_segment=last_segment,
        pad_mode=pad_mode,
    )
    rng = np.random.default_rng(0)
    clips = [rng.normal(size=(2, n_frames, 3)) for n_frames in (1, 2, 4, 5, 8, 9, 11, 12, 30)]
    bags = evaluate(lambda graph, x: add_segmenter(graph, x, segmenter, n_bands=3), *clips)
    for bag, frames in zip(bags, clips):
        expected = segmenter.transform(frames.astype(np.float32))
        np.testing.assert_array_equal(bag.reshape(expected.shape), expected)

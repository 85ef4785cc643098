"""Gradient methods against captum and against what defines them."""

import numpy as np
import pytest
import torch
from torch import nn

from sk_audioevents.explain import grad_cam, gradient_times_input, integrated_gradients

METHODS = [gradient_times_input, integrated_gradients, grad_cam]


class MaxPooled(nn.Module):
    """From standardised frames to the largest segment logit of each class."""

    def __init__(self, module):
        super().__init__()
        self.module = module
        self.mean, self.scale = module.band_mean, module.band_scale

    def forward(self, x):
        return self.module.segment_logits(x * self.scale + self.mean)[0].amax(dim=1)


def standard(module, frames):
    return (torch.from_numpy(frames) - module.band_mean) / module.band_scale


@pytest.mark.parametrize("temporal", [None, "bilstm"])
def test_gradient_times_input_equals_captum(trained, temporal):
    attr = pytest.importorskip("captum.attr", reason="needs captum")
    model, frames = trained("max", temporal, dtype=np.float64)
    module = model.net_.module_
    x = standard(module, frames).requires_grad_()
    expected = attr.InputXGradient(MaxPooled(module)).attribute(x, target=1).detach()
    ours = gradient_times_input(model, frames, target=1).relevance
    np.testing.assert_allclose(ours, expected, rtol=1e-7, atol=1e-10)


def test_integrated_gradients_equal_captum_where_one_segment_is_all(trained):
    """Captum derives by all that the way changes; so only where the weights of segments cannot."""
    attr = pytest.importorskip("captum.attr", reason="needs captum")
    model, frames = trained("max", None, dtype=np.float64)
    clips, module = frames[:, :16], model.net_.module_
    expected = attr.IntegratedGradients(MaxPooled(module)).attribute(
        standard(module, clips), target=1, n_steps=7, method="riemann_middle"
    )
    ours = integrated_gradients(model, clips, target=1, n_steps=7).relevance
    np.testing.assert_allclose(ours, expected, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("layer", [-2, 1])
def test_grad_cam_equals_captum(trained, layer):
    attr = pytest.importorskip("captum.attr", reason="needs captum")
    model, frames = trained("max", None, dtype=np.float64)
    module = model.net_.module_
    unit = [unit for block in module.blocks for unit in block.units][layer + (layer < 0)]
    x = standard(module, frames).requires_grad_()
    # The ReLU of a unit is no module of its own: captum is asked for the unit's output.
    cam = attr.LayerGradCam(MaxPooled(module), unit).attribute(x, target=1, relu_attributions=True)
    expected = nn.functional.interpolate(cam, frames.shape[1:], mode="bilinear")[:, 0].detach()
    ours = grad_cam(model, frames, target=1, layer=layer)
    np.testing.assert_allclose(ours.relevance, expected, rtol=1e-7, atol=1e-10)
    assert np.isnan(ours.bias_relevance).all()


@pytest.mark.parametrize("pooling", ["mean", "attention"])
def test_integrated_gradients_add_up_to_the_score_with_many_steps(trained, pooling):
    model, frames = trained(pooling, "lstm", dtype=np.float64)
    frames = frames[:2, :20]
    result = integrated_gradients(model, frames, n_steps=400)
    together = result.relevance.sum(axis=(1, 2)) + result.bias_relevance
    np.testing.assert_allclose(together, result.score, atol=0.01)
    few = integrated_gradients(model, frames, n_steps=2)
    off = few.relevance.sum(axis=(1, 2)) + few.bias_relevance - few.score
    assert abs(off).max() > abs(together - result.score).max()


def test_integrated_gradients_of_the_mean_sound_are_zero(trained):
    model, _ = trained()
    clip = np.tile(model.net_.module_.band_mean.numpy(), (1, 30, 1))
    result = integrated_gradients(model, clip)
    np.testing.assert_allclose(result.relevance, 0, atol=1e-6)
    np.testing.assert_allclose(result.bias_relevance, result.score, rtol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_all_methods_have_the_interface_of_explain_lrp(trained, method):
    model, frames = trained(labels=("bell", "dog", "rain"))
    clips = [frames[0], frames[1, :20]]
    result = method(model, clips, target=[["dog", 2]], output="segment", segment=0)
    assert [relevance.shape for relevance in result.relevance] == [(2, 45, 21), (2, 20, 21)]
    assert result.target.tolist() == [["dog", "rain"]] * 2
    with pytest.raises(ValueError, match=r"Got 'cat' instead"):
        method(model, clips, target="cat")


def test_an_unknown_layer_is_refused(trained):
    model, frames = trained()
    with pytest.raises(ValueError, match=r"'layer' .* one of the 6 convolutions, .* Got 6 instead"):
        grad_cam(model, frames, layer=6)

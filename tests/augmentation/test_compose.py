"""Several augmentations, one after the other, with the parameters of all of them."""

import numpy as np
import pytest
import torch
from sklearn.base import clone

from sk_audioevents.augmentation import (
    BackgroundNoise,
    Compose,
    Gain,
    Mixup,
    SpecAugment,
    SpeedPerturb,
    TimeShift,
    WaveformShift,
)


def test_steps_are_applied_in_order_with_one_generator(random_batch):
    batch, generator = random_batch(), torch.Generator().manual_seed(3)
    augmented = Compose([TimeShift(), Gain(), Mixup()])(batch, torch.Generator().manual_seed(3))
    for step in (TimeShift(), Gain(), Mixup()):
        batch = step(batch, generator)
    torch.testing.assert_close(augmented.frames, batch.frames, rtol=0, atol=0, equal_nan=True)
    assert torch.equal(augmented.targets, batch.targets)


def test_waveforms_are_augmented_with_their_sample_rate():
    waveform, rng = np.random.default_rng(0).normal(size=500), np.random.default_rng(1)
    steps = [SpeedPerturb(), WaveformShift(), BackgroundNoise([np.ones(9)], probability=1.0)]
    augmented = Compose(steps)(waveform, 8000, np.random.default_rng(1))
    for step in steps:
        waveform = step(waveform, 8000, rng)
    np.testing.assert_array_equal(augmented, waveform)


def test_a_composition_is_a_step_too(random_batch):
    batch = random_batch()
    nested = Compose([TimeShift(), Compose([Gain(), Mixup()])])
    flat = Compose([TimeShift(), Gain(), Mixup()])
    augmented = [steps(batch, torch.Generator().manual_seed(3)) for steps in (nested, flat)]
    assert torch.equal(augmented[0].targets, augmented[1].targets)
    assert "compose__mixup__alpha" in nested.get_params()


def test_steps_are_named_by_their_classes():
    composition = Compose([Gain(), TimeShift(), Gain(), ("last", Gain())])
    names = set(composition.get_params()) - {"steps"}
    assert {name for name in names if "__" not in name} == {"gain-1", "timeshift", "gain-2", "last"}


def test_parameters_of_steps_can_be_set_by_name():
    composition = Compose([TimeShift(), SpecAugment()])
    composition.set_params(specaugment__n_time_masks=5, timeshift__max_shift=0.1)
    assert composition.get_params()["specaugment__n_time_masks"] == 5
    assert composition.get_params()["timeshift"].max_shift == 0.1


def test_a_step_can_be_replaced_or_left_out_by_name(random_batch):
    batch = random_batch()
    composition = Compose([TimeShift(), SpecAugment()])
    composition.set_params(timeshift="passthrough", specaugment=Gain())
    augmented = composition(batch, torch.Generator().manual_seed(0))
    expected = Gain()(batch, torch.Generator().manual_seed(0))
    torch.testing.assert_close(augmented.frames, expected.frames, equal_nan=True)


def test_new_steps_and_their_parameters_can_be_set_at_once():
    composition = Compose([TimeShift()]).set_params(steps=[Gain()], gain__max_gain_db=9.0)
    assert composition.get_params()["gain__max_gain_db"] == 9.0


def test_a_clone_shares_nothing_with_the_original():
    composition = Compose([TimeShift(), ("mask", SpecAugment())])
    twin = clone(composition).set_params(mask__n_time_masks=7, timeshift__max_shift=0.1)
    assert repr(composition) == repr(Compose([TimeShift(), ("mask", SpecAugment())]))
    assert twin.get_params()["mask__n_time_masks"] == 7


def test_a_wrong_name_is_an_error():
    with pytest.raises(ValueError, match="Invalid parameter 'mixup' for estimator Compose"):
        Compose([TimeShift()]).set_params(mixup__alpha=0.3)


@pytest.mark.parametrize(
    ("steps", "error", "message"),
    [
        (TimeShift(), ValueError, "'steps' parameter of Compose must be an instance of 'list'"),
        ([TimeShift], TypeError, "Got <class .*TimeShift'> for 'type'"),
        ([("shift", 3)], TypeError, "must be augmentations or 'passthrough'. Got 3 for 'shift'"),
        (
            [("a", Gain()), ("a", Gain())],
            ValueError,
            r"Names provided are not unique: \['a', 'a'\]",
        ),
        ([("a__b", Gain())], ValueError, "must not contain __"),
    ],
    ids=["no list", "class", "number", "twice", "dunder"],
)
def test_bad_steps_are_errors(steps, error, message, random_batch):
    with pytest.raises(error, match=message):
        Compose(steps)(random_batch(), torch.Generator())

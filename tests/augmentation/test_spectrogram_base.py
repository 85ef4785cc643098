"""What all augmentations of spectrograms have in common."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.base import clone

from sk_audioevents.augmentation import (
    BackgroundMix,
    BetweenClass,
    Compose,
    FrequencyShift,
    Gain,
    Mixup,
    SpecAugment,
    TimeShift,
    TimeStretch,
)
from sk_audioevents.augmentation._spectrogram_base import choose_integer, draw_uniform

BACKGROUNDS = [
    np.random.default_rng(i).normal(-50, 5, size=(n, 7)) for i, n in enumerate((3, 40, 13))
]
ALL = [
    TimeShift(),
    TimeStretch(probability=1.0),
    FrequencyShift(probability=1.0),
    Gain(),
    SpecAugment(max_time_mask_share=0.6, max_band_mask_bands=3),
    BackgroundMix(probability=1.0),
    BackgroundMix(backgrounds=BACKGROUNDS, probability=1.0),
    Mixup(alpha=1.0),
    Mixup(alpha=1.0, domain="power"),
    BetweenClass(level_frames=3),
    Compose([TimeShift(), TimeStretch(probability=1.0), SpecAugment(), BetweenClass()]),
]
SINGLE = ALL[:-1]


def name_of(augmentation):
    settings = [k for k in ("backgrounds", "domain") if getattr(augmentation, k, None) is not None]
    return type(augmentation).__name__ + "".join(
        f"-{getattr(augmentation, k)}"[:6] for k in settings
    )


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def own_frames(batch):
    """Return the frames of each clip without padding."""
    return [clip[:n] for clip, n in zip(batch.frames, batch.lengths)]


def assert_same(batch, other):
    for field in fields(batch):
        torch.testing.assert_close(
            getattr(batch, field.name), getattr(other, field.name), rtol=0, atol=0, equal_nan=True
        )


def rows_of(batch, rows, n_frames):
    """Return some clips of a batch, without the padding that they do not need."""
    return replace(
        batch,
        frames=batch.frames[rows, :n_frames],
        targets=batch.targets[rows],
        target_weight=batch.target_weight[rows],
        n_frames=batch.n_frames[rows],
        sample_weight=batch.sample_weight[rows],
    )


@pytest.mark.parametrize("augmentation", ALL, ids=name_of)
def test_the_batch_that_came_in_is_not_changed(augmentation, random_batch):
    batch = random_batch(weighted=True)
    augmentation(batch, seeded())
    assert_same(batch, random_batch(weighted=True))


@pytest.mark.parametrize("augmentation", ALL, ids=name_of)
def test_a_seed_decides_on_all(augmentation, random_batch):
    batch = random_batch(weighted=True)
    assert_same(augmentation(batch, seeded(3)), augmentation(batch, seeded(3)))
    frames = [own_frames(augmentation(batch, seeded(seed))) for seed in (3, 4)]
    assert not all(torch.equal(a, b) for a, b in zip(*frames))


@pytest.mark.parametrize("augmentation", ALL, ids=name_of)
def test_padding_is_never_read(augmentation, random_batch):
    batch = random_batch(weighted=True)  # padded with NaN
    zeros = replace(batch, frames=batch.frames.nan_to_num(0.0))
    augmented, expected = augmentation(batch, seeded()), augmentation(zeros, seeded())
    for clip, other in zip(own_frames(augmented), own_frames(expected)):
        assert torch.isfinite(clip).all()
        assert torch.equal(clip, other)


@pytest.mark.parametrize("augmentation", SINGLE, ids=name_of)
def test_a_clip_alone_is_augmented_as_it_is_in_a_padded_batch(
    augmentation, random_batch, drawn_and_augmented
):
    batch = random_batch(weighted=True)
    drawn, augmented = drawn_and_augmented(augmentation, batch)
    for row in range(len(batch.frames)):
        rows = torch.tensor([row, drawn["partner"][row]] if "partner" in drawn else [row])
        longest = int(batch.n_frames[rows].max())
        if isinstance(augmentation, TimeStretch):  # what it may fill is a property of the batch
            longest = batch.frames.shape[1]
        alone = {key: value[rows] for key, value in drawn.items()}
        if "partner" in drawn:
            alone["partner"] = torch.tensor([1, 0])
        if "background" in drawn:
            alone["background"] = alone["background"][:, :longest]
        result = augmentation._apply(rows_of(batch, rows, longest), **alone)
        assert result.lengths[0] == augmented.lengths[row]
        torch.testing.assert_close(own_frames(result)[0], own_frames(augmented)[row])
        torch.testing.assert_close(result.targets[0], augmented.targets[row])
        torch.testing.assert_close(result.target_weight[0], augmented.target_weight[row])
        torch.testing.assert_close(result.sample_weight[0], augmented.sample_weight[row])


@pytest.mark.parametrize("augmentation", SINGLE, ids=name_of)
def test_each_clip_gets_parameters_of_its_own(augmentation, random_batch):
    drawn = augmentation._draw(random_batch(n_frames=[13] * 30), seeded())
    for name, values in drawn.items():
        if name != "chosen" and len(values[0].flatten()) == 1:
            assert len(values.unique()) == 30


@pytest.mark.parametrize("augmentation", SINGLE, ids=name_of)
def test_with_probability_0_nothing_changes(augmentation, random_batch):
    batch = random_batch(weighted=True)
    never = clone(augmentation).set_params(probability=0.0)
    augmented = never(batch, seeded())
    for clip, other in zip(own_frames(augmented), own_frames(batch)):
        assert torch.equal(clip, other)
    assert_same(replace(augmented, frames=batch.frames), batch)


@pytest.mark.parametrize("augmentation", SINGLE, ids=name_of)
def test_the_probability_is_the_share_of_clips_that_change(augmentation, random_batch):
    batch = random_batch(n_frames=[9] * 1000, dtype=torch.float32)
    augmented = clone(augmentation).set_params(probability=0.3)(batch, seeded())
    changed = (augmented.frames != batch.frames).any(dim=2).any(dim=1)
    # A shift by 0 frames and masks of width 0 are drawn too, in up to a quarter of the clips.
    assert 0.19 < changed.double().mean() < 0.35
    untouched = replace(augmented, frames=augmented.frames[~changed])
    torch.testing.assert_close(untouched.frames, batch.frames[~changed], rtol=0, atol=0)


@pytest.mark.parametrize("augmentation", ALL, ids=name_of)
def test_single_and_double_precision_draw_the_same(augmentation, random_batch):
    batches = [
        augmentation(random_batch(dtype=dtype, weighted=True), seeded())
        for dtype in (torch.float32, torch.float64)
    ]
    assert batches[0].frames.dtype == torch.float32
    for single, double in zip(*map(own_frames, batches)):
        np.testing.assert_allclose(single, double, atol=2e-3)
    torch.testing.assert_close(batches[0].targets.double(), batches[1].targets, atol=1e-6, rtol=0)


@pytest.mark.parametrize("augmentation", ALL, ids=name_of)
def test_a_batch_of_one_clip_is_augmented_too(augmentation, random_batch):
    augmented = augmentation(random_batch(n_frames=(13,)), seeded())
    assert augmented.frames.shape == (1, 13, 7)
    assert torch.isfinite(augmented.frames[0, : augmented.lengths[0]]).all()


@pytest.mark.gpu
@pytest.mark.parametrize("augmentation", ALL, ids=name_of)
def test_cuda_augments_as_the_cpu_does(augmentation, random_batch):
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    batch = random_batch(weighted=True)
    tensors = {field.name: getattr(batch, field.name).cuda() for field in fields(batch)}
    augmented, expected = (
        augmentation(replace(batch, **tensors), seeded()),
        augmentation(batch, seeded()),
    )
    for field in fields(batch):
        torch.testing.assert_close(
            getattr(augmented, field.name).cpu(), getattr(expected, field.name), equal_nan=True
        )


@pytest.mark.parametrize("augmentation", ALL, ids=name_of)
def test_parameters_survive_a_clone(augmentation):
    assert repr(clone(augmentation)) == repr(augmentation)
    if not isinstance(augmentation, Compose):
        assert clone(augmentation).set_params(probability=0.5).probability == 0.5


def test_the_probability_must_be_one(random_batch):
    with pytest.raises(ValueError, match=r"'probability' parameter of Gain .* Got 1.5 instead"):
        Gain(probability=1.5)(random_batch(), seeded())


def test_something_else_than_a_batch_is_an_error():
    with pytest.raises(TypeError, match=r"TimeShift augments a SpectrogramBatch. Got a ndarray"):
        TimeShift()(np.zeros(3), seeded())


def test_a_generator_of_numpy_is_an_error(random_batch):
    with pytest.raises(
        TypeError, match=r"must be a torch.Generator on the CPU.*Got Generator\(PCG"
    ):
        Gain()(random_batch(), np.random.default_rng(0))


@pytest.mark.gpu
def test_a_generator_on_another_device_is_an_error(random_batch):
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    with pytest.raises(TypeError, match=r"must be a torch.Generator on the CPU"):
        Gain()(random_batch(), torch.Generator(device="cuda"))


@pytest.mark.parametrize(
    ("augmentation", "message"),
    [
        (Gain(min_gain_db=3.0, max_gain_db=-3.0), "'min_gain_db' .* at most its 'max_gain_db'"),
        (TimeStretch(min_rate=1.2, max_rate=0.8), "Got 1.2 and 0.8: are they swapped"),
        (BackgroundMix(min_snr_db=30, max_snr_db=10), "'min_snr_db' parameter of BackgroundMix"),
    ],
    ids=lambda item: type(item).__name__,
)
def test_swapped_bounds_are_an_error(augmentation, message, random_batch):
    with pytest.raises(ValueError, match=message):
        augmentation(random_batch(), seeded())


def test_uniform_numbers_fill_their_range():
    values = draw_uniform(-3.0, 5.0, 20000, seeded()).numpy()
    assert values.dtype == np.float64
    assert stats.kstest(values, stats.uniform(-3, 8).cdf).pvalue > 0.01


def test_integers_are_equally_likely():
    integers = choose_integer(draw_uniform(0.0, 1.0, 50000, seeded()), torch.tensor(7))
    assert stats.chisquare(np.bincount(integers, minlength=7)).pvalue > 0.01


def test_a_share_that_was_rounded_to_1_chooses_the_last_integer():
    assert choose_integer(torch.ones(3), torch.tensor([1, 5, 7])).tolist() == [0, 4, 6]

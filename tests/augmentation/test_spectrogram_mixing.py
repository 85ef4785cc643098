"""Mixup and between-class learning against the formulas, pair by pair."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from sk_audioevents.augmentation import BetweenClass, Mixup
from sk_audioevents.augmentation._spectrogram_pairs import draw_partners


def repeated(frames, n_frames):
    """Return the frames of a clip, repeated to another length."""
    return np.stack([frames[t % len(frames)] for t in range(n_frames)])


def pairs_of(batch, partner):
    """Return the frames of each clip, and those of its partner at the clip's length."""
    clips = [clip[:n].numpy() for clip, n in zip(batch.frames, batch.lengths)]
    return [(clip, repeated(clips[other], len(clip))) for clip, other in zip(clips, partner)]


@pytest.mark.parametrize("domain", ["decibel", "power"])
def test_frames_are_mixed_as_in_the_paper(domain, random_batch, drawn_and_augmented):
    batch = random_batch()
    drawn, augmented = drawn_and_augmented(Mixup(alpha=1.0, domain=domain), batch)
    pairs = pairs_of(batch, drawn["partner"])
    for (clip, other), after, ratio in zip(pairs, augmented.frames, drawn["ratio"].numpy()):
        if domain == "decibel":
            expected = ratio * clip + (1 - ratio) * other
        else:
            power = ratio * 10 ** (clip / 10) + (1 - ratio) * 10 ** (other / 10)
            expected = 10 * np.log10(power)
        np.testing.assert_allclose(after[: len(clip)], expected)


@pytest.mark.parametrize("augmentation", [Mixup(alpha=1.0), BetweenClass()])
def test_targets_and_weights_are_mixed_as_the_frames_are(
    augmentation, random_batch, drawn_and_augmented
):
    batch = random_batch(weighted=True)
    drawn, augmented = drawn_and_augmented(augmentation, batch)
    for name in ("targets", "target_weight", "sample_weight"):
        values = getattr(batch, name)
        for i, (partner, ratio) in enumerate(zip(drawn["partner"], drawn["ratio"])):
            torch.testing.assert_close(
                getattr(augmented, name)[i], ratio * values[i] + (1 - ratio) * values[partner]
            )


@pytest.mark.parametrize("augmentation", [Mixup(probability=0.5), BetweenClass(probability=0.5)])
def test_what_one_of_two_clips_has_no_label_for_the_mixture_has_none_for(
    augmentation, random_batch, drawn_and_augmented
):
    batch = random_batch(n_frames=[5] * 40, n_outputs=4)
    missing = torch.rand(40, 4, generator=torch.Generator().manual_seed(5)) < 0.3
    batch = replace(batch, targets=batch.targets.masked_fill(missing, torch.nan))
    drawn, augmented = drawn_and_augmented(augmentation, batch)
    mixed = (drawn["ratio"] < 1)[:, None]
    expected = torch.where(mixed, missing | missing[drawn["partner"]], missing)
    assert torch.equal(augmented.targets.isnan(), expected)
    assert torch.equal(augmented.target_weight == 0, expected & mixed)


def test_the_loss_of_a_mixture_is_the_mixture_of_the_losses(random_batch, drawn_and_augmented):
    """Cross-entropy is linear in the target, which is what makes soft targets right."""
    batch = random_batch()
    drawn, augmented = drawn_and_augmented(Mixup(alpha=1.0), batch)
    logits = torch.linspace(-2, 2, 3, dtype=torch.float64).expand(5, 3)

    def loss(targets):
        cross_entropy = torch.nn.functional.binary_cross_entropy_with_logits
        return cross_entropy(logits, targets, reduction="none")

    ratio = drawn["ratio"][:, None]
    mixture = ratio * loss(batch.targets) + (1 - ratio) * loss(batch.targets[drawn["partner"]])
    torch.testing.assert_close(loss(augmented.targets), mixture)


@pytest.mark.parametrize("augmentation", [Mixup(domain="power"), BetweenClass()])
def test_a_ratio_of_1_is_the_clip_itself_to_the_last_bit(augmentation, random_batch):
    batch = random_batch()
    partner, ratio = torch.tensor([1, 2, 3, 4, 0]), torch.ones(5, dtype=torch.float64)
    augmented = augmentation._apply(batch, partner=partner, ratio=ratio)
    torch.testing.assert_close(augmented.frames, batch.frames, rtol=0, atol=0, equal_nan=True)
    assert torch.equal(augmented.targets, batch.targets)


def test_a_ratio_of_0_is_the_partner(random_batch):
    batch = random_batch(n_frames=(9, 9, 9))
    partner, ratio = torch.tensor([1, 2, 0]), torch.zeros(3, dtype=torch.float64)
    for augmentation in (Mixup(), Mixup(domain="power"), BetweenClass()):
        augmented = augmentation._apply(batch, partner=partner, ratio=ratio)
        torch.testing.assert_close(augmented.frames, batch.frames[partner])
        assert torch.equal(augmented.targets, batch.targets[partner])


def test_sounds_are_mixed_with_the_formula_of_the_paper(random_batch, drawn_and_augmented):
    batch = random_batch()
    drawn, augmented = drawn_and_augmented(BetweenClass(level_frames=3), batch)
    clips = [10 ** (clip[:n].numpy() / 10) for clip, n in zip(batch.frames, batch.n_frames)]

    def level_db(power):
        width = min(3, len(power))
        windows = [power[t : t + width].mean() for t in range(len(power) - width + 1)]
        return 10 * np.log10(max(windows))

    for row, (partner, r) in enumerate(zip(drawn["partner"], drawn["ratio"].numpy())):
        clip, other = clips[row], clips[partner]
        p = 1 / (1 + 10 ** ((level_db(clip) - level_db(other)) / 20) * (1 - r) / r)
        other = repeated(other, len(clip))
        power = (p**2 * clip + (1 - p) ** 2 * other) / (p**2 + (1 - p) ** 2)
        np.testing.assert_allclose(augmented.frames[row, : len(clip)], 10 * np.log10(power))


@pytest.mark.parametrize("difference_db", [-30.0, 0.0, 30.0])
def test_the_ratio_is_the_one_that_is_heard(difference_db, batch_of):
    """Whatever the levels were, the two amplitudes in the mixture have the ratio r to 1 - r."""
    frames = torch.full((2, 20, 2), -200.0, dtype=torch.float64)
    frames[0, :, 0] = -40.0
    frames[1, :, 1] = -40.0 + difference_db
    partner, ratio = torch.tensor([1, 0]), torch.tensor([0.2, 0.5], dtype=torch.float64)
    mixture = BetweenClass()._apply(batch_of(frames), partner=partner, ratio=ratio).frames[:, 0]
    heard_db = mixture[:, 0] - mixture[:, 1]
    expected_db = 20 * torch.log10(torch.tensor([0.2 / 0.8, 1.0], dtype=torch.float64))
    torch.testing.assert_close(heard_db, expected_db)


def test_the_level_is_that_of_the_loudest_moment(batch_of):
    """A short loud sound is as loud as a long one."""
    frames = torch.full((2, 50, 1), -100.0, dtype=torch.float64)
    frames[0] = -20.0
    frames[1, 10:18] = -20.0
    partner, ratio = torch.tensor([1, 0]), torch.full((2,), 0.5, dtype=torch.float64)
    mixture = BetweenClass(level_frames=8)._apply(batch_of(frames), partner, ratio).frames
    assert mixture[:, 12] == pytest.approx(-20.0, abs=1e-6)


def test_silence_mixes_to_finite_frames(batch_of):
    frames = torch.full((2, 9, 4), -1000.0)  # no power in single precision
    for augmentation in (Mixup(domain="power"), BetweenClass()):
        augmented = augmentation(batch_of(frames), torch.Generator().manual_seed(0))
        assert torch.isfinite(augmented.frames).all()


@pytest.mark.parametrize("alpha", [0.2, 0.4, 1.0, 5.0])
def test_the_ratios_of_mixup_have_a_beta_distribution(alpha, batch_of):
    batch = batch_of(torch.zeros(20000, 1, 1))
    drawn = Mixup(alpha=alpha)._draw(batch, torch.Generator().manual_seed(0))
    assert stats.kstest(drawn["ratio"].numpy(), stats.beta(alpha, alpha).cdf).pvalue > 0.01


def test_the_ratios_between_classes_are_uniform(batch_of):
    batch = batch_of(torch.zeros(20000, 1, 1))
    drawn = BetweenClass()._draw(batch, torch.Generator().manual_seed(0))
    assert stats.kstest(drawn["ratio"].numpy(), stats.uniform().cdf).pvalue > 0.01


@pytest.mark.parametrize("n_clips", [1, 2, 3, 64])
def test_each_clip_is_the_partner_of_another_one(n_clips):
    partner = draw_partners(n_clips, torch.Generator().manual_seed(0))
    assert sorted(partner.tolist()) == list(range(n_clips))
    assert n_clips == 1 or not (partner == torch.arange(n_clips)).any()


def test_all_pairs_are_equally_likely():
    generator = torch.Generator().manual_seed(0)
    partners = torch.stack([draw_partners(5, generator) for _ in range(4000)])
    for clip in range(5):
        counts = np.bincount(partners[:, clip], minlength=5)
        assert stats.chisquare(np.delete(counts, clip)).pvalue > 0.01


@pytest.mark.parametrize(
    ("augmentation", "message"),
    [
        (Mixup(alpha=0), r"'alpha' parameter of Mixup .* Got 0 instead"),
        (Mixup(domain="db"), r"'domain' parameter of Mixup .* Got 'db' instead"),
        (BetweenClass(level_frames=0), "'level_frames' parameter of BetweenClass"),
    ],
    ids=["alpha", "domain", "level_frames"],
)
def test_bad_settings_are_errors(augmentation, message, random_batch):
    with pytest.raises(ValueError, match=message):
        augmentation(random_batch(), torch.Generator())

"""The options of training, each against what it claims."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import log_loss
from skorch.callbacks import Callback

from sk_audioevents.augmentation import Mixup
from sk_audioevents.classification._batches import (
    ExampleSet,
    TrainingBatches,
    balanced_shares,
)
from sk_audioevents.classification._callbacks import step_size
from sk_audioevents.classification._holdout import held_out_rows
from sk_audioevents.classification._training import EventNet
from sk_audioevents.metrics import mean_average_precision


class Spy(Callback):
    """Call functions of the net at some moments; it is not cloned, and keeps what they return."""

    def __init__(self, **functions):
        self.functions = functions
        self.seen = []

    def on_batch_end(self, net, training=False, **kwargs):
        if training and "batch" in self.functions:
            self.seen.append(self.functions["batch"](net))

    def on_grad_computed(self, net, **kwargs):
        if "gradient" in self.functions:
            self.seen.append(self.functions["gradient"](net))

    def on_epoch_end(self, net, **kwargs):
        if "epoch" in self.functions:
            self.seen.append(self.functions["epoch"](net))


def weights(model_or_net):
    net = getattr(model_or_net, "net_", model_or_net)
    return {key: value.clone() for key, value in net.module_.state_dict().items()}


def assert_same_bits(a, b):
    assert a.keys() == b.keys()
    for key in a:
        assert torch.equal(a[key], b[key]), key


# The step size.


@pytest.mark.parametrize(
    ("schedule", "epoch", "expected"),
    [
        ("constant", 3, 1.0),
        ("cosine", 0, 1.0),
        ("cosine", 5, 0.5),
        ("cosine", 2.5, (2 + np.sqrt(2)) / 4),
        ("cosine", 10, 0.0),
        ("one_cycle", 0, 1 / 25),
        ("one_cycle", 1.5, (1 / 25 + 1) / 2),
        ("one_cycle", 3, 1.0),
        ("one_cycle", 6.5, 0.5),
        ("one_cycle", 10, 0.0),
    ],
)
def test_the_step_size_of_each_schedule(schedule, epoch, expected):
    assert step_size(schedule, epoch, 10) == pytest.approx(expected)


def test_one_cycle_rises_like_that_of_torch():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=1001)
    for step in range(0, 300):
        assert step_size("one_cycle", step, 1000) == pytest.approx(
            theirs.get_last_lr()[0], abs=5e-3
        )
        optimizer.step()
        theirs.step()


def test_warm_up_raises_the_step_size_in_proportion():
    ratios = [step_size("cosine", e, 20, 4) / step_size("cosine", e, 20) for e in range(6)]
    np.testing.assert_allclose(ratios, [0.2, 0.4, 0.6, 0.8, 1, 1])


def test_each_batch_has_its_step_size(tiny, clips):
    X, y = clips()
    spy = Spy(batch=lambda net: net.optimizer_.param_groups[0]["lr"])
    model = tiny(callbacks=[spy], max_epochs=2).fit(X, y)
    expected = [0.01 * step_size("cosine", i / 3, 2) for i in range(6)]
    np.testing.assert_allclose(spy.seen, expected)
    np.testing.assert_allclose(model.history_["learning_rate"], expected[2::3])


def test_partial_fit_keeps_the_step_size(tiny, clips):
    X, y = clips()
    model = tiny(learning_rate_schedule="one_cycle")
    for _ in range(2):
        model.partial_fit(X, y, classes=[0, 1, 2])
    np.testing.assert_allclose(model.history_["learning_rate"], [0.01, 0.01])


# What happens to gradients and weights.


def test_gradients_are_no_longer_than_the_bound(tiny, clips):
    def length(net):
        gradients = [p.grad.flatten() for p in net.module_.parameters() if p.grad is not None]
        return float(torch.linalg.norm(torch.cat(gradients)))

    X, y = clips()
    free, bound = Spy(gradient=length), Spy(gradient=length)
    tiny(callbacks=[free], max_epochs=2).fit(X, y)
    tiny(callbacks=[bound], max_epochs=2, max_grad_norm=0.05).fit(X, y)
    assert max(free.seen) > 0.05
    np.testing.assert_array_less(bound.seen, 0.0501)


def test_averaged_weights_are_the_moving_average_after_each_batch(tiny, clips):
    X, y = clips()
    begin = Spy(batch=lambda net: None)
    spy = Spy(batch=weights)
    untrained = weights(tiny(max_epochs=1, learning_rate=1e-30).fit(X, y))
    averaged = weights(tiny(callbacks=[begin, spy], ema_decay=0.5, max_epochs=3).fit(X, y))
    expected = untrained["blocks.0.units.0.conv.weight"].double()
    for n, state in enumerate(spy.seen):
        decay = min(0.5, (1 + n) / (10 + n))
        current = state["blocks.0.units.0.conv.weight"].double()
        expected = decay * expected + (1 - decay) * current
    assert len(spy.seen) == 9
    torch.testing.assert_close(averaged["blocks.0.units.0.conv.weight"].double(), expected)


def test_averaging_changes_nothing_in_the_training_itself(tiny, clips):
    X, y = clips()
    plain, averaged = Spy(batch=weights), Spy(batch=weights)
    tiny(callbacks=[plain]).fit(X, y)
    tiny(callbacks=[averaged], ema_decay=0.9).fit(X, y)
    assert_same_bits(plain.seen[-1], averaged.seen[-1])


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_weight_decay_makes_weights_smaller(optimizer, tiny, clips):
    X, y = clips()
    norms = [
        sum(
            float(value.norm())
            for key, value in weights(
                tiny(optimizer=optimizer, weight_decay=decay, max_epochs=10).fit(X, y)
            ).items()
            if key.endswith("conv.weight")
        )
        for decay in (0.0, 1.0)
    ]
    assert norms[1] < norms[0]


# Labels.


def test_what_is_not_labelled_is_left_out_of_the_loss(tiny, clips):
    X, codes = clips()
    y = (codes[:, None] == np.arange(3)).astype(float)
    model = tiny(max_epochs=1).fit(X, y)
    y[::2, 1] = np.nan
    target = torch.from_numpy(y)
    scores = model.net_.module_(torch.from_numpy(X[:24]))
    log_p, log_q = (log.detach().double().numpy() for log in scores)
    each = [
        -(y[i, k] * log_p[i, k] + (1 - y[i, k]) * log_q[i, k])
        for i in range(24)
        for k in range(3)
        if not np.isnan(y[i, k])
    ]
    stacked = torch.stack([target, torch.ones_like(target)], dim=1)
    loss = model.net_.get_loss(scores, stacked, X={})
    assert loss.item() == pytest.approx(np.mean(each), rel=1e-6)


def test_partly_labelled_clips_train_and_predict(tiny, clips):
    X, codes = clips(n_clips=120)
    y = (codes[:, None] == np.arange(3)).astype(float)
    y[np.random.default_rng(0).random(y.shape) < 0.4] = np.nan
    model = tiny(max_epochs=40, channels=(8, 8), class_weight="balanced").fit(X, y)
    new_X, new_codes = clips(n_clips=60, seed=1)
    assert np.isfinite(model.loss_curve_).all()
    assert (model.predict_proba(new_X).argmax(axis=1) == new_codes).mean() > 0.9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y: y.__setitem__((0, 0), 0.5), r"must hold 0, 1 and, .* NaN\. Got 0\.5"),
        (lambda y: y.__setitem__((slice(None), 2), np.nan), r"Column 2 is NaN for all 24 clips"),
    ],
)
def test_wrong_partial_labels(change, message, tiny, clips):
    X, codes = clips()
    y = (codes[:, None] == np.arange(3)).astype(float)
    y[3, 1] = np.nan
    change(y)
    with pytest.raises(ValueError, match=message):
        tiny().fit(X, y)


def test_a_class_that_no_clip_has_is_predicted_as_improbable(tiny, clips):
    X, codes = clips()
    y = np.column_stack([codes == 0, codes == 1, np.zeros(24)]).astype(int)
    model = tiny(max_epochs=60).fit(X, y)
    assert model.predict_proba(X)[:, 2].max() < 0.2


def test_smoothed_labels_keep_probabilities_from_the_ends(tiny, clips):
    X, y = clips()
    sure = tiny(max_epochs=60).fit(X, y).predict_proba(X).max()
    smooth = tiny(max_epochs=60, label_smoothing=0.4).fit(X, y).predict_proba(X).max()
    assert smooth < 0.8 < sure


# Sampling.


def test_balanced_shares_give_all_classes_the_same_chance():
    targets = np.repeat(np.eye(3), [60, 10, 2], axis=0)
    shares = balanced_shares(targets)
    assert shares.sum() == pytest.approx(1)
    np.testing.assert_allclose([shares[:60].sum(), shares[60:70].sum(), shares[70:].sum()], 1 / 3)


def test_clips_of_no_class_are_a_class_to_balanced_sampling():
    targets = np.array([[1, 0], [0, 1], [0, 0], [0, 0]], dtype=float)
    np.testing.assert_allclose(balanced_shares(targets), [1 / 3, 1 / 3, 1 / 6, 1 / 6])


def test_balanced_sampling_trains_on_rare_classes_as_often(tiny, clips, monkeypatch):
    X, codes = clips(n_clips=90)
    kept = np.flatnonzero((codes != 2) | (np.arange(90) < 9))  # 30, 30 and 3 clips
    drawn = []
    batches = TrainingBatches.__iter__

    def watch(self):
        for inputs, y in batches(self):
            drawn.append(y[:, 0].numpy())
            yield inputs, y

    monkeypatch.setattr(TrainingBatches, "__iter__", watch)
    tiny(sampling="balanced", max_epochs=20).fit(X[kept], codes[kept])
    counts = np.concatenate(drawn).sum(axis=0)
    assert counts.sum() == 20 * 63
    np.testing.assert_allclose(counts / counts.sum(), 1 / 3, atol=0.05)


# Held-out clips.


def test_held_out_clips_have_the_classes_in_proportion():
    y = np.repeat(["a", "b"], [80, 20])
    rows = held_out_rows(y, None, 0.2, 0, "Model")
    assert np.unique(y[rows], return_counts=True)[1].tolist() == [16, 4]


@pytest.mark.parametrize("multilabel", [False, True])
def test_groups_are_held_out_as_a_whole(multilabel):
    groups = np.repeat(np.arange(30), 4)
    y = groups % 3
    y = (y[:, None] == np.arange(3)).astype(int) if multilabel else y
    rows = held_out_rows(y, groups, 0.2, 0, "Model")
    held_out = np.unique(groups[rows])
    assert len(rows) == 4 * len(held_out)
    assert 3 <= len(held_out) <= 9
    assert len(np.unique(groups[rows] % 3)) == 3


@pytest.mark.parametrize("groups", [None, np.zeros(3)])
def test_too_few_clips_to_hold_any_out(groups, tiny, clips):
    X, y = clips(n_clips=3)
    with pytest.raises(ValueError, match=r"cannot hold out 10% of 3 clips"):
        tiny(early_stopping=True).fit(X, y, groups=groups)


def test_early_stopping_keeps_the_best_weights(tiny, clips):
    X, y = clips(n_clips=40)
    y = np.random.default_rng(0).permutation(y)  # nothing to learn: it overfits at once
    spy = Spy(epoch=weights)
    model = tiny(
        early_stopping=True,
        validation_fraction=0.3,
        n_iter_no_change=4,
        max_epochs=60,
        learning_rate_schedule="constant",
        callbacks=[spy],
    ).fit(X, y)
    losses = model.history_["valid_loss"]
    assert model.n_iter_ == losses.argmin() + 1 + 4 < 60
    assert_same_bits(weights(model), spy.seen[losses.argmin()])


def test_the_held_out_loss_is_that_of_the_predictions(tiny, clips):
    X, y = clips()
    new_X, new_y = clips(n_clips=18, seed=1)
    model = tiny(loss="cross_entropy").fit(X, y, validation_data=(new_X, new_y))
    expected = log_loss(new_y, model.predict_proba(new_X)) / 3  # the mean over 3 outputs
    assert model.history_["valid_loss"].iloc[-1] == pytest.approx(expected, rel=1e-5)
    assert len(model.history_) == 5


def test_validation_data_are_not_trained_on(tiny, clips):
    X, y = clips()
    alone = weights(tiny().fit(X, y))
    assert_same_bits(alone, weights(tiny().fit(X, y, validation_data=clips(n_clips=6, seed=1))))


def test_metrics_by_name_are_those_of_the_predictions(tiny, clips):
    X, y = clips()
    new_X, new_y = clips(n_clips=18, seed=1)
    model = tiny(callbacks=["mean_average_precision", "accuracy"], ema_decay=0.9)
    model.fit(X, y, validation_data=(new_X, new_y))
    assert model.history_["accuracy"].iloc[-1] == pytest.approx(model.score(new_X, new_y))
    expected = mean_average_precision(np.eye(3)[new_y], model.predict_proba(new_X))
    assert model.history_["mean_average_precision"].iloc[-1] == pytest.approx(expected)


def test_metrics_leave_out_held_out_clips_of_no_weight(tiny, clips):
    X, y = clips()
    bags = np.stack([X[:, :16], X[:, 14:]], axis=1)
    weight = np.where(np.arange(24) % 4, 1.0, 0.0)
    options = {"early_stopping": True, "validation_fraction": 0.5, "callbacks": ["accuracy"]}
    for clips_ in (X, bags):
        model = tiny(**options, max_epochs=2).fit(clips_, y, sample_weight=weight)
        rows = held_out_rows(y, None, 0.5, model._seed(), "Model")
        kept = rows[weight[rows] > 0]
        assert 0 < len(kept) < len(rows)
        best = model.history_["valid_loss"].argmin()
        expected = model.score(clips_[kept], y[kept])
        assert model.history_["accuracy"].iloc[best] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("callbacks", "message"),
    [(["map"], r"must be one of \['accuracy'.*Got 'map'"), (["lwlrap"], "needs held-out clips")],
)
def test_wrong_names_of_metrics(callbacks, message, tiny, clips):
    with pytest.raises(ValueError, match=message):
        tiny(callbacks=callbacks).fit(*clips())


@pytest.mark.parametrize("data", [3, (1, 2, 3)])
def test_wrong_validation_data(data, tiny, clips):
    with pytest.raises(ValueError, match=r"must be a tuple \(X, y\)"):
        tiny().fit(*clips(), validation_data=data)


# Augmentation.


def test_training_is_augmented_and_prediction_is_not(tiny, clips):
    X, y = clips()
    calls = []

    def shout(batch, generator):
        calls.append(torch.rand(1, generator=generator).item())
        return batch

    model = tiny(augment=shout, max_epochs=2).fit(X, y)
    assert len(calls) == len(set(calls)) == 2 * 3  # each batch of each epoch draws anew
    model.predict_proba(X)
    assert len(calls) == 6
    assert_same_bits(weights(model), weights(tiny(max_epochs=2).fit(X, y)))


def test_augmented_training_repeats_itself(tiny, clips):
    X, y = clips()
    first, second = (tiny(augment=Mixup()).fit(X, y) for _ in range(2))
    assert_same_bits(weights(first), weights(second))
    assert first.loss_curve_ != tiny().fit(X, y).loss_curve_


def test_parameters_of_the_augmentation_can_be_searched(tiny):
    model = clone(tiny(augment=Mixup(alpha=0.2))).set_params(augment__alpha=0.7)
    assert model.augment.alpha == 0.7


# Going on.


def test_warm_start_goes_on(tiny, clips):
    X, y = clips()
    model = tiny(warm_start=True, learning_rate_schedule="constant").fit(X, y)
    net = model.net_
    model.fit(X, y)
    assert model.net_ is net
    assert model.n_iter_ == 10
    whole = tiny(max_epochs=10, learning_rate_schedule="constant").fit(X, y)
    assert_same_bits(weights(model), weights(whole))


class Kill(Callback):
    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise KeyboardInterrupt


OPTIONS = {
    "plain": {},
    "all": {
        "augment": Mixup(),
        "ema_decay": 0.9,
        "learning_rate_schedule": "one_cycle",
        "warmup_epochs": 1,
        "early_stopping": True,
        "validation_fraction": 0.25,
        "n_iter_no_change": 3,
        "sampling": "balanced",
    },
}


@pytest.mark.parametrize("random_state", [3, None])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_killed_training_is_resumed_to_the_same_bits(
    options, random_state, tiny, clips, tmp_path
):
    X, y = clips(n_clips=32)
    model = tiny(**options, random_state=random_state, checkpoint_dir=tmp_path, max_epochs=7)
    with pytest.raises(KeyboardInterrupt):
        clone(model).set_params(callbacks=[Kill(epoch=4)]).fit(X, y)
    seed = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["seed"]
    resumed = clone(model).fit(X, y)
    if random_state is None:
        assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["seed"] == seed
        return
    whole = clone(model).set_params(checkpoint_dir=None).fit(X, y)
    assert_same_bits(weights(resumed), weights(whole))
    expected, got = (m.history_.drop(columns="seconds") for m in (whole, resumed))
    np.testing.assert_array_equal(got[expected.columns], expected)


def test_a_finished_training_is_not_trained_again(tiny, clips, tmp_path):
    X, y = clips()
    first = tiny(checkpoint_dir=tmp_path).fit(X, y)
    spy = Spy(batch=lambda net: None)
    second = tiny(checkpoint_dir=tmp_path, callbacks=[spy]).fit(X, y)
    assert spy.seen == []
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"channels": (4, 5)}, r"its channels is \(4, 4\), and that of this fit is \(4, 5\)"),
        ({"max_epochs": 6}, "its max_epochs is 5, and that of this fit is 6"),
        ({"random_state": 1}, "its random_state is 0, and that of this fit is 1"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(parameters, message, tiny, clips, tmp_path):
    X, y = clips()
    tiny(checkpoint_dir=tmp_path).fit(X, y)
    with pytest.raises(ValueError, match=message):
        tiny(checkpoint_dir=tmp_path, **parameters).fit(X, y)


def test_a_checkpoint_of_other_data_is_refused(tiny, clips, tmp_path):
    X, y = clips()
    tiny(checkpoint_dir=tmp_path).fit(X, y)
    with pytest.raises(ValueError, match="its training data is"):
        tiny(checkpoint_dir=tmp_path).fit(X + 1, y)


def test_a_damaged_checkpoint_is_refused(tiny, clips, tmp_path):
    (tmp_path / "checkpoint.pt").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"checkpoint\.pt' cannot be read"):
        tiny(checkpoint_dir=tmp_path).fit(*clips())


def test_a_checkpoint_of_another_version_is_refused(tiny, clips, tmp_path):
    tiny(checkpoint_dir=tmp_path).fit(*clips())
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    torch.save(state | {"format": 1}, tmp_path / "checkpoint.pt")
    with pytest.raises(ValueError, match=r"has format 1, and this version .* reads 2\. Delete it"):
        tiny(checkpoint_dir=tmp_path).fit(*clips())


def test_the_data_are_read_once_for_statistics_and_checkpoint(tiny, clips, tmp_path, monkeypatch):
    passes = []
    in_order = ExampleSet._in_order
    monkeypatch.setattr(ExampleSet, "_in_order", lambda self: passes.append(1) or in_order(self))
    tiny(max_epochs=1).fit(*clips())
    alone = len(passes)
    tiny(max_epochs=1, checkpoint_dir=tmp_path).fit(*clips())
    assert len(passes) == 2 * alone


def test_a_checkpoint_that_cannot_be_written_leaves_the_last_one(
    tiny, clips, tmp_path, monkeypatch
):
    X, y = clips()
    save = torch.save
    calls = []

    def save_half(state, file):
        calls.append(1)
        if len(calls) == 3:
            file.write(b"half")
            raise OSError("no space left on device")
        save(state, file)

    monkeypatch.setattr(torch, "save", save_half)
    with pytest.raises(OSError, match="no space"):
        tiny(checkpoint_dir=tmp_path).fit(X, y)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]
    resumed = tiny(checkpoint_dir=tmp_path).fit(X, y)
    assert_same_bits(weights(resumed), weights(tiny().fit(X, y)))


# Precision and devices.


def test_mixed_precision_keeps_the_weights_in_single_precision(tiny, clips):
    X, y = clips(n_clips=60)
    model = tiny(mixed_precision=True, max_epochs=30, channels=(8, 8)).fit(X, y)
    assert {value.dtype for value in model.net_.module_.parameters()} == {torch.float32}
    assert model.score(*clips(n_clips=60, seed=1)) > 0.9
    assert model.loss_curve_ != tiny(max_epochs=30, channels=(8, 8)).fit(X, y).loss_curve_


def test_deterministic_algorithms_are_wanted_in_training_only(tiny, clips):
    wanted = []
    spy = Spy(batch=lambda net: wanted.append(torch.are_deterministic_algorithms_enabled()))
    tiny(deterministic=True, callbacks=[spy]).fit(*clips())
    assert set(wanted) == {True}
    assert not torch.are_deterministic_algorithms_enabled()


def test_out_of_memory_says_which_batch_size_fits(tiny, clips, monkeypatch):
    def fail(*args, **kwargs):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(EventNet, "train_step", fail)
    with pytest.raises(MemoryError, match=r"no memory for a 'batch_size' of 8\. One of 4 fits"):
        tiny().fit(*clips())


@pytest.mark.gpu
def test_a_cuda_device_learns_the_same(tiny, clips):
    X, y = clips(n_clips=60)
    new_X, new_y = clips(n_clips=60, seed=1)
    size = {"max_epochs": 30, "channels": (8, 8), "mixed_precision": False}
    on_cuda = tiny(device="cuda", **size).fit(X, y)
    on_cpu = tiny(device="cpu", **size).fit(X, y)
    assert on_cuda.score(new_X, new_y) > 0.9
    np.testing.assert_allclose(on_cuda.predict_proba(new_X), on_cpu.predict_proba(new_X), atol=0.05)


@pytest.mark.gpu
def test_mixed_precision_is_the_default_on_cuda(tiny, clips):
    X, y = clips(n_clips=60)
    model = tiny(device="cuda", max_epochs=30, channels=(8, 8), augment=Mixup()).fit(X, y)
    assert model.score(*clips(n_clips=60, seed=1)) > 0.9


# Batches of a size that the user has not chosen.


@pytest.mark.parametrize(
    ("n_clips", "n_batches"),
    [(2, 1), (32, 1), (33, 3), (320, 20), (640, 20), (1280, 20), (1300, 21)],
)
def test_a_small_data_set_is_learnt_in_small_steps(tiny, n_clips, n_batches):
    X = np.random.default_rng(0).normal(size=(n_clips, 4, 3)).astype(np.float32)
    count = Spy(batch=lambda net: None)
    tiny(batch_size="auto", max_epochs=1, callbacks=[count]).fit(X, np.arange(n_clips) % 2)
    assert len(count.seen) == n_batches


def test_the_automatic_size_is_that_of_the_segments_of_bags(tiny):
    bags = np.random.default_rng(0).normal(size=(20, 4, 4, 3)).astype(np.float32)
    count = Spy(batch=lambda net: None)
    tiny(batch_size="auto", max_epochs=1, callbacks=[count]).fit(bags, [0, 1] * 10)
    assert len(count.seen) == 5  # of 16 of the 80 segments


def test_the_automatic_size_is_as_good_as_the_same_number(tiny, clips):
    X, y = clips()
    automatic, chosen = (tiny(batch_size=size).fit(X, y) for size in ("auto", len(X)))
    assert_same_bits(weights(automatic), weights(chosen))


def test_a_batch_size_of_another_name_is_an_error(tiny, clips):
    with pytest.raises(ValueError, match="'batch_size' parameter of VGGEventClassifier"):
        tiny(batch_size="all").fit(*clips())

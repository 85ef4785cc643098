"""Training that starts from a trained network: what is copied, frozen, freed, and refused."""

import copy
import pathlib
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from skorch.callbacks import Callback

from sk_audioevents import LogMelTransformer, VGGEventClassifier, WaveformEventClassifier
from sk_audioevents.networks import (
    Kumar2018Network,
    PANNsNetwork,
    VGGNetwork,
    WaveformNetwork,
)
from sk_audioevents.persistence import save_model

STAGES = ["block1", "block2", "embedding", "classes"]  # of the network of the fixture tiny
STANDS_STILL = {"learning_rate": 1e-30, "max_epochs": 1}


class Spy(Callback):
    """Call a function of the net after each batch and each epoch, and keep what it returns."""

    def __init__(self, batch=None, epoch=None):
        self.batch = batch
        self.epoch = epoch
        self.batches, self.epochs = [], []

    def on_grad_computed(self, net, **kwargs):
        if self.batch is not None:
            self.batches.append(self.batch(net))

    def on_epoch_end(self, net, **kwargs):
        if self.epoch is not None:
            self.epochs.append(self.epoch(net))


class Kill(Callback):
    """Interrupt the training before an epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise KeyboardInterrupt


def weights(model_or_net):
    net = getattr(model_or_net, "net_", model_or_net)
    return {key: value.clone() for key, value in net.module_.state_dict().items()}


def is_head(key):
    return key.startswith(("classes.", "pooling."))


def body(state):
    return {key: value for key, value in state.items() if not is_head(key)}


def assert_same_bits(a, b):
    assert a.keys() == b.keys()
    for key in a:
        assert torch.equal(a[key], b[key]), key


def stages_that_differ(before, after):
    """Return the stages in which weights or statistics have changed between two states."""
    names = {"blocks.0": "block1", "blocks.1": "block2", "embedding": "embedding"}
    names |= {"classes": "classes"}
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    return [
        stage
        for prefix, stage in names.items()
        if any(key.startswith(f"{prefix}.") for key in changed)
    ]


@pytest.fixture
def trained(tiny, clips):
    """Return a classifier of three classes that has been trained for a while."""
    return tiny(max_epochs=10).fit(*clips())


@pytest.fixture
def tune(trained):
    """Return a function that makes a classifier that starts from the trained one."""

    def make(**parameters):
        return clone(trained).set_params(**{"pretrained": FrozenEstimator(trained)} | parameters)

    return make


@pytest.fixture
def features():
    """Return a transformer that makes frames of as many bands as the clips have."""
    return LogMelTransformer(sample_rate=8000, n_fft=64, hop_length=32, n_mels=9)


@pytest.fixture
def new_clips(clips):
    """Return clips of two classes of which the trained classifier has only heard one."""
    X, y = clips(n_clips=30, n_classes=4, seed=5)
    kept = y >= 2
    return X[kept], np.array(["fox", "owl"])[y[kept] - 2]


# What is copied.


@pytest.mark.parametrize("pooling", ["mean", "attention", "auto"])
@pytest.mark.parametrize("temporal", [None, "bilstm"])
def test_the_body_is_copied_and_the_head_is_new(pooling, temporal, tiny, clips):
    X, y = clips()
    network = {"pooling": pooling, "temporal": temporal, "temporal_dim": 3}
    trained = tiny(**network).fit(X, y)
    still = tiny(**network | STANDS_STILL, pretrained=trained, freeze="body").fit(X, y)
    assert_same_bits(body(weights(still)), body(weights(trained)))
    np.testing.assert_allclose(
        still.decision_function(X), 0, atol=1e-6
    )  # also for the same classes
    if pooling == "auto":
        torch.testing.assert_close(still.net_.module_.pooling.alpha, torch.ones(3))


def test_the_statistics_are_those_of_the_pretraining(tune, trained, clips):
    X, y = clips()
    model = tune().fit(2 * X + 3, y)
    assert torch.equal(model.net_.module_.band_mean, trained.net_.module_.band_mean)
    assert torch.equal(model.net_.module_.band_scale, trained.net_.module_.band_scale)


def test_the_pretrained_classifier_is_never_changed(tune, trained, clips, new_clips):
    X, _ = clips(seed=3)
    before, probabilities = weights(trained), trained.predict_proba(X)
    tune(unfreeze_every=1, freeze="body", ema_decay=0.5).fit(*new_clips)
    assert_same_bits(weights(trained), before)
    np.testing.assert_array_equal(trained.predict_proba(X), probabilities)
    assert all(parameter.requires_grad for parameter in trained.net_.module_.parameters())


@pytest.mark.parametrize(
    ("y", "n_outputs"),
    [
        (np.arange(24) % 2, 1),
        (np.arange(24) % 5, 5),
        ((np.arange(24)[:, None] % 4 < [1, 2, 3, 4, 2, 1]).astype(int), 6),
    ],
)
def test_the_head_has_the_outputs_of_the_new_classes(y, n_outputs, tune, clips):
    X, _ = clips()
    model = tune(freeze="body").fit(X, y)
    assert model.net_.module_.classes.out_channels == n_outputs
    assert model.predict_proba(X).shape == (24, len(model.classes_))


def test_the_precision_is_that_of_the_new_clips(tune, trained, clips):
    X, y = clips()
    model = tune(freeze="body").fit(X.astype(np.float64), y)
    assert model.transform(X.astype(np.float64)).dtype == np.float64
    np.testing.assert_allclose(model.transform(X), trained.transform(X), rtol=1e-3, atol=1e-4)


def test_a_trained_body_learns_new_classes_from_few_clips(tiny, clips):
    size = {"channels": (8, 8), "embedding_dim": 16}
    trained = tiny(**size, max_epochs=20).fit(*clips(n_clips=90))
    few, few_y = clips(n_clips=9, seed=1)
    new_X, new_y = clips(n_clips=90, seed=2)
    names = np.array(["owl", "fox", "bat"])
    tuned = tiny(**size, pretrained=trained, freeze="body").fit(few, names[few_y])
    scratch = tiny(**size).fit(few, names[few_y])
    assert tuned.score(new_X, names[new_y]) > scratch.score(new_X, names[new_y]) + 0.2


# The forms of 'pretrained'.


@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: model,
        FrozenEstimator,
        lambda model: make_pipeline(FunctionTransformer(), model),
        lambda model: FrozenEstimator(make_pipeline(FunctionTransformer(), model)),
    ],
)
def test_what_the_pretrained_classifier_may_be_wrapped_in(wrap, tune, trained, new_clips):
    model = tune(**STANDS_STILL, freeze="body", pretrained=wrap(trained)).fit(*new_clips)
    assert_same_bits(body(weights(model)), body(weights(trained)))


@pytest.mark.parametrize("as_path", [str, pathlib.Path])
def test_the_path_of_a_saved_model_serves_too(as_path, tune, trained, features, tmp_path):
    pipeline = make_pipeline(features, trained)
    X, y = np.zeros((6, 800)), np.arange(6) % 2
    for name, model in {"alone": trained, "pipeline": pipeline}.items():
        save_model(model, tmp_path / name)
        tuned = tune(**STANDS_STILL, freeze="body", pretrained=as_path(tmp_path / name))
        tuned.fit(features.transform(X), y)
        assert_same_bits(body(weights(tuned)), body(weights(trained)))
        assert_same_bits(weights(clone(tuned).fit(features.transform(X), y)), weights(tuned))


def test_a_frozen_one_is_kept_in_cross_validation_and_search(tune, trained, new_clips):
    X, y = new_clips
    assert clone(tune()).pretrained.estimator is trained
    scores = cross_val_score(tune(freeze="body"), X, y, cv=2, error_score="raise")
    assert np.isfinite(scores).all()
    grid = {"freeze": ["body", 1, None], "body_learning_rate_factor": [0.1]}
    search = GridSearchCV(tune(max_epochs=1), grid, cv=2, error_score="raise").fit(X, y)
    assert len(search.cv_results_["params"]) == 3


def test_a_bare_one_loses_its_fit_in_clone_and_the_error_says_so(tune, trained, new_clips):
    model = clone(tune(pretrained=trained))
    with pytest.raises(ValueError, match=r"one that is not fitted: clone, .* FrozenEstimator"):
        model.fit(*new_clips)


@pytest.mark.parametrize("pretrained", [WaveformEventClassifier(), FunctionTransformer()])
def test_another_estimator_is_refused(pretrained, tune, new_clips):
    name = type(pretrained).__name__
    with pytest.raises(ValueError, match=rf"must be a fitted VGGEventClassifier.* Got a {name}"):
        tune(pretrained=pretrained).fit(*new_clips)


def test_other_networks_are_refused_with_all_that_differs(tune, new_clips):
    model = tune(channels=(4, 5), embedding_dim=9, pool_sizes=[(2, 1), (2, 2)])
    with pytest.raises(ValueError, match="with the same features and the same network") as error:
        model.fit(*new_clips)
    for text in (
        "its channels is (4, 4), and that of this fit is (4, 5)",
        "its pool_sizes is None, and that of this fit is ((2, 1), (2, 2))",
        "its embedding_dim is 8, and that of this fit is 9",
    ):
        assert text in str(error.value)
    assert "n_bands" not in str(error.value)


def test_the_size_of_a_recurrent_layer_matters_only_if_there_is_one(tune, new_clips):
    tune(temporal_dim=99, max_epochs=1).fit(*new_clips)
    with pytest.raises(ValueError, match="its temporal is None, and that of this fit is lstm"):
        tune(temporal="lstm").fit(*new_clips)


def test_another_number_of_bands_is_refused(tune, new_clips):
    X, y = new_clips
    with pytest.raises(ValueError, match="its n_bands is 9, and that of this fit is 8"):
        tune().fit(X[:, :, :8], y)


def test_an_error_leaves_a_fitted_classifier_as_it_was(trained, clips, new_clips):
    X, _ = clips()
    model = pickle.loads(pickle.dumps(trained)).set_params(pretrained=trained, freeze=9)
    with pytest.raises(ValueError, match="'freeze'"):
        model.fit(*new_clips)
    np.testing.assert_array_equal(model.classes_, [0, 1, 2])
    np.testing.assert_array_equal(model.predict(X), trained.predict(X))


# What is frozen.

OPTIONS = {
    "plain": {},
    "decay": {"optimizer": "adamw", "weight_decay": 1.0},
    "penalty": {"optimizer": "adam", "weight_decay": 1.0},
    "average": {"ema_decay": 0.5},
    "bfloat16": {"mixed_precision": True},
    "stopping": {"early_stopping": True, "validation_fraction": 0.3},
    "clipping": {"max_grad_norm": 0.01},
}


@pytest.mark.parametrize("freeze", ["body", 3, 2, 1, 0, None])
def test_the_first_stages_stay_and_all_others_change(freeze, tune, trained, new_clips):
    model = tune(freeze=freeze).fit(*new_clips)
    n_frozen = {"body": 3, None: 0}.get(freeze, freeze)
    start = weights(trained) | {"classes.weight": torch.zeros(1), "classes.bias": torch.zeros(1)}
    assert stages_that_differ(start, weights(model)) == STAGES[n_frozen:]


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_frozen_body_keeps_its_bits(options, tune, trained, new_clips):
    model = tune(freeze="body", **options).fit(*new_clips)
    assert_same_bits(body(weights(model)), body(weights(trained)))
    assert model.net_.module_.classes.weight.abs().max() > 0


def test_a_frozen_recurrent_layer_keeps_its_bits(tiny, clips):
    X, y = clips()
    network = {"temporal": "lstm", "temporal_dim": 3}
    trained = tiny(**network).fit(X, y)
    model = tiny(**network, pretrained=trained, freeze="body").fit(X, y)
    assert_same_bits(body(weights(model)), body(weights(trained)))


def test_a_frozen_body_builds_no_graph(tune, new_clips, monkeypatch):
    embed, seen = VGGNetwork.embed, []

    def watch(self, *args, **kwargs):
        embeddings = embed(self, *args, **kwargs)
        seen.append((self.training, embeddings.requires_grad))
        return embeddings

    monkeypatch.setattr(VGGNetwork, "embed", watch)
    tune(freeze="body", max_epochs=1).fit(*new_clips)
    tune(freeze=2, max_epochs=1).fit(*new_clips)
    assert seen == [(True, False)] * 2 + [(True, True)] * 2


def test_a_head_on_a_frozen_body_learns_as_a_logistic_regression_does(tune, trained, new_clips):
    X, y = new_clips[0].astype(np.float64), new_clips[1]
    options = {"batch_size": 64, "learning_rate_schedule": "constant", "max_epochs": 20}
    model = tune(freeze="body", **options).fit(X, y)

    with torch.no_grad():
        network = copy.deepcopy(trained.net_.module_).double().eval()
        embeddings = network.embed(torch.from_numpy(X))[..., 0]
    target = torch.from_numpy(y == "owl").double()
    weight = torch.zeros(8, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([weight, bias], lr=0.01)
    for _ in range(20):
        probability = torch.einsum("bdk,d->bk", embeddings, weight).add(bias).sigmoid().mean(dim=1)
        optimizer.zero_grad()
        torch.nn.functional.binary_cross_entropy(probability, target).backward()
        optimizer.step()
    expected = torch.einsum("bdk,d->bk", embeddings, weight).add(bias).sigmoid().mean(dim=1)
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], expected.detach(), atol=1e-10)


def test_what_a_user_freezes_stays_frozen(tiny, clips):
    class Own(Callback):
        def on_train_begin(self, net, **kwargs):
            net.module_.embedding.requires_grad_(False)

    still = tiny(**STANDS_STILL).fit(*clips())
    model = tiny(callbacks=[Own()]).fit(*clips())
    key = "embedding.conv.weight"
    assert torch.equal(weights(model)[key], weights(still)[key])


def test_an_interrupted_training_leaves_nothing_frozen_for_the_next(tune, trained, new_clips):
    model = tune(freeze="body", warm_start=True, callbacks=[Kill(epoch=2)])
    with pytest.raises(KeyboardInterrupt):
        model.fit(*new_clips)
    model.set_params(freeze=None, callbacks=None).fit(*new_clips)
    assert stages_that_differ(weights(trained), weights(model)) == STAGES


def test_nothing_is_frozen_any_more_after_a_fit(tune, new_clips):
    model = tune(freeze="body", max_epochs=1).fit(*new_clips)
    assert model.net_.frozen == []
    assert all(parameter.requires_grad for parameter in model.net_.module_.parameters())
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(new_clips[0]), model.predict(new_clips[0]))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"freeze": "body"}, "'freeze' .* is for a network that is trained already. Got 'body'"),
        ({"freeze": 1}, "'freeze' .* is for a network that is trained already. Got 1"),
        ({"body_learning_rate_factor": 0.1}, "'body_learning_rate_factor' .* Got 0.1 without one"),
        ({"unfreeze_every": 2}, "'unfreeze_every' .* set freeze='body'"),
        ({"body_learning_rate_factor": 0}, r"must be a float in the range \(0.0, 1.0\]. Got 0"),
        ({"freeze": "head"}, r"The 'freeze' parameter .* Got 'head' instead"),
        ({"unfreeze_every": 0}, r"The 'unfreeze_every' parameter .* Got 0 instead"),
        ({"pretrained": 3}, r"The 'pretrained' parameter .* Got 3 instead"),
    ],
)
def test_parameters_that_ask_for_nothing_sensible(parameters, message, tiny, clips):
    with pytest.raises(ValueError, match=message):
        tiny(**parameters).fit(*clips())


def test_more_stages_than_there_are_cannot_be_frozen(tune, new_clips):
    with pytest.raises(ValueError, match=r"up to 3, .*: block1, block2, embedding\. Got 4"):
        tune(freeze=4).fit(*new_clips)


# How fast the body learns.


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle", "constant"])
def test_the_body_has_its_share_of_each_step_size(schedule, tune, new_clips):
    def step_sizes(net):
        return [group["lr"] for group in net.optimizer_.param_groups]

    options = {"learning_rate_schedule": schedule, "warmup_epochs": 1, "max_epochs": 3}
    whole, spy = Spy(batch=step_sizes), Spy(batch=step_sizes)
    tune(**options, callbacks=[whole]).fit(*new_clips)
    model = tune(**options, callbacks=[spy], body_learning_rate_factor=0.25).fit(*new_clips)
    head, bodies = np.transpose(spy.batches)
    np.testing.assert_array_equal(np.transpose(whole.batches), [head, head])
    np.testing.assert_allclose(bodies, 0.25 * head, rtol=1e-12)
    assert model.history_["learning_rate"].iloc[-1] == head[-1]


def test_the_body_makes_smaller_steps(tune, trained, new_clips):
    options = {"batch_size": 64, "max_epochs": 2, "learning_rate_schedule": "constant"}
    model = tune(**options, body_learning_rate_factor=0.1).fit(*new_clips)
    change = {key: after - weights(trained)[key] for key, after in weights(model).items()}
    # The head is zero in the first step, so the body has no gradient; Adam's second step is then
    # 0.1 g / (1 - 0.9²) over the root of 0.001 g² / (1 - 0.999²).
    expected = 0.1 * 0.01 * (0.1 / 0.19) / np.sqrt(0.001 / 0.001999)
    assert change["embedding.conv.weight"].abs().max() == pytest.approx(expected, rel=1e-3)
    assert change["blocks.0.units.0.conv.weight"].abs().max() == pytest.approx(expected, rel=1e-3)


# What is freed.


def test_one_more_stage_is_trained_after_so_many_epochs(tune, trained, new_clips):
    spy = Spy(epoch=weights)
    options = {"learning_rate_schedule": "constant", "max_epochs": 8, "callbacks": [spy]}
    tune(freeze="body", unfreeze_every=2, **options).fit(*new_clips)
    start = weights(trained) | {"classes.weight": torch.zeros(1), "classes.bias": torch.zeros(1)}
    changed = [stages_that_differ(*pair) for pair in zip([start, *spy.epochs], spy.epochs)]
    expected = [STAGES[first:] for first in (3, 3, 2, 2, 1, 1, 0, 0)]
    assert changed == expected


def test_unfreezing_goes_on_over_calls_of_partial_fit(tune, trained, new_clips):
    X, y = new_clips
    model, states = tune(freeze=2, unfreeze_every=1), []
    for _ in range(4):
        states.append(weights(model.partial_fit(X, y, classes=["fox", "owl"])))
    start = weights(trained) | {"classes.weight": torch.zeros(1), "classes.bias": torch.zeros(1)}
    changed = [stages_that_differ(*pair) for pair in zip([start, *states], states)]
    assert changed == [STAGES[2:], STAGES[1:], STAGES, STAGES]
    assert torch.equal(states[-1]["band_mean"], weights(trained)["band_mean"])


def test_early_stopping_keeps_the_best_weights_while_stages_are_freed(tune, new_clips):
    spy = Spy(epoch=weights)
    model = tune(
        freeze="body",
        unfreeze_every=1,
        early_stopping=True,
        validation_fraction=0.3,
        n_iter_no_change=3,
        max_epochs=40,
        learning_rate=0.05,
        callbacks=[spy],
    ).fit(*new_clips)
    best = model.history_["valid_loss"].argmin()
    assert_same_bits(weights(model), spy.epochs[best])


# Going on.


def test_warm_start_goes_on_from_the_first_fit_and_freezes_as_it_is_told(tune, new_clips):
    model = tune(freeze="body", warm_start=True).fit(*new_clips)
    first, net = weights(model), model.net_
    model.set_params(freeze=None, pretrained=None, body_learning_rate_factor=0.5).fit(*new_clips)
    assert model.net_ is net
    assert stages_that_differ(first, weights(model)) == STAGES
    second = weights(model)
    model.set_params(freeze=2, unfreeze_every=10).fit(*new_clips)  # for all of its 10 epochs
    assert stages_that_differ(second, weights(model)) == STAGES[2:]


def test_a_killed_fine_tuning_is_resumed_to_the_same_bits(tune, clips, tmp_path):
    X, y = clips(n_clips=32, seed=4)
    model = tune(
        freeze="body",
        unfreeze_every=2,
        body_learning_rate_factor=0.3,
        ema_decay=0.9,
        max_epochs=8,
        checkpoint_dir=tmp_path,
    )
    with pytest.raises(KeyboardInterrupt):
        clone(model).set_params(callbacks=[Kill(epoch=6)]).fit(X, y)
    spy = Spy(epoch=weights)
    resumed = clone(model).set_params(callbacks=[spy]).fit(X, y)
    whole = clone(model).set_params(checkpoint_dir=None).fit(X, y)
    assert len(spy.epochs) == 3
    assert_same_bits(weights(resumed), weights(whole))


def test_a_checkpoint_knows_the_pretrained_weights_and_not_where_they_were(
    tune, trained, tiny, clips, tmp_path
):
    X, y = clips(seed=4)
    first = tune(freeze="body", checkpoint_dir=tmp_path).fit(X, y)
    same = make_pipeline(FunctionTransformer(), pickle.loads(pickle.dumps(trained)))
    again = tune(freeze="body", checkpoint_dir=tmp_path, pretrained=same).fit(X, y)
    assert_same_bits(weights(first), weights(again))
    other = tiny(max_epochs=1).fit(X, y)
    with pytest.raises(ValueError, match=r"its pretrained is [0-9a-f]{64}, and that of this fit"):
        tune(freeze="body", checkpoint_dir=tmp_path, pretrained=other).fit(X, y)
    with pytest.raises(ValueError, match="its freeze is 'body', and that of this fit is 2"):
        tune(freeze=2, checkpoint_dir=tmp_path).fit(X, y)
    with pytest.raises(ValueError, match="its training data is"):
        tune(freeze="body", checkpoint_dir=tmp_path).fit(X + 1, y)


# Waveforms.


@pytest.fixture
def waveform_model():
    """Return a function that makes a waveform classifier of few parameters."""

    def make(**parameters):
        small = {"sample_rate": 1000, "segment_duration": 0.2, "channels": (4, 6)}
        small |= {"kernel_sizes": (9, 3), "pool_sizes": (10,), "hidden_dim": 4, "max_epochs": 2}
        small |= {"embedding_dim": 6, "learning_rate": 0.01, "random_state": 0}
        return WaveformEventClassifier(**small | parameters)

    return make


def test_a_waveform_classifier_is_fine_tuned_too(waveform_model):
    X = np.random.default_rng(0).normal(size=(12, 600)).astype(np.float32)
    trained = waveform_model().fit(X, np.arange(12) % 3)
    model = waveform_model(pretrained=trained, freeze="body").fit(X, np.arange(12) % 2)
    assert_same_bits(body(weights(model)), body(weights(trained)))
    assert model.predict_proba(X).shape == (12, 2)


def test_waveforms_of_another_rate_are_refused(waveform_model):
    X = np.random.default_rng(0).normal(size=(12, 600)).astype(np.float32)
    trained = waveform_model().fit(X, np.arange(12) % 3)
    model = waveform_model(sample_rate=2000, segment_duration=0.1, pretrained=trained)
    with pytest.raises(ValueError, match="its sample_rate is 1000, and that of this fit is 2000"):
        model.fit(X, np.arange(12) % 2)


# Networks.


@pytest.mark.parametrize(
    "network",
    [
        VGGNetwork(9, 3, channels=(4, 4), embedding_dim=8, temporal="lstm", temporal_dim=3),
        WaveformNetwork(3, channels=(4, 4, 4, 4), hidden_dim=4, embedding_dim=8, pooling="auto"),
        Kumar2018Network(128, 3, embedding_dim=8),
        PANNsNetwork(64, 3, layout="cnn6"),
        PANNsNetwork(64, 3, layout="cnn10"),
    ],
    ids=lambda network: type(network).__name__,
)
def test_all_that_a_network_is_made_of_but_the_bands_is_in_its_stages(network):
    held = {
        id(tensor)
        for _, parts in network.stages()
        for part in parts
        for tensor in [*part.parameters(), *part.buffers()]
    }
    state = network.state_dict(keep_vars=True)
    assert [key for key in state if id(state[key]) not in held] == ["band_mean", "band_scale"]


def test_another_backbone_is_fine_tuned_with_other_segments_and_without_dropout():
    X = np.random.default_rng(0).normal(size=(4, 96, 8)).astype(np.float32)
    network = {"backbone": "cnn6", "embedding_dim": 6, "max_epochs": 1, "random_state": 0}
    trained = VGGEventClassifier(**network).fit(X, [0, 1, 2, 0])
    trained.front_end_ = {"n_mels": 8}
    tuned = VGGEventClassifier(
        **network, segment_frames="clip", dropout=False, pretrained=trained, freeze="body"
    ).fit(X, [0, 1, 0, 1])
    assert_same_bits(body(weights(tuned)), body(weights(trained)))
    assert tuned.front_end_ == {"n_mels": 8}
    vgg = VGGEventClassifier(pretrained=trained, embedding_dim=6)
    with pytest.raises(ValueError, match=r"its network is PANNsNetwork, and .* is VGGNetwork"):
        vgg.fit(X, [0, 1, 0, 1])


def test_a_fitted_one_of_another_size_says_how_to_begin(trained, tiny, new_clips):
    model = VGGEventClassifier(pretrained=trained)
    with pytest.raises(ValueError, match=r"clone\(fitted\)\.set_params\(pretrained=Frozen"):
        model.fit(*new_clips)

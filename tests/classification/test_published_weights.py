"""Published weights, against the published networks built anew from torch's own layers."""

import pickle
from collections import OrderedDict

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.utils.validation import check_is_fitted
from torch import nn
from torch.nn import functional

from sk_audioevents import LogMelTransformer, VGGEventClassifier
from sk_audioevents.classification import make_pretrained_pipeline, published_front_end
from sk_audioevents.datasets import audioset_classes
from sk_audioevents.networks._panns import PANNS_SHAPES

N_BANDS = {"kumar2018": 128, "cnn6": 64, "cnn10": 64, "cnn14": 64}


class WeakMxh64(nn.Module):
    """weak_mxh64_1024: numbered layers; pooling rounds down; scores of segments are averaged."""

    widths = (16, 16, 0, 32, 32, 0, 64, 64, 0, 128, 128, 0, 256, 256, 0, 512, 0)

    def __init__(self, n_classes):
        super().__init__()
        n_in = 1
        for number, width in enumerate(self.widths, start=1):
            if width:
                self.add_module(f"layer{number}", self._unit(n_in, width, 3, padding=1))
                n_in = width
        self.layer18 = self._unit(512, 1024, 2)
        self.layer19 = nn.Sequential(nn.Conv2d(1024, n_classes, 1))

    @staticmethod
    def _unit(n_in, n_out, size, padding=0):
        conv = nn.Conv2d(n_in, n_out, size, padding=padding)
        return nn.Sequential(conv, nn.BatchNorm2d(n_out), nn.ReLU())

    def forward(self, frames):
        """Map (B, T, 128) to the probabilities of segments (B, K, n_classes)."""
        x = frames[:, None]
        if x.shape[2] < 128:  # as the script that goes with it does
            x = functional.pad(x, (0, 0, 0, 128 - x.shape[2]))
        for number, width in enumerate(self.widths, start=1):
            x = self.get_submodule(f"layer{number}")(x) if width else functional.max_pool2d(x, 2)
        x = torch.sigmoid(self.layer19(self.layer18(x)))
        return x[..., 0].transpose(1, 2)


class PANN(nn.Module):
    """CNN6, CNN10 or CNN14: the score of a clip, and its embedding."""

    def __init__(self, layout, n_classes, narrow=1):
        super().__init__()
        widths = [64, 128, 256, 512] + [1024, 2048] * (layout == "cnn14")
        widths = [1] + [width // narrow for width in widths]
        size = 5 if layout == "cnn6" else 3
        self.n_convolutions = 1 if layout == "cnn6" else 2
        self.n_blocks = len(widths) - 1
        self.bn0 = nn.BatchNorm2d(64)
        for i in range(1, self.n_blocks + 1):
            block = nn.Module()
            for j in range(1, self.n_convolutions + 1):
                n_in = widths[i - 1] if j == 1 else widths[i]
                conv = nn.Conv2d(n_in, widths[i], size, padding=size // 2, bias=False)
                block.add_module(f"conv{j}", conv)
                block.add_module(f"bn{j}", nn.BatchNorm2d(widths[i]))
            self.add_module(f"conv_block{i}", block)
        self.fc1 = nn.Linear(widths[-1], widths[-1])
        self.fc_audioset = nn.Linear(widths[-1], n_classes)

    def forward(self, frames):
        """Map (B, T, 64) to probabilities (B, n_classes) and embeddings (B, n)."""
        x = self.bn0(frames[:, None].transpose(1, 3)).transpose(1, 3)
        for i in range(1, self.n_blocks + 1):
            block = self.get_submodule(f"conv_block{i}")
            for j in range(1, self.n_convolutions + 1):
                x = getattr(block, f"bn{j}")(getattr(block, f"conv{j}")(x)).relu()
            if i < 6:
                x = functional.avg_pool2d(x, 2)
        x = x.mean(dim=3)
        embedding = self.fc1(x.max(dim=2).values + x.mean(dim=2)).relu()
        return torch.sigmoid(self.fc_audioset(embedding)), embedding


def published(layout, n_classes=527, seed=0, narrow=1):
    """Return a published network in evaluation, with random weights and statistics that matter."""
    with torch.device("meta"):
        is_pann = layout != "kumar2018"
        network = PANN(layout, n_classes, narrow) if is_pann else WeakMxh64(n_classes)
    network.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if tensor.dim() > 1:  # variance is kept from layer to layer
                bound = (6 / tensor[0].numel()) ** 0.5
                tensor.uniform_(-bound, bound, generator=generator)
            elif name.endswith("running_mean"):
                tensor.uniform_(-0.5, 0.5, generator=generator)
            elif tensor.is_floating_point():
                low, high = (-0.3, 0.3) if "bias" in name else (0.5, 1.5)
                tensor.uniform_(low, high, generator=generator)
        if is_pann:  # the input are levels in decibels
            network.bn0.running_mean.uniform_(-60, -20, generator=generator)
            network.bn0.running_var.uniform_(50, 400, generator=generator)
        else:
            network.layer1[0].weight.div_(40)
            network.layer19[0].weight.div_(8)  # probabilities are neither 0 nor 1
    return network.eval()


@pytest.fixture(scope="module")
def networks():
    """Return the published networks, each made when it is first asked for."""
    made = {}

    def of_layout(layout):
        if layout not in made:
            made[layout] = published(layout)
        return made[layout]

    return of_layout


def imported(network, layout, **parameters):
    return VGGEventClassifier.from_torch_state_dict(network.state_dict(), layout, **parameters)


def decibels(n_frames, layout, n_clips=1, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(-70, 10, size=(n_clips, n_frames, N_BANDS[layout])).astype(np.float32)


def close(ours, theirs):
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=0, atol=1e-5)


@pytest.mark.parametrize("n_frames", [30, 128, 300, 383])
def test_kumar2018_gives_the_published_scores_of_segments_and_clips(networks, n_frames):
    network = networks("kumar2018")
    X = decibels(n_frames, "kumar2018", n_clips=2)
    classifier = imported(network, "kumar2018")
    segments = network(torch.from_numpy(X))
    assert segments.std() > 0.1  # they depend on what is compared
    close(classifier.predict_segments(X), segments)
    close(classifier.predict_proba(X), segments.mean(dim=1))


@pytest.mark.parametrize(
    ("layout", "n_frames"),
    [
        ("cnn6", 64),
        ("cnn6", 201),
        ("cnn10", 101),
        pytest.param("cnn14", 201, marks=pytest.mark.slow),
    ],
)
def test_panns_give_the_published_scores_and_embeddings_of_clips(networks, layout, n_frames):
    network = networks(layout)
    X = decibels(n_frames, layout, n_clips=2)
    classifier = imported(network, layout)
    scores, embeddings = network(torch.from_numpy(X))
    assert scores.std() > 0.1
    close(classifier.predict_proba(X), scores)
    close(classifier.transform(X) / embeddings.max().item(), embeddings / embeddings.max())
    assert classifier.predict_segments(X).shape == (2, 1, 527)


def test_a_narrow_cnn14_gives_the_scores_of_its_layout(monkeypatch):
    shape = PANNS_SHAPES["cnn14"]
    narrow = shape._replace(channels=tuple(n // 16 for n in shape.channels), embedding_dim=128)
    monkeypatch.setitem(PANNS_SHAPES, "cnn14", narrow)
    network = published("cnn14", narrow=16)
    X = decibels(201, "cnn14", n_clips=2)
    scores, _ = network(torch.from_numpy(X))
    assert scores.std() > 0.1
    close(imported(network, "cnn14").predict_proba(X), scores)


@pytest.mark.parametrize("layout", ["kumar2018", "cnn6"])
def test_clips_of_unequal_lengths_get_the_published_scores_too(networks, layout):
    network = networks(layout)
    lengths = [150, 97, 211, 129, 64]
    clips = [decibels(n, layout, seed=n)[0] for n in lengths]
    ours = imported(network, layout).predict_proba(clips)
    for row, clip in zip(ours, clips):
        theirs = network(torch.from_numpy(clip)[None])
        close(row, theirs[0].mean(dim=0) if layout == "kumar2018" else theirs[0][0])


@pytest.mark.parametrize("layout", ["kumar2018", "cnn6"])
def test_a_long_recording_in_chunks_gets_the_published_scores_too(networks, layout, monkeypatch):
    name = "sk_audioevents.classification._batches.VALUES_PER_BATCH"
    monkeypatch.setattr(name, 200 * N_BANDS[layout])
    network = networks(layout)
    X = decibels(1003, layout)
    theirs = network(torch.from_numpy(X))
    theirs = theirs.mean(dim=1) if layout == "kumar2018" else theirs[0]
    close(imported(network, layout).predict_proba(X), theirs)


def test_a_pann_may_score_segments_of_which_the_first_is_a_clip_of_that_length(networks):
    X = decibels(96, "cnn6")
    classifier = imported(networks("cnn6"), "cnn6", segment_frames=96)
    assert (classifier.segment_frames_, classifier.segment_hop_frames_) == (96, 16)
    assert classifier.predict_segments(decibels(192, "cnn6")).shape == (1, 7, 527)
    close(classifier.predict_segments(X)[0], networks("cnn6")(torch.from_numpy(X))[0])


@pytest.mark.parametrize("layout", ["kumar2018", "cnn6"])
def test_without_names_the_classes_are_those_of_audioset_in_the_order_of_the_outputs(
    networks, layout
):
    classifier = imported(networks(layout), layout)
    order = "kumar2018" if layout == "kumar2018" else "audioset"
    assert classifier.classes_.tolist() == audioset_classes(order=order)["name"].tolist()
    assert classifier.classes_[0] == ("Toothbrush" if layout == "kumar2018" else "Speech")


def test_an_imported_classifier_is_fitted_for_clips_of_several_labels(networks):
    classifier = imported(networks("cnn6"), "cnn6")
    X = decibels(64, "cnn6", n_clips=3)
    check_is_fitted(classifier)
    np.testing.assert_array_equal(classifier.predict(X), classifier.predict_proba(X) > 0.5)
    assert classifier.n_features_in_ == 64
    assert len(classifier.get_feature_names_out()) == classifier.transform(X).shape[1] == 512
    assert (classifier.n_iter_, classifier.loss_curve_, len(classifier.history_)) == (0, [], 0)


def test_other_classes_may_be_named(networks):
    network = published("cnn6", n_classes=3)
    classifier = imported(network, "cnn6", classes=["robin", "wren", "rain"])
    assert classifier.classes_.tolist() == ["robin", "wren", "rain"]
    X = decibels(64, "cnn6")
    close(classifier.predict_proba(X), network(torch.from_numpy(X))[0])


@pytest.mark.parametrize("classes", [None, ["robin", "wren"], ["robin", "wren", "wren"]])
def test_each_output_must_have_a_name_of_its_own(classes):
    with pytest.raises(ValueError, match="must be 3 different names, one for each output"):
        imported(published("cnn6", n_classes=3), "cnn6", classes=classes)


def test_a_network_of_one_class_is_refused():
    with pytest.raises(ValueError, match=r"must have at least 2 classes\. Got 1"):
        imported(published("cnn6", n_classes=1), "cnn6", classes=["robin"])


def test_training_can_go_on_from_published_weights(networks):
    classifier = imported(
        networks("cnn6"), "cnn6", warm_start=True, max_epochs=2, learning_rate=1e-4, random_state=0
    )
    X = decibels(64, "cnn6", n_clips=4)
    y = np.zeros((4, 527), dtype=int)
    y[::2, 3] = y[1::2, 5] = 1
    before = classifier.predict_proba(X)
    assert classifier.fit(X, y).n_iter_ == 2
    loss = classifier.loss_curve_
    assert loss[1] < loss[0]
    assert not np.allclose(before, classifier.predict_proba(X), atol=1e-3)


def test_a_clone_is_the_same_network_without_the_weights(networks):
    classifier = imported(networks("cnn6"), "cnn6", max_epochs=1, random_state=0)
    X = decibels(64, "cnn6", n_clips=4)
    refitted = clone(classifier).fit(X, [0, 1, 0, 1])
    shapes = [tuple(p.shape) for p in classifier.net_.module_.parameters()][:-2]
    assert [tuple(p.shape) for p in refitted.net_.module_.parameters()][:-2] == shapes
    assert not hasattr(refitted, "front_end_")


def test_a_new_fit_forgets_the_features_of_the_published_weights(networks):
    classifier = imported(networks("cnn6"), "cnn6", max_epochs=1, random_state=0)
    assert classifier.front_end_ == published_front_end("cnn6")
    classifier.fit(np.zeros((4, 64, 40), dtype=np.float32), [0, 1, 0, 1])
    assert not hasattr(classifier, "front_end_")


def test_frames_of_other_bands_are_refused(networks):
    with pytest.raises(ValueError, match=r"128 features.*expecting 64"):
        imported(networks("cnn6"), "cnn6").predict(decibels(64, "kumar2018"))


def test_a_checkpoint_file_is_read_with_its_prefixes_and_the_arrays_of_its_sampler(
    networks, tmp_path
):
    network = networks("cnn6")
    state = OrderedDict((f"module.{key}", value) for key, value in network.state_dict().items())
    state["module.spectrogram_extractor.stft.conv_real.weight"] = torch.ones(513, 1, 1024)
    state["module.logmel_extractor.melW"] = torch.ones(513, 64)
    sampler = {"indexes": np.arange(5), "pointer": np.int64(3), "share": np.float64(0.5)}
    torch.save({"iteration": 7, "model": state, "sampler": sampler}, tmp_path / "cnn6.pth")
    X = decibels(64, "cnn6")
    for path in (tmp_path / "cnn6.pth", str(tmp_path / "cnn6.pth")):
        classifier = VGGEventClassifier.from_torch_state_dict(path, "cnn6")
        close(classifier.predict_proba(X), network(torch.from_numpy(X))[0])


def test_a_file_of_the_old_format_is_read_without_the_counts_that_it_lacks(networks, tmp_path):
    network = networks("kumar2018")
    state = {k: v for k, v in network.state_dict().items() if "num_batches" not in k}
    torch.save(state, tmp_path / "old.pkl", _use_new_zipfile_serialization=False)
    classifier = VGGEventClassifier.from_torch_state_dict(tmp_path / "old.pkl")
    X = decibels(128, "kumar2018")
    close(classifier.predict_proba(X), network(torch.from_numpy(X))[:, 0])


class Bomb:
    """What a pickle from a stranger may hold."""

    def __reduce__(self):
        return pytest.fail, ("code of the file was run",)


@pytest.mark.parametrize("as_torch", [True, False])
def test_no_code_of_a_file_is_run(tmp_path, as_torch):
    path = tmp_path / "weights.pth"
    if as_torch:
        torch.save({"layer1.0.weight": Bomb()}, path)
    else:
        path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ValueError, match=r"tensors and nothing else. Cannot read .*weights.pth"):
        VGGEventClassifier.from_torch_state_dict(path)


@pytest.mark.parametrize("content", [b"", b"RIFF....WAVE", bytes(range(256))])
def test_a_file_of_something_else_is_refused(tmp_path, content):
    path = tmp_path / "a.pth"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="Cannot read"):
        VGGEventClassifier.from_torch_state_dict(path)


def test_a_file_that_is_not_there_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.pth"):
        VGGEventClassifier.from_torch_state_dict(tmp_path / "nowhere.pth")


@pytest.mark.parametrize(
    "state", [None, {"epoch": 3}, {"model": {"a": "b"}}, [torch.ones(2)], {0: torch.ones(2)}]
)
def test_a_state_must_be_tensors_by_name(state):
    with pytest.raises(ValueError, match="must be a dict of tensors by name"):
        VGGEventClassifier.from_torch_state_dict(state)


def test_every_tensor_that_does_not_fit_is_named(networks):
    state = dict(networks("cnn6").state_dict())
    del state["fc1.bias"], state["bn0.running_mean"]
    state["fc2.weight"] = torch.ones(3)
    state["conv_block2.conv1.weight"] = torch.ones(128, 64, 3, 3)
    state["conv_block1.bn1.weight"] = torch.ones(65)
    state["fc_audioset.bias"] = torch.full((527,), np.nan)
    with pytest.raises(ValueError, match="must hold the tensors of the layout 'cnn6'") as caught:
        VGGEventClassifier.from_torch_state_dict(state, "cnn6")
    message = str(caught.value)
    assert "missing: bn0.running_mean, fc1.bias; unexpected: fc2.weight; misshapen: " in message
    assert "conv_block2.conv1.weight is (128, 64, 3, 3) and must be (128, 64, 5, 5)" in message
    assert "conv_block1.bn1.weight is (65,) and must be (64,)" in message
    assert "; not finite: fc_audioset.bias. Is it of another layout?" in message


def test_weights_of_another_layout_are_refused(networks):
    state = networks("cnn6").state_dict()
    with pytest.raises(ValueError, match=r"missing: layer1\.0\.bias, .*Is it of another layout"):
        VGGEventClassifier.from_torch_state_dict(state)
    with pytest.raises(ValueError, match=r"missing: conv_block1\.bn2\.bias, .*misshapen"):
        VGGEventClassifier.from_torch_state_dict(state, "cnn10")


@pytest.mark.parametrize(
    ("parameter", "value", "message"),
    [
        ("backbone", "vgg", "'backbone' parameter of .* is that of the published weights, 'cnn6'"),
        ("temporal", "lstm", "'temporal' parameter of .* published weights, None. Got 'lstm'"),
        ("loss", "cross_entropy", "'loss' parameter of .* must be 'bce' or 'focal'"),
        ("embedding_dim", 8, "'embedding_dim' parameter of .* published weights, None"),
        ("pooling", "attention", "'pooling' parameter of .* must be one that learns nothing"),
        ("segment_frames", 100, "'segment_frames' parameter of .* multiple of 16"),
        ("channels", (4, 4), "'channels' parameter of .* means nothing to backbone='cnn6'"),
        ("batch_size", 0, "'batch_size' parameter of VGGEventClassifier must be an int"),
    ],
)
def test_parameters_must_go_with_the_weights(networks, parameter, value, message):
    with pytest.raises(ValueError, match=message):
        imported(networks("cnn6"), "cnn6", **{parameter: value})


def test_the_layout_must_be_a_known_one():
    known = r"must be one of \['cnn10', 'cnn14', 'cnn6', 'kumar2018'\]. Got 'cnn12' instead"
    for make in (VGGEventClassifier.from_torch_state_dict, make_pretrained_pipeline):
        with pytest.raises(ValueError, match=known):
            make({}, "cnn12")
    with pytest.raises(ValueError, match=known):
        published_front_end("cnn12")


def test_a_pretrained_pipeline_begins_with_the_features_of_the_weights(networks):
    network = networks("cnn6")
    model = make_pretrained_pipeline(network.state_dict(), "cnn6")
    waveforms = np.random.default_rng(0).normal(0, 0.1, size=(2, 32000)).astype(np.float32)
    front_end = LogMelTransformer(
        sample_rate=32000,
        n_fft=1024,
        hop_length=320,
        n_mels=64,
        fmin=50,
        fmax=14000,
        pad_mode="reflect",
        top_db=None,
    )
    frames = front_end.transform(waveforms)
    close(model.predict_proba(waveforms), network(torch.from_numpy(frames))[0])
    built = make_pipeline(LogMelTransformer(**model[-1].front_end_), model[-1])
    np.testing.assert_array_equal(built.predict_proba(waveforms), model.predict_proba(waveforms))

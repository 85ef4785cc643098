"""Relevance: does it point at the event, does the score depend on it, and what does it cost.

Four networks of twelve convolutions, as many as the default network has, but with fewer filters,
learn five classes of synthetic events from clip labels alone: one with max pooling, and from there
on others with mean pooling, an LSTM and a BiLSTM. Each event lies in a known box of time and
frequency, and two events of different classes lie in each test clip. Pointing is the share of
positive relevance inside the box of the explained class, the mean over all events that the network
finds. Sanity is the correlation of maps before and after the weights are drawn anew. Deletion is
how far the log odds of the predicted class of ESC-10 clips fall when the most relevant tiles of 8
frames × 5 bands become the training mean. Cost is the time of an explanation in that of a forward
pass, of the default network.

    python examples/benchmarks/relevance.py [--n-jobs 2] [--only events deletion cost] [--seed 0]
"""

import argparse
import time
from copy import deepcopy
from functools import partial

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed
from torch import nn

from sk_audioevents import LogMelTransformer, VGGEventClassifier
from sk_audioevents.datasets import fetch_esc10
from sk_audioevents.explain import (
    explain_lrp,
    grad_cam,
    gradient_times_input,
    integrated_gradients,
)

SEED = 0  # of all but the networks and clips of the events
N_CLASSES, N_FRAMES, N_BANDS = 5, 256, 64
MARGIN = 2  # frames and bands that a box reaches beyond its event, as convolutions blur
TILE = 8, 5  # frames and bands
DELETED = (0.05, 0.1, 0.2)
NETWORKS = {
    "max": {"pooling": "max"},
    "mean": {"pooling": "mean"},
    "LSTM": {"pooling": "max", "temporal": "lstm"},
    "BiLSTM": {"pooling": "max", "temporal": "bilstm"},
}
SIZES = {"channels": (8, 16, 32, 32, 32, 32), "embedding_dim": 64, "temporal_dim": 32}
BASELINES = {
    "integrated gradients, 32 steps": integrated_gradients,
    "Grad-CAM, last block": grad_cam,
    "Grad-CAM, block before": partial(grad_cam, layer=-4),
    "gradient times input": gradient_times_input,
}
RULES = {
    "composite (default)": "composite",
    "gamma": [(None, None, "gamma"), (0, 1, "flat")],
    "alpha-beta": [(None, None, "alpha-beta"), (0, 1, "flat")],
    "alpha-beta, last three epsilon": [
        (None, None, "alpha-beta"),
        (-3, None, "epsilon"),
        (0, 1, "flat"),
    ],
    "alpha-beta, last epsilon": [
        (None, None, "alpha-beta"),
        (-1, None, "epsilon"),
        (0, 1, "flat"),
    ],
    "z-plus, last three epsilon": [(None, None, "z-plus"), (-3, None, "epsilon"), (0, 1, "flat")],
    "epsilon": [(None, None, "epsilon"), (0, 1, "flat")],
    "z-plus in all layers": "z-plus",
}
METHODS = {name: partial(explain_lrp, rule=rule) for name, rule in RULES.items()} | BASELINES


def draw_event(label, rng):
    """Return the levels (n_frames, n_bands) of an event, 0 to 1, in a box that it just fills."""
    n_frames, n_bands = int(rng.integers(32, 57)), int(rng.integers(16, 29))
    time_axis, band_axis = np.linspace(0, 1, n_frames)[:, None], np.linspace(0, 1, n_bands)
    width = 1.5 / n_bands
    rising = np.exp(-0.5 * ((band_axis - time_axis) / width) ** 2)
    harmonics = np.exp(-0.5 * (np.sin(3.5 * np.pi * band_axis) / (3.5 * np.pi * width)) ** 2)
    return {
        0: rising,
        1: rising[::-1],
        2: np.tile(harmonics, (n_frames, 1)),
        3: np.tile(np.arange(n_frames)[:, None] % 7 < 2, (1, n_bands)) * 1.0,
        4: rng.uniform(0.4, 1.0, (n_frames, n_bands)),
    }[label]


def make_mixtures(n_clips, rng, n_events=None):
    """Return frames, labels (n_clips, n_classes) and boxes (n_clips, n_classes, T, F)."""
    frames = rng.normal(size=(n_clips, N_FRAMES, N_BANDS))
    frames += rng.normal(size=(n_clips, 1, 1)) + rng.normal(0, 0.5, (n_clips, 1, N_BANDS))
    boxes = np.zeros((n_clips, N_CLASSES, N_FRAMES, N_BANDS), dtype=bool)
    for clip, clip_boxes in zip(frames, boxes):
        n = rng.integers(0, 4) if n_events is None else n_events
        for label in rng.permutation(N_CLASSES)[:n]:
            event = draw_event(int(label), rng)
            for _ in range(100):  # until its box lies clear of all others
                inside, box = draw_place(event.shape, rng)
                if not clip_boxes[(slice(None), *box)].any():
                    clip[inside] = np.logaddexp(clip[inside], rng.uniform(3, 5) * event + event - 1)
                    clip_boxes[label][box] = True
                    break
    return frames.astype(np.float32), boxes.any(axis=(2, 3)).astype(int), boxes


def draw_place(shape, rng):
    """Return where an event lies in a clip, and its box, as slices of frames and bands."""
    starts = [
        rng.integers(MARGIN, whole - n - MARGIN)
        for whole, n in zip((N_FRAMES, N_BANDS), shape, strict=True)
    ]
    inside = tuple(slice(start, start + n) for start, n in zip(starts, shape))
    return inside, tuple(slice(part.start - MARGIN, part.stop + MARGIN) for part in inside)


def train_first(n_clips, n_epochs, seed):
    """Return the classifier with max pooling, trained on clip labels."""
    frames, labels, _ = make_mixtures(n_clips, np.random.default_rng(seed))
    return VGGEventClassifier(
        **SIZES,
        **NETWORKS["max"],
        max_epochs=n_epochs,
        learning_rate=3e-3,
        batch_size=16,
        random_state=seed,
    ).fit(frames, labels)


def train_from(first, name, n_clips, n_epochs, seed):
    """Return another of the classifiers, whose convolutions begin with those of the first."""
    frames, labels, _ = make_mixtures(n_clips, np.random.default_rng(seed))
    model = VGGEventClassifier(
        **SIZES,
        **NETWORKS[name],
        warm_start=True,
        max_epochs=1,
        learning_rate=1.5e-3,
        batch_size=16,
        random_state=seed,
    ).fit(frames[:16], labels[:16])
    learnt = {
        key: value
        for key, value in first.net_.module_.state_dict().items()
        if key.startswith(("blocks", "embedding", "band"))
    }
    model.net_.module_.load_state_dict(learnt, strict=False)
    return model.set_params(max_epochs=n_epochs).fit(frames, labels)


def study_network(first, name, n_clips, seed):
    """Return what was measured of a network: its columns of both tables, and a line of text."""
    torch.set_num_threads(1)
    model = first if name == "max" else train_from(first, name, n_clips, n_epochs=4, seed=seed)
    pointing, text = measure_pointing(model, 20, seed)
    return pointing, measure_sanity(model, 5, seed), f"{name}: {text}"


def found_events(model, frames, labels):
    """Return clips and classes of the events that the model finds."""
    clips, classes = np.nonzero((model.predict_proba(frames) > 0.5) & (labels == 1))
    if len(clips) == 0:
        raise SystemExit("A network finds none of the events: it has not learnt its task.")
    return clips, classes


def measure_pointing(model, n_clips, seed):
    """Return the share of positive relevance inside the box of the event, by method."""
    frames, labels, boxes = make_mixtures(n_clips, np.random.default_rng(seed + 100), n_events=2)
    false_alarms = np.mean(model.predict_proba(frames)[labels == 0] > 0.5)
    clips, classes = found_events(model, frames, labels)
    inside = boxes[clips, classes]
    shares, error = {"box area": inside.mean()}, 0.0
    for name, method in METHODS.items():
        result = method(model, frames[clips], target=classes)
        if name in RULES:
            error = max(error, conservation_error(result))
        maps = result.relevance.clip(min=0)
        within = (maps * inside).sum(axis=(1, 2)) / np.maximum(maps.sum(axis=(1, 2)), 1e-12)
        shares[name] = within.mean()
    text = f"finds {len(clips)} of {labels.sum()} events, {false_alarms:.0%} false alarms; "
    return shares, text + f"relevance is off by at most {error:.0e} of the sum of its sizes"


def conservation_error(result):
    """Return how far relevance is off the score at most, as a share of the sum of its sizes."""
    maps = result.relevance.astype(np.float64)
    return (abs(maps.sum(axis=(1, 2)) - result.score) / abs(maps).sum(axis=(1, 2))).max()


def measure_sanity(model, n_clips, seed):
    """Return the correlation of maps before and after drawing the weights anew, by method."""
    frames, labels, _ = make_mixtures(n_clips, np.random.default_rng(seed + 200), n_events=2)
    clips, classes = found_events(model, frames, labels)
    before = {name: f(model, frames[clips], target=classes) for name, f in METHODS.items()}
    model = deepcopy(model)  # others begin with the weights of the first
    draw_weights(model.net_.module_, torch.Generator().manual_seed(seed))
    correlations = {}
    for name, method in METHODS.items():
        after = method(model, frames[clips], target=classes).relevance
        correlations[name] = np.mean(
            [
                np.corrcoef(a.ravel(), b.ravel())[0, 1] if a.any() and b.any() else 0.0
                for a, b in zip(before[name].relevance, after)
            ]
        )
    return correlations


def draw_weights(module, generator):
    """Draw all weights anew; those of the class layer too, which training begins with zeros."""
    module.reset_parameters(generator)
    nn.init.normal_(module.classes.weight, generator=generator)


def study_events(first, n_clips, n_jobs, seed):
    """Return the tables of pointing and of sanity."""
    study = partial(study_network, first, n_clips=n_clips, seed=seed)
    found = Parallel(n_jobs)(delayed(study)(name) for name in NETWORKS)
    pointing, correlations, texts = zip(*found, strict=True)
    print("\n".join(texts), flush=True)
    table = pd.DataFrame(dict(zip(NETWORKS, pointing)))
    return {
        "pointing": table.assign(average=table.mean(axis=1)).round(2),
        "sanity": pd.DataFrame(dict(zip(NETWORKS, correlations))).round(2),
    }


def train_on_esc10():
    """Return a classifier trained on four folds of ESC-10, the frames of the fifth, and a text."""
    data = fetch_esc10(download_if_missing=False)
    features = LogMelTransformer(sample_rate=22050, hop_length=1024, n_mels=40, precision="single")
    frames = features.transform(data.paths)
    train = data.fold != 5
    model = VGGEventClassifier(
        channels=(16, 32, 64, 64),
        embedding_dim=128,
        pooling="mean",
        max_epochs=25,
        batch_size=32,
        learning_rate=2e-3,
        random_state=SEED,
    ).fit(frames[train], data.target[train])
    frames, target = frames[~train], data.target[~train]
    return model, frames, f"ESC-10, fold 5: accuracy {model.score(frames, target):.3f}"


def tile_sums(relevance):
    """Return the sums of relevance in tiles (n_tiles_time, n_tiles_bands)."""
    n_frames, n_bands = (n // size for n, size in zip(relevance.shape, TILE))
    whole = relevance[: n_frames * TILE[0], : n_bands * TILE[1]]
    return whole.reshape(n_frames, TILE[0], n_bands, TILE[1]).sum(axis=(1, 3))


def delete_tiles(frames, scores, share, mean):
    """Return frames whose tiles of highest score, a share of all, are the mean of each band."""
    n_deleted = round(share * scores.size)
    chosen = np.zeros(scores.size, dtype=bool)
    chosen[np.argsort(-scores, axis=None, kind="stable")[:n_deleted]] = True
    mask = np.kron(chosen.reshape(scores.shape), np.ones(TILE)).astype(bool)
    changed = frames.copy()
    inside = changed[: mask.shape[0], : mask.shape[1]]
    inside[mask] = np.broadcast_to(mean[: mask.shape[1]], inside.shape)[mask]
    return changed


def deletion():
    """Return a table of how far log odds fall when the most relevant tiles go, and a text."""
    torch.set_num_threads(1)
    model, frames, text = train_on_esc10()
    frames = [np.asarray(clip) for clip in frames]
    mean = model.net_.module_.band_mean.numpy()
    before = model.decision_function(frames)
    predicted = before.argmax(axis=1)
    target = model.classes_[predicted]
    rng = np.random.default_rng(SEED)

    def fall(scores):
        row = {}
        for share in DELETED:
            changed = [delete_tiles(x, s, share, mean) for x, s in zip(frames, scores)]
            after = model.decision_function(changed)
            clips = np.arange(len(frames))
            row[f"{share:.0%}"] = (before - after)[clips, predicted].mean()
        return row

    maps = {name: f(model, frames, target=target).relevance for name, f in METHODS.items()}
    rows = {name: fall([tile_sums(clip) for clip in clips]) for name, clips in maps.items()}
    rows["loudest tiles"] = fall([tile_sums(clip - mean) for clip in frames])
    rows["random tiles"] = fall([rng.random(tile_sums(clip).shape) for clip in frames])
    return pd.DataFrame(rows).T.round(2), text


def cost(n_clips, n_repeats):
    """Return a table of the time of explanations, in forward passes of the default network.

    Both are timed in turns, in processor time, which other processes hardly change.
    """
    torch.set_num_threads(1)
    rng = np.random.default_rng(SEED)
    frames = rng.normal(size=(n_clips, 431, 128)).astype(np.float32)
    model = VGGEventClassifier(max_epochs=1, random_state=SEED).fit(
        frames[:, :128], np.arange(n_clips) % 2
    )
    methods = {
        "epsilon, biases kept": partial(explain_lrp, rule="epsilon", bias="keep"),
        "z-plus, biases kept": partial(explain_lrp, rule="z-plus", bias="keep"),
        **{name: METHODS[name] for name in ("composite (default)", "gamma", "alpha-beta")},
        "gradient times input": gradient_times_input,
        "Grad-CAM, last block": grad_cam,
        "integrated gradients, 32 steps": integrated_gradients,
    }
    rows = {}
    for name, method in methods.items():
        ratios = []
        for _ in range(1 if method is integrated_gradients else n_repeats):
            start = time.process_time()
            model.predict_segments(frames)
            middle = time.process_time()
            method(model, frames)
            ratios.append((time.process_time() - middle) / (middle - start))
        rows[name] = {"median": np.median(ratios), "least": min(ratios), "most": max(ratios)}
    return {"cost": pd.DataFrame(rows).T.round(1)}


def main():
    parts = ("events", "deletion", "cost")
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--n-clips", type=int, default=1500, help="synthetic clips to train on")
    parser.add_argument("--seed", type=int, default=0, help="of the events and their networks")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    jobs = {
        "events": delayed(train_first)(arguments.n_clips, n_epochs=15, seed=arguments.seed),
        "deletion": delayed(deletion)(),
    }
    asked = [part for part in jobs if part in arguments.only]
    found = dict(zip(asked, Parallel(arguments.n_jobs)(jobs[part] for part in asked)))
    tables = {}
    if "events" in found:
        tables |= study_events(found["events"], arguments.n_clips, arguments.n_jobs, arguments.seed)
    if "deletion" in found:
        tables["deletion"], text = found["deletion"]
        print(text)
    if "cost" in arguments.only:
        tables |= cost(n_clips=4, n_repeats=7)
    for title, table in tables.items():
        print(f"\n{title}\n{table.to_string()}", flush=True)


if __name__ == "__main__":
    main()

"""Relevance: does it point at the event, does the score depend on it, and what does it cost.

Four small networks (max and mean pooling, LSTM, BiLSTM) learn five classes of synthetic events from
clip labels alone. Each event lies in a known box of time and frequency, and two events of different
classes lie in each test clip. Pointing is the share of positive relevance inside the box of the
explained class, the mean over all events that the network finds. Sanity is the correlation of maps
before and after the weights are drawn anew. Deletion is how far the log odds of the predicted class
of ESC-10 clips fall when the most relevant tiles of 8 frames × 5 bands become the training mean.
Cost is the time of an explanation in that of a forward pass, of the default network.

    python examples/benchmarks/relevance.py [--n-jobs 2] [--only pointing sanity deletion cost]
"""

import argparse
import time
from functools import partial

import numpy as np
import pandas as pd
import torch

from sk_audioevents import LogMelTransformer, VGGEventClassifier
from sk_audioevents.datasets import fetch_esc10
from sk_audioevents.explain import (
    explain_lrp,
    grad_cam,
    gradient_times_input,
    integrated_gradients,
)

N_CLASSES, N_FRAMES, N_BANDS = 5, 128, 64
TILE = 8, 5  # frames and bands
DELETED = (0.05, 0.1, 0.2)
NETWORKS = {
    "max": {"pooling": "max"},
    "mean": {"pooling": "mean"},
    "LSTM": {"pooling": "max", "temporal": "lstm"},
    "BiLSTM": {"pooling": "max", "temporal": "bilstm"},
}
BASELINES = {
    "integrated gradients, 32 steps": integrated_gradients,
    "Grad-CAM, last block": grad_cam,
    "Grad-CAM, block before": partial(grad_cam, layer=-4),
    "gradient times input": gradient_times_input,
}
RULES = {
    "composite (default)": "composite",
    "gamma, first flat": [(None, None, "gamma"), (0, 1, "flat")],
    "gamma, last epsilon, first flat": [
        (None, None, "gamma"),
        (-1, None, "epsilon"),
        (0, 1, "flat"),
    ],
    "z-plus, last three epsilon, first flat": [
        (None, None, "z-plus"),
        (-3, None, "epsilon"),
        (0, 1, "flat"),
    ],
    "alpha-beta, last epsilon, first flat": [
        (None, None, "alpha-beta"),
        (-1, None, "epsilon"),
        (0, 1, "flat"),
    ],
    "epsilon, first flat": [(None, None, "epsilon"), (0, 1, "flat")],
    "alpha-beta, first flat": [(None, None, "alpha-beta"), (0, 1, "flat")],
    "z-plus": "z-plus",
    "gamma, first z-box": [(None, None, "gamma"), (0, 1, "z-box")],
}
METHODS = {name: partial(explain_lrp, rule=rule) for name, rule in RULES.items()} | BASELINES


def draw_event(label, rng):
    """Return the levels (n_frames, n_bands) of an event, 0 to 1, in a box that it just fills."""
    n_frames, n_bands = int(rng.integers(20, 36)), int(rng.integers(14, 26))
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
            for _ in range(100):  # until it lies clear of all others
                start = [rng.integers(0, a - b) for a, b in zip((N_FRAMES, N_BANDS), event.shape)]
                box = tuple(slice(s, s + n) for s, n in zip(start, event.shape))
                if not clip_boxes[(slice(None), *box)].any():
                    clip[box] = np.logaddexp(clip[box], rng.uniform(3, 5) * event + event - 1)
                    clip_boxes[label][box] = True
                    break
    return frames.astype(np.float32), boxes.any(axis=(2, 3)).astype(int), boxes


def train_networks(n_clips, n_jobs):
    """Return the four classifiers, trained on clip labels."""
    rng = np.random.default_rng(0)
    frames, labels, _ = make_mixtures(n_clips, rng)
    models = {}
    for name, parameters in NETWORKS.items():
        start = time.perf_counter()
        models[name] = VGGEventClassifier(
            channels=(8, 16, 32, 32),
            embedding_dim=64,
            temporal_dim=32,
            max_epochs=20,
            learning_rate=3e-3,
            batch_size=16,
            random_state=0,
            n_jobs=n_jobs,
            **parameters,
        ).fit(frames, labels)
        print(f"{name}: trained in {time.perf_counter() - start:.0f} s", flush=True)
    return models


def found_events(model, frames, labels):
    """Return clips and classes of the events that the model finds."""
    return np.nonzero((model.predict_proba(frames) > 0.5) & (labels == 1))


def pointing(models, n_clips):
    """Return a table of the share of positive relevance inside the box of the event."""
    frames, labels, boxes = make_mixtures(n_clips, np.random.default_rng(1), n_events=2)
    rows, errors = {name: {} for name in ["box area", *METHODS]}, []
    for network, model in models.items():
        clips, classes = found_events(model, frames, labels)
        print(f"{network}: finds {len(clips)} of {labels.sum()} events", flush=True)
        inside = boxes[clips, classes]
        rows["box area"][network] = inside.mean()
        for name, method in METHODS.items():
            result = method(model, frames[clips], target=classes)
            if name in RULES:
                errors.append(conservation_error(result))
            maps = result.relevance.clip(min=0)
            shares = (maps * inside).sum(axis=(1, 2)) / np.maximum(maps.sum(axis=(1, 2)), 1e-12)
            rows[name][network] = shares.mean()
    print(f"conservation: off by at most {max(errors):.1e} of the sum of |relevance|", flush=True)
    table = pd.DataFrame(rows).T
    return table.assign(mean=table.mean(axis=1)).round(2)


def conservation_error(result):
    """Return how far relevance is off the score at most, as a share of the sum of its sizes."""
    maps = result.relevance.astype(np.float64)
    return (abs(maps.sum(axis=(1, 2)) - result.score) / abs(maps).sum(axis=(1, 2))).max()


def sanity(models, n_clips):
    """Return a table of the correlation of maps before and after drawing the weights anew."""
    frames, labels, _ = make_mixtures(n_clips, np.random.default_rng(2), n_events=2)
    rows = {name: {} for name in METHODS}
    for network, model in models.items():
        clips, classes = found_events(model, frames, labels)
        module = model.net_.module_
        state = {key: value.clone() for key, value in module.state_dict().items()}
        before = {name: f(model, frames[clips], target=classes) for name, f in METHODS.items()}
        generator = torch.Generator().manual_seed(0)
        module.reset_parameters(generator)
        torch.nn.init.normal_(module.classes.weight, generator=generator)
        for name, method in METHODS.items():
            after = method(model, frames[clips], target=classes).relevance
            rows[name][network] = np.mean(
                [
                    np.corrcoef(a.ravel(), b.ravel())[0, 1] if a.any() and b.any() else 0.0
                    for a, b in zip(before[name].relevance, after)
                ]
            )
        module.load_state_dict(state)
    return pd.DataFrame(rows).T.round(2)


def train_on_esc10(n_jobs):
    """Return a classifier trained on four folds of ESC-10, and the frames of the fifth."""
    data = fetch_esc10(download_if_missing=False)
    features = LogMelTransformer(
        sample_rate=22050, hop_length=1024, n_mels=40, n_jobs=n_jobs, precision="single"
    )
    frames = features.transform(data.paths)
    train = data.fold != 5
    model = VGGEventClassifier(
        channels=(16, 32, 64, 64),
        embedding_dim=128,
        pooling="mean",
        max_epochs=25,
        batch_size=32,
        learning_rate=2e-3,
        random_state=0,
        n_jobs=n_jobs,
    ).fit(frames[train], data.target[train])
    frames, target = frames[~train], data.target[~train]
    print(f"ESC-10, fold 5: accuracy {model.score(frames, target):.3f}", flush=True)
    return model, frames


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


def deletion(n_jobs):
    """Return a table of how far log odds fall when the most relevant tiles are deleted."""
    model, frames = train_on_esc10(n_jobs)
    frames = [np.asarray(clip) for clip in frames]
    mean = model.net_.module_.band_mean.numpy()
    before = model.decision_function(frames)
    predicted = before.argmax(axis=1)
    target = model.classes_[predicted]
    rng = np.random.default_rng(0)

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
    return pd.DataFrame(rows).T.round(2)


def cost(n_clips, n_repeats):
    """Return a table of the time of explanations, in forward passes of the default network."""
    rng = np.random.default_rng(0)
    frames = rng.normal(size=(n_clips, 431, 128)).astype(np.float32)
    model = VGGEventClassifier(max_epochs=1, random_state=0).fit(
        frames[:, :128], np.arange(n_clips) % 2
    )
    methods = {
        "epsilon": partial(explain_lrp, rule="epsilon", bias="keep"),
        "z-plus": partial(explain_lrp, rule="z-plus", bias="keep"),
        "composite (default)": explain_lrp,
        "gradient times input": gradient_times_input,
        "integrated gradients, 32 steps": integrated_gradients,
        "Grad-CAM, last block": grad_cam,
    }
    rows = {}
    for name, method in methods.items():
        ratios = []
        for _ in range(1 if method is integrated_gradients else n_repeats):
            start = time.perf_counter()
            model.predict_segments(frames)
            middle = time.perf_counter()
            method(model, frames)
            ratios.append((time.perf_counter() - middle) / (middle - start))
        rows[name] = {"median": np.median(ratios), "least": min(ratios), "most": max(ratios)}
    return pd.DataFrame(rows).T.round(1)


def main():
    parts = ("pointing", "sanity", "deletion", "cost")
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--n-clips", type=int, default=600, help="synthetic clips to train on")
    arguments = parser.parse_args()
    tables = {}
    if {"pointing", "sanity"} & set(arguments.only):
        models = train_networks(arguments.n_clips, arguments.n_jobs)
        if "pointing" in arguments.only:
            tables["pointing"] = pointing(models, n_clips=60)
        if "sanity" in arguments.only:
            tables["sanity"] = sanity(models, n_clips=20)
    if "deletion" in arguments.only:
        tables["deletion"] = deletion(arguments.n_jobs)
    if "cost" in arguments.only:
        tables["cost"] = cost(n_clips=4, n_repeats=5)
    for title, table in tables.items():
        print(f"\n{title}\n{table.to_string()}", flush=True)


if __name__ == "__main__":
    main()

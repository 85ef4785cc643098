"""Recipes of recipes.py on the five folds of ESC-10 or ESC-50, seed by seed and fold by fold.

The recordings of one fold are predicted by a model trained on the other four, after its last epoch:
no test fold chooses an epoch or a parameter. Each pair of seed and fold is a line of JSON below the
folder of ``--results`` and is never computed twice, so that a run that was killed goes on where it
was, with ``--checkpoints`` from the last epoch.

    export SK_AUDIOEVENTS_DATA=...
    python examples/benchmarks/esc.py base small_machine --results runs --n-jobs 2
    python examples/benchmarks/esc.py full --results runs --device cuda --n-jobs 5
    python examples/benchmarks/esc.py --results runs --write
"""

import argparse
import ast
import json
import math
import os
import platform
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import sklearn
import torch
from esc_tables import by_baseline, read_results, summary, write_tables
from joblib import Parallel, cpu_count, delayed
from recipes import COMMITTEES, RECIPES
from tqdm.auto import tqdm

import sk_audioevents
from sk_audioevents.audio import load_audio
from sk_audioevents.datasets import fetch_esc10, fetch_esc50

DATASETS = {"esc10": fetch_esc10, "esc50": fetch_esc50}
# Parameters that say where and how fast, but not what is trained; seeds and epochs are kept apart.
OF_THE_RUN = {
    "cache_dir",
    "checkpoint_dir",
    "device",
    "max_epochs",
    "n_jobs",
    "random_state",
    "verbose",
}


def set_where_there_is(model, **parameters):
    """Set parameters of the steps of a pipeline by the ends of their names; others are ignored."""
    names = {name: name.rpartition("__")[2] for name in model.get_params()}
    return model.set_params(
        **{name: parameters[end] for name, end in names.items() if end in parameters}
    )


def sample_rates(model):
    """Return the sample rates that the steps of a pipeline want."""
    return {value for name, value in model.get_params().items() if name.endswith("sample_rate")}


def make_model(recipe, arguments):
    """Return the model of a recipe, on the device and with the changes that are asked for."""
    changes = dict(text.split("=", 1) for text in arguments.set)
    model = recipe.model()
    model.set_params(**{name: ast.literal_eval(value) for name, value in changes.items()})
    if len(sample_rates(model)) > 1:
        raise SystemExit(f"All steps must have one sample rate. Got {sample_rates(model)}.")
    return set_where_there_is(
        model,
        device=arguments.device,
        n_jobs=arguments.threads,
        cache_dir=arguments.results / "features",
    )


def number_of_epochs(model, data, arguments):
    """Return for how many epochs the model is trained on each fold, or None if it has no epochs."""
    if "classifier__max_epochs" not in model.get_params():
        return None
    if arguments.time_limit is None:
        return arguments.epochs or model.get_params()["classifier__max_epochs"]
    trial = set_where_there_is(sklearn.clone(model), max_epochs=2, random_state=0)
    train = data.fold != data.fold.min()
    trial.fit(data.paths[train], data.target[train])
    return max(1, math.floor(arguments.time_limit / trial[-1].history_["seconds"].iloc[-1]))


def settings_of(model, recipe, n_epochs):
    """Return what decides a result, as JSON can keep it."""
    parameters = {
        name: getattr(value, "__name__", repr(value))
        for name, value in model.get_params().items()
        if "__" in name and name.rpartition("__")[2] not in OF_THE_RUN
    }
    return {"n_epochs": n_epochs, "test_shifts": recipe.test_shifts, **parameters}


def agree_on_settings(folder, model, recipe, data, arguments):
    """Return the number of epochs, which is that of an earlier run where only time is limited."""
    path = folder / "settings.json"
    earlier = json.loads(path.read_text()) if path.exists() else {}
    if earlier and arguments.time_limit is not None:
        n_epochs = earlier["n_epochs"]
    else:
        n_epochs = number_of_epochs(model, data, arguments)
    settings = settings_of(model, recipe, n_epochs)
    # A parameter that the package had not yet, or has no longer, is no reason to refuse.
    changed = [name for name in settings if settings[name] != earlier.get(name, settings[name])]
    if changed:
        raise SystemExit(
            f"{folder} holds results with another {', '.join(changed)}: see {path}. Give another "
            "--results, or move that folder away."
        )
    write_json(path, settings)
    return n_epochs


def run_fold(recipe, model, n_epochs, data, seed, fold, folder, with_checkpoints):
    """Train on all folds but one, predict that one, and keep the result as a line of JSON."""
    name = f"seed{seed}_fold{fold}"
    checkpoints = folder / "checkpoints" / name
    model = set_where_there_is(
        sklearn.clone(model),
        random_state=seed,
        max_epochs=n_epochs,
        checkpoint_dir=checkpoints if with_checkpoints else None,
    )
    labels = data.target_names[data.target]
    train, test = data.fold != fold, data.fold == fold
    start = time.perf_counter()
    model.fit(data.paths[train], labels[train])
    fitted = time.perf_counter()
    probabilities = None  # whose mean over seeds is what a committee of the models says
    if hasattr(model, "predict_proba"):
        probabilities = model.predict_proba(data.paths[test])
        predicted = model.classes_[probabilities.argmax(axis=1)]
    else:
        predicted = model.predict(data.paths[test])
    result = {
        "recipe": folder.name,
        "seed": seed,
        "fold": int(fold),
        "n_epochs": n_epochs,
        "n_test": int(test.sum()),
        "accuracy": float(np.mean(predicted == labels[test])),
        "fit_seconds": round(fitted - start, 2),
        "predict_seconds": round(time.perf_counter() - fitted, 2),
        "shifted_accuracy": None,
        "actual": labels[test].tolist(),
        "predicted": predicted.tolist(),
        "classes": model.classes_.tolist(),
        "probabilities": None if probabilities is None else probabilities.round(4).tolist(),
        **surroundings(model),
    }
    if recipe.test_shifts > 1:
        predicted = predict_shifted(model, data.paths[test], recipe.test_shifts)
        result["shifted_accuracy"] = float(np.mean(predicted == labels[test]))
    write_json(folder / f"{name}.json", result)
    shutil.rmtree(checkpoints, ignore_errors=True)
    return f"{folder.name}, seed {seed}, fold {fold}: {result['accuracy']:.4f}"


def predict_shifted(model, paths, n_shifts):
    """Return the labels that are most probable on average over circular shifts of each clip."""
    (rate,) = sample_rates(model)
    set_where_there_is(model, cache_dir=None)
    waveforms = [load_audio(path, sample_rate=rate)[0] for path in paths]
    scores = [
        model.predict_proba([np.roll(clip, i * len(clip) // n_shifts) for clip in waveforms])
        for i in range(n_shifts)
    ]
    return model.classes_[np.mean(scores, axis=0).argmax(axis=1)]


def surroundings(model):
    """Return where a result was made: hardware, versions and commit."""
    net = getattr(model[-1], "net_", None)
    on_gpu = net is not None and str(net.device).startswith("cuda")
    return {
        "hardware": torch.cuda.get_device_name() if on_gpu else f"{processor()}, {cpu_count()} CPU",
        "date": time.strftime("%Y-%m-%d"),
        "sk_audioevents": sk_audioevents.__version__,
        "scikit-learn": sklearn.__version__,
        "torch": torch.__version__,
        "commit": commit(),
    }


def commit():
    """Return the commit of this script, "-dirty" if files were changed since, or None."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        run = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):  # no git, or a copy without its history
        return None
    return run.stdout.strip()


def processor():
    """Return the model of the processor."""
    if Path("/proc/cpuinfo").is_file():
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def write_json(path, content):
    """Write one line of JSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}")
    unfinished.write_text(json.dumps(content) + "\n")
    unfinished.replace(path)


def open_runs(arguments, data):
    """Yield a call of run_fold for each fold and seed that has no result yet."""
    for name in without_committees(arguments.recipes):
        recipe = RECIPES[name]
        model = make_model(recipe, arguments)
        folder = arguments.results / arguments.dataset / name
        n_epochs = agree_on_settings(folder, model, recipe, data, arguments)
        for seed in arguments.seeds if is_random(model) else arguments.seeds[:1]:
            for fold in arguments.folds:
                if not (folder / f"seed{seed}_fold{fold}.json").exists():
                    yield delayed(run_fold)(
                        recipe, model, n_epochs, data, seed, fold, folder, arguments.checkpoints
                    )


def without_committees(names):
    """Return the recipes to train, each once: those of its members in the place of a committee."""
    return dict.fromkeys(recipe for name in names for recipe in COMMITTEES.get(name, [name]))


def is_random(model):
    """Return whether a step of a pipeline draws anything."""
    parameters = model.get_params()
    return any(
        # A transformer without an augmentation has a seed and does not use it.
        parameters.get(f"{step}__augmentation", "") is not None
        for step, _, end in (name.rpartition("__") for name in parameters)
        if end == "random_state"
    )


def parse_arguments():
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("recipes", nargs="*", metavar="RECIPE")
    parser.add_argument("--list", action="store_true", help="list the recipes")
    parser.add_argument("--results", type=Path, help="folder of the results")
    parser.add_argument("--dataset", choices=DATASETS, default="esc10")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--folds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--epochs", type=int, help="passes over the data, for an equal budget")
    parser.add_argument("--time-limit", type=float, help="seconds of all epochs, one fold")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="parameters")
    parser.add_argument("--device", default="auto", help="cpu, cuda, ...")
    parser.add_argument("--threads", type=int, default=1, help="threads of each training")
    parser.add_argument("--n-jobs", type=int, default=1, help="folds trained at the same time")
    parser.add_argument("--checkpoints", action="store_true", help="keep the state of each epoch")
    parser.add_argument("--write", action="store_true", help="write the tables to docs/benchmarks")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.recipes if name not in RECIPES | COMMITTEES]
    if unknown:
        parser.error(f"there is no recipe {unknown[0]!r}: --list shows all")
    if not arguments.list and arguments.results is None:
        parser.error("--results must name a folder")
    return arguments


def main():
    """Run what is missing, then print the table or write it to the documentation."""
    arguments = parse_arguments()
    if arguments.list:
        for name, recipe in RECIPES.items():
            print(f"{name}: {recipe.parameters}")
        for name, members in COMMITTEES.items():
            print(f"{name}: {', '.join(members)}")
        return
    if arguments.recipes:
        data = DATASETS[arguments.dataset]()
        runs = list(open_runs(arguments, data))
        done = Parallel(n_jobs=arguments.n_jobs, return_as="generator_unordered")(runs)
        for line in tqdm(done, total=len(runs), desc=arguments.dataset):
            tqdm.write(line)
    results = read_results(arguments.results / arguments.dataset)
    for baseline, compared in by_baseline(results).items():
        print(summary(compared, baseline).to_string(), end="\n\n")
    if arguments.write:
        write_tables(results, arguments.dataset)


if __name__ == "__main__":
    main()

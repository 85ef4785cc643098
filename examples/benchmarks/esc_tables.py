"""The tables of esc.py: all results, and a summary with paired differences."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from recipes import COMMITTEES

DOCS = Path(__file__).parents[2] / "docs" / "benchmarks"
ORDER = ["recipe", "seed", "fold"]
COLUMNS = {
    # column of the summary: (heading, format)
    "accuracy": ("Accuracy, %", "{:.2f}"),
    "seed_spread": ("Spread of seeds", "{:.2f}"),
    "difference": ("Difference", "{:+.2f}"),
    "difference_error": ("± standard error", "{:.2f}"),
    "log_loss": ("Log loss", "{:.3f}"),
    "log_loss_difference": ("Difference", "{:+.3f}"),
    "log_loss_difference_error": ("± standard error", "{:.3f}"),
    "shifted_accuracy": ("With test-time shifts, %", "{:.2f}"),
    "committee_accuracy": ("Committee of the seeds, %", "{:.2f}"),
    "epochs": ("Epochs", "{:.0f}"),
    "fit_seconds": ("Training, s", "{:.1f}"),
    "runs": ("Runs", "{:.0f}"),
}
OF_CLIPS = ["actual", "predicted", "classes", "probabilities"]  # lists, in a result
SMALLEST_PROBABILITY = 5e-5  # half of the last digit that a result keeps
RUN_COLUMNS = (
    {fold: (f"Fold {fold}", "{:.2f}") for fold in range(1, 6)}
    | {"fit_seconds": ("Training, s", "{:.0f}")}
    | {key: (key.capitalize(), "{}") for key in ("hardware", "date", "torch", "commit")}
)


def read_results(folder):
    """Return all results below a folder, and those of the committees that follow from them.

    Parameters
    ----------
    folder : pathlib.Path
        The folder of a data set, with one folder for each recipe.

    Returns
    -------
    results : DataFrame
        One row a recipe, seed and fold.
    """
    lines = [json.loads(path.read_text()) for path in folder.glob("*/seed*_fold*.json")]
    if not lines:
        raise SystemExit(f"There are no results in {folder}.")
    lines += list(_committee_results(lines))
    results = pd.DataFrame(lines).astype({"n_epochs": float, "shifted_accuracy": float})
    results["log_loss"] = [_log_loss(line) for line in lines]
    return results.sort_values(ORDER, ignore_index=True)


def by_baseline(results):
    """Return the results of recipes that are to be compared with each other.

    Parameters
    ----------
    results : DataFrame
        One row a recipe, seed and fold.

    Returns
    -------
    parts : dict of {str: DataFrame}
        By the recipe that the others of the part are compared with: the short trainings, and all
        others.
    """
    is_short = results["recipe"].str.startswith("short")
    parts = {"small_machine": results[~is_short], "short": results[is_short]}
    return {baseline: part for baseline, part in parts.items() if len(part)}


def summary(results, against):
    """Return one row for each recipe, the best one last.

    Parameters
    ----------
    results : DataFrame
        One row a recipe, seed and fold.
    against : str
        The recipe that the others are compared with, fold by fold and seed by seed.

    Returns
    -------
    summary : DataFrame
        Accuracies are percentages of all test clips. The spread is the standard deviation over
        seeds of the accuracy over all folds. The log loss is the mean over test clips of minus the
        logarithm of the probability of the class that is right: it tells recipes apart that few
        clips tell apart. A committee is the mean of the probabilities of all seeds. Differences are
        of the same folds and seeds; their standard error is that of a mean of folds, each averaged
        over seeds.
    """
    recipes = results.groupby("recipe")
    table = pd.DataFrame(
        {
            "accuracy": 100 * recipes["accuracy"].mean(),
            "seed_spread": recipes.apply(_seed_spread, include_groups=False),
            "log_loss": recipes["log_loss"].mean(),
            "shifted_accuracy": 100 * recipes["shifted_accuracy"].mean(),
            "committee_accuracy": recipes.apply(_committee_accuracy, include_groups=False),
            "epochs": recipes["n_epochs"].median(),
            "fit_seconds": recipes["fit_seconds"].median(),
            "runs": recipes.size(),
        }
    )
    for column, name, unit in (
        ("accuracy", "difference", 100),
        ("log_loss", "log_loss_difference", 1),
    ):
        scores = unit * results.set_index(ORDER)[column]
        paired = [_paired_difference(scores, recipe, against) for recipe in table.index]
        table[[name, f"{name}_error"]] = paired
    return table.sort_values("accuracy")[list(COLUMNS)]


def write_tables(results, dataset):
    """Write the summary and all results to the documentation, as RST and as CSV.

    Parameters
    ----------
    results : DataFrame
        One row a recipe, seed and fold.
    dataset : str
        "esc10" or "esc50".
    """
    name = dataset.replace("esc", "esc_")
    title = f"{dataset.replace('esc', 'ESC-')}: all results"
    results.drop(columns=OF_CLIPS, errors="ignore").to_csv(DOCS / f"{name}.csv", index=False)
    summaries = "\n\n".join(
        f"Differences are from the recipe ``{baseline}``:\n\n"
        + _rst_table(summary(part, baseline), ["Recipe"], COLUMNS)
        for baseline, part in by_baseline(results).items()
    )
    text = f"""\
{title}
{"=" * len(title)}

Written by ``examples/benchmarks/esc.py --write``: see :doc:`esc`. Differences are of the same folds
and seeds, those of the accuracy in points; training is the median of a fold.

{summaries}

Fold by fold
------------

Accuracy in %, and the training time of all folds. The file ``{name}.csv`` beside the source of this
page has each fold's own time, and all versions.

{_rst_table(_fold_by_fold(results), ["Recipe", "Seed"], RUN_COLUMNS)}
"""
    (DOCS / f"{name}.rst").write_text(text, encoding="utf-8")


def _fold_by_fold(results):
    """Return one row for each recipe and seed, with a column for each fold."""
    runs = results.groupby(["recipe", "seed"])
    last = runs[["hardware", "date", "sk_audioevents", "torch", "commit"]].last()
    folds = results.pivot(index=["recipe", "seed"], columns="fold", values="accuracy")
    return (100 * folds).join(runs["fit_seconds"].sum()).join(last)


def _seed_spread(results):
    """Return the standard deviation over seeds of the percentage right in all folds."""
    by_seed = results.pivot(index="seed", columns="fold", values="accuracy").dropna()
    return 100 * by_seed.mean(axis=1).std(ddof=1)


def _committee_accuracy(results):
    """Return the percentage that all seeds together get right; NaN unless each fold has several."""
    members = results.groupby("fold").size()
    if members.min() == 1 or "probabilities" not in results or results["probabilities"].hasnans:
        return np.nan
    right = [
        np.mean(_vote(runs.to_dict("records"))[1] == runs["actual"].iloc[0])
        for _, runs in results.groupby("fold")
    ]
    return 100 * np.mean(right)


def _vote(results):
    """Return the mean probabilities of several models of one fold, and the classes they choose."""
    probabilities = np.mean([result["probabilities"] for result in results], axis=0)
    return probabilities, np.array(results[0]["classes"])[probabilities.argmax(axis=1)]


def _paired_difference(scores, recipe, against):
    """Return the mean difference over common folds and seeds, and its standard error."""
    if recipe == against or against not in scores.index.get_level_values("recipe"):
        return np.nan, np.nan
    difference = (scores[recipe] - scores[against]).dropna()
    by_fold = difference.groupby("fold").mean()
    return by_fold.mean(), by_fold.std(ddof=1) / np.sqrt(len(by_fold))


def _committee_results(lines):
    """Yield a result for each committee, seed and fold of which there are all members."""
    by_run = {tuple(line[key] for key in ORDER): line for line in lines}
    runs = sorted({key[1:] for key in by_run})
    for name, members in COMMITTEES.items():
        for seed, fold in runs:
            results = [by_run.get((member, seed, fold)) for member in members]
            if None not in results:
                yield _together(results) | {"recipe": name}


def _together(results):
    """Return the result of a committee: the mean of probabilities, and the sum of times."""
    probabilities, predicted = _vote(results)
    common = {
        key: value
        for key, value in results[0].items()
        if all(result.get(key) == value for result in results)
    }
    return common | {
        "accuracy": float(np.mean(predicted == results[0]["actual"])),
        "predicted": predicted.tolist(),
        "probabilities": probabilities.tolist(),
        "date": max(result["date"] for result in results),
        "n_epochs": sum(result["n_epochs"] for result in results),
        "shifted_accuracy": None,
        **{
            key: sum(result[key] for result in results)
            for key in ("fit_seconds", "predict_seconds")
        },
    }


def _log_loss(result):
    """Return the log loss of a run, NaN if its classifier has no probabilities."""
    if result.get("probabilities") is None:
        return np.nan
    right = np.searchsorted(result["classes"], result["actual"])  # classes_ is sorted
    chosen = np.take_along_axis(np.array(result["probabilities"]), right[:, None], axis=1)
    return -np.log(np.maximum(chosen, SMALLEST_PROBABILITY)).mean()


def _rst_table(table, index_headings, columns):
    """Return a list-table with the levels of the index first."""
    columns = {key: column for key, column in columns.items() if key in table}
    rows = [[*index_headings, *(heading for heading, _ in columns.values())]]
    for index, row in zip(table.index, table.to_dict("records")):
        names = index if isinstance(index, tuple) else (index,)
        cells = [
            "" if pd.isna(row[key]) else form.format(row[key]) for key, (_, form) in columns.items()
        ]
        rows.append([*map(str, names), *cells])
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in rows:
        lines += [f"   {'* -' if i == 0 else '  -'} {cell}".rstrip() for i, cell in enumerate(row)]
    return "\n".join(lines)

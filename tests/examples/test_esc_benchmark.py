"""The benchmark on ESC: its recipes, and its runs on a small made-up copy of ESC-10."""

import csv
import json
import math
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.ensemble import VotingClassifier
from sklearn.metrics import log_loss

from sk_audioevents import LogMelTransformer, VGGEventClassifier

ROOT = Path(__file__).parents[2]
TINY = ["classifier__channels=(4, 4, 4)", "classifier__embedding_dim=4"]


@pytest.fixture
def modules(monkeypatch):
    """Return the modules esc, esc_tables and recipes of the benchmark."""
    monkeypatch.syspath_prepend(ROOT / "examples" / "benchmarks")
    names = ["esc", "esc_tables", "recipes"]
    modules = [__import__(name) for name in names]
    yield modules
    for name in names:
        sys.modules.pop(name)


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """Make a copy of ESC-10 with two classes, low and high hum, of two clips in each fold."""
    rng = np.random.default_rng(0)
    rows = []
    (tmp_path / "esc10").mkdir()
    for i in range(20):
        target, fold = i % 2, i // 4 + 1
        tone = np.sin(2 * np.pi * (200, 3000)[target] * np.arange(22050) / 44100)
        name = f"{i}.wav"
        soundfile.write(
            tmp_path / "esc10" / name, 0.1 * tone + 0.01 * rng.normal(size=22050), 44100
        )
        rows.append([name, fold, target, ("low", "high")[target], i, "A", "t", "a", "l", "u"])
    header = "path,fold,target,category,freesound_id,take,title,author,license,source_url"
    with open(tmp_path / "esc10" / "esc10.csv", "w", newline="") as file:
        csv.writer(file).writerows([header.split(","), *rows])
    monkeypatch.setenv("SK_AUDIOEVENTS_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def run(modules, copy, monkeypatch, capsys):
    """Return a function that runs the script and returns what it printed."""

    def run(*arguments):
        monkeypatch.setattr(
            sys, "argv", ["esc.py", "--results", str(copy / "runs"), *map(str, arguments)]
        )
        modules[0].main()
        return capsys.readouterr().out

    return run


def results_of(copy, recipe):
    folder = copy / "runs" / "esc10" / recipe
    return {path.stem: json.loads(path.read_text()) for path in folder.glob("seed*.json")}


def make_results(recipe, accuracies, seeds=2):
    """Return result rows whose accuracy is given by seed and fold."""
    return [
        {"recipe": recipe, "seed": seed, "fold": fold, "accuracy": accuracies[seed][fold - 1]}
        | {"log_loss": 1 - accuracies[seed][fold - 1]}
        | {"n_epochs": 5.0, "fit_seconds": 1.0, "shifted_accuracy": np.nan}
        for seed in range(seeds)
        for fold in range(1, 6)
    ]


def test_every_recipe_is_a_model_with_valid_parameters(modules):
    *_, recipes = modules
    for recipe in recipes.RECIPES.values():
        model = recipe.model()
        for _, step in model.steps:
            if step != "passthrough":
                step._validate_params()
        assert recipe.test_shifts >= 1


def shown_parameters(recipes, name):
    shown = recipes.RECIPES[name].model().get_params()
    return {key: repr(value) for key, value in shown.items() if "__" in key}


def test_the_default_is_that_of_the_package(modules):
    *_, recipes = modules
    frames, _, classifier = (step for _, step in recipes.RECIPES["default"].model().steps)
    assert repr(classifier) == repr(VGGEventClassifier())
    assert repr(frames) == repr(LogMelTransformer())


@pytest.mark.parametrize("kind", ["with", "without"])
def test_a_part_more_or_less_changes_that_part_alone(modules, kind):
    *_, recipes = modules
    full = shown_parameters(recipes, "small_machine")
    names = [name for name in recipes.RECIPES if name.startswith(f"{kind}_")]
    parts = {*recipes.AUGMENTATIONS, *recipes.OPTIONS}
    expected = set(recipes.FULL) if kind == "without" else parts - set(recipes.FULL)
    assert {name.removeprefix(f"{kind}_") for name in names} == expected
    for name in names:
        other = shown_parameters(recipes, name)
        changed = {key for key in full | other if full.get(key) != other.get(key)}
        part = name.removeprefix(f"{kind}_")
        own = recipes.OPTIONS.get(part, {"classifier__augment": None})
        assert changed
        assert all(key.startswith(tuple(own)) for key in changed)


def test_the_documented_recipe_is_that_of_the_script(modules):
    *_, recipes = modules
    page = (ROOT / "docs" / "recipes.rst").read_text()
    _, recipe, committee, *_ = page.split(".. code-block:: python\n")
    names = {}
    exec(textwrap.dedent(recipe.partition("\nAs the recipe")[0]), names)
    exec(textwrap.dedent(committee.partition("\nThat is")[0]), names)
    documented = names["model"]
    (_, frames), _, (_, classifier) = recipes.RECIPES["small_machine"].model().steps
    assert repr(documented[0]) == repr(frames)
    assert repr(documented[1].get_params()) == repr(classifier.get_params())
    members = [
        [repr(step.get_params()) for step in member] for _, member in names["committee"].estimators
    ]
    ours = [recipes.RECIPES[name].model() for name in recipes.COMMITTEES["committee"]]
    assert members == [[repr(model[i].get_params()) for i in (0, 2)] for model in ours]


def has_size_of_its_own(recipe):
    """Return whether TINY does not go with a recipe."""
    parameters = recipe.model()[-1].get_params()
    return parameters.get("backbone") != "vgg" or parameters["pool_sizes"] is not None


@pytest.mark.slow
def test_every_recipe_trains(modules, run, copy):
    *_, recipes = modules
    networks = [name for name in recipes.RECIPES if "mfcc" not in name]
    of_fixed_size = [name for name in networks if has_size_of_its_own(recipes.RECIPES[name])]
    others = [name for name in networks if name not in of_fixed_size]
    run(*others, "--seeds", 0, "--folds", 1, "--epochs", 1, "--set", *TINY)
    run(*of_fixed_size, "--seeds", 0, "--folds", 1, "--epochs", 1)
    for name in [*others, *of_fixed_size]:
        assert len(results_of(copy, name)) == 1


def test_a_run_keeps_one_line_for_each_seed_and_fold(run, copy):
    out = run("mfcc_forest", "--seeds", 0, 1, "--set", "randomforestclassifier__n_estimators=5")
    results = results_of(copy, "mfcc_forest")
    assert set(results) == {f"seed{seed}_fold{fold}" for seed in (0, 1) for fold in range(1, 6)}
    one = results["seed1_fold3"]
    assert (one["recipe"], one["seed"], one["fold"], one["n_test"]) == ("mfcc_forest", 1, 3, 4)
    assert one["accuracy"] == np.mean(np.array(one["predicted"]) == ["low", "high"] * 2)
    assert one["hardware"]
    assert "mfcc_forest" in out


def test_a_second_run_computes_only_what_is_missing(run, copy):
    run("mfcc_neighbours")
    folder = copy / "runs" / "esc10" / "mfcc_neighbours"
    kept = folder / "seed0_fold2.json"
    marked = json.loads(kept.read_text()) | {"fit_seconds": -1.0}
    kept.write_text(json.dumps(marked))
    (folder / "seed0_fold4.json").unlink()
    run("mfcc_neighbours")
    results = results_of(copy, "mfcc_neighbours")
    assert len(results) == 5
    assert results["seed0_fold2"]["fit_seconds"] == -1.0


def test_a_model_without_randomness_is_trained_once(run, copy):
    run("mfcc_neighbours", "--seeds", 4, 5)
    assert {name[:5] for name in results_of(copy, "mfcc_neighbours")} == {"seed4"}


def test_results_of_other_settings_are_not_added_to(run):
    run("mfcc_neighbours")
    with pytest.raises(SystemExit, match="results with another kneighborsclassifier__n_neighbors"):
        run("mfcc_neighbours", "--set", "kneighborsclassifier__n_neighbors=1")


def test_networks_are_trained_for_the_epochs_asked_for_and_tested_with_shifts(run, copy):
    run("small_machine", "--seeds", 0, "--folds", 1, "--epochs", 3, "--checkpoints", "--set", *TINY)
    (result,) = results_of(copy, "small_machine").values()
    assert result["n_epochs"] == 3
    assert 0 <= result["shifted_accuracy"] <= 1
    assert list((copy / "runs" / "esc10" / "small_machine" / "checkpoints").iterdir()) == []


def test_a_time_limit_becomes_a_number_of_epochs_that_is_kept(run, copy):
    arguments = ("base", "--seeds", 0, "--time-limit", 0.5, "--set", *TINY)
    run(*arguments, "--folds", 1)
    run(*arguments, "--folds", 2)
    first, second = (results_of(copy, "base")[f"seed0_fold{fold}"] for fold in (1, 2))
    assert first["n_epochs"] == second["n_epochs"] >= 1


def test_steps_that_take_waveforms_of_two_rates_are_an_error(run):
    with pytest.raises(SystemExit, match="must have one sample rate"):
        run("waveform", "--set", "classifier__sample_rate=8000")


def test_an_unknown_recipe_is_an_error(run, capsys):
    with pytest.raises(SystemExit):
        run("soup")
    assert "there is no recipe 'soup'" in capsys.readouterr().err


def test_no_results_is_an_error(run):
    with pytest.raises(SystemExit, match="There are no results in"):
        run()


def test_the_summary_has_means_spreads_and_paired_differences(modules):
    _, tables, _ = modules
    base = [[0.5, 0.6, 0.7, 0.8, 0.9], [0.6, 0.6, 0.8, 0.8, 1.0]]
    other = [[0.6, 0.6, 0.8, 0.9, 0.9], [0.6, 0.8, 0.8, 0.8, 0.9]]
    results = pd.DataFrame(make_results("base", base) + make_results("other", other))
    summary = tables.summary(results, "base")
    assert summary.loc["base", "accuracy"] == pytest.approx(100 * np.mean(base))
    spread = 100 * np.std(np.mean(other, axis=1), ddof=1)
    assert summary.loc["other", "seed_spread"] == pytest.approx(spread)
    by_fold = 100 * np.mean(np.array(other) - np.array(base), axis=0)
    assert summary.loc["other", "difference"] == pytest.approx(by_fold.mean())
    error = by_fold.std(ddof=1) / math.sqrt(5)
    assert summary.loc["other", "difference_error"] == pytest.approx(error)
    assert np.isnan(summary.loc["base", "difference"])
    assert summary.loc["other", "log_loss_difference"] == pytest.approx(-by_fold.mean() / 100)
    assert summary.loc["other", "log_loss_difference_error"] == pytest.approx(error / 100)


def test_the_log_loss_is_that_of_scikit_learn(modules, tmp_path):
    _, tables, _ = modules
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(3), size=20)
    actual = rng.choice(["a", "b", "c"], size=20)
    rows = make_results("net", [[0.5] * 5], seeds=1)[:1]
    rows[0] |= {"classes": ["a", "b", "c"], "actual": actual.tolist()}
    rows[0] |= {"probabilities": probabilities.tolist()}
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "seed0_fold1.json").write_text(json.dumps(rows[0]))
    (result,) = tables.read_results(tmp_path)["log_loss"]
    assert result == pytest.approx(log_loss(actual, probabilities))
    rows[0]["probabilities"] = None  # of a classifier that has none
    (tmp_path / "net" / "seed0_fold1.json").write_text(json.dumps(rows[0]))
    assert tables.read_results(tmp_path)["log_loss"].isna().all()


def test_a_committee_is_the_mean_of_the_probabilities_of_the_seeds(modules):
    _, tables, _ = modules
    rows = make_results("net", [[0.5] * 5, [0.5] * 5])
    said = {0: [[0.9, 0.1], [0.6, 0.4]], 1: [[0.4, 0.6], [0.1, 0.9]]}  # one of two right, each
    for row in rows:
        row |= {"probabilities": said[row["seed"]], "classes": ["a", "b"], "actual": ["a", "b"]}
    summary = tables.summary(pd.DataFrame(rows), "net")
    assert summary.loc["net", "committee_accuracy"] == 100
    rows[0]["actual"] = rows[5]["actual"] = ["b", "b"]  # fold 1
    summary = tables.summary(pd.DataFrame(rows), "net")
    assert summary.loc["net", "committee_accuracy"] == 90
    alone = tables.summary(pd.DataFrame(rows[:6]), "net")  # one fold has two seeds, four have one
    assert np.isnan(alone.loc["net", "committee_accuracy"])
    without = make_results("forest", [[0.5] * 5, [0.5] * 5])
    both = tables.summary(pd.DataFrame(rows + without), "net")
    assert np.isnan(both.loc["forest", "committee_accuracy"])


def test_a_committee_of_recipes_is_what_voting_says(modules, run, copy, monkeypatch):
    _, tables, recipes = modules
    names = ("small_machine", "with_finer_time")
    monkeypatch.setitem(tables.COMMITTEES, "both", names)
    run("both", "--seeds", 0, 1, "--folds", 1, 2, "--epochs", 2, "--set", *TINY)
    run("small_machine", "--seeds", 2, "--folds", 1, "--epochs", 2, "--set", *TINY)
    rows = tables.read_results(copy / "runs" / "esc10").query("recipe == 'both'")
    assert rows[["seed", "fold"]].values.tolist() == [[0, 1], [0, 2], [1, 1], [1, 2]]
    table = pd.read_csv(copy / "esc10" / "esc10.csv")
    paths, labels = [str(copy / "esc10" / name) for name in table["path"]], table["category"]
    members = [(name, recipes.RECIPES[name].model()) for name in names]
    for _, member in members:
        tiny = {"channels": (4, 4, 4), "embedding_dim": 4, "max_epochs": 2, "random_state": 1}
        member.set_params(**{f"classifier__{key}": value for key, value in tiny.items()})
        member.set_params(frames__random_state=1)
    committee = VotingClassifier(members, voting="soft")
    test = table["fold"] == 2
    committee.fit(np.array(paths)[~test], labels[~test])
    row = rows.iloc[3]
    said = committee.predict_proba(np.array(paths)[test])
    np.testing.assert_allclose(row["probabilities"], said, rtol=0, atol=1e-4)  # kept to 4 digits
    assert row["predicted"] == committee.classes_[np.argmax(row["probabilities"], axis=1)].tolist()
    assert row["accuracy"] == np.mean(row["predicted"] == labels[test])
    assert row["log_loss"] == pytest.approx(log_loss(labels[test], said), abs=1e-3)
    of_members = tables.read_results(copy / "runs" / "esc10").query("seed == 1 and fold == 2")
    seconds = of_members.set_index("recipe")["fit_seconds"]
    assert seconds["both"] == pytest.approx(sum(seconds[name] for name in names))


def test_short_trainings_are_compared_with_each_other(modules):
    _, tables, _ = modules
    names = ["mfcc_svm", "short", "short_with_focal", "small_machine"]
    results = pd.DataFrame([row for name in names for row in make_results(name, [[0.5] * 5], 1)])
    parts = tables.by_baseline(results)
    assert {baseline: sorted(set(part["recipe"])) for baseline, part in parts.items()} == {
        "small_machine": ["mfcc_svm", "small_machine"],
        "short": ["short", "short_with_focal"],
    }
    assert list(tables.by_baseline(results[:5])) == ["small_machine"]


def test_differences_are_of_common_folds_and_seeds_alone(modules):
    _, tables, _ = modules
    base = make_results("base", [[0.5, 0.6, 0.7, 0.8, 0.9]], seeds=1)
    other = make_results("other", [[0.6] * 5, [1.0] * 5])[1:4]  # folds 2 to 4 of seed 0
    summary = tables.summary(pd.DataFrame(base + other), "base")
    assert summary.loc["other", "difference"] == pytest.approx(-10.0)


def test_the_tables_written_hold_every_run(run, modules, copy, monkeypatch):
    _, tables, _ = modules
    monkeypatch.setattr(tables, "DOCS", copy)
    run("mfcc_neighbours", "--write")
    rows = pd.read_csv(copy / "esc_10.csv")
    assert len(rows) == 5
    assert not {"actual", "predicted", "classes", "probabilities"} & set(rows)
    text = (copy / "esc_10.rst").read_text()
    assert text.startswith("ESC-10: all results\n===================\n")
    assert text.count("* - mfcc_neighbours") == 2  # summary, and fold by fold
    assert all(f"     - Fold {fold}\n" in text for fold in range(1, 6))
    assert str(copy) not in text

"""Rules by name, and composites as ranges of layers."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from sk_audioevents import LogMelTransformer
from sk_audioevents.explain import EpsilonRule, FlatRule, GammaRule, ZPlusRule, explain_lrp
from sk_audioevents.explain._composites import checked_ranges, rules_of_layers


def rules(rule, n_layers):
    return rules_of_layers(checked_ranges(rule, "f"), n_layers, "f")


def test_a_name_or_a_rule_is_for_all_layers():
    assert rules("gamma", 3) == [GammaRule()] * 3
    assert rules(GammaRule(0.5), 2) == [GammaRule(0.5)] * 2


def test_the_default_composite_spreads_first_and_tells_classes_apart_last():
    flat, gamma, epsilon = FlatRule(), GammaRule(), EpsilonRule()
    expected = [flat] + [gamma] * 8 + [epsilon] * 3
    assert rules("composite", 12) == expected
    assert rules("composite", 2) == [flat, epsilon]


def test_later_ranges_win():
    ranges = [(None, None, "gamma"), (1, 3, "z-plus"), (-1, None, EpsilonRule(0.1))]
    assert rules(ranges, 4) == [
        GammaRule(),
        ZPlusRule(),
        ZPlusRule(),
        EpsilonRule(0.1),
    ]


def test_a_list_of_one_rule_equals_its_name(trained):
    model, frames = trained()
    by_name, by_list = (
        explain_lrp(model, frames[:2], rule=rule).relevance
        for rule in ("z-plus", [(None, None, "z-plus")])
    )
    np.testing.assert_array_equal(by_name, by_list)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("zplus", r"must be one of 'composite', 'epsilon', .* Got 'zplus' instead"),
        ([(None, None, "w2")], r"Got 'w2' instead"),
        ([(1, None, "gamma")], r"Got none for layer 0, .* begin the list with \(None, None"),
        (["gamma", "flat"], r"list of \(start, stop, rule\).* Got the item 'gamma' instead"),
        ([(0.5, None, "gamma")], r"Got the item \(0\.5, None, 'gamma'\)"),
        ([], r"Got none for layer 0"),
    ],
)
def test_an_unknown_rule_or_range_is_refused(trained, rule, message):
    model, frames = trained()
    with pytest.raises(ValueError, match=message):
        explain_lrp(model, frames, rule=rule)


def test_an_unknown_rule_is_refused_before_any_work(trained):
    model, _ = trained()
    pipeline = make_pipeline(LogMelTransformer(), model)
    with pytest.raises(ValueError, match=r"Got 'zplus' instead"):
        explain_lrp(pipeline, ["no such file"], rule="zplus")

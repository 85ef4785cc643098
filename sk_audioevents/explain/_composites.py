"""Which rule which layer has: one for all, or ranges of layers."""

from numbers import Integral

from sk_audioevents.explain._rules import (
    AlphaBetaRule,
    EpsilonRule,
    FlatRule,
    GammaRule,
    Rule,
    ZBoxRule,
    ZPlusRule,
)

RULES = {
    "epsilon": EpsilonRule(),
    "gamma": GammaRule(),
    "alpha-beta": AlphaBetaRule(),
    "z-plus": ZPlusRule(),
    "flat": FlatRule(),
    "z-box": ZBoxRule(),
}
# Convolutions from the input on, as in slices: the first spreads over what it sees, those of local
# patterns favour what speaks for the class, the last three tell classes apart.
COMPOSITE = ((None, None, "gamma"), (-3, None, "epsilon"), (0, 1, "flat"))


def checked_ranges(rule, name):
    """Return a rule of any form as a list of (start, stop, Rule).

    Parameters
    ----------
    rule : str, Rule or sequence of (start, stop, rule)
        As for `explain_lrp`.
    name : str
        Whose parameter it is, for errors.

    Returns
    -------
    ranges : list of (int or None, int or None, Rule)
        Ranges of layers, as in slices; later ones win.

    Raises
    ------
    ValueError
        If a rule is unknown or a range is none.
    """
    if isinstance(rule, str) and rule == "composite":
        rule = COMPOSITE
    elif isinstance(rule, (str, Rule)):
        rule = [(None, None, rule)]
    return [_checked_range(item, name) for item in rule]


def rules_of_layers(ranges, n_layers, name):
    """Return the rule of each convolution, from the input to the embedding.

    Parameters
    ----------
    ranges : list of (int or None, int or None, Rule)
        Ranges of layers.
    n_layers : int
        Number of convolutions.
    name : str
        Whose parameter it is, for errors.

    Returns
    -------
    rules : list of Rule
        The rules, one a layer.

    Raises
    ------
    ValueError
        If a layer has no rule.
    """
    rules = [None] * n_layers
    for start, stop, rule in ranges:
        rules[start:stop] = [rule] * len(rules[start:stop])
    if None in rules:
        raise ValueError(
            f"The 'rule' parameter of {name} must give each of the {n_layers} convolutions a rule. "
            f"Got none for layer {rules.index(None)}, counted from 0 at the input: begin the list "
            "with (None, None, rule) for all that no other range names."
        )
    return rules


def _rule(rule, name):
    if isinstance(rule, Rule):
        return rule
    if rule in RULES:
        return RULES[rule]
    names = ", ".join(repr(known) for known in ["composite", *RULES])
    raise ValueError(
        f"The 'rule' parameter of {name} must be one of {names}, a rule such as GammaRule(0.5), or "
        f"a list of (start, stop, rule). Got {rule!r} instead."
    )


def _checked_range(item, name):
    is_range = (
        isinstance(item, (tuple, list))
        and len(item) == 3
        and all(bound is None or isinstance(bound, Integral) for bound in item[:2])
        and isinstance(item[2], (str, Rule))
    )
    if not is_range:
        raise ValueError(
            f"The 'rule' parameter of {name} must be a list of (start, stop, rule), with the first "
            "layer and the one after the last as in a slice, such as (-3, None, 'epsilon'). Got "
            f"the item {item!r} instead."
        )
    start, stop, rule = item
    return start, stop, _rule(rule, name)

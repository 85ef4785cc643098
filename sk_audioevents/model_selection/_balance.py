"""Groups of clips, dealt out to folds so that each fold has its share of each class.

The measure of what is balanced follows K. Sechidis, G. Tsoumakas and I. Vlahavas, "On the
stratification of multi-label data", ECML PKDD 2011; the search does not.
"""

import numpy as np

_MOST_PASSES = 20  # over all groups; the search ends by itself long before
_MOST_WORK = 3e7  # cells of the count tables that one pass of swaps may look at, about 1 s
_ROUNDING = 1e-6  # a gain that is less is none; costs are computed to about 1e-9
_MISSING = 1e6  # cost of a class that a fold lacks: above all of what imbalance costs


def deal_out(counts, n_splits, rng=None):
    """Assign groups to folds so that every fold has about the same share of every column.

    Groups are dealt out in order of difficulty, each to the fold that wants it most. Then each
    group moves to another fold, or changes places with a group there, wherever that helps.

    Parameters
    ----------
    counts : ndarray of shape (n_groups, n_columns)
        How many clips of each class each group holds; in the last column, how many in all.
    n_splits : int
        Number of folds, at most n_groups.
    rng : RandomState or None, default=None
        None deals out in the order of difficulty; with a generator, this order is random to some
        degree, and so are the folds.

    Returns
    -------
    fold : ndarray of shape (n_groups,)
        The fold of each group, 0 to n_splits - 1. Each has at least one group.
    """
    counts = counts.astype(np.float64)
    balance = _Balance(counts, n_splits)
    difficulty = counts**2 @ balance.weight
    if rng is not None:
        difficulty *= rng.uniform(0.5, 1.5, size=len(counts))
    folds = np.empty(len(counts), dtype=np.int64)
    held = np.zeros((n_splits, counts.shape[1]))
    for group in np.argsort(-difficulty, kind="stable"):
        folds[group] = np.argmin((held - balance.share) @ (balance.weight * counts[group]))
        held[folds[group]] += counts[group]
    _improve(counts, folds, held, balance)
    return folds


class _Balance:
    """What a fold should hold, and what it costs if it does not.

    The cost of a fold is the sum over the columns of (held - share)^2 / variance, with the variance
    of a binomial distribution, so that a clip too many weighs the more, the rarer its class.
    """

    def __init__(self, counts, n_splits):
        totals = counts.sum(axis=0)
        absent = totals[-1] - totals
        absent[-1] = totals[-1]  # the last column counts all clips
        self.share = totals / n_splits
        variance = self.share * absent / totals[-1]
        # A class that no clip has, or every clip, is balanced in any case.
        self.weight = np.divide(1, variance, out=np.zeros_like(variance), where=variance > 0)
        self._for_all_folds = np.count_nonzero(counts, axis=0) >= n_splits

    def cost(self, held):
        """Return the cost of folds that hold the counts (..., n_columns)."""
        imbalance = (held - self.share) ** 2 @ self.weight
        return imbalance + _MISSING * ((held == 0) & self._for_all_folds).sum(axis=-1)


def _improve(counts, folds, held, balance):
    """Move groups and swap them, in place, until nothing helps any more."""
    n_splits = len(held)
    # With an empty group in each fold, which stays there, a move is a swap too.
    items = np.vstack([np.zeros_like(held), counts])
    places = np.concatenate([np.arange(n_splits), folds])
    is_small = len(counts) ** 2 * counts.shape[1] <= _MOST_WORK
    n_partners = len(items) if is_small else n_splits  # with so many groups, moves are enough
    cost = balance.cost(held)
    for _ in range(_MOST_PASSES):
        improved = False
        for item in range(n_splits, len(items)):
            here, there = places[item], places[:n_partners]
            change = items[:n_partners] - items[item]
            gain = cost[here] + cost[there]
            gain -= balance.cost(held[here] + change) + balance.cost(held[there] - change)
            gain[there == here] = 0
            best = np.argmax(gain)
            if gain[best] > _ROUNDING:
                held[here] += change[best]
                held[there[best]] -= change[best]
                cost = balance.cost(held)
                places[item] = there[best]
                if best >= n_splits:
                    places[best] = here
                improved = True
        if not improved:
            break
    folds[:] = places[n_splits:]

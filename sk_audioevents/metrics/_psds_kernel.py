"""How detections change as the threshold on their scores sinks: all thresholds in one sweep.

Frames become active in the order of their scores. Each of them starts a detection, grows one or
joins two, so that only what changed is counted again. Importing this module imports numba, so it is
imported when it is needed; numba keeps the machine code on disk.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

PER_SECOND = 1e6  # durations are compared in whole microseconds, so that equal shares are equal


class Truth(NamedTuple):
    """What the detections of one class in one file are compared with.

    Attributes
    ----------
    edges : ndarray of float64 of shape (n_frames + 1,)
        Where the frames begin, and where the last one ends, in seconds.
    onsets, offsets : ndarray of float64 of shape (n_events,)
        The events of the class, in rising order; they do not overlap.
    own : ndarray of float64 of shape (n_frames + 1,)
        How much of these events lies before each edge, in seconds.
    others : ndarray of float64 of shape (n_others, n_frames + 1)
        The same of the events of each other class.
    weights : ndarray of float64 of shape (n_others,)
        What a cross trigger of each other class counts.
    """

    edges: np.ndarray
    onsets: np.ndarray
    offsets: np.ndarray
    own: np.ndarray
    others: np.ndarray
    weights: np.ndarray


@njit(cache=True, nogil=True)
def sweep_files(
    label, scores, order, edges, first_frames, onsets, offsets, first_events, weights, shares
):
    """Find all changes of the counts of one class as the threshold sinks.

    Parameters
    ----------
    label : int
        The number of the class.
    scores : ndarray of float64 of shape (n_frames,)
        The scores of the class in the frames of all files.
    order : ndarray of int64 of shape (n_frames,)
        The frames, sorted by file and falling score.
    edges : ndarray of float64 of shape (n_frames + n_files,)
        Where the frames of each file begin, and where its last one ends, in seconds.
    first_frames : ndarray of int64 of shape (n_files + 1,)
        The first frame of each file, and the number of frames.
    onsets, offsets : ndarray of float64 of shape (n_events,)
        The true events, sorted by file, class and onset; those of one class do not overlap.
    first_events : ndarray of int64 of shape (n_files * n_classes + 1,)
        The first event of each file and class, and the number of events.
    weights : ndarray of float64 of shape (n_classes,)
        What a cross trigger of each class counts; 0 to not look at it.
    shares : tuple of three floats
        Detection tolerance, ground truth intersection and cross trigger tolerance criterion.

    Returns
    -------
    changes : ndarray of float64 of shape (n_changes, 4)
        The score below which the threshold must fall, and what is then added to true positives,
        false positives and weighted cross triggers, in no order.
    """
    n_files, n_classes = len(first_frames) - 1, len(weights)
    changes = np.empty((len(scores), 4))
    n_changes = 0
    for file in range(n_files):
        first, end = first_frames[file], first_frames[file + 1]
        truth = _truth(
            label,
            edges[first + file : end + file + 1],
            onsets,
            offsets,
            first_events[file * n_classes : (file + 1) * n_classes + 1],
            weights,
        )
        n_changes += _sweep(
            scores[first:end], order[first:end], first, truth, shares, changes[n_changes:]
        )
    return changes[:n_changes]


@njit(cache=True, nogil=True)
def _truth(label, edges, onsets, offsets, first_events, weights):
    """Return what detections of a class in a file with these edges are compared with."""
    n_edges, n_classes = len(edges), len(weights)
    others, other_weights = np.empty((n_classes, n_edges)), np.empty(n_classes)
    n_others = 0
    for other in range(n_classes):
        first, end = first_events[other], first_events[other + 1]
        if first < end and weights[other] > 0:
            covered_before(edges, onsets[first:end], offsets[first:end], others[n_others])
            other_weights[n_others] = weights[other]
            n_others += 1
    first, end = first_events[label], first_events[label + 1]
    own = np.empty(n_edges)
    covered_before(edges, onsets[first:end], offsets[first:end], own)
    return Truth(
        edges,
        onsets[first:end],
        offsets[first:end],
        own,
        others[:n_others],
        other_weights[:n_others],
    )


@njit(cache=True, nogil=True)
def covered_before(edges, onsets, offsets, covered):
    """Write how much of the events lies before each edge, in seconds.

    Parameters
    ----------
    edges : ndarray of float64 of shape (n_edges,)
        Times in rising order.
    onsets, offsets : ndarray of float64 of shape (n_events,)
        Events in rising order that do not overlap.
    covered : ndarray of float64 of shape (n_edges,)
        Where the result is written.
    """
    done = 0.0  # seconds of the events that have ended
    event = 0
    for i in range(len(edges)):
        while event < len(onsets) and offsets[event] <= edges[i]:
            done += offsets[event] - onsets[event]
            event += 1
        covered[i] = done
        if event < len(onsets):
            covered[i] += max(0.0, edges[i] - onsets[event])
    return covered


@njit(cache=True, nogil=True)
def _sweep(scores, order, first_frame, truth, shares, changes):
    """Write the changes in one file, and return how many there are."""
    n_frames = len(scores)
    end_of = np.zeros(n_frames + 1, np.int64)  # by the first frame of a detection; 0: none starts
    start_of = np.zeros(n_frames + 1, np.int64) - 1  # by the frame after its last; -1: none
    is_counted = np.zeros(n_frames, np.bool_)
    covered = np.zeros(len(truth.onsets))  # seconds of each event that relevant detections cover
    totals, before = np.zeros(3), np.zeros(3)
    grown = np.empty(n_frames, np.int64)  # first frames of detections that the threshold changed
    n_changes = i = 0
    while i < n_frames:
        score = scores[order[i] - first_frame]
        n_grown = 0
        while i < n_frames and scores[order[i] - first_frame] == score:
            start = order[i] - first_frame
            end = start + 1
            if end_of[end] > 0:
                right, end = end, end_of[end]
                if is_counted[right]:
                    is_counted[right] = False
                    _count(right, end, -1, truth, shares, covered, totals)
                end_of[right] = 0
            if start_of[start] >= 0:
                left_end, start = start, start_of[start]
                if is_counted[start]:
                    is_counted[start] = False
                    _count(start, left_end, -1, truth, shares, covered, totals)
                start_of[left_end] = -1
            end_of[start], start_of[end] = end, start
            grown[n_grown] = start
            n_grown += 1
            i += 1
        for k in range(n_grown):
            start = grown[k]
            if end_of[start] > 0 and not is_counted[start]:
                is_counted[start] = True
                _count(start, end_of[start], 1, truth, shares, covered, totals)
        totals[0] = 0
        for event in range(len(covered)):
            needed = shares[1] * (truth.offsets[event] - truth.onsets[event])
            totals[0] += _reaches(covered[event], needed)
        changes[n_changes, 0] = score
        is_change = False
        for k in range(3):
            changes[n_changes, k + 1] = totals[k] - before[k]
            is_change |= totals[k] != before[k]
            before[k] = totals[k]
        n_changes += is_change
    return n_changes


@njit(cache=True, nogil=True)
def _count(start, end, sign, truth, shares, covered, totals):
    """Add a detection to the counts (sign 1), or take it away (-1)."""
    detection_tolerance, _, cross_tolerance = shares
    onset, offset = truth.edges[start], truth.edges[end]
    length = offset - onset
    if _reaches(truth.own[end] - truth.own[start], detection_tolerance * length):
        for event in range(len(covered)):
            overlap = min(offset, truth.offsets[event]) - max(onset, truth.onsets[event])
            if overlap > 0:
                covered[event] += sign * overlap
        return
    totals[1] += sign
    for other in range(len(truth.weights)):
        overlap = truth.others[other, end] - truth.others[other, start]
        if _reaches(overlap, cross_tolerance * length):
            totals[2] += sign * truth.weights[other]


@njit(cache=True, nogil=True)
def _reaches(seconds, needed):
    return np.rint(seconds * PER_SECOND) >= np.rint(needed * PER_SECOND)

"""One function on many items, in as many jobs as the user asks joblib for."""

import threading
from collections import deque
from concurrent.futures import Future
from functools import partial

from joblib import Parallel, delayed, parallel_config
from joblib.parallel import SequentialBackend, ThreadingBackend, get_active_backend

_TURNS = 16  # that a job has at least, if there are so many items: all wait for the last


def map_in_order(function, items, n_jobs, *, n_at_once=1):
    """Apply a function to each item, in joblib's backend, and yield the results in order.

    Without a `joblib.parallel_config` context the jobs are threads, and they are not joblib's own:
    it looks every 10 ms whether they have finished, in which time a thread treats 30 clips.

    Parameters
    ----------
    function : callable
        A function of one item. It can be pickled where the backend has processes.
    items : list
        The items.
    n_jobs : int or None
        As for `joblib.Parallel`.
    n_at_once : int, default=1
        How many items a job is given at most: 0.02 ms go by each time.

    Yields
    ------
    result : object
        What the function returns for the next item. Its first error ends the job: items that were
        not begun by then never are.
    """
    backend, n_of_context = get_active_backend(prefer="threads")
    n_workers = backend.effective_n_jobs(n_jobs or n_of_context or backend.default_n_jobs)
    n_at_once = max(1, min(n_at_once, len(items) // (_TURNS * n_workers)))
    chunks = [items[i : i + n_at_once] for i in range(0, len(items), n_at_once)]
    apply = partial(_apply, function)
    if type(backend) not in (SequentialBackend, ThreadingBackend):
        parallel = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")
        results = parallel(delayed(apply)(chunk) for chunk in chunks)
    elif n_workers == 1:
        results = map(apply, chunks)
    else:
        results = _map_in_threads(apply, chunks, min(n_workers, len(chunks)))
    for of_chunk in results:
        yield from of_chunk


def _apply(function, items):
    return [function(item) for item in items]


def _map_in_threads(function, items, n_threads):
    """Yield the results of all items, in order; the calling thread is one of those that work."""
    futures = [Future() for _ in items]
    tasks = deque(zip(futures, items))  # threads may pop from a deque without a lock
    helpers = []
    try:
        for _ in range(n_threads - 1):
            helper = threading.Thread(target=_work_off, args=(function, tasks))
            helper.start()
            helpers.append(helper)
        for future in futures:
            while not future.done() and tasks:
                _do_next(function, tasks)
            yield future.result()
    finally:
        tasks.clear()
        for helper in helpers:
            helper.join()


def _work_off(function, tasks):
    while tasks:
        _do_next(function, tasks)


def _do_next(function, tasks):
    """Do the first task, if no other thread was quicker; after an error none is left to do."""
    try:
        future, item = tasks.popleft()
    except IndexError:
        return
    try:
        # A function that asks joblib for jobs of its own gets one: these threads are all there are.
        with parallel_config(backend="sequential"):
            result = function(item)
    except BaseException as error:
        tasks.clear()
        future.set_exception(error)
    else:
        future.set_result(result)

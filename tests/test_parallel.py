"""One function on many items in several threads: order, errors, and who does the work."""

import threading
import time

import joblib
import pytest

from sk_audioevents._parallel import map_in_order

N_JOBS = [1, 2, 5]


def numbers(n_jobs, n_items=100, **options):
    return map_in_order(lambda item: 2 * item, list(range(n_items)), n_jobs, **options)


@pytest.mark.parametrize("n_jobs", [None, *N_JOBS, -1])
@pytest.mark.parametrize("n_at_once", [1, 3, 1000])
@pytest.mark.parametrize("n_items", [0, 1, 3, 100, 1000])
def test_results_come_in_order(n_jobs, n_at_once, n_items):
    results = numbers(n_jobs, n_items, n_at_once=n_at_once)
    assert list(results) == list(range(0, 2 * n_items, 2))


def test_results_come_in_order_where_later_items_are_done_first():
    def slow_at_first(item):
        time.sleep(0.05 if item == 0 else 0)
        return item

    assert list(map_in_order(slow_at_first, list(range(20)), 3)) == list(range(20))


def test_as_many_threads_work_as_there_are_jobs():
    together = threading.Barrier(3, timeout=20)  # breaks unless three threads are in it at a time

    def meet(item):
        together.wait()
        return threading.get_ident()

    threads = set(map_in_order(meet, list(range(12)), 3))
    assert len(threads) == 3
    assert threading.get_ident() in threads
    assert not helpers()


def helpers():
    """Return the threads of a job that are still there."""
    return [thread for thread in threading.enumerate() if "_work_off" in thread.name]


@pytest.mark.parametrize("n_jobs", N_JOBS)
def test_the_first_error_ends_the_job(n_jobs):
    begun, results = [], []

    def fail_from_20_on(item):
        begun.append(item)
        if item >= 20:
            raise ValueError(item)
        return item

    with pytest.raises(ValueError, match=r"^20$"):
        results.extend(map_in_order(fail_from_20_on, list(range(1000)), n_jobs))
    assert len(begun) < 20 + 2 * n_jobs
    assert not helpers()


def test_an_error_of_another_thread_reaches_the_caller():
    caller, failed = threading.get_ident(), threading.Event()

    def fail_elsewhere(item):
        if threading.get_ident() != caller:
            failed.set()
            raise KeyError(item)
        failed.wait(20)

    with pytest.raises(KeyError):
        list(map_in_order(fail_elsewhere, list(range(1000)), 2))


def test_whoever_stops_reading_stops_the_job():
    begun = []

    def begin(item):
        begun.append(item)
        time.sleep(0.01)

    results = map_in_order(begin, list(range(1000)), 2)
    next(results)
    results.close()
    assert not helpers()
    assert len(begun) < 1000


def test_a_system_without_another_thread_ends_the_job(monkeypatch):
    begun, start, starts = [], threading.Thread.start, []

    def start_one(thread):
        starts.append(thread)
        if len(starts) > 1:
            raise RuntimeError("can't start new thread")
        start(thread)

    def begin(item):
        begun.append(item)
        time.sleep(0.01)

    monkeypatch.setattr(threading.Thread, "start", start_one)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        list(map_in_order(begin, list(range(1000)), 3))
    assert len(starts) == 2
    assert not helpers()
    assert len(begun) < 1000


@pytest.mark.parametrize("n_jobs", [2, 3])
def test_jobs_within_a_job_are_one(n_jobs):
    def ask(item):
        return joblib.effective_n_jobs(4)

    assert set(map_in_order(ask, list(range(50)), n_jobs)) == {1}
    assert joblib.effective_n_jobs(4) == 4


@pytest.mark.parametrize("n_jobs", N_JOBS)
def test_the_context_is_that_of_joblib(n_jobs):
    with joblib.parallel_config("threading", n_jobs=n_jobs):
        threads = set(map_in_order(wait_for_others, list(range(60)), None))
    assert len(threads) == n_jobs


def wait_for_others(item):
    time.sleep(0.005)
    return threading.get_ident()

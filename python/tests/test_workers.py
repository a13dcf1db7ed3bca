"""Threads, processes and memory."""

import multiprocessing
import resource
import threading

import numpy as np
import pytest

import soft_labels
from soft_labels import encode

# Large enough for several threads.
LABELS = (np.indices((40, 120, 120)).sum(0) // 9 % 4).astype(np.uint8)


def bits(_=None):
    return encode(LABELS, 4).tobytes()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_worker_processes_have_the_same_bits(method):
    # The pool has threads before the process is forked.
    expected = bits()
    with multiprocessing.get_context(method).Pool(4) as pool:
        assert all(found == expected for found in pool.map_async(bits, range(8)).get(timeout=120))


def test_any_number_of_threads_has_the_same_bits():
    before = soft_labels.num_threads()
    expected = bits()
    try:
        for threads in (1, 2, 5):
            soft_labels.set_num_threads(threads)
            assert soft_labels.num_threads() == threads
            assert bits() == expected
        with pytest.raises(ValueError, match="threads"):
            soft_labels.set_num_threads(0)
    finally:
        soft_labels.set_num_threads(before)


def test_python_goes_on_while_the_engine_works():
    expected, found = bits(), []
    threads = [threading.Thread(target=lambda: found.append(bits())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert found == [expected] * 4


def test_memory_does_not_grow_over_10_000_calls():
    labels = LABELS[:4, :30, :30]
    out = np.zeros((4, *labels.shape), np.float32)
    broken = labels + 4

    def calls(count):
        for _ in range(count):
            encode(labels, 4)
            encode([labels, labels], 4, out=out)
            soft_labels.encode_sparse(labels, 4)
            soft_labels.fuse.majority_vote([labels, labels], 4)
            soft_labels.metrics.overlap(labels, labels, 4)
            with pytest.raises(ValueError):
                encode(broken, 4)

    calls(200)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    calls(1700)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 4096, f"{grown} kB"

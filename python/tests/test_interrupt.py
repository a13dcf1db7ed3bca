"""Calls that are interrupted while the native code works."""

import inspect
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import soft_labels
from soft_labels import Classes, _interrupt, _native, encode_sparse, encode_structures, fuse, metrics, pool, valid_mask

LABELS = (np.indices((6, 9, 8)).sum(0) // 5 % 3).astype(np.uint8)
OTHER = np.ascontiguousarray(LABELS[::-1])
SOFT = soft_labels.encode(LABELS, 3)
MASKS = [LABELS == 1, OTHER == 1]

CALLS = {
    "encode_sparse": lambda: encode_sparse(LABELS, 3).to_dense(),
    "add": lambda: encode_structures([LABELS > 0, LABELS == 2]),
    "build": lambda: soft_labels.Structures.of_masks([LABELS > 0, LABELS == 2]).patterns,
    "average": lambda: pool(SOFT, 2),
    "valid_mask": lambda: valid_mask(LABELS, Classes(2, ignore=2)),
    "majority": lambda: fuse.majority_vote([LABELS, OTHER], 3),
    "staple": lambda: fuse.staple([LABELS, OTHER, LABELS], 3).posterior,
    "disagreement": lambda: fuse.disagreement([LABELS, OTHER], 3).entropy,
    "confusion": lambda: metrics.confusion_matrix(LABELS, OTHER, 3),
    "overlaps": lambda: metrics.dice(LABELS, OTHER, 3),
    "surfaces": lambda: metrics.hausdorff(LABELS, OTHER, 3),
    "reliability": lambda: metrics.ece(SOFT, OTHER, 3),
    "tace": lambda: metrics.tace(SOFT, OTHER, 3),
    "nll": lambda: metrics.nll(SOFT, LABELS, 3),
    "brier": lambda: metrics.brier(SOFT, OTHER, 3),
    "nll_soft": lambda: metrics.nll_soft(SOFT, SOFT),
    "brier_soft": lambda: metrics.brier_soft(SOFT, SOFT[:, ::-1]),
    "temperature": lambda: metrics.temperature(SOFT, LABELS),
    "fit_scaling": lambda: metrics.Calibration.fit([(SOFT, OTHER)], 3).temperatures,
    "score_scaling": lambda: list(metrics.Calibration.fit([(SOFT, OTHER)], 3).cross_validation["before"].values()),
    "apply_scaling": lambda: metrics.Calibration(2.0, classes=3).apply(SOFT),
    "class_calibration": lambda: metrics.class_calibration(SOFT[1], OTHER == 1),
    "class_reliability": lambda: metrics.class_reliability(SOFT, OTHER, 3).ece,
    "risk_coverage": lambda: metrics.risk_coverage(SOFT, OTHER, 3).risk,
    "boundary_band": lambda: metrics.boundary_band(LABELS, 3, 1.0),
    "threshold_dice": lambda: metrics.threshold_dice(SOFT[1], MASKS),
    "threshold_dice_of_labels": lambda: metrics.judge_raters(SOFT, [LABELS, OTHER], 3),
    "energy_distance": lambda: metrics.energy_distance(MASKS, [LABELS == 2]),
    "sample_scores": lambda: metrics.judge_raters([LABELS, OTHER], [LABELS], 3),
    "matched_iou": lambda: metrics.matched_iou(MASKS, [LABELS == 2]),
    "best_dice": lambda: metrics.best_dice(MASKS, [LABELS == 2]),
    "fleiss_kappa": lambda: metrics.fleiss_kappa([[3, 0], [1, 2]]),
    "krippendorff_alpha": lambda: metrics.krippendorff_alpha([[3, 0], [1, 1]]),
    "crps_of_volumes": lambda: metrics.crps_of_volumes(3.0, [1.0, 5.0]),
    "crps_of_volumes_gaussian": lambda: metrics.crps_of_volumes_gaussian(3.0, [1.0, 5.0]),
    "icc_of_volumes": lambda: metrics.icc_of_volumes([[1.0, 2.0], [3.0, 5.0]]),
    "icc_interval": lambda: metrics.icc_interval([[1.0, 2.0], [3.0, 5.0]]),
    "agreement": lambda: metrics.agreement([LABELS, OTHER], 3)["structures"][0]["dice"],
    "top_labels": lambda: metrics.top_labels(SOFT, 3),
    "top_labels_with_ties": lambda: metrics.top_labels(SOFT, 3, ties="highest"),
}


@pytest.fixture
def background(monkeypatch):
    """Which native calls ran in which threads. All of them count as long."""
    threads = {}

    def noted(call):
        def noting(*arguments):
            threads.setdefault(call.__name__, set()).add(threading.current_thread())
            return call(*arguments)

        return noting

    class Structures:
        def __init__(self):
            made = native()
            self.add, self.build = noted(made.add), noted(made.build)

    native = _native.Structures
    for name in CALLS.keys() - {"add", "build"}:
        monkeypatch.setattr(_native, name, noted(getattr(_native, name)))
    monkeypatch.setattr(_native, "Structures", Structures)
    monkeypatch.setattr(_interrupt, "_FEW", 1)
    return threads


@pytest.mark.parametrize("name", CALLS)
def test_long_calls_leave_the_main_thread_free(name, background, monkeypatch):
    found = CALLS[name]()
    assert background[name] and threading.main_thread() not in background[name]
    background.clear()
    monkeypatch.setattr(_interrupt, "_FEW", 1 << 20)
    np.testing.assert_array_equal(found, CALLS[name]())
    assert background[name] == {threading.main_thread()}


def test_every_call_that_reads_arrays_is_among_them():
    functions = {name for name, made in vars(_native).items() if inspect.isbuiltin(made)}
    # `encode` looks for signals itself, between parts. The others read no arrays.
    assert functions - {"encode", "kernel", "num_threads", "set_num_threads"} == CALLS.keys() - {"add", "build"}


def test_other_threads_call_at_once(background):
    thread = threading.Thread(target=CALLS["nll"])
    thread.start()
    thread.join()
    assert background["nll"] == {thread}


def test_errors_are_passed_on(background):
    with pytest.raises(ValueError, match=r"label 2 .*Classes\(.., ignore=..\)") as error:
        encode_sparse(LABELS, 2)
    assert error.value.__context__ is None and error.value.__cause__ is None
    with pytest.raises(TypeError, match="uint8, int16 or int64"):
        _interrupt.interruptible(_native.nll, SOFT, SOFT, Classes(3))
    assert threading.main_thread() not in background["encode_sparse"]


def test_without_a_thread_the_call_is_made_at_once(background, monkeypatch):
    def start(thread):
        raise RuntimeError("can't start new thread")

    expected = CALLS["nll"]()
    monkeypatch.setattr(threading.Thread, "start", start)
    background.clear()
    assert CALLS["nll"]() == expected and background["nll"] == {threading.main_thread()}
    with pytest.raises(ValueError, match="label 2"):
        encode_sparse(LABELS, 2)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are others there")
def test_a_signal_ends_the_call_and_not_the_computation(monkeypatch):
    began, goes_on, ended = threading.Event(), threading.Event(), threading.Event()

    def call(array):
        began.set()
        goes_on.wait()
        ended.set()

    def press():
        began.wait()
        os.kill(os.getpid(), signal.SIGINT)

    # Where tests run in the background, it is ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=press).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            _interrupt.interruptible(call, np.broadcast_to(np.uint8(0), (1 << 20,)))
    finally:
        signal.signal(signal.SIGINT, before)
        assert not ended.is_set()
        goes_on.set()
    assert ended.wait(60)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are others there")
def test_a_process_ends_while_the_native_code_works():
    # One thread takes minutes for it on any machine.
    script = """
import signal
import numpy as np, soft_labels
signal.signal(signal.SIGINT, signal.default_int_handler)
soft_labels.set_num_threads(1)
labels = np.random.default_rng(1).integers(0, 4, (200, 300, 300), np.uint8)
print("begins", flush=True)
soft_labels.encode_sparse(labels, 4, soft_labels.Encoding("svls", radius=30, sigma=[6.1, 6.3, 6.7]))
print("ends", flush=True)
"""
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "begins\n"
        time.sleep(0.5)
        child.send_signal(signal.SIGINT)
        out, errors = child.communicate(timeout=60)
    finally:
        child.kill()
    assert "KeyboardInterrupt" in errors and "ends" not in out

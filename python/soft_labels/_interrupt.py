"""Native calls that an interruption (Ctrl-C) ends for their caller."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

Result = TypeVar("Result")

# Calls that read fewer elements end soon, and starting a thread for them would be seen in their time.
_FEW = 1 << 20

# Seconds. A wait does not notice a signal on Windows, nor one that the system gives to another thread; the main thread looks for
# it in between.
_PAUSE = 0.1


def interruptible(call: Callable[..., Result], *arguments: Any, elements: int = 0) -> Result:
    """``call(*arguments)``, which a signal ends at once, though the native code never looks for signals.

    Python handles signals in its main thread. There a call that reads large arrays runs in a thread of its own, and the main
    thread waits for it. If a signal's handler raises an exception, such as KeyboardInterrupt, it is raised here within a
    fraction of a second. The computation itself ends in the background: it reads its arrays until then, and what it returns
    is dropped. `elements` is how many more elements are read than the arguments have.
    """
    if elements + _elements(arguments) < _FEW or threading.current_thread() is not threading.main_thread():
        return call(*arguments)
    results: list[Result] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(call(*arguments))
        except BaseException as error:
            errors.append(error)

    # The process does not wait for it at its end.
    thread = threading.Thread(target=work, name="soft-labels", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # There are too many, or the interpreter is about to end.
        work()
    else:
        while thread.is_alive():
            thread.join(_PAUSE)
    if errors:
        # Taken from the list, since the error refers to this frame: the arrays would stay for the garbage collector.
        raise errors.pop()
    return results.pop()


def _elements(arguments: tuple[Any, ...]) -> int:
    """How many elements the arrays among the arguments have in all, and those in lists."""
    count = 0
    for argument in arguments:
        for one in argument if isinstance(argument, list) else (argument,):
            if isinstance(one, np.ndarray):
                count += one.size
    return count

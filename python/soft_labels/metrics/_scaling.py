"""Temperatures and biases that make a network's outputs mean what they say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .. import _native, _pickle
from .._arguments import AnyClasses, classes_of, index, label_map, soft_of
from .._interchange import Array, ArrayOrTensor
from .._interrupt import interruptible
from .._native import Classes
from ._inputs import judged_map

CalibrationMethod: TypeAlias = Literal["temperature", "class-temperatures", "vector"]
Case: TypeAlias = tuple[ArrayOrTensor, ArrayOrTensor]

_SCORES = ("nll", "brier", "ece", "class_ece")

# The smallest positive number of each type, and of 255ths.
_SMALLEST = {"uint8": 1 / 255, "float16": 2.0**-24, "float32": 2.0**-149, "float64": 2.0**-1074}


class Cases(Protocol):
    """A list of cases, or a data set that reads them when it is asked."""

    def __len__(self) -> int:
        """How many there are."""

    def __iter__(self) -> Iterator[Any]:
        """Their outputs and labels, the same each time."""


class Calibration:
    """Temperatures and biases that make a network's outputs probabilities which mean what they say.

    ``softmax(z_c / T_c + b_c)`` over the classes c, where z are logits, or the logarithms of probabilities (Guo et al. 2017).
    `Calibration.fit` finds them on cases that the network was not trained on.

    A probability of 0 has no logarithm. It counts as half of the smallest positive number of its type, divided by the number of
    classes. It compares and pickles, and is not meant to be changed.

    Parameters
    ----------
    temperatures : float, or list of float
        One, or one of each class, from 0.001 to 1000. Above 1 the network was too confident.
    biases : list of float, optional
        One of each class, of which the first is 0.
    classes : int, optional
        The number of classes, where there is one temperature.
    logits : bool
        Whether it is for logits, or for probabilities. One temperature is good for both.

    Raises
    ------
    ValueError
        If numbers are out of range, or there are not as many as classes.

    Attributes
    ----------
    method : str
        "temperature", "class-temperatures" or "vector", which has biases.
    cross_validation : dict, optional
        Of `fit`: the numbers of cases, voxels, folds and bins, the scores "before" and "after" over cases that were not fitted,
        and what was found "without_fold", for each fold.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels.metrics import Calibration
    >>> sure = np.array([[[0.9, 0.5]], [[0.1, 0.5]]])
    >>> Calibration(2.0, classes=2).apply(sure).round(4).tolist()
    [[[0.75, 0.5]], [[0.25, 0.5]]]
    """

    def __init__(
        self,
        temperatures: float | Sequence[float] | NDArray[np.floating[Any]],
        biases: Sequence[float] | NDArray[np.floating[Any]] = (),
        *,
        classes: int | None = None,
        logits: bool = False,
    ) -> None:
        one = np.ndim(temperatures) == 0
        listed = _numbers([temperatures] if one else temperatures, "temperatures")
        shifts = _numbers(biases, "biases")
        if one and classes is None:
            raise ValueError("there is one temperature; say for how many classes, as in Calibration(1.5, classes=4)")
        count = len(listed) if classes is None else index(classes, "classes")
        method = "temperature" if one else "vector" if shifts else "class-temperatures"
        form = {"method": method, "logits": bool(logits), "classes": count, "temperatures": listed, "biases": shifts}
        self._be(json.dumps(form))

    def _be(self, text: str, cross_validation: dict[str, Any] | None = None) -> None:
        self._native = _native.Scaling.from_json(text)
        form = json.loads(self._native.to_json())
        self.method: CalibrationMethod = form["method"]
        self.logits: bool = form["logits"]
        self.classes: int = form["classes"]
        self.temperatures: list[float] = form["temperatures"]
        self.biases: list[float] = form["biases"]
        self.cross_validation = cross_validation

    @classmethod
    def fit(
        cls,
        cases: Cases,
        classes: AnyClasses,
        *,
        ignore: int | None = None,
        method: CalibrationMethod = "temperature",
        logits: bool = False,
        folds: int = 5,
        bins: int = 10,
    ) -> Calibration:
        """The calibration that makes the labels most likely, and its scores by cross-validation.

        Each step of the search reads all cases once, one at a time, so they need not be in memory together. Sums are made in the
        order of the cases, and the result has the same bits for any number of threads. A class without labels keeps the temperature
        1 and the bias 0.

        Parameters
        ----------
        cases : list of pairs, or a data set with a length
            The outputs (C, H, W) or (C, D, H, W) of each case and its labels (H, W) or (D, H, W). Outputs are of float32, float64
            or float16; probabilities may also be of uint8, which are 255ths.
        classes : int, list of int, or Classes
        ignore : int, optional
            The label of voxels that do not count, if `classes` does not hold it.
        method : {"temperature", "class-temperatures", "vector"}
            One temperature, one of each class, or also a bias of each.
        logits : bool
            Whether outputs are logits, or else probabilities.
        folds : int
            Case i is in fold i modulo `folds`, and is scored by what was found without its fold. There are at most as many folds as
            cases. With 0, and for one case, there are no scores after.
        bins : int
            Of the calibration errors.

        Returns
        -------
        Calibration

        Raises
        ------
        ValueError
            If a label is not a class or not whole, shapes differ, a logit is not finite, probabilities are none, or no voxel
            counts. It names the case.
        TypeError
            If arrays are of another type, or cases can be read only once.

        Examples
        --------
        >>> import numpy as np
        >>> from soft_labels.metrics import Calibration
        >>> logits = np.array([[[0.0, 0.0, 0.0, 0.0]], [[4.0, 4.0, 4.0, 4.0]]])
        >>> cases = [(logits, np.array([[1, 1, 1, 0]])), (logits, np.array([[1, 0, 1, 1]]))]
        >>> found = Calibration.fit(cases, 2, logits=True)
        >>> round(found.temperatures[0], 4)  # 4 / ln 3
        3.641
        >>> [round(found.cross_validation[when]["nll"], 4) for when in ("before", "after")]
        [1.0181, 0.5623]
        """
        if isinstance(cases, Iterator) or not hasattr(cases, "__len__"):
            raise TypeError("cases are read several times; give a list of pairs, or a data set with a length")
        made, count, parts = classes_of(classes, ignore), len(cases), index(bins, "bins")
        kept = min(index(folds, "folds"), count) if count > 1 else 0

        def read() -> Iterator[Case]:
            # By number: a data set that has __len__ and __getitem__ alone need not end by itself.
            return (cases[at] for at in range(count)) if hasattr(cases, "__getitem__") else iter(cases)

        search = fitted(read, made, method, logits, kept)
        before, after = (_native.ScalingScores(len(made.values), parts) for _ in range(2))
        for at, (values, labels, smallest) in enumerate(_read(read(), logits)):
            without = search.found(at)
            with _Named(at):
                interruptible(_native.score_scaling, before, None, values, labels, made, smallest)
                if kept:
                    interruptible(_native.score_scaling, after, without, values, labels, made, smallest)
        forms = [json.loads(search.found(fold).to_json()) for fold in range(kept)]
        scored = {
            "cases": count,
            "voxels": before.voxels,
            "folds": kept,
            "bins": parts,
            "before": dict(zip(_SCORES, before.numbers)),
            "after": dict(zip(_SCORES, after.numbers)) if kept else None,
            "without_fold": [{name: form[name] for name in ("temperatures", "biases")} for form in forms],
        }
        found = cls.__new__(cls)
        found._be(search.found(None).to_json(), scored)
        return found

    def apply(self, outputs: ArrayOrTensor, *, logits: bool | None = None) -> Array:
        """Calibrated probabilities.

        Parameters
        ----------
        outputs : array, (C, H, W) or (C, D, H, W)
            Of float32, float64 or float16; probabilities may also be of uint8, which are 255ths.
        logits : bool, optional
            Whether they are logits. By default they are what the calibration is for.

        Returns
        -------
        array
            Of the same shape and type. A voxel without any probability stays so.

        Raises
        ------
        ValueError
            If a logit is not finite, probabilities are none or do not sum to 1, or shapes differ; and if several temperatures are
            for the other kind of outputs.
        TypeError
            If the array is of another type.

        Examples
        --------
        >>> import numpy as np
        >>> from soft_labels.metrics import Calibration
        >>> logits = np.array([[[3.0]], [[0.0]]], np.float32)
        >>> Calibration(3.0, classes=2).apply(logits, logits=True).ravel().round(3)
        array([0.731, 0.269], dtype=float32)
        """
        values, smallest, dtype = _outputs_of(outputs, self.logits if logits is None else bool(logits))
        found = interruptible(_native.apply_scaling, self._native, values, smallest, dtype == np.uint8)
        return found.astype(dtype, copy=False)

    def to_json(self) -> str:
        """The JSON form, which is that of the command ``soft-labels calibrate``.

        Returns
        -------
        str

        Examples
        --------
        >>> from soft_labels.metrics import Calibration
        >>> Calibration(2.0, classes=3).to_json()
        '{"method": "temperature", "logits": false, "classes": 3, "temperatures": [2.0], "biases": []}'
        """
        form = json.loads(self._native.to_json())
        if self.cross_validation is not None:
            form["cross_validation"] = self.cross_validation
        return json.dumps(form)

    @classmethod
    def from_json(cls, text: str) -> Calibration:
        """A calibration of its JSON form.

        Parameters
        ----------
        text : str
            What `to_json` returned, or what the command wrote.

        Returns
        -------
        Calibration

        Raises
        ------
        ValueError
            If it is no such form.

        Examples
        --------
        >>> from soft_labels.metrics import Calibration
        >>> Calibration.from_json(Calibration([2.0, 1.5], [0.0, 0.1]).to_json())
        Calibration([2.0, 1.5], [0.0, 0.1])
        """
        made = cls.__new__(cls)
        made._be(text)
        made.cross_validation = json.loads(text).get("cross_validation")
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Calibration) and self._native == other._native

    def __hash__(self) -> int:
        return hash(self._native.to_json())

    def __repr__(self) -> str:
        one = self.method == "temperature"
        arguments = [repr(self.temperatures[0] if one else self.temperatures)]
        arguments += [repr(self.biases)] if self.biases else []
        arguments += [f"classes={self.classes}"] if one else []
        arguments += ["logits=True"] if self.logits else []
        return f"Calibration({', '.join(arguments)})"

    def __reduce__(self) -> tuple[Callable[[str], Any], tuple[str]]:
        return _pickle.calibration, (self.to_json(),)


def fitted(
    cases: Callable[[], Iterable[Case]], classes: Classes, method: str, logits: bool, folds: int
) -> _native.ScalingFit:
    """The search, when it has ended. It asks for the cases once for each pass."""
    search = _native.ScalingFit(method, len(classes.values), bool(logits), folds)
    while True:
        count = 0
        for at, (values, labels, smallest) in enumerate(_read(cases(), logits)):
            count += 1
            with _Named(at):
                interruptible(_native.fit_scaling, search, values, labels, classes, smallest, at)
        if count == 0:
            raise ValueError("there are no cases; give at least one")
        if not search.step():
            return search


class _Named:
    """Says of which case an error is."""

    def __init__(self, case: int) -> None:
        self.case = case

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if type(error) in (ValueError, TypeError):
            made = ValueError if isinstance(error, ValueError) else TypeError
            raise made(f"case {self.case} (the first is 0): {error}") from None


def _read(cases: Iterable[Case], logits: bool) -> Iterator[tuple[Array, Array, float | None]]:
    """The arrays of each case, in the forms that the native code takes."""
    for at, case in enumerate(cases):
        with _Named(at):
            if not isinstance(case, (list, tuple)) or len(case) != 2:
                raise TypeError("a case is a pair of outputs and labels")
            values, smallest, _ = _outputs_of(case[0], logits)
            labels = judged_map(label_map(case[1], "a label map"))
        yield values, labels, smallest


def _outputs_of(outputs: ArrayOrTensor, logits: bool) -> tuple[Array, float | None, np.dtype[Any]]:
    """An array of float32 or float64, the smallest probability that its type held, and this type."""
    array = soft_of(outputs, "logits" if logits else "probabilities")
    dtype = array.dtype
    if logits and dtype == np.uint8:
        raise TypeError("logits are of float32, float64 or float16, not of uint8; convert them with astype")
    if (
        logits
        and array.ndim > 1
        and array.size
        and array.min() >= 0
        and np.allclose(array.sum(0), 1, rtol=0, atol=1e-3)
    ):
        raise ValueError("these are probabilities: all of a voxel sum to 1, which logits do not; use logits=False")
    smallest = None if logits else _SMALLEST[dtype.name]
    if dtype == np.uint8:
        return np.divide(array, 255, dtype=np.float64), smallest, dtype
    return (array.astype(np.float32) if dtype == np.float16 else array), smallest, dtype


def _numbers(values: Any, what: str) -> list[float]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{what} are a list of numbers, but {array.ndim} axes are given")
    if not np.isfinite(array).all():
        raise ValueError(f"{what} are finite, not {array.tolist()}")
    return [float(value) for value in array]

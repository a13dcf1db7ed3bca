"""All metrics of a case at once."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from .._arguments import AnyClasses, classes_of, plain
from .._interchange import ArrayOrTensor
from ._calibration import brier, ece, nll, tace, top_labels
from ._inputs import Regions, Scope, regions_of
from ._overlap import Empty, overlap
from ._surfaces import Surface, surface_distances


def judge(
    prediction: ArrayOrTensor,
    reference: ArrayOrTensor,
    classes: AnyClasses,
    *,
    ignore: int | None = None,
    spacing: ArrayLike = 1.0,
    tolerance: float = 2.0,
    surface: Surface = "surfels",
    bins: int = 10,
    scope: Scope = "all",
    regions: Regions | None = None,
    empty: Empty = "nan",
) -> dict[str, Any]:
    """All metrics of one case.

    Parameters
    ----------
    prediction : array, (H, W) or (D, H, W), or (C, H, W) or (C, D, H, W)
        A label map with the axes of the reference, or probabilities with an axis more. Of uint8 the first holds labels, the
        second 255ths.
    reference : array of integers or bools, (H, W) or (D, H, W)
    classes, ignore, regions
        As for `overlap`.
    empty : {"one", "nan", "zero"}
        What a region scores that neither map holds: 1 and distances of 0; NaN, so that it does not count in a mean; or 0 and
        infinite distances.
    spacing, tolerance, surface
        As for `surface_distances`.
    bins, scope
        As for `reliability`. The scope is that of ``ece`` alone.

    Returns
    -------
    dict
        ``regions``: a list of dicts, one for each region, with its labels and all its metrics; rows for
        `pandas.DataFrame`. ``calibration``: a dict with ece, tace, tace_paper, nll and brier, or None for a label map.

    Raises
    ------
    ValueError
        If a label is not a class or not whole, shapes differ, probabilities are none or do not sum to 1, or a setting is out
        of range.
    TypeError
        If arrays are of another type.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import encode, metrics
    >>> labels = np.array([[0, 0, 1, 1], [0, 0, 1, 1]])
    >>> found = metrics.judge(encode(labels, 2, dtype="uint8"), labels, 2)
    >>> found["regions"][0]["labels"], found["regions"][0]["dice"]
    ([1], 1.0)
    >>> sorted(found["calibration"])
    ['brier', 'ece', 'nll', 'tace', 'tace_paper']
    """
    made = classes_of(classes, ignore)
    found, drawn = plain(prediction, "a prediction"), plain(reference, "a reference")
    calibration: dict[str, float] | None = None
    if found.ndim == drawn.ndim + 1:
        probabilities, found = found, top_labels(found, made, drawn)
        calibration = {
            "ece": ece(probabilities, drawn, made, bins=bins, scope=scope),
            "tace": tace(probabilities, drawn, made, bins=bins),
            "tace_paper": tace(probabilities, drawn, made, bins=bins, svls_paper=True),
            "nll": nll(probabilities, drawn, made),
            "brier": brier(probabilities, drawn, made),
        }
    labels = regions_of(regions, made)
    columns = overlap(found, drawn, made, regions=labels, empty=empty)
    columns |= surface_distances(
        found, drawn, made, spacing=spacing, tolerance=tolerance, surface=surface, regions=labels, empty=empty
    )
    rows = [
        {"labels": region} | {name: float(column[row]) for name, column in columns.items()}
        for row, region in enumerate(labels)
    ]
    return {"regions": rows, "calibration": calibration}

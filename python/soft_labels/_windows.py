"""Random windows of whole cases, and their soft labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch.utils.data import default_collate

import soft_labels

from ._arguments import AnyClasses, Array, Channels, Method, classes_of, encoding_of, index, label_map, per_axis, plain
from ._foreground import Foreground, Voxels
from ._spans import Span, extended, near
from ._tensors import array_of, numpy_dtype, tensor_of

Augment = Callable[[torch.Tensor, Any], tuple[Any, Any]]


class RandomWindows:
    """A `collate_fn` for `torch.utils.data.DataLoader`: random windows of each case, and their soft labels.

    A case is a pair (image, labels), or a dict of which `image` and `label` name the keys. The image is a tensor or array
    (channels, ..). The label map has the same voxels, as (..) or (1, ..); several raters are a list of such maps. Soft labels
    near the edge of a window are those of the whole map, and only the window is computed.

    Windows are drawn by PyTorch's random numbers, which a loader seeds in each worker; so they depend on the number of workers.

    Parameters
    ----------
    size : list of int
        The size of the window along each axis, in voxels.
    classes, method, channels, weights
        As for `soft_labels.encode`.
    scales : list of int or of lists of int, optional
        Lengths of boxes in voxels, such as ``[1, 2, 4]``: targets for outputs at several resolutions, each the mean of the
        soft labels over boxes.
    image, label : str, optional
        The keys of cases that are dicts.
    windows : int
        How many windows are drawn of each case. They follow one another in the batch.
    foreground : float
        The share of windows that are centred at a voxel of foreground, or as near to that as the map has room: 0.33 in
        nnU-Net. First one of the classes that the case holds is drawn, each as likely, then one of its voxels. Label 0 is
        background, and ignored voxels are no foreground. A case without foreground has windows anywhere. So many of the n
        windows of a batch as ``n * foreground`` says are drawn so, rounded up or down by chance, and the others anywhere.
    padding : int, optional
        The label of the padding, if a map is smaller than the window. By default it is the label to ignore, if `classes` has
        one. A map is padded alike on both sides.
    image_padding : float
        The value of an image's padding.
    augment : callable, optional
        ``augment(image, labels) -> (image, labels)``, called for each window before it is encoded. It takes and returns
        tensors: the image (channels, ..), and the labels (..) as integers, or a list of them for a list of raters. Both have a
        halo around the window, as many voxels as ``Encoding.radius`` says on each side. It is cut off after encoding, so
        the soft labels at the edge know what is beyond it. Beyond the map, the halo repeats the voxels at its edge, as the
        encoder does. What is returned has the same voxels; what is passed may be written to.
    dtype : torch.dtype
        That of the targets: torch.float32, float64 or float16.

    Returns
    -------
    images : tensor (N, channels, ..)
        N is the number of cases times `windows`. Subclasses such as MONAI's MetaTensor become plain tensors.
    targets : tensor (N, C, ..), or with `scales` a list of them
        Of dicts, a dict has both, under their keys. What else it holds is collated by PyTorch, or a list where PyTorch
        cannot, with an entry for each window.

    Raises
    ------
    ValueError
        If an image and its label map have other voxels, a map is smaller than the window and nothing says what its padding
        is, `augment` changes the size, or a label is not a class. The message has the number of the case in the batch.
    TypeError
        If an argument or a case is of another type than said here.

    Notes
    -----
    The padding is not a part of the anatomy, so it does not smooth the voxels beside it: those of the map have the soft labels
    of the map without padding. The padding itself is 0 in all channels where it is ignored, so that losses leave it out, and
    else has what a map of nothing but its label has. `augment` takes one map, in which the padding are labels like others.

    For `foreground` a worker keeps how many voxels of each class are in each plane of a map, 16 MB of them at most.

    Examples
    --------
    >>> import torch
    >>> image, labels = torch.rand(1, 20, 30, 30), torch.zeros(20, 30, 30, dtype=torch.uint8)
    >>> labels[5:9, 10:20, 10:20] = 1
    >>> images, targets = RandomWindows([8, 16, 16], 2, foreground=0.33)([(image, labels)] * 3)
    >>> images.shape, targets.shape
    (torch.Size([3, 1, 8, 16, 16]), torch.Size([3, 2, 8, 16, 16]))

    Dicts, as a `DataLoader` gives them, and windows that are flipped at random:

    >>> def flip(image, labels):
    ...     return (image.flip(-1), labels.flip(-1)) if torch.rand(()) < 0.5 else (image, labels)
    >>> collate = RandomWindows([8, 16, 16], 2, image="image", label="label", windows=4, augment=flip)
    >>> batch = collate([{"image": image, "label": labels, "name": "first"}])
    >>> batch["label"].shape, batch["name"]
    (torch.Size([4, 2, 8, 16, 16]), ['first', 'first', 'first', 'first'])
    """

    def __init__(
        self,
        size: Sequence[int],
        classes: AnyClasses,
        method: Method = "svls",
        *,
        channels: Channels | None = None,
        weights: ArrayLike | None = None,
        scales: Sequence[int | Sequence[int]] | None = None,
        image: str | None = None,
        label: str | None = None,
        windows: int = 1,
        foreground: float = 0.0,
        padding: int | None = None,
        image_padding: float = 0.0,
        augment: Augment | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.size = per_axis(list(size), len(size), "a window's size", least=0)
        self.classes, self.method = classes_of(classes), encoding_of(method, channels)
        self.weights, self.scales = weights, scales
        if (image is None) != (label is None) or (image is not None and image == label):
            raise ValueError(f"image={image!r} and label={label!r}: cases that are dicts have two keys; name both")
        self.image, self.label = image, label
        self.windows = index(windows, "the number of windows")
        if self.windows < 1:
            raise ValueError("windows is 0; at least one is drawn of each case")
        if not 0 <= foreground <= 1:
            raise ValueError(f"foreground is a share from 0 to 1, not {foreground}")
        self.foreground = foreground
        numpy_dtype(dtype)
        self.dtype, self.augment, self.image_padding = dtype, augment, image_padding
        self.padding = self.classes.ignore if padding is None else padding
        if padding is not None:
            try:
                self._padding_target(1)
            except ValueError as error:
                raise ValueError(f"padding={padding} is neither a class nor ignored: {error}") from None
        self._reach = self.method.radius(len(self.size))
        self._foreground = Foreground([value for value in self.classes.values if value != 0])

    def __call__(self, cases: Sequence[Any]) -> Any:
        if not len(cases):
            raise ValueError("there are no cases; a batch has at least one")
        opened = [self._open(at, case) for at, case in enumerate(cases)]
        count = len(opened) * self.windows
        images: list[torch.Tensor] = []
        valid: list[Any] = []
        targets = torch.empty(count, self.method.channel_count(self.classes), *self.size, dtype=self.dtype)
        for target, forced in zip(targets, self._forced(count)):
            case = opened[len(images) // self.windows]
            with _errors_of(case.number):
                spans = self._spans(case, forced)
            image, part = self._part(case, spans) if self.augment is None else self._augmented(case, spans)
            with _errors_of(case.number, part.start):
                valid.append(self._encode(part, target))
            images.append(image)
        if len({image.shape for image in images}) > 1:
            raise ValueError(f"images of a batch have as many channels, not {sorted({len(one) for one in images})}")
        batch = torch.stack(images)
        scaled = targets if self.scales is None else [self._pooled(targets, scale, valid) for scale in self.scales]
        if self.image is None:
            return batch, scaled
        return self._collated(cases, {self.image: batch, self.label: scaled})

    def _open(self, number: int, given: Any) -> _Case:
        """A case, once its image and its label maps are known to have the same voxels."""
        with _errors_of(number):
            image, labels = self._image_and_labels(given)
            if isinstance(image, torch.Tensor):
                image = tensor_of(image)
            elif not hasattr(image, "shape"):
                raise TypeError(f"an image is a tensor or array, not {type(image).__name__}")
            several = isinstance(labels, (list, tuple))
            maps = [_map(one, len(self.size)) for one in (labels if several else [labels])]
            shape = tuple(image.shape[1:])
            if len(shape) != len(self.size):
                raise ValueError(
                    f"an image is {tuple(image.shape)}, channels first, and windows have {len(self.size)} axes; give a "
                    "size for each axis but the channels"
                )
            if not maps or any(one.shape != shape for one in maps):
                raise ValueError(
                    f"an image is {tuple(image.shape)}, channels first; its label map has other voxels: "
                    + (", ".join(str(one.shape) for one in maps) or "there is none")
                )
            if self.padding is None and any(size > length for size, length in zip(self.size, shape)):
                raise ValueError(
                    f"an image is {tuple(image.shape)}, smaller than the window {tuple(self.size)}; pad it, or say what "
                    "its padding is: padding=LABEL, or Classes(.., ignore=LABEL) for a label that does not count"
                )
            if 0 in shape and (self.augment is not None or any(self.size)):
                raise ValueError(f"an image is {tuple(image.shape)}; it has no voxels")
            return _Case(number, image, maps, several)

    def _image_and_labels(self, given: Any) -> tuple[Any, Any]:
        if self.image is None or self.label is None:
            if isinstance(given, Mapping):
                raise TypeError(f"it is a dict with the keys {list(given)}; name two of them as image= and label=")
            if not isinstance(given, (list, tuple)) or len(given) != 2:
                raise TypeError(f"it is a {type(given).__name__}, not a pair (image, labels)")
            return given[0], given[1]
        if not isinstance(given, Mapping):
            raise TypeError(f"it is a {type(given).__name__}, not a dict; leave out image= and label= for pairs")
        missing = [key for key in (self.image, self.label) if key not in given]
        if missing:
            raise ValueError(f"it has the keys {list(given)}, and not {missing}; image= and label= name the keys")
        return given[self.image], given[self.label]

    def _forced(self, count: int) -> list[bool]:
        """Which windows of a batch are centred at foreground."""
        forced = [False] * count
        if self.foreground > 0:
            share = int(count * self.foreground + float(torch.rand((), dtype=torch.float64)))
            for at in torch.randperm(count)[:share].tolist():
                forced[at] = True
        return forced

    def _spans(self, case: _Case, forced: bool) -> list[Span]:
        shape = case.maps[0].shape
        voxel = None
        if forced:
            if case.foreground is None:
                case.foreground = self._foreground.of(self._counted(case.maps))
            voxel = case.foreground.draw()
        if voxel is None:
            return [Span.random(length, size) for length, size in zip(shape, self.size)]
        return [Span.centred(length, size, at) for length, size, at in zip(shape, self.size, voxel)]

    def _part(self, case: _Case, spans: list[Span]) -> tuple[torch.Tensor, _Part]:
        """The window of an image, and the part of the label maps on which its soft labels depend."""
        none = [0] * len(spans)
        image = tensor_of(case.image[(slice(None), *near(spans, none))])
        around = near(spans, self._reach)
        return extended(image, spans, none, self.image_padding), _Part(
            [one[around] for one in case.maps],
            [span.window(reach) for span, reach in zip(spans, self._reach)],
            [span.target for span in spans],
            [one.start for one in around],
        )

    def _augmented(self, case: _Case, spans: list[Span]) -> tuple[torch.Tensor, _Part]:
        """The same after `augment`, of which the label maps are a part with a halo on each side."""
        assert self.augment is not None
        halo, around = self._reach, near(spans, self._reach)
        # What is passed on may be written to.
        image = tensor_of(case.image[(slice(None), *around)]).clone()
        image = extended(image, spans, halo, self.image_padding)
        with _errors_of(case.number, [one.start for one in around]):
            maps = [torch.from_numpy(label_map(one[around]).astype(np.int64)) for one in case.maps]
        maps = [extended(one, spans, halo, self.padding or 0) for one in maps]
        returned = self.augment(image, maps if case.several else maps[0])
        if not isinstance(returned, (list, tuple)) or len(returned) != 2:
            raise TypeError(f"augment returns a pair (image, labels), not {type(returned).__name__}")
        changed = tensor_of(returned[0])
        labels = [_map(one, len(spans)) for one in (returned[1] if case.several else [returned[1]])]
        voxels = tuple(size + 2 * more for size, more in zip(self.size, halo))
        if any(tuple(shape) != voxels for shape in (changed.shape[1:], *(one.shape for one in labels))):
            raise ValueError(
                f"augment returned an image {tuple(changed.shape)} and labels {[tuple(one.shape) for one in labels]}; both "
                f"keep the voxels {voxels} that they have: the window and a halo of {halo} on each side"
            )
        window = [slice(more, more + size) for size, more in zip(self.size, halo)]
        part = _Part(labels, window, [slice(0, size) for size in self.size], [0] * len(spans))
        return changed[(slice(None), *window)], part

    def _encode(self, part: _Part, target: torch.Tensor) -> Any:
        """Writes the soft labels of a window. Returns which of its voxels count in boxes, as `soft_labels.pool` takes it."""
        padded = [one.stop - one.start for one in part.target] != self.size
        if padded:
            target.copy_(self._padding_target(len(part.maps)))
        out = target[(slice(None), *part.target)].numpy()
        soft_labels.encode(part.maps, self.classes, self.method, weights=self.weights, window=part.window, out=out)
        if self.scales is None or self.method.is_distribution(self.classes):
            return None
        if self.classes.ignore is None:
            return True
        valid = np.full(self.size, self.padding != self.classes.ignore)
        valid[tuple(part.target)] = soft_labels.valid_mask(self._counted(part.maps), self.classes)[tuple(part.window)]
        return valid

    def _padding_target(self, raters: int) -> torch.Tensor:
        """The soft labels of a map of the padding's label alone: (C, 1, ..)."""
        one = np.full((1,) * len(self.size), self.padding)
        weights = self.weights if raters > 1 else None
        element = numpy_dtype(self.dtype)
        soft = soft_labels.encode([one] * raters, self.classes, self.method, weights=weights, dtype=element)
        return torch.from_numpy(soft)

    def _counted(self, maps: list[Array]) -> list[Array]:
        """The maps of the raters who have a weight. What is wrong with weights is said where they are used."""
        if self.weights is None:
            return maps
        return [one for one, weight in zip(maps, np.asarray(self.weights)) if weight > 0] or maps

    def _collated(self, cases: Sequence[Mapping[str, Any]], batch: dict[Any, Any]) -> dict[Any, Any]:
        """A dict with the keys of the first case, which all of them have."""
        for number, case in enumerate(cases):
            if set(case) != set(cases[0]):
                differ = sorted(map(str, set(case) ^ set(cases[0])))
                raise ValueError(
                    f"case {number} of the batch and the first one do not both have {differ}; give all the same keys"
                )
        return {
            key: batch[key] if key in batch else _collated([case[key] for case in cases for _ in range(self.windows)])
            for key in cases[0]
        }

    @staticmethod
    def _pooled(targets: torch.Tensor, scale: int | Sequence[int], valid: list[Any]) -> torch.Tensor:
        if np.all(np.equal(scale, 1)):
            return targets
        pooled = [soft_labels.pool(one.numpy(), scale, valid=mask) for one, mask in zip(targets, valid)]
        return torch.stack([torch.from_numpy(one) for one in pooled])


@dataclass
class _Case:
    """A case of a batch: its number there, its image (channels, ..), and its label maps (..), one for each rater."""

    number: int
    image: Any
    maps: list[Array]
    several: bool
    # Is looked for when it is needed.
    foreground: Voxels | None = None


@dataclass(frozen=True)
class _Part:
    """Parts of label maps that begin at the voxel `start`, what of them is encoded, and where in the window it goes."""

    maps: list[Array]
    window: list[slice]
    target: list[slice]
    start: list[int]


def _map(labels: Any, axes: int) -> Any:
    """A label map without an axis of channels, which MONAI gives it."""
    array = plain(array_of(labels, "a label map"), "a label map")
    return array[0] if array.ndim == axes + 1 and len(array) == 1 else array


def _collated(values: list[Any]) -> Any:
    try:
        return default_collate(values)
    except (TypeError, ValueError, RuntimeError, LookupError, AttributeError):
        return values


@contextmanager
def _errors_of(number: int, start: Sequence[int] | None = None) -> Iterator[None]:
    """Says of what is wrong in which case it is, and from where on its voxels are counted."""
    where = f" in its part from voxel {list(start)} on" if start is not None and any(start) else ""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"case {number} of the batch{where}: {error}") from error
    except TypeError as error:
        raise TypeError(f"case {number} of the batch{where}: {error}") from error

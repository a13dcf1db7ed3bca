"""Temperatures as the last layer of a network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

from ._arguments import AnyClasses, classes_of, index
from .metrics import Calibration
from .metrics._scaling import CalibrationMethod, fitted


class TemperatureScaling(torch.nn.Module):
    """Scales logits so that their softmax means what it says: ``z_c / T_c + b_c``.

    It goes behind a trained network, and is fitted on cases that the network was not trained on. The parameters `temperature` and
    `bias` are in the `state_dict`. The numbers are those of `soft_labels.metrics.Calibration` and of the command
    ``soft-labels calibrate --logits``.

    Parameters
    ----------
    classes : int
        How many classes there are.
    method : {"temperature", "class-temperatures", "vector"}
        One temperature, one of each class, or also a bias of each, of which the first is 0.

    Raises
    ------
    ValueError
        If the method is another, or there are no classes.

    Examples
    --------
    >>> import torch
    >>> from soft_labels.torch import TemperatureScaling
    >>> logits = torch.tensor([[[[0.0, 0.0, 0.0, 0.0]], [[4.0, 4.0, 4.0, 4.0]]]])
    >>> scaling = TemperatureScaling(classes=2)
    >>> scaling.fit([(logits, torch.tensor([[[1, 1, 1, 0]]]))])
    TemperatureScaling(classes=2, method='temperature')
    >>> round(float(torch.softmax(scaling(logits), dim=1)[0, 1, 0, 0].detach()), 4)
    0.75
    """

    bias: torch.nn.Parameter | None

    def __init__(self, classes: int, method: CalibrationMethod = "temperature") -> None:
        super().__init__()
        self.classes = index(classes, "classes")
        if self.classes == 0:
            raise ValueError("there are 0 classes; give at least one")
        if method not in ("temperature", "class-temperatures", "vector"):
            raise ValueError(f'method is "temperature", "class-temperatures" or "vector", not {method!r}')
        self.method = method
        self.temperature = torch.nn.Parameter(torch.ones(1 if method == "temperature" else self.classes))
        bias = torch.nn.Parameter(torch.zeros(self.classes)) if method == "vector" else None
        self.register_parameter("bias", bias)

    def forward(self, logits: Tensor) -> Tensor:
        """Scaled logits, of which the softmax is taken.

        Parameters
        ----------
        logits : tensor (N, C, ..)

        Returns
        -------
        tensor (N, C, ..)

        Raises
        ------
        ValueError
            If there are other classes.
        """
        if logits.ndim < 2 or logits.shape[1] != self.classes:
            raise ValueError(f"logits are (N, {self.classes}, ..) here, not {tuple(logits.shape)}")
        shape = (-1, *(1 for _ in logits.shape[2:]))
        scaled = logits / self.temperature.to(logits.dtype).reshape(shape)
        return scaled if self.bias is None else scaled + self.bias.to(logits.dtype).reshape(shape)

    def fit(
        self, batches: Iterable[tuple[Tensor, Tensor]], *, ignore: int | None = None, classes: AnyClasses | None = None
    ) -> TemperatureScaling:
        """Sets the parameters to those that make the labels most likely.

        Each step of the search reads all batches once, and in the same order gives the same bits. It is computed on the CPU.

        Parameters
        ----------
        batches : list, or a loader that can be read again
            Pairs of logits (N, C, ..) and labels (N, ..) or (N, 1, ..). A loader has to give the same each time: do not augment.
        ignore : int, optional
            The label of voxels that do not count.
        classes : int, list of int, or Classes, optional
            The label of each class. By default they are 0 to C - 1.

        Returns
        -------
        TemperatureScaling
            Itself.

        Raises
        ------
        ValueError
            If a label is not a class, shapes differ, a logit is not finite, or no voxel counts.
        TypeError
            If tensors are of another type, or batches can be read only once.
        """
        if isinstance(batches, Iterator):
            raise TypeError("batches are read several times; give a list or a loader, not an iterator")
        made = classes_of(self.classes if classes is None else classes, ignore)
        if len(made.values) != self.classes:
            raise ValueError(f"{len(made.values)} classes are given, but it scales {self.classes}")
        search = fitted(lambda: self._cases(batches), made, self.method, True, 0)
        self._set(Calibration.from_json(search.found(None).to_json()))
        return self

    def _cases(self, batches: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        """The maps of all batches. Other axes than those of maps are made one."""
        for batch in batches:
            if not isinstance(batch, (list, tuple)) or len(batch) != 2:
                raise TypeError("a batch is a pair of logits and labels; of a dict make a pair")
            logits, labels = (torch.as_tensor(one).detach().cpu() for one in batch)
            if labels.ndim == logits.ndim and labels.shape[1] == 1:
                labels = labels[:, 0]
            if logits.ndim < 2 or labels.shape != (logits.shape[0], *logits.shape[2:]):
                raise ValueError(
                    f"logits are (N, C, ..) and labels (N, ..), not {tuple(logits.shape)} and {tuple(labels.shape)}"
                )
            if logits.dtype == torch.bfloat16:
                logits = logits.float()
            if logits.ndim in (4, 5):
                yield from zip(logits.numpy(), labels.numpy())
            else:
                flat = logits.movedim(1, 0).reshape(logits.shape[1], 1, -1)
                yield flat.numpy(), labels.reshape(1, -1).numpy()

    def _set(self, calibration: Calibration) -> None:
        with torch.no_grad():
            self.temperature.copy_(torch.tensor(calibration.temperatures, dtype=torch.float64))
            if self.bias is not None:
                self.bias.copy_(torch.tensor(calibration.biases, dtype=torch.float64))

    def calibration(self) -> Calibration:
        """The same for arrays.

        Returns
        -------
        soft_labels.metrics.Calibration

        Raises
        ------
        ValueError
            If training has moved a parameter out of its range.
        """
        temperatures = self.temperature.detach().double().cpu().numpy()
        if self.method == "temperature":
            return Calibration(float(temperatures[0]), classes=self.classes, logits=True)
        if self.bias is None:
            return Calibration(temperatures, logits=True)
        biases = self.bias.detach().double().cpu().numpy()
        # A number that all classes have is none.
        return Calibration(temperatures, biases - biases[0], logits=True)

    @classmethod
    def from_json(cls, text: str) -> TemperatureScaling:
        """A layer of what the command ``soft-labels calibrate`` wrote, or `Calibration.to_json` returned.

        Parameters
        ----------
        text : str

        Returns
        -------
        TemperatureScaling

        Raises
        ------
        ValueError
            If it is no such form, or several temperatures were found on probabilities.
        """
        calibration = Calibration.from_json(text)
        if calibration.method != "temperature" and not calibration.logits:
            raise ValueError("these temperatures were found on probabilities, and this layer scales logits; fit logits")
        made = cls(calibration.classes, calibration.method)
        made._set(calibration)
        return made

    def extra_repr(self) -> str:
        """What is printed of it."""
        return f"classes={self.classes}, method={self.method!r}"

"""A table that grows while networks are trained."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path


class Rows:
    """A CSV file that grows by the rows of one network at a time. The first columns name the network.

    `path` is `kind.part.csv`. What another part has done is not done again.
    """

    def __init__(self, path: Path, network: Sequence[str], columns: Sequence[str]) -> None:
        self.path = path
        if not path.exists():
            self._write([[*network, *columns]])
        kind = path.name.split(".")[0]
        rows = [row for part in path.parent.glob(f"{kind}.*.csv") for row in csv.reader(part.open())]
        self.done = {tuple(row[: len(network)]) for row in rows}

    def add(self, network: Sequence[object], rows: Callable[[], list[list[object]]]) -> None:
        """Appends the rows of a network that is not there yet, each after the network's name."""
        if tuple(map(str, network)) not in self.done:
            self._write([[*network, *row] for row in rows()])
            print(*network, sep=", ", flush=True)

    def _write(self, rows: list[list[object]]) -> None:
        with self.path.open("a", newline="") as file:
            csv.writer(file).writerows(rows)


def read(folder: Path, name: str) -> list[dict[str, str]]:
    """The rows of `name.0.csv`, `name.1.csv` and so on, each once."""
    found = {}
    for file in sorted(folder.glob(f"{name}.*.csv")):
        for row in csv.DictReader(file.open()):
            found[tuple(row.values())] = row
    return list(found.values())

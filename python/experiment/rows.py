"""A table that grows while networks are trained."""

import csv
import gzip
import io
from collections.abc import Callable, Sequence
from pathlib import Path

PUBLISHED = Path(__file__).parents[2] / "docs" / "experiment"


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

    def add(self, network: Sequence[object], title: object, rows: Callable[[], list[list[object]]]) -> None:
        """Appends the rows of a network that is not there yet, each after the network's name, and prints its title."""
        if tuple(map(str, network)) not in self.done:
            self._write([[*network, *row] for row in rows()])
            print(title, flush=True)

    def _write(self, rows: list[list[object]]) -> None:
        with self.path.open("a", newline="") as file:
            csv.writer(file).writerows(rows)


def read(folder: Path, kind: str) -> list[dict[str, str]]:
    """The rows of `kind.0.csv`, `kind.1.csv` and so on, each once."""
    rows = [row for file in sorted(folder.glob(f"{kind}.*.csv")) for row in csv.DictReader(file.open())]
    return list({tuple(row.values()): row for row in rows}.values())


def publish(rows: list[dict[str, str]], name: str) -> None:
    """Writes rows to `docs/experiment`, with numbers of six digits."""
    if not rows:
        raise SystemExit(f"there are no rows of {name} to publish; give the folder that they were written to")
    with (
        gzip.GzipFile(PUBLISHED / f"{name}.csv.gz", "wb", mtime=0) as binary,
        io.TextIOWrapper(binary, "utf-8") as file,
    ):
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({column: _short(value) for column, value in row.items()} for row in rows)


def published(name: str) -> list[dict[str, str]]:
    """The rows that `publish` wrote."""
    with gzip.open(PUBLISHED / f"{name}.csv.gz", "rt", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _short(value: str) -> str:
    try:
        return f"{float(value):.6g}" if "." in value else value
    except ValueError:
        return value

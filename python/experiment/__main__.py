"""Trains and judges the networks of the experiment.

    python -m experiment choose --data Task04_Hippocampus --out results    # steps and learning rates, on volumes that are not judged
    python -m experiment choose-svls --data Task04_Hippocampus --out results    # then sigma and strength, in the same way
    python -m experiment train --data Task04_Hippocampus --out results     # the networks, and cases.csv
    python -m experiment report --out results                              # the tables
    python -m experiment train --data Task04_Hippocampus --out results --only "plain, Dice + CE, SVLS, 20 volumes, seed 1"

Run it in the folder `python`. It needs soft-labels, PyTorch and nibabel. A run that was stopped goes on where it was: each network
is kept in a file. `--part 0/2` and `--part 1/2` do half of the work each, on one thread each.
"""

import argparse
import csv
from collections.abc import Iterable
from itertools import product
from pathlib import Path

import numpy as np
import torch

import soft_labels
from soft_labels import metrics

from .data import CLASSES, Split, shifted, split
from .judging import METRICS, judge
from .report import report
from .training import CANDIDATES, LOSSES, SCHEDULE_OF, SCHEDULES, SEEDS, Job, Schedule, predictions

CHOSEN_ON = ("one-hot", "LS 0.05", "SVLS")
"""Targets whose steps and rates are chosen. Other smoothing has those of LS 0.05, other SVLS those of SVLS."""
COLUMNS = ["setting", "loss", "target", "volumes", "seed", "steps", "rate"]
TEMPERATURE_VOLUMES = (1, 5, 48)
PUBLISHED = Path(__file__).parents[2] / "docs" / "experiment" / "choice.csv"


PLAN = (
    # Setting, loss, targets, numbers of volumes; the sooner the more a reader needs it.
    ("plain", "Dice + CE", ("one-hot", "SVLS"), (20, 5, 80)),
    ("plain", "CE", ("one-hot", "SVLS"), (20, 5, 80)),
    ("plain", "Dice + CE", ("LS 0.05", "SVLS 0.5", "chosen"), (20,)),
    ("noisy labels", "Dice + CE", ("one-hot", "SVLS"), (20,)),
    ("larger network", "Dice + CE", ("one-hot", "SVLS"), (20,)),
    ("plain", "Dice + CE", ("LS 0.05", "SVLS 0.5", "chosen"), (5, 80)),
    ("plain", "Dice + CE", ("LS 0.01", "LS 0.1"), (20, 5, 80)),
    ("plain", "Dice + CE", ("one-hot", "SVLS"), (10, 160)),
    ("noisy labels", "Dice + CE", ("one-hot", "SVLS"), (80,)),
    ("larger network", "Dice + CE", ("one-hot", "SVLS"), (80,)),
    ("plain", "CE", ("LS 0.05",), (20, 5, 80)),
    ("plain", "CE", ("one-hot", "SVLS"), (10, 160)),
    ("noisy labels", "Dice + CE", ("LS 0.05",), (20, 80)),
    ("plain", "Dice + CE", ("LS 0.01", "LS 0.05", "LS 0.1", "SVLS 0.5", "chosen"), (10, 160)),
    ("plain", "CE", ("LS 0.01", "LS 0.1", "SVLS 0.5", "chosen"), (20, 5, 80, 10, 160)),
    ("plain", "CE", ("LS 0.05",), (10, 160)),
)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="experiment", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["choose", "choose-svls", "train", "report"])
    parser.add_argument("--data", type=Path, help="the folder Task04_Hippocampus, with imagesTr and labelsTr")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--part", default="0/1")
    parser.add_argument("--only", default="", help="the networks whose names begin so")
    args = parser.parse_args()
    if args.what == "report":
        print(report(args.out))
        return
    if args.data is None:
        parser.error("give --data, the folder Task04_Hippocampus")
    torch.set_num_threads(1)
    soft_labels.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    part, parts = map(int, args.part.split("/"))
    volumes = split(args.data)
    networks = args.out / "networks"
    networks.mkdir(parents=True, exist_ok=True)
    if args.what == "train":
        columns = [*COLUMNS, "images", "temperature_volumes", "temperature", "case", *METRICS]
        rows, work, found = Rows(args.out / f"cases.{part}.csv", columns), jobs(args.out), cases
    else:
        rows = Rows(args.out / f"choice.{part}.csv", [*COLUMNS, "dsc", "nll"])
        work, found = (schedules() if args.what == "choose" else smoothings(args.out)), choice
    for at, job in enumerate(work):
        if at % parts == part and str(job).startswith(args.only):
            rows.add(job, lambda job=job: found(job, args.data, volumes, networks))


def schedules() -> Iterable[Job]:
    """Networks to choose steps and learning rates with. Seed 0 is used for nothing else."""
    for volumes, loss, target, schedule in product((20, 5, 80), LOSSES, CHOSEN_ON, SCHEDULES):
        yield Job(loss, target, volumes, 0, schedule)


def smoothings(folder: Path) -> Iterable[Job]:
    """Networks to choose sigma and strength with."""
    schedule = chosen_schedules(folder)["Dice + CE", "SVLS", 20]
    for target in CANDIDATES:
        yield Job("Dice + CE", target, 20, 0, schedule)


def jobs(folder: Path) -> Iterable[Job]:
    """All networks, each with the schedule that was chosen."""
    schedules = chosen_schedules(folder)
    chosen = chosen_smoothing(folder)
    for setting, loss, targets, counts in PLAN:
        for volumes, target, seed in product(counts, targets, SEEDS):
            target = chosen if target == "chosen" else target
            kind = next(kind for kind in CHOSEN_ON if kind[:2] == target[:2])
            schedule = schedules[loss, kind, SCHEDULE_OF.get(volumes, volumes)]
            yield Job(loss, target, volumes, seed, schedule, setting)


def chosen_schedules(folder: Path) -> dict[tuple[str, str, int], Schedule]:
    """For each loss, target and number of volumes that with the best mean DSC on the other volumes."""
    best: dict[tuple[str, str, int], tuple[float, Schedule]] = {}
    for row in choices(folder):
        key = (row["loss"], row["target"], int(row["volumes"]))
        found = (float(row["dsc"]), Schedule(int(row["steps"]), float(row["rate"])))
        if key not in best or found[0] > best[key][0]:
            best[key] = found
    return {key: schedule for key, (_, schedule) in best.items()}


def chosen_smoothing(folder: Path) -> str:
    """The target of `CANDIDATES` with the best mean NLL on the other volumes."""
    return min((float(row["nll"]), row["target"]) for row in choices(folder) if row["target"] in CANDIDATES)[1]


def choices(folder: Path) -> list[dict[str, str]]:
    """The rows of this folder, or else the published ones."""
    files = sorted(folder.glob("choice.*.csv")) or [PUBLISHED]
    return [row for file in files for row in csv.DictReader(file.open())]


def choice(job: Job, data: Path, volumes: Split, networks: Path) -> list[list[object]]:
    """How good a schedule is on the other volumes."""
    found = [judge(*pair)[0] for pair in predictions(job.network(data, volumes, networks), data, volumes.other)]
    dsc = np.mean([(one["dsc_1"] + one["dsc_2"]) / 2 for one in found])
    return [[*name(job), float(dsc), float(np.mean([one["nll"] for one in found]))]]


def cases(job: Job, data: Path, volumes: Split, networks: Path) -> list[list[object]]:
    """A row for each judged case, as predicted and with temperatures of some of the other volumes."""
    network = job.network(data, volumes, networks)
    other = [
        (logits.reshape(CLASSES, -1), volume.labels.ravel().astype(np.int64))
        for volume, logits in predictions(network, data, volumes.other)
    ]
    temperatures = {0: 1.0}
    for count in TEMPERATURE_VOLUMES:
        logits, labels = (np.concatenate(parts, -1) for parts in zip(*other[:count], strict=True))
        temperatures[count] = metrics.temperature(logits, labels)
    rows = []
    for images, change in (("as they are", None), ("shifted", shifted)):
        for volume, logits in predictions(network, data, volumes.judged, change):
            judged = judge(volume, logits, list(temperatures.values()))
            for (count, temperature), found in zip(temperatures.items(), judged, strict=True):
                rows.append(
                    [*name(job), images, count, temperature, volume.name, *(found[metric] for metric in METRICS)]
                )
    return rows


def name(job: Job) -> list[object]:
    return [job.setting, job.loss, job.target, job.volumes, job.seed, job.schedule.steps, job.schedule.rate]


class Rows:
    """A table that grows by the rows of one network at a time."""

    def __init__(self, path: Path, columns: list[str]) -> None:
        self.path = path
        if not path.exists():
            self._write([columns])
        with path.open() as file:
            self.done = {tuple(row[:7]) for row in csv.reader(file)}

    def add(self, job: Job, rows) -> None:
        if tuple(map(str, name(job))) not in self.done:
            found = rows()
            self._write(found)
            print(job, flush=True)

    def _write(self, rows: list[list[object]]) -> None:
        with self.path.open("a", newline="") as file:
            csv.writer(file).writerows(rows)


main()

"""Which networks are trained, and what is asked of each."""

from collections.abc import Iterable
from itertools import product
from pathlib import Path

import numpy as np
from rows import Rows, publish, published, read

from .data import Split, shifted, split, stem
from .judging import METRICS, judge, softmax
from .temperatures import temperatures
from .training import CANDIDATES, LOSSES, SCHEDULE_OF, SCHEDULES, SEEDS, SETTINGS, VOLUMES, Job, Schedule, predictions

CHOSEN_ON = ("one-hot", "LS 0.05", "SVLS")
"""Targets whose steps and rates are chosen. Other smoothing has those of LS 0.05, other SVLS those of SVLS."""
COLUMNS = ["setting", "loss", "target", "volumes", "seed", "steps", "rate"]
PLAN = (
    # Setting, loss, targets, numbers of volumes; the sooner the more a reader needs it.
    ("plain", "Dice + CE", ("one-hot", "SVLS"), VOLUMES),
    ("plain", "CE", ("one-hot", "SVLS"), (5, 20, 80)),
    ("plain", "Dice + CE", ("LS 0.05", "SVLS 0.5", "chosen"), (5, 20, 80)),
    ("plain", "Dice + CE", ("LS 0.01", "LS 0.1"), (5, 20, 80)),
    ("plain", "CE", ("LS 0.05", "SVLS 0.5"), (5, 20, 80)),
    ("plain", "CE", ("LS 0.01", "LS 0.1"), (20,)),
    ("lower rate", "Dice + CE", ("SVLS",), (20, 80)),
    ("noisy labels", "Dice + CE", ("one-hot", "SVLS"), (20, 80)),
    ("larger network", "Dice + CE", ("one-hot", "SVLS"), (20, 80)),
)


def run(what: str, data: Path, out: Path, part: int, parts: int, only: str) -> None:
    """Trains and judges every network of this part that is not there yet."""
    volumes = split(data)
    networks = out / "networks"
    networks.mkdir(parents=True, exist_ok=True)
    if what == "train":
        columns = ["images", "temperature_volumes", "temperature", "case", *METRICS]
        rows, work, found = Rows(out / f"cases.{part}.csv", COLUMNS, columns), jobs(out), cases
    else:
        rows = Rows(out / f"choice.{part}.csv", COLUMNS, ["dsc", "nll"])
        work, found = (schedules() if what == "choose" else smoothings(out)), choice
    for at, job in enumerate(work):
        if at % parts == part and str(job).startswith(only):
            rows.add(name(job), job, lambda job=job: found(job, data, volumes, networks))


def predict_all(data: Path, out: Path, only: str) -> None:
    """Writes the probabilities (C, D, H, W) of the judged volumes, one folder for each network, as nnU-Net does."""
    if not only:
        raise SystemExit("say which networks with --only, for instance 'plain, Dice + CE, SVLS, 20 volumes, seed 1,'")
    volumes = split(data)
    for job in jobs(out):
        if str(job).startswith(only):
            folder = out / "predictions" / job.file(out).stem
            folder.mkdir(parents=True, exist_ok=True)
            for volume, logits in predictions(job.network(data, volumes, out / "networks"), data, volumes.judged):
                probabilities = softmax(logits).astype(np.float32)
                np.savez_compressed(folder / f"{stem(volume.name)}.npz", probabilities=probabilities)
            print(folder)


def publish_all(out: Path) -> None:
    """Copies the rows to docs/experiment."""
    for kind in ("choice", "cases"):
        publish(read(out, kind), f"hippocampus_{kind}")
    if rows := read(out, "nnunet"):
        publish(rows, "hippocampus_nnunet")


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
            like = next(like for like in CHOSEN_ON if target.startswith(like.split()[0]))
            schedule = SETTINGS[setting].schedule or schedules[loss, like, SCHEDULE_OF.get(volumes, volumes)]
            yield Job(loss, target, volumes, seed, schedule, setting)


def chosen_schedules(folder: Path) -> dict[tuple[str, str, int], Schedule]:
    """For each loss, target and number of volumes that with the best mean NLL on the other volumes."""
    best: dict[tuple[str, str, int], tuple[float, Schedule]] = {}
    for row in choices(folder):
        key = (row["loss"], row["target"], int(row["volumes"]))
        found = (float(row["nll"]), Schedule(int(row["steps"]), float(row["rate"])))
        if key not in best or found[0] < best[key][0]:
            best[key] = found
    done = {tuple(row[column] for column in COLUMNS) for row in choices(folder)}
    missing = [job for job in schedules() if tuple(map(str, name(job))) not in done]
    if missing:
        raise SystemExit(f"`choose` is not finished: {len(missing)} networks are missing, as {missing[0]}")
    return {key: schedule for key, (_, schedule) in best.items()}


def chosen_smoothing(folder: Path) -> str:
    """The target of `CANDIDATES` with the best mean NLL on the other volumes."""
    return min((float(row["nll"]), row["target"]) for row in choices(folder) if row["target"] in CANDIDATES)[1]


def choices(folder: Path) -> list[dict[str, str]]:
    """The rows of this folder, or else the published ones."""
    return read(folder, "choice") or published("hippocampus_choice")


def choice(job: Job, data: Path, volumes: Split, networks: Path) -> list[list[object]]:
    """How good a schedule is on the other volumes."""
    found = [judge(*pair)[0] for pair in predictions(job.network(data, volumes, networks), data, volumes.other)]
    dsc = np.mean([(one["dsc_1"] + one["dsc_2"]) / 2 for one in found])
    return [[float(dsc), float(np.mean([one["nll"] for one in found]))]]


def cases(job: Job, data: Path, volumes: Split, networks: Path) -> list[list[object]]:
    """A row for each judged case, as predicted and with temperatures of some of the other volumes."""
    network = job.network(data, volumes, networks)
    fitted = temperatures(predictions(network, data, volumes.other), job.seed)
    rows = []
    for images, change in (("as they are", None), ("shifted", shifted)):
        for volume, logits in predictions(network, data, volumes.judged, change):
            judged = judge(volume, logits, list(fitted.values()))
            for (count, temperature), found in zip(fitted.items(), judged, strict=True):
                rows.append([images, count, temperature, volume.name, *(found[metric] for metric in METRICS)])
    return rows


def name(job: Job) -> list[object]:
    return [job.setting, job.loss, job.target, job.volumes, job.seed, job.schedule.steps, job.schedule.rate]

"""Which networks are trained, and what is asked of each."""

from collections.abc import Iterable
from itertools import product
from pathlib import Path

from rows import Rows, publish, read
from windows import predict

from .data import Image, load
from .judging import METRICS, judge
from .training import FOLDS, SEEDS, STEP, TARGETS, WINDOW, Job

COLUMNS = ["target", "images", "fold", "seed"]
COMBINED = ("mSVLS", "mOH", "majority", "STAPLE")
ALONE = tuple(target for target in TARGETS if target not in COMBINED)
PLAN = ((24, COMBINED), (24, ALONE), (4, COMBINED), (12, COMBINED), (4, ALONE), (12, ALONE))


def run(data: Path, out: Path, part: int, parts: int, only: str) -> None:
    """Trains and judges every network of this part that is not there yet."""
    networks = out / "networks"
    networks.mkdir(parents=True, exist_ok=True)
    groups = load(data)
    rows = Rows(out / f"nuclei.{part}.csv", COLUMNS, ["case", *METRICS])
    for at, job in enumerate(jobs()):
        if at % parts == part and str(job).startswith(only):
            name = [job.target, job.images, job.fold, job.seed]
            rows.add(name, job, lambda job=job: cases(job, groups, networks))


def publish_all(out: Path) -> None:
    """Copies the rows to docs/experiment."""
    publish(read(out, "nuclei"), "nuclei_cases")


def jobs() -> Iterable[Job]:
    """All networks; the sooner the more a reader needs it."""
    for images, targets in PLAN:
        for target, seed, fold in product(targets, SEEDS, range(FOLDS)):
            yield Job(target, images, fold, seed)


def cases(job: Job, groups: list[list[Image]], networks: Path) -> list[list[object]]:
    """A row for each image of the groups that were held out."""
    network = job.network(groups, networks)
    rows = []
    for group in groups[job.fold :: FOLDS]:
        for image in group:
            found = judge(image, predict(network, image.pixels, WINDOW, STEP))
            rows.append([image.name, *(found[metric] for metric in METRICS)])
    return rows

"""Trains and judges the networks of docs/experiment.md.

    python experiment hippocampus choose --data Task04_Hippocampus --out results         # steps and learning rates
    python experiment hippocampus choose-svls --data Task04_Hippocampus --out results    # then sigma and strength
    python experiment hippocampus train --data Task04_Hippocampus --out results          # the networks, judged
    python experiment hippocampus publish --out results                                  # copies the rows to docs/experiment
    python experiment hippocampus report                                                 # tables of those rows, and the figure
    python experiment nuclei train --data lab-wue1 --out results
    python experiment hippocampus train --data Task04_Hippocampus --out results --only "plain, Dice + CE, SVLS, 20 volumes, seed 1,"

Run it in the folder `python`. It needs soft-labels, PyTorch, SciPy, nibabel, Pillow and Matplotlib. A run that was stopped goes on
where it was: each network is kept in a file. `--part 0/2` and `--part 1/2` do half of the work each, on one thread each. `--only`
trains some of the networks, without `choose` with what the published rows chose; `predict` writes their probabilities. For nnU-Net
itself `nnunet-prepare` writes the folders it wants and `nnunet-judge` judges its predictions; docs/experiment.md has its own commands.
"""

import argparse
from pathlib import Path

import hippocampus.command
import hippocampus.nnunet
import hippocampus.report
import nuclei.command
import nuclei.report
import torch

import soft_labels

TASKS = ["choose", "choose-svls", "train", "predict", "nnunet-prepare", "nnunet-judge"]
"""What needs the data. The nuclei have `train` alone."""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="experiment", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data_set", choices=["hippocampus", "nuclei"])
    parser.add_argument("what", choices=[*TASKS, "publish", "report"])
    parser.add_argument("--data", type=Path, help="the folder Task04_Hippocampus, or train_data/lab-wue1")
    parser.add_argument("--out", type=Path, help="where rows and networks are kept")
    parser.add_argument("--part", default="0/1")
    parser.add_argument("--only", default="", help="the networks whose names begin so")
    args = parser.parse_args()
    data_set = {"hippocampus": hippocampus, "nuclei": nuclei}[args.data_set]
    if args.what == "report":
        print(data_set.report.report())
        return
    if args.out is None:
        parser.error("give --out, a folder for the results")
    if args.what == "publish":
        data_set.command.publish_all(args.out)
        return
    if args.data is None:
        parser.error("give --data, the folder of the data set")
    torch.set_num_threads(1)
    soft_labels.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    part, parts = map(int, args.part.split("/"))
    match args.data_set, args.what:
        case "hippocampus", "predict":
            hippocampus.command.predict_all(args.data, args.out, args.only)
        case "hippocampus", "nnunet-prepare":
            hippocampus.nnunet.prepare(args.data, args.out)
        case "hippocampus", "nnunet-judge":
            hippocampus.nnunet.judge_all(args.data, args.out)
        case "hippocampus", what:
            hippocampus.command.run(what, args.data, args.out, part, parts, args.only)
        case "nuclei", "train":
            nuclei.command.run(args.data, args.out, part, parts, args.only)
        case "nuclei", what:
            parser.error(f"the nuclei have no {what}")


main()

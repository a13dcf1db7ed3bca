//! Of probabilities.

use crate::tables::Definition;

pub(super) const DEFINITIONS: &[Definition] = &[
    Definition {
        keys: &["ece"],
        term: "ECE, expected calibration error",
        text: "How far confidence and accuracy are apart. Voxels are put in bins by their confidence, the largest of their \
               probabilities. In each bin the share of voxels whose most probable class is right is compared with their mean \
               confidence, and the differences are averaged by the number n of voxels (Guo et al. 2017). N is the number of all voxels.",
        formula: "Σ n/N |accuracy − confidence|, over the bins",
        range: "From 0 (of the voxels with a confidence of 80 %, 80 % are right) to 1.",
        options: &["--bins", "--scope", "--band-mm", "--mask"],
    },
    Definition {
        keys: &["tace"],
        term: "TACE, thresholded adaptive calibration error",
        text: "For each class but the background, its probabilities above 0.001 are sorted and cut into ranges that hold equally \
               many. In each range the share of voxels of the class is compared with their mean probability. The differences are \
               averaged over ranges, and then over classes (Nixon et al. 2019).",
        formula: "1/K Σ 1/R Σ |accuracy − confidence|, over K classes and R ranges of each",
        range: "From 0 (best) to 1.",
        options: &["--bins"],
    },
    Definition {
        keys: &["tace_paper"],
        term: "TACE of the released code of SVLS",
        text: "TACE as the code released with the paper on SVLS computes it, for comparison with that paper: ranges count by the \
               probabilities they hold, and the result is divided by the number of ranges once more. It does not exist where a class has fewer \
               probabilities above 0.001 than there are ranges.",
        formula: "1/K Σ 1/R Σ n/N |accuracy − confidence|, with the n of N probabilities of a class that a range holds",
        range: "From 0 (best) to 1/R. It is about TACE divided by the number of ranges.",
        options: &["--bins"],
    },
    Definition {
        keys: &["nll"],
        term: "Negative log-likelihood",
        text: "The mean over voxels of −log p, where p is the probability of the class that the reference has. The logarithm is the \
               natural one. One voxel whose true class has the probability 0 makes it infinite.",
        formula: "−1/N Σ log p, over N voxels",
        range: "0 is best. Chance among K classes gives log K.",
        options: &[],
    },
    Definition {
        keys: &["brier"],
        term: "Brier score",
        text: "The mean over voxels of the squared differences between the probabilities p of the classes and the truth t, which is \
               1 for the class of the reference and 0 for the others. The differences are summed over classes.",
        formula: "1/N Σ Σ (p − t)², over N voxels and their classes",
        range: "From 0 (best) to 2.",
        options: &[],
    },
    Definition {
        keys: &["lower", "upper"],
        term: "Bins of confidence",
        text: "A bin holds the voxels whose confidence is above its first number, and at most its second one.",
        formula: "",
        range: "",
        options: &["--bins"],
    },
    Definition {
        keys: &["count"],
        term: "Voxels of a bin",
        text: "How many voxels of all cases have a confidence in the bin. Voxels that nobody labelled do not count.",
        formula: "",
        range: "",
        options: &["--bins", "--scope", "--band-mm", "--mask", "--ignore"],
    },
    Definition {
        keys: &["accuracy"],
        term: "Accuracy",
        text: "The share of the voxels in the bin whose most probable class is that of the reference.",
        formula: "",
        range: "From 0 to 1. It is best where it is the mean confidence.",
        options: &["--bins", "--scope", "--band-mm", "--mask"],
    },
    Definition {
        keys: &["confidence"],
        term: "Mean confidence",
        text: "The confidence of a voxel is the largest of its probabilities. This is the mean over the voxels in the bin.",
        formula: "",
        range: "",
        options: &["--bins", "--scope", "--band-mm", "--mask"],
    },
    Definition {
        keys: &["class"],
        term: "Class",
        text: "The class whose probabilities are compared with where the reference has it. The mean over classes is over those \
               that the reference has. The top label is the most probable class of each voxel.",
        formula: "",
        range: "",
        options: &["--classes", "--dataset"],
    },
    Definition {
        keys: &["class_ece"],
        term: "ECE of a class",
        text: "How far the probabilities of a class are from the truth. Voxels are put in bins by the probability of the class. In \
               each bin the share of voxels of the class is compared with their mean probability, and the differences are averaged \
               by the number n of voxels. N is the number of all voxels.",
        formula: "Σ n/N |share − mean probability|, over the bins",
        range: "From 0 (best) to 1.",
        options: &["--bins", "--equal-mass", "--scope", "--band-mm", "--mask"],
    },
    Definition {
        keys: &["class_ace"],
        term: "ACE, average calibration error",
        text: "As ECE of the same row, but all bins that hold a voxel count alike (Neumann et al. 2018).",
        formula: "1/B Σ |share − mean probability|, over B bins",
        range: "From 0 (best) to 1.",
        options: &["--bins", "--equal-mass", "--scope", "--band-mm", "--mask"],
    },
    Definition {
        keys: &["class_mce"],
        term: "MCE, maximum calibration error",
        text: "As ECE of the same row, but of the worst bin alone. A bin with few voxels can decide it.",
        formula: "max |share − mean probability|, over the bins",
        range: "From 0 (best) to 1.",
        options: &["--bins", "--equal-mass", "--scope", "--band-mm", "--mask"],
    },
    Definition {
        keys: &["aurc"],
        term: "AURC, area under the risk-coverage curve",
        text: "Voxels are sorted by their confidence. Among the most confident ones, the share whose most probable class is wrong \
               is averaged over how many of them are taken, from none to all.",
        formula: "",
        range: "From 0 (best) to 1.",
        options: &["--scope", "--band-mm", "--mask"],
    },
    Definition {
        keys: &["pooled"],
        term: "Pooled",
        text: "The number for the voxels of all cases together, in one set of bins.",
        formula: "",
        range: "",
        options: &[],
    },
    Definition {
        keys: &["pooled_low", "pooled_high"],
        term: "95 % interval of the pooled number",
        text: "Cases are drawn anew 2000 times, with repetition, and their voxels pooled. 95 % of the numbers of these draws lie in \
               the interval. It does not exist for a single case.",
        formula: "",
        range: "",
        options: &["--seed"],
    },
    Definition {
        keys: &["averaged"],
        term: "Averaged",
        text: "The mean of the numbers of the single cases. It is larger than the pooled number if errors of cases cancel out when \
               they are pooled.",
        formula: "",
        range: "",
        options: &[],
    },
    Definition {
        keys: &["averaged_low", "averaged_high"],
        term: "95 % interval of the averaged number",
        text: "As the interval of a mean: cases are drawn anew 2000 times, with repetition. It does not exist for a single case.",
        formula: "",
        range: "",
        options: &["--seed"],
    },
    Definition {
        keys: &["prediction"],
        term: "Prediction",
        text: "Which of the predictions that are compared a row is about.",
        formula: "",
        range: "",
        options: &["--also"],
    },
];

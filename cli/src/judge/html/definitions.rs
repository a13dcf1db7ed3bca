//! What the numbers of `judge` mean.

use crate::judge::scores::{OF_CALIBRATION, OF_STRUCTURES};
use crate::tables::{Definition, Glossary};

pub(super) fn glossary() -> Glossary {
    Glossary {
        definitions: DEFINITIONS.iter().collect(),
        metrics: OF_STRUCTURES
            .iter()
            .chain(&OF_CALIBRATION)
            .chain(&OF_CLASSES)
            .copied()
            .collect(),
    }
}

/// The metrics of the table of calibration by class.
const OF_CLASSES: [(&str, &str); 4] = [
    ("class_ece", "ECE"),
    ("class_ace", "ACE"),
    ("class_mce", "MCE"),
    ("aurc", "AURC"),
];

/// P is the structure as predicted, R the same structure in the reference. τ is the tolerance.
const DEFINITIONS: &[Definition] = &[
    Definition {
        keys: &["case"],
        term: "Case",
        text: "A prediction and its reference. A case is named by its files.",
        formula: "",
        range: "",
        options: &[],
    },
    Definition {
        keys: &["structure"],
        term: "Structure",
        text: "What is judged: a class, or a region of several classes. The background is no structure.",
        formula: "",
        range: "",
        options: &["--classes", "--dataset", "--regions", "--channels", "--structures"],
    },
    Definition {
        keys: &["dice"],
        term: "Dice",
        text: "Overlap of prediction P and reference R: the voxels in both, counted twice, as a share of all voxels of P and R.",
        formula: "2 |P ∩ R| / (|P| + |R|)",
        range: "From 0 (no overlap) to 1 (the same voxels).",
        options: &["--empty", "--threshold"],
    },
    Definition {
        keys: &["jaccard"],
        term: "Jaccard",
        text: "Also called intersection over union: the voxels in both P and R, as a share of the voxels in either.",
        formula: "|P ∩ R| / |P ∪ R|",
        range: "From 0 to 1 (the same voxels). It is never higher than Dice.",
        options: &["--empty", "--threshold"],
    },
    Definition {
        keys: &["precision"],
        term: "Precision",
        text: "The share of the prediction that is right. It is also called positive predictive value. It does not exist where \
               nothing is predicted.",
        formula: "|P ∩ R| / |P|",
        range: "From 0 to 1 (nothing was invented).",
        options: &["--empty", "--threshold"],
    },
    Definition {
        keys: &["recall"],
        term: "Recall",
        text: "The share of the reference that was found. It is also called sensitivity. It does not exist where the reference has \
               no such structure.",
        formula: "|P ∩ R| / |R|",
        range: "From 0 to 1 (nothing was missed).",
        options: &["--empty", "--threshold"],
    },
    Definition {
        keys: &["volume_prediction_mm3"],
        term: "Volume of the prediction",
        text: "The voxels that are predicted, times the volume of a voxel. In images it is an area.",
        formula: "",
        range: "In mm³, in images in mm². It is best where it is that of the reference.",
        options: &["--spacing-mm", "--threshold"],
    },
    Definition {
        keys: &["volume_reference_mm3"],
        term: "Volume of the reference",
        text: "The voxels of the reference, times the volume of a voxel. In images it is an area.",
        formula: "",
        range: "In mm³, in images in mm².",
        options: &["--spacing-mm"],
    },
    Definition {
        keys: &["relative_volume_difference"],
        term: "Relative difference of volumes",
        text: "How much more volume is predicted than there is, as a share of the reference. It is negative where too little is \
               predicted. It does not exist where the reference has no such structure.",
        formula: "(|P| − |R|) / |R|",
        range: "0 is best. −1 means that nothing is predicted, and 1 that twice the volume is.",
        options: &["--threshold"],
    },
    Definition {
        keys: &["surface_dice"],
        term: "Surface Dice",
        text: "The share of both surfaces that lies within the tolerance τ of the other one. With --surface surfels, surfaces and \
               their areas A are those of DeepMind's package surface-distance (Nikolov et al. 2018): small elements between voxels, \
               in mm². With --surface edge-voxels they are the outermost voxels of the structure, as in MONAI, and A is their number.",
        formula: "(A of R within τ of P + A of P within τ of R) / (A of R + A of P)",
        range: "From 0 to 1 (no part of a surface is further away than the tolerance).",
        options: &["--tolerance-mm", "--surface", "--spacing-mm", "--empty", "--threshold"],
    },
    Definition {
        keys: &["overlap_reference"],
        term: "Surface overlap of the reference",
        text: "The share of the reference's surface that lies within the tolerance of the predicted one. Parts that were missed \
               lower it.",
        formula: "A of R within τ of P / A of R",
        range: "From 0 to 1.",
        options: &["--tolerance-mm", "--surface", "--spacing-mm", "--empty", "--threshold"],
    },
    Definition {
        keys: &["overlap_prediction"],
        term: "Surface overlap of the prediction",
        text: "The share of the predicted surface that lies within the tolerance of the reference's. Parts that were invented \
               lower it.",
        formula: "A of P within τ of R / A of P",
        range: "From 0 to 1.",
        options: &["--tolerance-mm", "--surface", "--spacing-mm", "--empty", "--threshold"],
    },
    Definition {
        keys: &["average_surface_distance_mm"],
        term: "Average surface distance",
        text: "The distance from a surface to the other one, averaged over both surfaces by area. It is infinite where only one \
               of the two maps holds the structure.",
        formula: "",
        range: "In mm. 0 is best.",
        options: &["--surface", "--spacing-mm", "--empty", "--threshold"],
    },
    Definition {
        keys: &["hausdorff95_mm"],
        term: "Hausdorff distance, 95 %",
        text: "95 % of each surface, by area, lies within this distance of the other one. A few voxels far away do not count. It \
               is infinite where only one of the two maps holds the structure.",
        formula: "",
        range: "In mm. 0 is best.",
        options: &["--surface", "--spacing-mm", "--empty", "--threshold"],
    },
    Definition {
        keys: &["hausdorff_mm"],
        term: "Hausdorff distance",
        text: "The largest distance from a point of one surface to the other surface. A single voxel far away decides it. It is \
               infinite where only one of the two maps holds the structure.",
        formula: "",
        range: "In mm. 0 is best.",
        options: &["--surface", "--spacing-mm", "--empty", "--threshold"],
    },
    Definition {
        keys: &["both"],
        term: "In both maps",
        text: "Cases in which prediction and reference both hold the structure.",
        formula: "",
        range: "",
        options: &["--threshold"],
    },
    Definition {
        keys: &["missed"],
        term: "Missed",
        text: "Cases in which the reference holds the structure and the prediction has no voxel of it.",
        formula: "",
        range: "0 is best.",
        options: &["--threshold"],
    },
    Definition {
        keys: &["invented"],
        term: "Invented",
        text: "Cases in which the prediction holds the structure and the reference has no voxel of it.",
        formula: "",
        range: "0 is best.",
        options: &["--threshold"],
    },
    Definition {
        keys: &["neither"],
        term: "In neither",
        text: "Cases in which no map holds the structure. What they score is a matter of convention.",
        formula: "",
        range: "",
        options: &["--empty", "--threshold"],
    },
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
    Definition {
        keys: &["metric"],
        term: "Metric",
        text: "What a row is about. Each has an entry here.",
        formula: "",
        range: "",
        options: &[],
    },
    Definition {
        keys: &["value"],
        term: "Value",
        text: "The metric of this one case.",
        formula: "",
        range: "",
        options: &[],
    },
    Definition {
        keys: &["mean"],
        term: "Mean",
        text: "The mean over cases in which the metric exists and is finite. An infinite distance is in no mean, so look at the \
               number of infinite ones, too.",
        formula: "",
        range: "",
        options: &["--empty"],
    },
    Definition {
        keys: &["standard_deviation"],
        term: "Standard deviation",
        text: "How much the cases of the mean differ, with their number less 1 as divisor. It does not exist for a single case.",
        formula: "",
        range: "",
        options: &["--empty"],
    },
    Definition {
        keys: &["median"],
        term: "Median",
        text: "The value in the middle: half of the cases are below it. Infinite values are among them, so that a method does not \
               look better by missing more.",
        formula: "",
        range: "",
        options: &["--empty"],
    },
    Definition {
        keys: &["interval_low", "interval_high"],
        term: "95 % interval of the mean",
        text: "Where the mean would lie for other cases of this kind: cases are drawn anew 2000 times, with repetition, and 95 % \
               of the means of these draws lie in the interval (bootstrap, percentiles 2.5 and 97.5). With few cases it is too narrow.",
        formula: "",
        range: "",
        options: &["--seed"],
    },
    Definition {
        keys: &["cases"],
        term: "Cases of the mean",
        text: "In how many cases the metric exists and is finite.",
        formula: "",
        range: "",
        options: &["--empty"],
    },
    Definition {
        keys: &["infinite"],
        term: "Infinite",
        text: "In how many cases the metric is infinite, such as the distance to a structure that was missed.",
        formula: "",
        range: "0 is best.",
        options: &["--empty"],
    },
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_metric_is_defined() {
        let glossary = glossary();
        for (key, _) in &glossary.metrics {
            assert!(glossary.of_key(key).is_some(), "{key} has no definition");
        }
    }

    #[test]
    fn keys_are_defined_once() {
        let mut known = HashSet::new();
        for key in DEFINITIONS.iter().flat_map(|definition| definition.keys) {
            assert!(known.insert(key), "{key} is defined twice");
        }
    }

    /// An option that was renamed is renamed here, too.
    #[test]
    fn options_exist() {
        #[derive(clap::Parser)]
        struct Judge {
            #[command(flatten)]
            args: crate::judge::Args,
        }
        let command = <Judge as clap::CommandFactory>::command();
        let known: HashSet<_> = command.get_arguments().filter_map(|arg| arg.get_long()).collect();
        for option in DEFINITIONS.iter().flat_map(|definition| definition.options) {
            assert!(known.contains(option.trim_start_matches("--")), "{option}");
        }
    }
}

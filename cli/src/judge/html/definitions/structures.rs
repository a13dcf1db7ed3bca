//! Of a structure. P is it as predicted, R in the reference, and τ the tolerance.

use crate::tables::Definition;

pub(super) const DEFINITIONS: &[Definition] = &[
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
];

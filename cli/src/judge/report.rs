//! What was found, as tables or as JSON.

use std::io::{self, Write};

use serde_json::{Map, Value, json};
use soft_labels::metrics::ReliabilityBin;

pub(crate) struct Judgement {
    /// By label and by name.
    pub(crate) classes: Vec<(String, Structure)>,
    pub(crate) regions: Vec<(String, Structure)>,
    pub(crate) calibration: Option<Calibration>,
}

pub(crate) struct Structure {
    pub(crate) dice: f64,
    pub(crate) surface_dice: f64,
    pub(crate) overlap_reference: f64,
    pub(crate) overlap_prediction: f64,
    pub(crate) average_surface_distance_mm: f64,
    pub(crate) hausdorff95_mm: f64,
}

pub(crate) struct Calibration {
    pub(crate) ece: f64,
    pub(crate) tace: f64,
    pub(crate) tace_paper: f64,
    pub(crate) nll: f64,
    pub(crate) brier: f64,
    pub(crate) reliability: Vec<ReliabilityBin>,
}

impl Structure {
    fn numbers(&self) -> [f64; 6] {
        [
            self.dice,
            self.surface_dice,
            self.overlap_reference,
            self.overlap_prediction,
            self.average_surface_distance_mm,
            self.hausdorff95_mm,
        ]
    }

    /// Numbers that do not exist, NaN and infinities, are null.
    fn json(&self) -> Value {
        json!({
            "dice": self.dice,
            "surface_dice": self.surface_dice,
            "overlap_reference": self.overlap_reference,
            "overlap_prediction": self.overlap_prediction,
            "average_surface_distance_mm": self.average_surface_distance_mm,
            "hausdorff95_mm": self.hausdorff95_mm,
        })
    }
}

impl Judgement {
    pub(crate) fn print_json(&self) -> io::Result<()> {
        let named = |structures: &[(String, Structure)]| -> Map<String, Value> {
            structures
                .iter()
                .map(|(name, structure)| (name.clone(), structure.json()))
                .collect()
        };
        let mut object = Map::new();
        object.insert("classes".into(), named(&self.classes).into());
        object.insert("regions".into(), named(&self.regions).into());
        if let Some(calibration) = &self.calibration {
            let scores = [
                ("ece", calibration.ece),
                ("tace", calibration.tace),
                ("tace_paper", calibration.tace_paper),
                ("nll", calibration.nll),
                ("brier", calibration.brier),
            ];
            object.extend(scores.map(|(name, score)| (name.to_owned(), json!(score))));
            let bin = |bin: &ReliabilityBin| {
                json!({
                    "lower": bin.lower,
                    "upper": bin.upper,
                    "count": bin.count,
                    "accuracy": bin.accuracy,
                    "confidence": bin.confidence,
                })
            };
            object.insert("reliability".into(), calibration.reliability.iter().map(bin).collect());
        }
        writeln!(io::stdout(), "{:#}", Value::from(object))
    }

    pub(crate) fn print_tables(&self, tolerance: f64) -> io::Result<()> {
        let mut text = io::stdout().lock();
        let structures = || self.classes.iter().chain(&self.regions);
        let width = structures()
            .map(|(name, _)| name.chars().count())
            .max()
            .unwrap_or(0)
            .max(6);
        let near = format!("within {tolerance} mm");
        writeln!(
            text,
            "{:width$}  {:>8}  {:>38}  {:>26}",
            "", "", near, "distance of surfaces"
        )?;
        writeln!(
            text,
            "{:width$}  {:>8}  {:>12}  {:>11}  {:>11}  {:>12}  {:>12}",
            "label", "Dice", "surface Dice", "of refer.", "of predict.", "average mm", "Hausdorff 95"
        )?;
        for (name, structure) in structures() {
            let [dice, surface, reference, prediction, average, hausdorff] = structure.numbers().map(number);
            writeln!(
                text,
                "{name:width$}  {dice:>8}  {surface:>12}  {reference:>11}  {prediction:>11}  {average:>12}  {hausdorff:>12}"
            )?;
        }
        let Some(calibration) = &self.calibration else {
            return Ok(());
        };
        writeln!(text)?;
        for (what, score) in [
            ("ECE, top label", calibration.ece),
            ("TACE (Nixon et al.)", calibration.tace),
            ("TACE (SVLS released code)", calibration.tace_paper),
            ("negative log-likelihood", calibration.nll),
            ("Brier score", calibration.brier),
        ] {
            writeln!(text, "{what:26} {:>10}", number(score))?;
        }
        writeln!(text, "\n   confidence        voxels  accuracy  mean confidence")?;
        for bin in &calibration.reliability {
            let (accuracy, confidence) = (number(bin.accuracy), number(bin.confidence));
            writeln!(
                text,
                "{:5.3} to {:5.3} {:>13}  {accuracy:>8}  {confidence:>15}",
                bin.lower, bin.upper, bin.count
            )?;
        }
        Ok(())
    }
}

/// A few places, or a dash for what does not exist.
fn number(value: f64) -> String {
    match value.abs() {
        size if size.is_nan() => "-".into(),
        size if size.is_infinite() => "inf".into(),
        0.0 => "0".into(),
        size if size < 1e-3 => format!("{value:.3e}"),
        _ => format!("{value:.4}"),
    }
}

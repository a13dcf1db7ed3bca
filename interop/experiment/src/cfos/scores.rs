//! How well predictions agree with the experts.

use anyhow::Result;
use ndarray::{Array2, Array3, ArrayView2, Ix2, Ix3};
use ndarray_ndimage::label;
use serde::{Deserialize, Serialize};
use soft_labels::metrics::{
    Confusion, Empty, Region, Reliability, Scope, brier, brier_soft, negative_log_likelihood,
    negative_log_likelihood_soft, top_labels,
};
use soft_labels::{Classes, OneHot, multirater};

use super::classes;
use super::data::{EXPERTS, Image};

/// Bins of the calibration error, as in the paper's code.
const BINS: usize = 10;

/// The scores of one network on one image, against one expert or their mean. The names are those of the columns of the CSV.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) targets: String,
    /// The groups that were not learned from.
    pub(crate) fold: usize,
    pub(crate) seed: u64,
    pub(crate) case: String,
    /// "expert 1" to "expert 5", or "mean".
    pub(crate) judged_by: String,
    pub(crate) dsc: f64,
    /// Of objects: 2 matches / (found + marked).
    pub(crate) f1_objects: f64,
    pub(crate) ece: f64,
    pub(crate) ece_marked: f64,
    pub(crate) nll: f64,
    pub(crate) brier: f64,
}

/// A column with its name in tables.
#[derive(Clone, Copy)]
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) of: fn(&Row) -> f64,
    pub(crate) more_is_better: bool,
}

pub(crate) const METRICS: [Metric; 6] = [
    Metric {
        name: "DSC",
        of: |row| row.dsc,
        more_is_better: true,
    },
    Metric {
        name: "F1 of objects",
        of: |row| row.f1_objects,
        more_is_better: true,
    },
    Metric {
        name: "ECE",
        of: |row| row.ece,
        more_is_better: false,
    },
    Metric {
        name: "ECE marked",
        of: |row| row.ece_marked,
        more_is_better: false,
    },
    Metric {
        name: "NLL",
        of: |row| row.nll,
        more_is_better: false,
    },
    Metric {
        name: "Brier",
        of: |row| row.brier,
        more_is_better: false,
    },
];

/// Scores probabilities (C, H, W) of an image, once for each expert and once for their mean.
///
/// Against the mean, DSC and objects are those of the majority; calibration counts every pixel once for each expert; the
/// likelihood and the Brier score take the mean as it is.
pub(crate) fn score(run: &Row, probabilities: &Array3<f32>, image: &Image) -> Result<Vec<Row>> {
    let classes = classes()?;
    let predicted: Array2<u8> = top_labels::<_, _, Ix2>(probabilities, &classes)?;
    let mut rows = Vec::new();
    let (mut everywhere, mut marked) = (Reliability::new(BINS)?, Reliability::new(BINS)?);
    for expert in 0..EXPERTS {
        let labels = image.expert(expert);
        let (mut all, mut foreground) = (Reliability::new(BINS)?, Reliability::new(BINS)?);
        all.add(probabilities, &labels, &classes, Scope::All)?;
        foreground.add(probabilities, &labels, &classes, Scope::Foreground)?;
        rows.push(Row {
            case: image.name.clone(),
            judged_by: format!("expert {}", expert + 1),
            dsc: dice(&predicted, &labels, &classes)?,
            f1_objects: f1_of_objects(&predicted, &labels),
            ece: all.ece(),
            ece_marked: foreground.ece(),
            nll: negative_log_likelihood(probabilities, &labels, &classes)?,
            brier: brier(probabilities, &labels, &classes)?,
            ..run.clone()
        });
        everywhere.merge(&all)?;
        marked.merge(&foreground)?;
    }
    let mean: Array3<f32> = multirater::average(&OneHot, &image.experts(), &classes)?;
    rows.push(Row {
        case: image.name.clone(),
        judged_by: "mean".into(),
        dsc: dice(&predicted, &image.majority.view(), &classes)?,
        f1_objects: f1_of_objects(&predicted, &image.majority.view()),
        ece: everywhere.ece(),
        ece_marked: marked.ece(),
        nll: negative_log_likelihood_soft::<_, _, Ix3>(probabilities, &mean)?,
        brier: brier_soft::<_, _, Ix3>(probabilities, &mean)?,
        ..run.clone()
    });
    Ok(rows)
}

fn dice(predicted: &Array2<u8>, labels: &ArrayView2<'_, u8>, classes: &Classes) -> Result<f64> {
    Ok(Confusion::count(predicted, labels, classes)?.dice(&Region::class(1), Empty::One))
}

/// Objects are connected pixels (8 neighbours). Two of them match if their intersection is more than half of their union, so
/// that each has one match at most. 1 where there are none.
pub(crate) fn f1_of_objects(predicted: &Array2<u8>, reference: &ArrayView2<'_, u8>) -> f64 {
    let numbered = |map: &ArrayView2<'_, u8>| {
        let flat = map.map(|&label| label == 1).insert_axis(ndarray::Axis(0));
        let (objects, count): (Array3<u32>, usize) = label(&flat, &Array3::from_elem((3, 3, 3), true));
        (objects, count)
    };
    let ((found, found_count), (marked, marked_count)) = (numbered(&predicted.view()), numbered(reference));
    if found_count + marked_count == 0 {
        return 1.0;
    }
    let sizes = |objects: &Array3<u32>, count: usize| {
        let mut sizes = vec![0_u32; count + 1];
        objects.iter().for_each(|&object| sizes[object as usize] += 1);
        sizes
    };
    let (found_sizes, marked_sizes) = (sizes(&found, found_count), sizes(&marked, marked_count));
    let mut common = std::collections::HashMap::<(u32, u32), u32>::new();
    for (&a, &b) in found.iter().zip(&marked) {
        if a > 0 && b > 0 {
            *common.entry((a, b)).or_default() += 1;
        }
    }
    let matches = common
        .iter()
        .filter(|((a, b), common)| {
            let union = found_sizes[*a as usize] + marked_sizes[*b as usize] - **common;
            2 * **common > union
        })
        .count();
    2.0 * matches as f64 / (found_count + marked_count) as f64
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn objects_that_overlap_by_half_do_not_match() {
        let one = array![[1_u8, 1, 0, 0, 1], [0, 0, 0, 0, 1]];
        assert_eq!(f1_of_objects(&one, &one.view()), 1.0);
        let other = array![[1_u8, 0, 0, 0, 1], [0, 0, 0, 0, 1]];
        assert_eq!(f1_of_objects(&one, &other.view()), 0.5);
        let none = Array2::zeros((2, 5));
        assert_eq!(f1_of_objects(&none, &none.view()), 1.0);
        assert_eq!(f1_of_objects(&one, &none.view()), 0.0);
    }
}

//! Calibration beyond the top label: every class, bins of equal mass, and risk-coverage curves, against numbers by hand and against
//! plain loops.

use std::collections::BTreeSet;

use ndarray::{Array2, Array3, array};
use proptest::collection::vec;
use proptest::prelude::*;
use soft_labels::metrics::{
    CalibrationReduction, ClassReliability, Reliability, RiskCoverage, Scope, class_calibration, risk_coverage,
};
use soft_labels::{Classes, Error};

use crate::expected::count;
use crate::fixture::assert_near;
use crate::layout::Layout;
use crate::scene::for_all;

const NEAR: f64 = 1e-12;

/// Probabilities in 255ths: each has a bin of its own.
const FINE: usize = 5100;

/// A row of voxels, with 255ths of two of three classes and a label; label 9 is ignored.
#[derive(Debug, Clone)]
struct Row {
    parts: Vec<[u8; 2]>,
    labels: Vec<u8>,
    mask: Vec<bool>,
}

impl Row {
    fn any() -> impl Strategy<Value = Self> {
        let voxel = (
            prop_oneof![Just(0_u8), Just(255), 0..=255_u8],
            0..=255_u8,
            prop_oneof![0..3_u8, Just(9)],
            any::<bool>(),
        );
        vec(voxel, 1..50).prop_map(|voxels| Self {
            parts: voxels.iter().map(|&(a, b, ..)| [a, b.min(255 - a)]).collect(),
            labels: voxels.iter().map(|voxel| voxel.2).collect(),
            mask: voxels.iter().map(|voxel| voxel.3).collect(),
        })
    }

    fn probabilities(&self) -> Array3<f64> {
        Array3::from_shape_fn((3, 1, self.parts.len()), |(class, _, voxel)| self.p(class, voxel))
    }

    fn p(&self, class: usize, voxel: usize) -> f64 {
        let [a, b] = self.parts[voxel];
        f64::from([a, b, 255 - a - b][class]) / 255.0
    }

    fn labels(&self) -> Array2<u8> {
        Array2::from_shape_fn((1, self.labels.len()), |(_, voxel)| self.labels[voxel])
    }

    fn mask(&self) -> Array2<bool> {
        Array2::from_shape_fn((1, self.mask.len()), |(_, voxel)| self.mask[voxel])
    }

    /// The voxels that count: all, those of the foreground, or those of the mask.
    fn counted(&self, scope: usize) -> Vec<usize> {
        let inside = |&voxel: &usize| match scope {
            0 => true,
            1 => self.labels[voxel] != 0,
            _ => self.mask[voxel],
        };
        let labelled = (0..self.labels.len()).filter(|&voxel| self.labels[voxel] != 9);
        labelled.filter(inside).collect()
    }

    /// Confidences, and whether the prediction is wrong.
    fn top(&self, scope: usize) -> Vec<(f64, bool)> {
        let top = |voxel: usize| {
            let best = (0..3).fold(0, |best, class| {
                if self.p(class, voxel) > self.p(best, voxel) {
                    class
                } else {
                    best
                }
            });
            (self.p(best, voxel), best != usize::from(self.labels[voxel]))
        };
        self.counted(scope).into_iter().map(top).collect()
    }
}

fn classes() -> Classes {
    Classes::contiguous(3).unwrap().with_ignore(9).unwrap()
}

fn scope(scope: usize, mask: &Array2<bool>) -> Scope<'_, ndarray::Ix2> {
    match scope {
        0 => Scope::All,
        1 => Scope::Foreground,
        _ => Scope::Mask(mask.view()),
    }
}

/// ECE, ACE and MCE of samples of a class, each (probability, hit), by their groups.
fn errors(samples: &[(f64, bool)], group: impl Fn(f64) -> usize) -> [f64; 3] {
    let groups: BTreeSet<usize> = samples.iter().map(|&(p, _)| group(p)).collect();
    let [mut ece, mut ace, mut mce] = [0.0, 0.0, f64::NAN];
    for one in &groups {
        let held = || samples.iter().filter(|&&(p, _)| group(p) == *one);
        let hits = held().filter(|&&(_, hit)| hit).count() as f64;
        let gap = (hits - held().map(|&(p, _)| p).sum::<f64>()).abs() / held().count() as f64;
        ece += gap * held().count() as f64 / samples.len() as f64;
        ace += gap / groups.len() as f64;
        mce = mce.max(gap);
    }
    if groups.is_empty() {
        [f64::NAN; 3]
    } else {
        [ece, ace, mce]
    }
}

#[track_caller]
fn assert_errors(actual: impl Fn(CalibrationReduction) -> f64, expected: [f64; 3]) {
    for (reduction, expected) in CalibrationReduction::ALL.into_iter().zip(expected) {
        assert_near(actual(reduction), expected, NEAR, &format!("{reduction:?}"));
    }
}

#[test]
fn both_classes_of_a_certain_network_by_hand() {
    // The case of torchmetrics' issue 1646: a confidence of 0 belongs to the first bin.
    let foreground = [1.0, 1.0, 1.0, 1.0, 0.0];
    let probabilities = Array3::from_shape_fn((2, 1, 5), |(class, _, voxel)| {
        if class == 1 {
            foreground[voxel]
        } else {
            1.0 - foreground[voxel]
        }
    });
    let mut bins = ClassReliability::new(2, 2).unwrap();
    let two = Classes::contiguous(2).unwrap();
    bins.add(&probabilities, &array![[0_u8, 0, 1, 1, 1]], &two, Scope::All)
        .unwrap();
    for class in bins.classes() {
        assert_errors(|reduction| class.error(reduction), [0.6, 0.75, 1.0]);
    }
    assert_eq!((bins.classes()[1].count(), bins.classes()[1].correct()), (5, 3));
    assert_eq!(bins.mean(Reliability::ece), 0.6);
    assert_eq!(bins.mean(Reliability::mce), 1.0);
}

#[test]
fn a_class_that_does_not_occur_is_in_no_mean() {
    let mut bins = ClassReliability::new(3, 20).unwrap();
    assert!(bins.mean(Reliability::ece).is_nan());
    let probabilities = array![[[0.5, 0.5]], [[0.25, 0.25]], [[0.25, 0.25]]];
    let three = Classes::contiguous(3).unwrap();
    bins.add(&probabilities, &array![[0_u8, 0]], &three, Scope::All)
        .unwrap();
    assert_eq!(bins.mean(Reliability::ece), 0.5);
    assert_eq!(bins.classes()[1].ece(), 0.25);
    // It occurs once another case is merged that has it.
    let mut other = ClassReliability::new(3, 20).unwrap();
    other
        .add(&probabilities, &array![[1_u8, 1]], &three, Scope::All)
        .unwrap();
    bins.merge(&other).unwrap();
    assert_eq!(bins.classes()[1].ece(), 0.25);
    assert_eq!(bins.mean(Reliability::ece), 0.125);
    assert_eq!(bins.count(), 4);
}

#[test]
fn every_class_is_counted_voxel_by_voxel() {
    for_all(
        100,
        (Row::any(), Layout::any(3), Layout::any(2), 0..3_usize, 1..30_usize),
        |(row, layout, of_labels, which, bins)| {
            let (p, labels, mask) = (row.probabilities(), row.labels(), row.mask());
            let mut counted = ClassReliability::new(3, bins).unwrap();
            counted.add(&p, &labels, &classes(), scope(which, &mask)).unwrap();
            let place = |p: f64| {
                let edge = |b: usize| if b == bins { 1.0 } else { b as f64 * (1.0 / bins as f64) };
                (0..bins).find(|&bin| p <= edge(bin + 1)).unwrap()
            };
            let mut sums = [0.0; 3];
            let mut occurring = 0.0;
            for class in 0..3 {
                let sample = |&voxel: &usize| (row.p(class, voxel), usize::from(row.labels[voxel]) == class);
                let samples: Vec<_> = row.counted(which).iter().map(sample).collect();
                let expected = errors(&samples, place);
                assert_errors(|reduction| counted.classes()[class].error(reduction), expected);
                if samples.iter().any(|&(_, hit)| hit) {
                    occurring += 1.0;
                    sums.iter_mut().zip(expected).for_each(|(sum, error)| *sum += error);
                }
            }
            assert_errors(
                |reduction| counted.mean(|class| class.error(reduction)),
                sums.map(|sum| sum / occurring),
            );

            let (stored, stored_labels) = (layout.store(&p, f64::NAN), of_labels.store(&labels, 77));
            let dynamic = mask.clone().into_dyn();
            let scope = match which {
                0 => Scope::All,
                1 => Scope::Foreground,
                _ => Scope::Mask(dynamic.view()),
            };
            let mut again = ClassReliability::new(3, bins).unwrap();
            again
                .add(&stored.view(), &stored_labels.view(), &classes(), scope)
                .unwrap();
            assert_eq!(again, counted);
        },
    );
}

#[test]
fn a_class_alone_has_the_same_bins() {
    for_all(50, (Row::any(), 1..30_usize), |(row, bins)| {
        let labels = row.labels().mapv(|label| label % 3);
        let mut counted = ClassReliability::new(3, bins).unwrap();
        counted
            .add(&row.probabilities(), &labels, &classes(), Scope::All)
            .unwrap();
        for (class, p) in row.probabilities().outer_iter().enumerate() {
            let hit = labels.mapv(|label| usize::from(label) == class);
            assert_eq!(class_calibration(&p, &hit, bins).unwrap(), counted.classes()[class]);
        }
    });
}

#[test]
fn bins_of_equal_mass_are_cut_at_shares_of_the_voxels() {
    for_all(100, (Row::any(), 0..3_usize, 1..12_usize), |(row, which, bins)| {
        let mask = row.mask();
        let mut counted = ClassReliability::new(3, FINE).unwrap();
        counted
            .add(&row.probabilities(), &row.labels(), &classes(), scope(which, &mask))
            .unwrap();
        for class in 0..3 {
            let sample = |&voxel: &usize| (row.p(class, voxel), usize::from(row.labels[voxel]) == class);
            let samples: Vec<_> = row.counted(which).iter().map(sample).collect();
            // The B parts of equal mass in which the voxels below begin.
            let group = |p: f64| samples.iter().filter(|sample| sample.0 < p).count() * bins / samples.len();
            let regrouped = counted.classes()[class].equal_mass(bins).unwrap();
            assert_errors(|reduction| regrouped.error(reduction), errors(&samples, group));

            let regrouped = regrouped.bins();
            assert!(regrouped.len() <= bins);
            assert_eq!(regrouped.iter().map(|bin| bin.count).sum::<u64>(), samples.len() as u64);
            let borders: Vec<_> = regrouped.iter().map(|bin| bin.upper).collect();
            for (at, bin) in regrouped.iter().enumerate() {
                assert_eq!(bin.lower, if at == 0 { 0.0 } else { borders[at - 1] });
                let inside = |p: f64| p <= bin.upper && (p > bin.lower || at == 0);
                assert_eq!(
                    bin.count as usize,
                    samples.iter().filter(|sample| inside(sample.0)).count()
                );
                assert!(bin.count > 0 && bin.correct <= bin.count);
            }
            assert_eq!(borders.last().copied().unwrap_or(1.0), 1.0);
        }
    });
}

#[test]
fn equal_probabilities_stay_in_one_bin_of_equal_mass() {
    let p = Array2::from_shape_fn(
        (1, 100),
        |(_, voxel)| if voxel < 90 { 1.0 } else { voxel as f64 / 1000.0 },
    );
    let fine = class_calibration(&p, &Array2::from_elem((1, 100), true), FINE).unwrap();
    let counts: Vec<_> = fine
        .equal_mass(20)
        .unwrap()
        .bins()
        .iter()
        .map(|bin| bin.count)
        .collect();
    assert_eq!(counts, [5, 5, 90]);
    assert_eq!(fine.equal_mass(0), Err(Error::Empty { what: "bins" }));
    // Nothing was counted.
    let nothing = Reliability::new(FINE).unwrap().equal_mass(20).unwrap();
    assert_eq!(nothing.bins(), []);
    assert!(nothing.ece().is_nan() && nothing.ace().is_nan() && nothing.mce().is_nan());
}

#[test]
fn risk_is_the_share_of_wrong_voxels_among_the_more_confident_ones() {
    for_all(100, (Row::any(), Layout::any(3), 0..3_usize), |(row, layout, which)| {
        let (p, labels, mask) = (row.probabilities(), row.labels(), row.mask());
        let curve = risk_coverage(&p, &labels, &classes(), scope(which, &mask)).unwrap();
        let samples = row.top(which);
        assert_curve(&curve, &samples);

        // Every confidence has a bin of its own, so that bins say the same.
        let mut bins = Reliability::new(FINE).unwrap();
        bins.add(&p, &labels, &classes(), scope(which, &mask)).unwrap();
        assert_curve(&bins.risk_coverage(), &samples);

        let stored = layout.store(&p, f64::NAN);
        let dynamic = mask.clone().into_dyn();
        let scope = match which {
            0 => Scope::All,
            1 => Scope::Foreground,
            _ => Scope::Mask(dynamic.view()),
        };
        let again = risk_coverage(&stored.view(), &labels.view().into_dyn(), &classes(), scope).unwrap();
        assert_eq!(again, curve);
    });
}

#[track_caller]
fn assert_curve(curve: &RiskCoverage, samples: &[(f64, bool)]) {
    let covered = |least: f64| samples.iter().filter(move |sample| sample.0 >= least);
    let wrong = |least: f64| covered(least).filter(|sample| sample.1).count();
    let mut confidences: Vec<_> = samples.iter().map(|sample| sample.0).collect();
    confidences.sort_by(|a, b| b.total_cmp(a));
    confidences.dedup();
    assert_eq!(curve.steps().len(), confidences.len());
    for (step, &least) in curve.steps().iter().zip(&confidences) {
        assert_near(step.confidence, least, NEAR, "confidence");
        assert_eq!(step.covered as usize, covered(least).count());
        assert_eq!(step.wrong as usize, wrong(least));
    }
    assert_eq!(curve.count() as usize, samples.len());
    let risks = samples
        .iter()
        .map(|sample| wrong(sample.0) as f64 / covered(sample.0).count() as f64);
    assert_near(curve.aurc(), risks.sum::<f64>() / samples.len() as f64, NEAR, "area");
}

#[test]
fn areas_by_hand() {
    let curve = |confidences: [f64; 4], labels: [u8; 4]| {
        let p = Array3::from_shape_fn((2, 1, 4), |(class, _, voxel)| {
            if class == 0 {
                confidences[voxel]
            } else {
                1.0 - confidences[voxel]
            }
        });
        let labels = Array2::from_shape_vec((1, 4), labels.to_vec()).unwrap();
        risk_coverage(&p, &labels, &Classes::contiguous(2).unwrap(), Scope::All).unwrap()
    };
    // Wrong where it is least sure, wrong where it is most sure, and the same confidence everywhere.
    assert_near(
        curve([0.9, 0.8, 0.7, 0.6], [0, 0, 0, 1]).aurc(),
        1.0 / 16.0,
        NEAR,
        "best",
    );
    let worst = (1.0 + 1.0 / 2.0 + 1.0 / 3.0 + 1.0 / 4.0) / 4.0;
    assert_near(curve([0.9, 0.8, 0.7, 0.6], [1, 0, 0, 0]).aurc(), worst, NEAR, "worst");
    assert_eq!(curve([0.7; 4], [1, 0, 0, 0]).aurc(), 0.25);
    assert_eq!(curve([0.9; 4], [0; 4]).aurc(), 0.0);
    assert!(RiskCoverage::default().aurc().is_nan());
}

#[test]
fn wrong_bins_and_classes_are_errors_and_count_nothing() {
    let (p, labels) = (array![[[0.5, 0.5]], [[0.5, 0.5]]], array![[0_u8, 1]]);
    let two = Classes::contiguous(2).unwrap();
    assert_eq!(ClassReliability::new(0, 20), Err(Error::Empty { what: "classes" }));
    assert_eq!(ClassReliability::new(2, 0), Err(Error::Empty { what: "bins" }));
    let error = ClassReliability::new(65534, 1 << 20).unwrap_err();
    assert!(
        matches!(error, Error::TooLarge { .. } | Error::TooMany { .. }),
        "{error}"
    );
    let mut bins = ClassReliability::new(3, 20).unwrap();
    assert_eq!(
        bins.add(&p, &labels, &two, Scope::All),
        Err(count("bins", "classes", 2, 3))
    );
    let mut bins = ClassReliability::new(2, 20).unwrap();
    let narrow = array![[true]];
    for error in [
        bins.add(&p, &labels, &two, Scope::Mask(narrow.view())).unwrap_err(),
        risk_coverage(&p, &labels, &two, Scope::Mask(narrow.view())).unwrap_err(),
        bins.merge(&ClassReliability::new(2, 10).unwrap()).unwrap_err(),
        bins.merge(&ClassReliability::new(3, 20).unwrap()).unwrap_err(),
    ] {
        assert!(matches!(error, Error::Shape { .. }), "{error}");
    }
    let logits = array![[[0.5, 9.0]], [[0.5, -2.0]]];
    for error in [
        bins.add(&logits, &labels, &two, Scope::All).unwrap_err(),
        risk_coverage(&logits, &labels, &two, Scope::All).unwrap_err(),
    ] {
        assert!(matches!(error, Error::Probability { class: 0, .. }), "{error}");
    }
    assert_eq!(bins, ClassReliability::new(2, 20).unwrap());

    // Maps without voxels.
    let empty = Array3::<f64>::zeros((2, 0, 5));
    bins.add(&empty, &Array2::<u8>::zeros((0, 5)), &two, Scope::All)
        .unwrap();
    let curve = risk_coverage(&empty, &Array2::<u8>::zeros((0, 5)), &two, Scope::All).unwrap();
    assert_eq!((bins.count(), curve.count()), (0, 0));
}

#[cfg(feature = "serde")]
#[test]
fn bins_of_classes_are_read_as_they_were_written() {
    use serde_json::{from_str, to_string};

    let mut bins = ClassReliability::new(2, 2).unwrap();
    let two = Classes::contiguous(2).unwrap();
    let p = array![[[0.75, 0.25]], [[0.25, 0.75]]];
    bins.add(&p, &array![[0_u8, 1]], &two, Scope::All).unwrap();
    let json = to_string(&bins).unwrap();
    let class = r#"{"bins":[{"count":1,"correct":0,"confidence":0.25},{"count":1,"correct":1,"confidence":0.75}]}"#;
    assert_eq!(json, format!(r#"{{"classes":[{class},{class}]}}"#));
    assert_eq!(from_str::<ClassReliability>(&json).unwrap(), bins);

    let other = r#"{"bins":[{"count":2,"correct":0,"confidence":0.5}]}"#;
    for (classes, why) in [
        (String::new(), "there are no classes"),
        (
            format!("{class},{other}"),
            "class 1 has 1 bins with 2 voxels, and class 0 has 2 bins with 2",
        ),
        (class.to_owned(), "2 voxels have a class, but the classes have 1 in all"),
    ] {
        let error = from_str::<ClassReliability>(&format!(r#"{{"classes":[{classes}]}}"#)).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}

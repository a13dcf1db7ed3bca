//! Losses of channels that are judged one by one, against PyTorch's numbers and a naive sum.

use ndarray::{Array3, Array4, ArrayD, Axis, array};
use proptest::prelude::*;
use soft_labels::loss::{BinaryCrossEntropy, DiceSemimetric, Reduction, SoftCrossEntropy};
use soft_labels::sparse::{self, SparseLabels};
use soft_labels::{Channels, Classes, Error, SoftEncoder, Svls};

use crate::scene::for_all;

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// Logits, targets and mask of a small batch; logits are seldom large.
fn batch() -> impl Strategy<Value = (Array4<f64>, Array4<f64>, Array3<bool>)> {
    (1_usize..3, 1_usize..4, 1_usize..4, 1_usize..40).prop_flat_map(|(n, c, h, w)| {
        let logit = prop_oneof![8 => -5.0..5.0, 1 => -40.0..40.0, 1 => Just(0.0)];
        let target = prop_oneof![2 => Just(0.0), 2 => Just(1.0), 2 => 0.0..=1.0];
        let len = n * c * h * w;
        (
            prop::collection::vec(logit, len),
            prop::collection::vec(target, len),
            prop::collection::vec(prop::bool::weighted(0.8), n * h * w),
        )
            .prop_map(move |(logits, targets, mask)| {
                (
                    Array4::from_shape_vec((n, c, h, w), logits).unwrap(),
                    Array4::from_shape_vec((n, c, h, w), targets).unwrap(),
                    Array3::from_shape_vec((n, h, w), mask).unwrap(),
                )
            })
    })
}

fn naive_binary(logits: &Array4<f64>, targets: &Array4<f64>, mask: &Array3<bool>) -> f64 {
    let mut sum = 0.0;
    for (((n, _, h, w), &z), &t) in logits.indexed_iter().zip(targets) {
        if mask[[n, h, w]] {
            sum += z.max(0.0) - t * z + (-z.abs()).exp().ln_1p();
        }
    }
    sum
}

fn naive_dice(logits: &Array4<f64>, targets: &Array4<f64>, mask: &Array3<bool>) -> f64 {
    let mut losses = Vec::new();
    for (n, mask) in mask.outer_iter().enumerate() {
        if mask.iter().all(|keep| !keep) {
            continue;
        }
        for c in 0..logits.len_of(Axis(1)) {
            let (mut apart, mut both) = (0.0, 0.0);
            for ((h, w), _) in mask.indexed_iter().filter(|(_, keep)| **keep) {
                let (x, t) = (sigmoid(logits[[n, c, h, w]]), targets[[n, c, h, w]]);
                apart += (x - t).abs();
                both += x + t;
            }
            losses.push(apart / both);
        }
    }
    losses.iter().sum::<f64>() / losses.len() as f64
}

/// The slope with respect to each logit by central differences.
fn slopes(logits: &Array4<f64>, loss: impl Fn(&Array4<f64>) -> f64) -> Array4<f64> {
    Array4::from_shape_fn(logits.raw_dim(), |at| {
        let at_distance = |distance: f64| {
            let mut moved = logits.clone();
            moved[at] += distance;
            loss(&moved)
        };
        (at_distance(1e-5) - at_distance(-1e-5)) / 2e-5
    })
}

#[test]
fn binary_cross_entropy_is_the_naive_sum() {
    for_all(150, batch(), |(logits, targets, mask)| {
        let loss = BinaryCrossEntropy::of_batch().mask(mask.view());
        let kept = mask.iter().filter(|&&keep| keep).count();
        if kept == 0 {
            assert_eq!(loss.value(&logits, &targets), Err(Error::NoVoxels));
            return;
        }
        let expected = naive_binary(&logits, &targets, &mask);
        let sum = loss.clone().reduction(Reduction::Sum);
        let (value, gradient) = sum.value_and_gradient(&logits, &targets).unwrap();
        assert!(
            (value - expected).abs() <= 1e-9 * expected.abs().max(1.0),
            "{value} {expected}"
        );
        let mean = loss.value(&logits, &targets).unwrap();
        let count = (kept * logits.len_of(Axis(1))) as f64;
        assert!((mean - value / count).abs() <= 1e-12 * mean.abs().max(1.0));
        for (((n, c, h, w), &slope), &z) in gradient.indexed_iter().zip(&logits) {
            let expected = if mask[[n, h, w]] {
                sigmoid(z) - targets[[n, c, h, w]]
            } else {
                0.0
            };
            assert!((slope - expected).abs() < 1e-14, "{slope} is not {expected}");
        }
        let single = loss
            .value(&logits.mapv(|z| z as f32), &targets.mapv(|t| t as f32))
            .unwrap();
        assert!((single - mean).abs() <= 1e-5 * mean.max(1.0), "{single} {mean}");
    });
}

#[test]
fn dice_of_sigmoids_is_the_naive_sum() {
    for_all(100, batch(), |(logits, targets, mask)| {
        let loss = DiceSemimetric::of_batch().sigmoid().mask(mask.view());
        if mask.iter().all(|keep| !keep) {
            assert_eq!(loss.value(&logits, &targets), Err(Error::NoVoxels));
            return;
        }
        let (value, gradient) = loss.value_and_gradient(&logits, &targets).unwrap();
        assert!((value - naive_dice(&logits, &targets, &mask)).abs() < 1e-12);
        let expected = slopes(&logits, |logits| naive_dice(logits, &targets, &mask));
        for (((n, c, h, w), &slope), &expected) in gradient.indexed_iter().zip(&expected) {
            // No slope where the prediction is the target.
            if (sigmoid(logits[[n, c, h, w]]) - targets[[n, c, h, w]]).abs() > 1e-4 {
                assert!((slope - expected).abs() < 1e-7, "{slope} is not {expected}");
            }
        }
    });
}

#[test]
fn binary_cross_entropy_is_pytorchs() {
    // torch 2.15: F.binary_cross_entropy_with_logits in float64, with the gradient by autograd. See
    // golden/generate_binary.py.
    let golden = include!("../golden/binary.rs");
    let array = |values: &[f64]| Array4::from_shape_vec((2, 2, 1, 3), values.to_vec()).unwrap();
    let (logits, targets) = (array(&golden.0), array(&golden.1));
    let (value, gradient) = BinaryCrossEntropy::of_batch()
        .value_and_gradient(&logits, &targets)
        .unwrap();
    assert!((value - golden.2).abs() < 1e-15);
    for (slope, golden) in gradient.iter().zip(&golden.3) {
        assert!((slope - golden).abs() < 1e-16);
    }
}

#[test]
fn the_ends_are_finite() {
    let logits = array![[[f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300]]];
    let targets = array![[[1.0, 0.0, 1.0, 0.0]]];
    let (value, gradient) = BinaryCrossEntropy::of_map()
        .value_and_gradient(&logits, &targets)
        .unwrap();
    assert_eq!(value, 0.0);
    assert!(gradient.iter().all(|&slope| slope == 0.0));
    let nan = BinaryCrossEntropy::of_map().value(&array![[[f64::NAN]]], &array![[[1.0]]]);
    assert!(nan.unwrap().is_nan());
}

#[test]
fn sparse_memberships_count_everywhere() {
    let (labels, classes) = (array![[0_u8, 0, 0, 1, 2, 2]], Classes::contiguous(3).unwrap());
    let encoder = Svls::default().with_channels(Channels::regions([[1, 2].as_slice(), &[2]]).unwrap());
    let dense: Array3<f64> = encoder.encode(&labels, &classes).unwrap();
    let sparse: SparseLabels<f64, _> = sparse::encode(&encoder, &labels, &classes).unwrap();
    let logits = Array3::from_shape_fn((2, 1, 6), |(c, _, w)| c as f64 - 0.3 * w as f64);
    let binary = BinaryCrossEntropy::of_map();
    assert_eq!(
        binary.value_and_gradient(&logits, &sparse).unwrap(),
        binary.value_and_gradient(&logits, &dense).unwrap()
    );
    let dice = DiceSemimetric::of_map().sigmoid();
    assert_eq!(
        dice.value(&logits, &sparse).unwrap(),
        dice.value(&logits, &dense).unwrap()
    );

    // A softmax cannot reach such targets.
    let refused = |result| matches!(result, Err(Error::NotDistribution { .. }));
    assert!(refused(SoftCrossEntropy::of_map().value(&logits, &sparse)));
    assert!(refused(DiceSemimetric::of_map().value(&logits, &sparse)));
    let batch: ArrayD<f64> = logits.insert_axis(Axis(0)).into_dyn();
    assert!(refused(SoftCrossEntropy::of_batch().value(&batch, &vec![sparse])));
}

//! Losses against PyTorch's numbers, a naive reference and finite differences.

use ndarray::{Array, Array3, Array4, ArrayD, ArrayView, Axis, Dimension, ShapeBuilder, array};
use proptest::prelude::*;
use soft_labels::loss::{DiceSemimetric, Divisor, Reduction, SoftCrossEntropy};
use soft_labels::sparse::{self, SparseLabels};
use soft_labels::{Classes, Error, OneHot, Place, SoftEncoder, Svls, multirater};

use crate::expected::{count, setting_of};
use crate::fixture::{Topic, assert_all_near, assert_near, number, numbers};
use crate::scene::for_all;

const LOGIT_WEIGHT: &str = "finite in the type of the logits and not negative";

/// The softmax of a voxel's logits, less carefully than it should be done.
fn softmax(logits: &[f64]) -> Vec<f64> {
    let sum: f64 = logits.iter().map(|z| z.exp()).sum();
    logits.iter().map(|z| z.exp() / sum).collect()
}

/// The distributions of all voxels, from an array with the class axis first.
fn voxels<D: Dimension>(array: ArrayView<f64, D>) -> Vec<Vec<f64>> {
    let array = array.into_dyn();
    array.lanes(Axis(0)).into_iter().map(|lane| lane.to_vec()).collect()
}

fn naive_cross_entropy(logits: &[Vec<f64>], targets: &[Vec<f64>]) -> f64 {
    let valid: Vec<_> = targets.iter().map(|t| t.iter().any(|&t| t != 0.0)).collect();
    let sum: f64 = logits
        .iter()
        .zip(targets)
        .map(|(z, t)| {
            softmax(z)
                .iter()
                .zip(t)
                .filter(|(_, t)| **t != 0.0)
                .map(|(p, t)| -t * p.ln())
                .sum::<f64>()
        })
        .sum();
    sum / valid.iter().filter(|v| **v).count() as f64
}

fn naive_dice_semimetric(logits: &[Vec<f64>], targets: &[Vec<f64>]) -> f64 {
    let classes = targets[0].len();
    let loss = |class: usize| {
        let pairs: Vec<_> = logits
            .iter()
            .zip(targets)
            .filter(|(_, t)| t.iter().any(|&t| t != 0.0))
            .map(|(z, t)| (softmax(z)[class], t[class]))
            .collect();
        let apart: f64 = pairs.iter().map(|(x, t)| (x - t).abs()).sum();
        apart / pairs.iter().map(|(x, t)| x + t).sum::<f64>()
    };
    (0..classes).map(loss).sum::<f64>() / classes as f64
}

#[test]
fn cross_entropy_is_pytorchs() {
    let topic = Topic::open("softce");
    let read = |name: &str| -> ArrayD<f64> { topic.array(&topic.expected[name]) };
    let (logits, targets) = (read("logits"), read("targets"));
    let weights = numbers(&topic.expected["class_weights"]);
    let mask: ArrayD<u8> = topic.array(&topic.expected["voxel_mask"]);
    let mask = mask.mapv(|keep| keep != 0);
    let labels: ArrayD<u8> = topic.array(&topic.expected["labels"]);
    let mut one_hot = ArrayD::zeros(targets.raw_dim());
    for (labels, mut one_hot) in labels.outer_iter().zip(one_hot.outer_iter_mut()) {
        OneHot
            .encode_into(&labels, &Classes::contiguous(4).unwrap(), &mut one_hot)
            .unwrap();
    }
    let loss = || SoftCrossEntropy::of_batch();
    let check = |name: &str, loss: SoftCrossEntropy, logits: &ArrayD<f64>, targets: &ArrayD<f64>| {
        let case = &topic.expected["cases"][name];
        let (value, gradient) = loss.value_and_gradient(logits, targets).unwrap();
        assert_near(value, number(&case["loss"]), 1e-12, name);
        let expected: ArrayD<f64> = topic.array(&case["grad"]);
        for (actual, expected) in gradient.iter().zip(&expected) {
            assert!((actual - expected).abs() <= 1e-14, "{name}: {actual} {expected}");
        }
        assert_eq!(loss.value(logits, targets).unwrap().to_bits(), value.to_bits());
    };
    check("mean", loss(), &logits, &targets);
    check("sum", loss().reduction(Reduction::Sum), &logits, &targets);
    check(
        "mean_unnormalised_targets",
        loss(),
        &logits,
        &read("targets_unnormalised"),
    );
    check("mean_big_logits", loss(), &read("logits_big"), &targets);
    check(
        "mean_class_weights_torch",
        loss().class_weights(&*weights),
        &logits,
        &targets,
    );
    let by_weight = loss().class_weights(&*weights).divisor(Divisor::Weight);
    check("hard_class_weights_torch", by_weight, &logits, &one_hot);
    check("hard_ignore_index_torch", loss().mask(mask.view()), &logits, &one_hot);
    check(
        "soft_masked_mean_over_kept",
        loss().mask(mask.view()),
        &logits,
        &targets,
    );

    let per_voxel: ArrayD<f64> = topic.array(&topic.expected["per_voxel_loss"]);
    assert_all_near(
        &loss().per_voxel(&logits, &targets).unwrap(),
        &per_voxel,
        1e-12,
        "per voxel",
    );
    let kl = SoftCrossEntropy::of_batch()
        .kl_divergence()
        .value(&logits, &targets)
        .unwrap();
    assert_near(
        kl,
        number(&topic.expected["cases"]["ce_of_soft_minus_entropy"]["kl"]),
        1e-12,
        "kl",
    );

    let single = loss()
        .value(&logits.mapv(|z| z as f32), &targets.mapv(|t| t as f32))
        .unwrap();
    assert_near(single, number(&topic.expected["cases"]["mean"]["loss"]), 1e-6, "f32");
}

#[test]
fn voxels_of_zero_targets_do_not_count() {
    let topic = Topic::open("softce");
    let logits: ArrayD<f64> = topic.array(&topic.expected["logits"]);
    let mut targets: ArrayD<f64> = topic.array(&topic.expected["targets"]);
    let mask: ArrayD<u8> = topic.array(&topic.expected["voxel_mask"]);
    for mut class in targets.axis_iter_mut(Axis(1)) {
        class.zip_mut_with(&mask, |target, &keep| *target *= f64::from(keep));
    }
    let expected = number(&topic.expected["cases"]["soft_masked_mean_over_kept"]["loss"]);
    let value = SoftCrossEntropy::of_batch().value(&logits, &targets).unwrap();
    assert_near(value, expected, 1e-12, "zero targets");
}

/// Soft labels of two raters with ignored voxels, and logits with some extreme ones.
fn arb_case() -> impl Strategy<Value = (Array4<f64>, Array4<f64>, Vec<SparseLabels<f64, ndarray::Ix3>>)> {
    let shape = (1_usize..3, 1_usize..5, 1_usize..5, 1_usize..40, 2_usize..5);
    shape.prop_flat_map(|(samples, depth, height, width, classes)| {
        let labels = prop::collection::vec(
            prop_oneof![8 => 0..classes as i16, 1 => Just(-1_i16)],
            samples * depth * height * width,
        );
        let logits = prop::collection::vec(
            prop_oneof![8 => -4.0..4.0, 1 => Just(0.0), 1 => -30.0..30.0],
            samples * classes * depth * height * width,
        );
        (labels, logits).prop_map(move |(labels, logits)| {
            let encoder = Svls::default();
            let classes_ = Classes::contiguous(classes).unwrap().with_ignore(-1).unwrap();
            let labels = Array4::from_shape_vec((samples, depth, height, width), labels).unwrap();
            let logits = Array::from_shape_vec((samples * classes, depth, height, width), logits).unwrap();
            let mut dense = Array4::zeros(logits.raw_dim());
            for (labels, mut dense) in labels.outer_iter().zip(dense.axis_chunks_iter_mut(Axis(0), classes)) {
                encoder.encode_into(&labels, &classes_, &mut dense).unwrap();
            }
            let sparse = labels
                .outer_iter()
                .map(|l| sparse::encode(&encoder, &l, &classes_).unwrap())
                .collect();
            (logits, dense, sparse)
        })
    })
}

#[test]
fn values_are_the_naive_ones_dense_and_sparse() {
    for_all(256, arb_case(), |(logits, dense, sparse)| {
        let samples = sparse.len();
        let classes = logits.len_of(Axis(0)) / samples;
        let shape = logits.shape().to_vec();
        let batch = |array: &Array4<f64>| {
            array
                .to_shape([samples, classes, shape[1], shape[2], shape[3]])
                .unwrap()
                .to_owned()
        };
        let (z, t) = (batch(&logits), batch(&dense));
        let flat = |array: &Array4<f64>| -> Vec<_> {
            array
                .axis_chunks_iter(Axis(0), classes)
                .flat_map(|sample| voxels(sample))
                .collect()
        };
        let (zs, ts) = (flat(&logits), flat(&dense));
        let loss = SoftCrossEntropy::of_batch();
        if ts.iter().flatten().all(|&t| t == 0.0) {
            assert_eq!(loss.value(&z, &t), Err(Error::NoVoxels));
            return;
        }
        let (value, gradient) = loss.value_and_gradient(&z, &t).unwrap();
        let naive = naive_cross_entropy(&zs, &ts);
        assert!((value - naive).abs() <= 1e-11 * naive.max(1.0), "{value} {naive}");
        let (sparse_value, sparse_gradient) = loss.value_and_gradient(&z, &sparse).unwrap();
        assert_eq!(sparse_value.to_bits(), value.to_bits());
        assert_eq!(&sparse_gradient, &gradient);

        // Any strides give the same bits.
        let mut reversed = Array::zeros(z.raw_dim().f());
        reversed.assign(&z);
        let mut out = Array::ones(z.raw_dim().f());
        assert_eq!(
            loss.value_and_gradient_into(&reversed, &t, &mut out).unwrap().to_bits(),
            value.to_bits()
        );
        assert_eq!(out, gradient);

        let single_sample = (
            logits.slice_axis(Axis(0), (0..classes).into()).to_owned(),
            dense.slice_axis(Axis(0), (0..classes).into()).to_owned(),
        );
        if single_sample.1.iter().any(|&t| t != 0.0) {
            let dice = DiceSemimetric::of_map()
                .value(&single_sample.0, &single_sample.1)
                .unwrap();
            let naive = naive_dice_semimetric(&voxels(single_sample.0.view()), &voxels(single_sample.1.view()));
            assert!((dice - naive).abs() <= 1e-11, "{dice} {naive}");
        }
    });
}

/// Compares a gradient with differences of the value.
#[track_caller]
fn check_slopes(logits: &Array3<f64>, value: impl Fn(&Array3<f64>) -> f64, gradient: &Array3<f64>) {
    for (at, slope) in gradient.indexed_iter() {
        let step = 1e-5;
        let (mut above, mut below) = (logits.clone(), logits.clone());
        above[at] += step;
        below[at] -= step;
        let difference = (value(&above) - value(&below)) / (2.0 * step);
        assert!((slope - difference).abs() < 1e-8, "{at:?}: {slope} {difference}");
    }
}

fn raters_targets() -> (Array3<f64>, Array3<f64>) {
    let (a, b) = (
        array![[0_u8, 1, 1, 2, 2], [0, 0, 1, 2, 255]],
        array![[0_u8, 0, 1, 1, 2], [0, 1, 1, 2, 255]],
    );
    let classes = Classes::contiguous(3).unwrap().with_ignore(255).unwrap();
    let targets = multirater::average(&Svls::default(), &[a.view(), b.view()], &classes).unwrap();
    let logits = Array3::from_shape_fn((3, 2, 5), |(c, h, w)| ((c * 7 + h * 3 + w * 5) % 11) as f64 / 3.0 - 1.5);
    (logits, targets)
}

#[test]
fn gradients_are_the_slopes() {
    let (logits, targets) = raters_targets();
    let mask = array![[true, true, false, true, true], [true; 5]];
    for loss in [
        SoftCrossEntropy::of_map(),
        SoftCrossEntropy::of_map()
            .reduction(Reduction::Sum)
            .class_weights([0.5, 2.0, 0.0]),
        SoftCrossEntropy::of_map()
            .class_weights([0.5, 2.0, 1.0])
            .divisor(Divisor::Weight),
        SoftCrossEntropy::of_map().mask(mask.view()),
        SoftCrossEntropy::of_map().kl_divergence(),
    ] {
        let (_, gradient) = loss.value_and_gradient(&logits, &targets).unwrap();
        check_slopes(&logits, |z| loss.value(z, &targets).unwrap(), &gradient);
    }
    for loss in [DiceSemimetric::of_map(), DiceSemimetric::of_map().mask(mask.view())] {
        let (_, gradient) = loss.value_and_gradient(&logits, &targets).unwrap();
        check_slopes(&logits, |z| loss.value(z, &targets).unwrap(), &gradient);
    }
}

#[test]
fn both_losses_are_least_where_prediction_and_target_agree() {
    let (_, targets) = raters_targets();
    let agreeing = targets.mapv(|t: f64| t.max(1e-300).ln());
    let kl = SoftCrossEntropy::of_map().kl_divergence();
    assert!(kl.value(&agreeing, &targets).unwrap().abs() < 1e-15);
    assert!(DiceSemimetric::of_map().value(&agreeing, &targets).unwrap() < 1e-15);
    for factor in [0.5, 0.9, 1.1, 2.0] {
        let other = &agreeing * factor;
        assert!(kl.value(&other, &targets).unwrap() > 1e-4);
        assert!(DiceSemimetric::of_map().value(&other, &targets).unwrap() > 1e-3);
    }
}

#[test]
fn what_is_infinite_where_it_does_not_matter() {
    let infinite = f64::INFINITY;
    let logits = array![[[0.0, f64::NAN]], [[-infinite, 1.0]]];
    let targets = array![[[1.0, 0.0]], [[0.0, 0.0]]];
    let (value, gradient) = SoftCrossEntropy::of_map()
        .value_and_gradient(&logits, &targets)
        .unwrap();
    assert_eq!(value, 0.0);
    assert_eq!(gradient, Array3::<f64>::zeros((2, 1, 2)));
    let (value, _) = SoftCrossEntropy::of_map()
        .value_and_gradient(&array![[[1e4_f32]], [[-1e4]]], &array![[[0.0]], [[1.0]]])
        .unwrap();
    assert_eq!(value, 2e4);
    // A certain target on a logit of -infinity is infinitely wrong.
    assert_eq!(
        SoftCrossEntropy::of_map().value(&array![[[0.0]], [[-infinite]]], &array![[[0.0]], [[1.0]]]),
        Ok(infinite)
    );
}

#[test]
fn what_does_not_fit_is_an_error() {
    let (logits, targets) = raters_targets();
    let loss = SoftCrossEntropy::of_map();
    assert!(matches!(
        loss.value(&logits, &Array3::<f64>::zeros((2, 2, 5))),
        Err(Error::Shape {
            what: "target array",
            ..
        })
    ));
    let small = array![[true]];
    assert!(matches!(
        loss.clone().mask(small.view()).value(&logits, &targets),
        Err(Error::Shape { what: "mask", .. })
    ));
    assert_eq!(
        SoftCrossEntropy::of_batch().value(&logits, &targets),
        Err(Error::Axes {
            what: "logits of a batch",
            expected: "(N, C, H, W) or (N, C, D, H, W)",
            actual: 3
        })
    );
    assert_eq!(
        loss.value(&array![[0.0]], &array![[0.0]]),
        Err(Error::Axes {
            what: "logits of one sample",
            expected: "(C, H, W) or (C, D, H, W)",
            actual: 2
        })
    );
    assert_eq!(
        loss.clone().class_weights([1.0]).value(&logits, &targets),
        Err(count("class weights", "classes", 3, 1))
    );
    assert_eq!(
        loss.clone().class_weights([1.0, -1.0, 1.0]).value(&logits, &targets),
        Err(setting_of("weight", Place::Class(1), -1.0, LOGIT_WEIGHT))
    );
    let mut wrong = Array3::zeros((3, 5, 2));
    assert!(matches!(
        loss.value_and_gradient_into(&logits, &targets, &mut wrong),
        Err(Error::Shape { what: "gradient", .. })
    ));
    assert_eq!(
        loss.value(&Array3::<f32>::zeros((0, 2, 5)), &Array3::zeros((0, 2, 5))),
        Err(Error::Empty { what: "classes" })
    );
    let nothing = Array3::<f32>::zeros((2, 0, 5));
    assert_eq!(loss.value(&nothing, &nothing), Err(Error::NoVoxels));
    assert_eq!(
        loss.clone().reduction(Reduction::Sum).value(&nothing, &nothing),
        Ok(0.0)
    );
    assert_eq!(DiceSemimetric::of_map().value(&nothing, &nothing), Err(Error::NoVoxels));
    let classes = Classes::contiguous(3).unwrap();
    let sparse: SparseLabels<f64, _> = sparse::encode(&OneHot, &array![[0_u8, 1]], &classes).unwrap();
    assert!(matches!(
        loss.value(&logits, &sparse),
        Err(Error::Shape {
            what: "sparse target",
            place: Some(Place::Sample(0)),
            ..
        })
    ));
    assert!(matches!(
        loss.value(&logits, &vec![sparse.clone(), sparse]),
        Err(Error::Shape {
            what: "list of sparse targets",
            ..
        })
    ));
}

#[test]
fn samples_without_a_voxel_have_no_part_in_the_mean() {
    let (logits, targets) = raters_targets();
    let alone = DiceSemimetric::of_map().value(&logits, &targets).unwrap();
    let pair = |a: &Array3<f64>, b: &Array3<f64>| ndarray::stack![Axis(0), *a, *b];
    let (both, ignored) = (pair(&logits, &logits), Array3::zeros(targets.raw_dim()));
    let loss = DiceSemimetric::of_batch();
    let (value, gradient) = loss.value_and_gradient(&both, &pair(&targets, &ignored)).unwrap();
    assert_near(value, alone, 1e-15, "one of two");
    assert!(gradient.index_axis(Axis(0), 1).iter().all(|&slope| slope == 0.0));
}

#[test]
fn nothing_is_quickly_lost_however_long_it_is() {
    let long = ndarray::Array5::<f32>::zeros((1 << 60, 1, 0, 1, 1));
    for loss in [
        SoftCrossEntropy::of_batch(),
        SoftCrossEntropy::of_batch().kl_divergence(),
    ] {
        assert_eq!(loss.value(&long, &long), Err(Error::NoVoxels));
        assert_eq!(loss.reduction(Reduction::Sum).value(&long, &long), Ok(0.0));
    }
    assert_eq!(DiceSemimetric::of_batch().value(&long, &long), Err(Error::NoVoxels));
    let many = Array3::<f64>::zeros((1 << 60, 0, 1));
    assert_eq!(SoftCrossEntropy::of_map().value(&many, &many), Err(Error::NoVoxels));
    let one = ndarray::arr0(0.5_f32);
    let huge = one.broadcast((2, 1 << 30, 1 << 30)).unwrap();
    assert!(matches!(
        SoftCrossEntropy::of_map().value(&huge, &huge),
        Err(Error::TooLarge { .. })
    ));
    let error = SoftCrossEntropy::of_map()
        .class_weights([1.0, 1e300])
        .value(&array![[[0.0_f32]], [[0.0]]], &array![[[1.0_f32]], [[0.0]]]);
    assert_eq!(error, Err(setting_of("weight", Place::Class(1), 1e300, LOGIT_WEIGHT)));
}

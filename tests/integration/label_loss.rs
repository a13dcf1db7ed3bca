//! Losses from label maps against the same losses with dense soft labels, and the forms of the region losses.

use ndarray::{Array, Array3, Array4, ArrayD, ArrayView, Axis, Dimension, IxDyn, ShapeBuilder, array};
use proptest::prelude::*;
use soft_labels::loss::{
    BinaryCrossEntropy, DiceSemimetric, Divisor, JaccardSemimetric, LabelTargets, OverlapForm, Reduction, Semimetric,
    SoftCrossEntropy,
};
use soft_labels::{
    Channels, Classes, Error, Label, LabelSmoothing, OneHot, Place, Raters, SoftEncoder, Svls, multirater,
};

use crate::scene::{Scene, for_all};

/// Logits of a shape that no two classes share, seldom large.
fn logits(shape: &[usize], seed: u64) -> ArrayD<f64> {
    let mut state = seed | 1;
    ArrayD::from_shape_simple_fn(IxDyn(shape), || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let unit = (state >> 11) as f64 / (1_u64 << 53) as f64;
        if state.is_multiple_of(13) {
            unit * 60.0 - 30.0
        } else {
            unit * 8.0 - 4.0
        }
    })
}

#[track_caller]
fn assert_alike<D: Dimension>(
    labels: Result<(f64, Array<f64, D>), Error>,
    dense: Result<(f64, Array<f64, D>), Error>,
    same_bits: bool,
) {
    match (labels, dense) {
        (Ok((value, gradient)), Ok((expected, expected_gradient))) => {
            assert!(
                (value - expected).abs() <= 1e-13 * expected.abs().max(1.0),
                "{value} {expected}"
            );
            if same_bits {
                assert_eq!(gradient, expected_gradient);
            }
            for (actual, expected) in gradient.iter().zip(&expected_gradient) {
                assert!((actual - expected).abs() <= 1e-13, "{actual} {expected}");
            }
        }
        (labels, dense) => assert_eq!(labels, dense),
    }
}

/// All losses of one case, from label maps and from what the encoder makes of them.
fn compare<E: SoftEncoder, L: Label>(
    encoder: &E,
    raters: &Raters<'_, L, IxDyn>,
    classes: &Classes,
    batched: bool,
    seed: u64,
) {
    let mut dense: ArrayD<f64> = encoder.encode_raters(raters, classes).unwrap();
    if batched {
        dense.insert_axis_inplace(Axis(0));
    }
    let z = logits(dense.shape(), seed);
    let targets = LabelTargets::new(encoder, vec![raters.clone()], classes).unwrap();
    let of = |map: SoftCrossEntropy<'static>, batch: SoftCrossEntropy<'static>| if batched { batch } else { map };
    let weights: Vec<f64> = (0..dense.len_of(Axis(usize::from(batched))))
        .map(|c| 0.5 + (c % 3) as f64)
        .collect();
    if encoder.is_distribution(classes).unwrap() {
        let plain = of(SoftCrossEntropy::of_map(), SoftCrossEntropy::of_batch());
        for loss in [
            plain.clone(),
            plain.clone().reduction(Reduction::Sum),
            plain.clone().class_weights(&*weights),
            plain.class_weights(&*weights).divisor(Divisor::Weight).kl_divergence(),
        ] {
            // The divisor by weight is a sum over voxels, added in another order.
            let of_labels = loss.value_and_gradient(&z, &targets);
            assert_alike(of_labels, loss.value_and_gradient(&z, &dense), false);
            assert_eq!(loss.per_voxel(&z, &targets), loss.per_voxel(&z, &dense));
        }
        let dice = if batched {
            DiceSemimetric::of_batch()
        } else {
            DiceSemimetric::of_map()
        };
        assert_alike(
            dice.value_and_gradient(&z, &targets),
            dice.value_and_gradient(&z, &dense),
            false,
        );
    } else {
        let softmax = of(SoftCrossEntropy::of_map(), SoftCrossEntropy::of_batch()).value(&z, &targets);
        assert!(matches!(softmax, Err(Error::NotDistribution { .. })), "{softmax:?}");
    }
    // With sigmoids the label maps say which voxels nobody labelled; dense channels need a mask for it.
    let labelled: Vec<_> = raters
        .maps()
        .iter()
        .zip(raters.weights())
        .filter(|(_, w)| **w > 0.0)
        .map(|(map, _)| map.clone())
        .collect();
    let mut mask = multirater::valid_mask(&labelled, classes).unwrap();
    if batched {
        mask.insert_axis_inplace(Axis(0));
    }
    let binary = if batched {
        BinaryCrossEntropy::of_batch()
    } else {
        BinaryCrossEntropy::of_map()
    };
    let masked = binary.clone().mask(mask.view());
    assert_alike(
        binary.value_and_gradient(&z, &targets),
        masked.value_and_gradient(&z, &dense),
        true,
    );
    let jaccard = if batched {
        JaccardSemimetric::of_batch()
    } else {
        JaccardSemimetric::of_map()
    };
    let jaccard = jaccard.sigmoid();
    let masked = jaccard.clone().mask(mask.view());
    assert_alike(
        jaccard.value_and_gradient(&z, &targets),
        masked.value_and_gradient(&z, &dense),
        false,
    );
}

#[test]
fn label_maps_give_what_their_soft_labels_give() {
    for_all(
        300,
        (Scene::any(), any::<bool>(), any::<u64>()),
        |(scene, batched, seed)| {
            if scene.maps[0].is_empty() {
                return;
            }
            let maps: Vec<_> = (0..scene.maps.len())
                .map(|rater| scene.labels.store(&scene.label_map::<i64>(rater), -7))
                .collect();
            let views: Vec<_> = maps.iter().map(|map| map.view()).collect();
            let raters = match &scene.weights {
                Some(weights) => Raters::weighted(&views, weights).unwrap(),
                None => Raters::new(&views).unwrap(),
            };
            let classes = scene.classes();
            compare(&scene.svls(), &raters, &classes, batched, seed);
            match seed % 3 {
                0 => compare(&OneHot, &raters, &classes, batched, seed),
                1 => compare(&LabelSmoothing::new(0.2).unwrap(), &raters, &classes, batched, seed),
                _ => {
                    let last = *scene.values.last().unwrap();
                    let regions = Channels::regions([&*scene.values, &[last]]).unwrap();
                    compare(&scene.svls().with_channels(regions), &raters, &classes, batched, seed);
                }
            }
        },
    );
}

#[test]
fn large_maps_are_cut_into_pieces_of_planes_rows_and_parts_of_rows() {
    for (shape, classes) in [
        (vec![3, 300, 150], 2),
        (vec![40, 50, 20], 4),
        (vec![2, 1, 90_000], 3),
        (vec![70_000, 1, 2], 2),
        (vec![500, 300], 3),
        (vec![1, 140_000], 2),
        (vec![7, 33, 41], 54),
    ] {
        let len: usize = shape.iter().product();
        let cell = |i: usize| ((i / 37) * 7 + i / 1009) % (classes + 1);
        let label = |i: usize| if cell(i) == classes { 255 } else { cell(i) as u8 };
        let labels = ArrayD::from_shape_vec(IxDyn(&shape), (0..len).map(label).collect()).unwrap();
        let classes = Classes::contiguous(classes).unwrap().with_ignore(255).unwrap();
        compare(
            &Svls::default(),
            &Raters::one(labels.view()).unwrap(),
            &classes,
            false,
            5,
        );
    }
}

#[test]
fn every_sample_of_a_batch_is_encoded_alone() {
    let labels = Array3::from_shape_fn((3, 20, 40), |(n, h, w)| ((h / 5 + w / 7 + n) % 3) as i32);
    let classes = Classes::contiguous(3).unwrap();
    let z: Array4<f64> = logits(&[3, 3, 20, 40], 9).into_dimensionality().unwrap();
    let mut dense = Array4::zeros(z.raw_dim());
    for (labels, mut dense) in labels.outer_iter().zip(dense.outer_iter_mut()) {
        Svls::default().encode_into(&labels, &classes, &mut dense).unwrap();
    }
    let mut reversed = Array3::zeros(labels.raw_dim().f());
    reversed.assign(&labels);
    for labels in [&labels, &reversed] {
        let targets = LabelTargets::of_batch(&Svls::default(), labels, &classes).unwrap();
        let loss = SoftCrossEntropy::of_batch();
        assert_alike(
            loss.value_and_gradient(&z, &targets),
            loss.value_and_gradient(&z, &dense),
            true,
        );
    }
}

#[test]
fn what_does_not_fit_is_told() {
    let classes = Classes::contiguous(2).unwrap();
    let labels = array![[[0_u8, 1], [1, 0]], [[0, 1], [1, 7]]];
    let of_batch = |labels| LabelTargets::of_batch(&Svls::default(), labels, &classes);
    let z = Array4::<f32>::zeros((2, 2, 2, 2));
    let unknown = SoftCrossEntropy::of_batch().value(&z, &of_batch(&labels).unwrap());
    assert!(
        matches!(&unknown, Err(Error::UnknownLabel { value: 7, count: 1, index, .. }) if *index == [1, 1, 1]),
        "{unknown:?}"
    );

    let targets = of_batch(&labels).unwrap();
    let by_weight = SoftCrossEntropy::of_batch()
        .divisor(Divisor::Weight)
        .value(&z, &targets);
    let binary = BinaryCrossEntropy::of_batch().value(&z, &targets);
    let region = DiceSemimetric::of_batch().value(&z, &targets);
    assert_eq!([&unknown, &unknown, &unknown], [&by_weight, &binary, &region]);

    let nothing = Array3::from_elem((2, 2, 2), false);
    let masked = SoftCrossEntropy::of_batch().mask(nothing.view()).value(&z, &targets);
    let masked_binary = BinaryCrossEntropy::of_batch().mask(nothing.view()).value(&z, &targets);
    assert_eq!([&unknown, &unknown], [&masked, &masked_binary]);

    let labels = labels.mapv(|label| label % 2);
    let more = SoftCrossEntropy::of_batch().value(&Array4::<f32>::zeros((3, 2, 2, 2)), &of_batch(&labels).unwrap());
    assert_eq!(
        more,
        Err(Error::Shape {
            what: "batch of label maps",
            place: None,
            expected: vec![3],
            actual: vec![2]
        })
    );
    let wide = SoftCrossEntropy::of_batch().value(&Array4::<f32>::zeros((2, 2, 2, 3)), &of_batch(&labels).unwrap());
    assert_eq!(
        wide,
        Err(Error::Shape {
            what: "target of a label map",
            place: Some(Place::Sample(0)),
            expected: vec![2, 2, 3],
            actual: vec![2, 2, 2],
        })
    );
    let nothing = Array3::zeros((0, 2, 2));
    let none = of_batch(&nothing);
    assert_eq!(none.err(), Some(Error::Empty { what: "samples" }));
    let scalar = ArrayD::<u8>::zeros(IxDyn(&[]));
    let scalar = LabelTargets::of_batch(&Svls::default(), &scalar, &classes);
    assert_eq!(scalar.err(), Some(Error::Empty { what: "samples" }));
}

/// The region losses as the papers write them.
fn naive(
    z: &Array4<f64>,
    t: &Array4<f64>,
    jaccard: bool,
    form: OverlapForm,
    over_batch: bool,
    smooth: f64,
    weights: &[f64],
) -> f64 {
    let x = z.mapv(|z| 1.0 / (1.0 + (-z).exp()));
    let loss = |x: ArrayView<f64, ndarray::Ix3>, t: ArrayView<f64, ndarray::Ix3>| {
        let apart: f64 = x.iter().zip(t).map(|(x, t)| (x - t).abs()).sum();
        let sum: f64 = x.sum() + t.sum();
        let product: f64 = x.iter().zip(t).map(|(x, t)| x * t).sum();
        let (above, below) = match (jaccard, form) {
            (false, OverlapForm::L1) => (apart, sum),
            (true, OverlapForm::L1) => (2.0 * apart, sum + apart),
            (false, _) => (apart, 2.0 * product + apart),
            (true, _) => (apart, product + apart),
        };
        above / (below + smooth)
    };
    let classes = z.len_of(Axis(1));
    let mut losses = Vec::new();
    for (c, weight) in (0..classes).zip(weights) {
        let (x, t) = (x.index_axis(Axis(1), c), t.index_axis(Axis(1), c));
        if over_batch {
            losses.push((loss(x, t), *weight));
        } else {
            for (x, t) in x.outer_iter().zip(t.outer_iter()) {
                losses.push((loss(x.insert_axis(Axis(0)), t.insert_axis(Axis(0))), *weight));
            }
        }
    }
    losses.iter().map(|(loss, weight)| loss * weight).sum::<f64>()
        / losses.iter().map(|(_, weight)| weight).sum::<f64>()
}

#[track_caller]
fn check_region_loss<K: soft_labels::loss::Overlap + Clone>(
    loss: &Semimetric<'_, K>,
    z: &Array4<f64>,
    t: &Array4<f64>,
    expected: f64,
) {
    let (value, gradient) = loss.value_and_gradient(z, t).unwrap();
    assert!((value - expected).abs() < 1e-13, "{value} {expected}");
    for (at, slope) in gradient.indexed_iter() {
        let step = 1e-6;
        let (mut above, mut below) = (z.clone(), z.clone());
        above[at] += step;
        below[at] -= step;
        let difference = (loss.value(&above, t).unwrap() - loss.value(&below, t).unwrap()) / (2.0 * step);
        assert!((slope - difference).abs() < 1e-8, "{at:?}: {slope} {difference}");
    }
}

#[test]
fn region_losses_are_those_of_the_papers() {
    let shape = [2, 3, 4, 5];
    let z: Array4<f64> = logits(&shape, 3)
        .into_dimensionality()
        .unwrap()
        .mapv(|z: f64| z.clamp(-4.0, 4.0));
    let t = logits(&shape, 77)
        .into_dimensionality()
        .unwrap()
        .mapv(|t: f64| 1.0 / (1.0 + (-t).exp()));
    for form in [OverlapForm::L1, OverlapForm::Product] {
        for over_batch in [false, true] {
            for smooth in [0.0, 1.5] {
                for weights in [vec![1.0; 3], vec![0.0, 1.0, 1.0], vec![0.5, 2.0, 3.0]] {
                    let dice = DiceSemimetric::of_batch()
                        .sigmoid()
                        .form(form)
                        .smooth(smooth)
                        .class_weights(&*weights);
                    let jaccard = JaccardSemimetric::of_batch().sigmoid().form(form).smooth(smooth);
                    let jaccard = jaccard.class_weights(&*weights);
                    let (dice, jaccard) = if over_batch {
                        (dice.over_batch(), jaccard.over_batch())
                    } else {
                        (dice, jaccard)
                    };
                    check_region_loss(&dice, &z, &t, naive(&z, &t, false, form, over_batch, smooth, &weights));
                    check_region_loss(
                        &jaccard,
                        &z,
                        &t,
                        naive(&z, &t, true, form, over_batch, smooth, &weights),
                    );
                }
            }
        }
    }
    let without = DiceSemimetric::of_batch().sigmoid().without_background();
    check_region_loss(
        &without,
        &z,
        &t,
        naive(&z, &t, false, OverlapForm::L1, false, 0.0, &[0.0, 1.0, 1.0]),
    );
    let (sum, mean) = (without.clone().reduction(Reduction::Sum), without);
    assert!((sum.value(&z, &t).unwrap() - 4.0 * mean.value(&z, &t).unwrap()).abs() < 1e-13);

    // Hard targets have the same loss in both forms, for hard predictions; the minimum is at the target, with smoothing too.
    let agreeing = t.mapv(|t| (t / (1.0 - t)).ln());
    for smooth in [0.0, 10.0] {
        let loss = JaccardSemimetric::of_batch()
            .sigmoid()
            .smooth(smooth)
            .form(OverlapForm::Product);
        assert!(loss.value(&agreeing, &t).unwrap() < 1e-15);
    }
}

#[test]
fn settings_of_region_losses_are_checked() {
    let (z, t) = (Array4::<f32>::zeros((1, 1, 1, 1)), Array4::<f32>::ones((1, 1, 1, 1)));
    let value = |loss: DiceSemimetric<'_>| loss.sigmoid().value(&z, &t).unwrap_err().to_string();
    let loss = DiceSemimetric::of_batch;
    assert_eq!(
        value(loss().without_background()),
        Error::Empty {
            what: "classes but the background"
        }
        .to_string()
    );
    for smooth in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(value(loss().smooth(smooth)).contains("smoothing constant"), "{smooth}");
    }
    assert!(value(loss().class_weights([1.0, 2.0])).contains("class weights"));
    assert!(value(loss().class_weights([-1.0])).contains("weight"));
    assert_eq!(
        value(loss().class_weights([0.0])),
        Error::AllZero {
            what: "weight",
            per: "classes"
        }
        .to_string()
    );
}

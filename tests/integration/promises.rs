//! What the crate promises to the last bit.

use std::ops::Range;

use ndarray::{Array, Array3, Array4, ArrayD, ArrayView3, Axis, Dimension, Ix2, Ix3, IxDyn, Slice};
use proptest::prelude::*;
use soft_labels::{
    Classes, Label, LabelSmoothing, OneHot, Raters, SoftEncoder, SpatialDim, Svls, SvlsKernel, multirater,
};

use crate::layout::Layout;
use crate::naive::Map;
use crate::real::{Real, assert_same_bits, for_every_real};
use crate::scene::{Scene, for_all};

/// Runs `$check(&encoder, ...)` for each kind of encoding.
macro_rules! for_every_encoder {
    ($check:ident($($argument:expr),* $(,)?)) => {
        $check(&OneHot, $($argument),*);
        $check(&LabelSmoothing::new(0.3).unwrap(), $($argument),*);
        $check(&LabelSmoothing::over_others(0.3).unwrap(), $($argument),*);
        $check(&Svls::default(), $($argument),*);
        $check(&wide(), $($argument),*);
    };
}

/// SVLS by a kernel with many different weights.
fn wide() -> Svls {
    Svls::new(
        SvlsKernel::builder()
            .sigma([0.6, 1.1, 2.3])
            .radius([1, 2, 3])
            .build()
            .unwrap(),
    )
}

/// Two rows of blocks of three classes, single voxels of others and some that are ignored (9).
fn volume() -> Array3<u8> {
    Array3::from_shape_fn((4, 5, 75), |(d, h, w)| match (d * 31 + h * 17 + w * 7) % 53 {
        0 => 3,
        1 if w > 60 => 9,
        _ => u8::from(w > 20 + 3 * h) + u8::from(d > 1 && w > 10),
    })
}

fn classes() -> Classes {
    Classes::contiguous(4).unwrap().with_ignore(9).unwrap()
}

fn encode<L: Label, F: Real>(encoder: &impl SoftEncoder, labels: &ArrayView3<'_, L>, classes: &Classes) -> Array4<F> {
    encoder.encode(labels, classes).unwrap()
}

/// One rater's map, its number of classes and a kernel.
fn maps() -> impl Strategy<Value = (Map, usize, Svls)> {
    Scene::any().prop_map(|scene| (scene.maps[0].clone(), scene.values.len(), scene.svls()))
}

fn soft_of<F: Real>(map: &Map, classes: usize, encoder: &impl SoftEncoder) -> ArrayD<F> {
    let labels = map.mapv(|class| class.map_or(-1, |class| class as i32));
    encoder
        .encode(&labels, &Classes::contiguous(classes).unwrap().with_ignore(-1).unwrap())
        .unwrap()
}

fn probabilities_hold<F: Real>() {
    for_all(300, maps(), |(map, classes, svls)| {
        let soft: ArrayD<F> = soft_of(&map, classes, &svls);
        for (voxel, label) in map.indexed_iter() {
            let p = |class: usize| soft[IxDyn(&[&[class], voxel.slice()].concat())];
            let sum: f64 = (0..classes).map(|class| p(class).into()).sum();
            match *label {
                Some(class) => {
                    let least = F::rounded(1.0 - svls.kernel().strength() / 2.0);
                    assert!(
                        p(class) >= least,
                        "the own class has {:?}, less than {least:?}",
                        p(class)
                    );
                    assert!((sum - 1.0).abs() <= F::SUM_TOLERANCE, "they sum to {sum}");
                }
                None => assert!((0..classes).all(|class| p(class).bits() == 0)),
            }
        }
    });
}

#[test]
fn the_own_class_has_at_least_its_share_and_all_sum_to_one() {
    for_every_real!(probabilities_hold());
}

fn neighbourhoods_hold<F: Real>() {
    for_all(300, maps(), |(map, classes, svls)| {
        let soft: ArrayD<F> = soft_of(&map, classes, &svls);
        let radius = svls.radius(map.ndim()).unwrap();
        for (voxel, _) in map.indexed_iter().filter(|(_, label)| label.is_some()) {
            let mut near = map.view();
            for (axis, (&at, &r)) in voxel.slice().iter().zip(&radius).enumerate() {
                let end = (at + r + 1).min(map.len_of(Axis(axis)));
                near.slice_axis_inplace(Axis(axis), Slice::from(at.saturating_sub(r)..end));
            }
            let mut present: Vec<usize> = near.iter().flatten().copied().collect();
            present.sort_unstable();
            present.dedup();
            for class in 0..classes {
                let p = soft[IxDyn(&[&[class], voxel.slice()].concat())];
                if present == [class] {
                    assert_eq!(p.bits(), F::rounded(1.0).bits(), "class {class} is alone at {voxel:?}");
                } else if !present.contains(&class) {
                    assert_eq!(p.bits(), 0, "class {class} is absent at {voxel:?}");
                }
            }
        }
    });
}

#[test]
fn a_homogeneous_neighbourhood_is_exactly_one_and_an_absent_class_exactly_zero() {
    for_every_real!(neighbourhoods_hold());
}

#[test]
fn a_window_has_the_bits_of_the_whole() {
    fn check(encoder: &impl SoftEncoder, window: &[Range<usize>; 3]) {
        let (labels, classes) = (volume(), classes());
        let mut part: Array4<f64> = encoder.encode(&labels, &classes).unwrap();
        for (axis, range) in window.iter().enumerate() {
            part.slice_axis_inplace(Axis(axis + 1), Slice::from(range.clone()));
        }
        let alone: Array4<f64> = encoder.encode_window(&labels, &classes, window).unwrap();
        assert_same_bits(&alone, &part);
        let mut into = Array4::from_elem(part.raw_dim(), f64::NAN);
        encoder
            .encode_window_into(&labels, &classes, window, &mut into)
            .unwrap();
        assert_same_bits(&into, &part);
    }
    // Within and across blocks, at each border, single voxels, the whole and nothing.
    for window in [
        [0..4, 0..5, 0..75],
        [1..3, 1..4, 20..40],
        [0..1, 0..1, 0..1],
        [3..4, 4..5, 74..75],
        [2..4, 0..5, 31..33],
        [0..4, 2..3, 32..64],
        [1..2, 2..3, 64..75],
        [0..4, 0..5, 7..7],
        [4..4, 5..5, 75..75],
    ] {
        for_every_encoder!(check(&window));
    }
}

#[test]
fn a_window_of_an_average_has_the_bits_of_the_whole() {
    for_all(300, Scene::any(), |scene| {
        let labels: Vec<ArrayD<i32>> = (0..scene.maps.len()).map(|rater| scene.label_map(rater)).collect();
        let maps: Vec<_> = labels.iter().map(|map| map.view()).collect();
        let raters = Raters::weighted(&maps, &scene.weights()).unwrap();
        let encode = |window: &[Range<usize>]| {
            let shape: Vec<_> = [scene.values.len()]
                .into_iter()
                .chain(window.iter().map(ExactSizeIterator::len))
                .collect();
            let mut out = ArrayD::<f64>::from_elem(shape, f64::NAN);
            scene
                .svls()
                .encode_raters_window_into(&raters, &scene.classes(), window, &mut out)
                .unwrap();
            out
        };
        let whole: Vec<_> = labels[0].shape().iter().map(|&len| 0..len).collect();
        assert_same_bits(
            &encode(&scene.window),
            &crate::naive::window(&encode(&whole), &scene.window),
        );
    });
}

#[test]
fn every_layout_of_the_labels_gives_the_same_bits_in_standard_order() {
    fn check(encoder: &impl SoftEncoder) {
        let labels = volume();
        let expected: Array4<f32> = encode(encoder, &labels.view(), &classes());
        for layout in Layout::catalogue(3) {
            // A gap that was read would be an error: 77 is no class.
            let stored = layout.store(&labels, 77);
            let soft: Array4<f32> = encode(encoder, &stored.view().into_dimensionality().unwrap(), &classes());
            assert_same_bits(&soft, &expected);
            assert!(soft.is_standard_layout(), "{layout:?}");
        }
    }
    for_every_encoder!(check());
}

#[test]
fn every_layout_of_the_output_gets_the_same_bits_and_keeps_its_gaps() {
    fn check(encoder: &impl SoftEncoder) {
        let labels = volume();
        let expected: Array4<f32> = encode(encoder, &labels.view(), &classes());
        for layout in Layout::catalogue(4) {
            let mut out = layout.store(&expected.mapv(|_| -1.0), f32::NAN);
            let mut view = out.view_mut().into_dimensionality().unwrap();
            encoder.encode_into(&labels, &classes(), &mut view).unwrap();
            assert_same_bits(&out.view(), &expected.view().into_dyn());
            let gaps = out.memory().filter(|p| p.is_nan()).count();
            assert_eq!(gaps, out.memory().count() - expected.len(), "{layout:?}");
        }
    }
    for_every_encoder!(check());
}

#[test]
fn broadcast_labels_give_the_bits_of_their_copy() {
    let row = volume().index_axis(Axis(0), 0).index_axis(Axis(0), 2).to_owned();
    let broadcast = row.broadcast((4, 5, 75)).unwrap();
    let copy: Array4<f64> = encode(&wide(), &broadcast.to_owned().view(), &classes());
    assert_same_bits(&encode(&wide(), &broadcast, &classes()), &copy);
}

#[test]
fn every_label_type_gives_the_same_bits() {
    fn check(encoder: &impl SoftEncoder) {
        fn bits_as<L: Label + TryFrom<u8>>(encoder: &impl SoftEncoder) -> Array4<f64> {
            let labels = volume().mapv(|label| L::try_from(label).ok().unwrap());
            encode(encoder, &labels.view(), &classes())
        }
        let expected = bits_as::<u8>(encoder);
        for other in [
            bits_as::<u16>(encoder),
            bits_as::<u32>(encoder),
            bits_as::<u64>(encoder),
            bits_as::<i8>(encoder),
            bits_as::<i16>(encoder),
            bits_as::<i32>(encoder),
            bits_as::<i64>(encoder),
        ] {
            assert_same_bits(&other, &expected);
        }
    }
    for_every_encoder!(check());
}

#[test]
fn bool_labels_give_the_bits_of_integers() {
    let labels = volume().mapv(|label| label == 1);
    let two = Classes::contiguous(2).unwrap();
    let expected: Array4<f64> = encode(&wide(), &labels.mapv(u8::from).view(), &two);
    assert_same_bits(&encode(&wide(), &labels.view(), &two), &expected);
    // Classes that no bool can hold are absent.
    let four: Array4<f64> = encode(&wide(), &labels.view(), &Classes::contiguous(4).unwrap());
    assert_same_bits(&four.slice_axis(Axis(0), Slice::from(..2)), &expected);
    assert!(
        four.slice_axis(Axis(0), Slice::from(2..))
            .iter()
            .all(|p| p.to_bits() == 0)
    );
}

#[test]
fn listed_values_give_the_bits_of_their_positions() {
    fn check<L: Label>(encoder: &impl SoftEncoder, values: [L; 4], ignore: L) {
        let expected: Array4<f64> = encode(encoder, &volume().view(), &classes());
        let labels = volume().mapv(|label| values.get(usize::from(label)).copied().unwrap_or(ignore));
        let classes = Classes::from_values(values).unwrap().with_ignore(ignore).unwrap();
        assert_same_bits(&encode(encoder, &labels.view(), &classes), &expected);
    }
    for_every_encoder!(check([i64::MAX, 0, i64::MIN, -1], 1));
    for_every_encoder!(check([u64::MAX, 1 << 63, 0, 7], 255));
    for_every_encoder!(check([-128_i8, 127, -1, 0], 1));
    for_every_encoder!(check([4_u16, 256, 0, 65535], 255));
}

#[test]
fn more_classes_than_a_byte_holds_do_not_change_the_planes_of_those_that_occur() {
    fn check(encoder: &impl SoftEncoder) {
        let few: Array4<f64> = encode(encoder, &volume().mapv(u16::from).view(), &classes());
        for count in [127, 128, 254, 255, 256, 300] {
            let many = Classes::contiguous(count).unwrap().with_ignore(1000).unwrap();
            let labels = volume().mapv(|label| if label == 9 { 1000 } else { u16::from(label) });
            let soft: Array4<f64> = encode(encoder, &labels.view(), &many);
            assert_same_bits(&soft.slice_axis(Axis(0), Slice::from(..4)), &few.view());
            assert!(
                soft.slice_axis(Axis(0), Slice::from(4..))
                    .iter()
                    .all(|p| p.to_bits() == 0)
            );
        }
    }
    check(&OneHot);
    check(&Svls::default());
}

#[test]
fn two_and_three_axes_give_the_bits_of_as_many_dynamic_ones() {
    fn check<D: SpatialDim>(labels: &Array<u8, D>) {
        fn same<D: SpatialDim>(labels: &Array<u8, D>, encoder: &impl SoftEncoder) {
            let fixed: Array<f64, D::Larger> = encoder.encode(labels, &classes()).unwrap();
            let dynamic: ArrayD<f64> = encoder.encode(&labels.view().into_dyn(), &classes()).unwrap();
            assert_same_bits(&dynamic, &fixed.into_dyn());
        }
        same(labels, &OneHot);
        same(labels, &LabelSmoothing::new(0.3).unwrap());
        same(labels, &Svls::default());
        let kernel = SvlsKernel::builder().sigma([0.7]).radius([2]).build().unwrap();
        same(labels, &Svls::new(kernel));
    }
    check::<Ix3>(&volume());
    check::<Ix2>(&volume().index_axis_move(Axis(0), 1));
}

#[test]
fn a_kernel_without_depth_gives_each_slice_the_bits_of_2d() {
    let kernel = SvlsKernel::builder().sigma([0.7]).radius([0, 2, 1]).build().unwrap();
    let in_plane = SvlsKernel::builder().sigma([0.7]).radius([2, 1]).build().unwrap();
    let volume = volume();
    let soft: Array4<f64> = Svls::new(kernel).encode(&volume, &classes()).unwrap();
    for (slice, soft) in volume.outer_iter().zip(soft.axis_iter(Axis(1))) {
        let alone: Array3<f64> = Svls::new(in_plane.clone()).encode(&slice, &classes()).unwrap();
        assert_same_bits(&soft, &alone.view());
    }
}

#[test]
fn f32_is_f64_rounded() {
    fn check(encoder: &impl SoftEncoder) {
        let (labels, double) = (volume(), encode::<_, f64>(encoder, &volume().view(), &classes()));
        assert_same_bits(
            &encode::<_, f32>(encoder, &labels.view(), &classes()),
            &double.mapv(|p| p as f32),
        );
    }
    for_every_encoder!(check());
}

#[cfg(feature = "half")]
#[test]
fn f16_and_bf16_are_f32_rounded() {
    use half::{bf16, f16};
    fn check(encoder: &impl SoftEncoder) {
        let (labels, single) = (volume(), encode::<_, f32>(encoder, &volume().view(), &classes()));
        assert_same_bits(
            &encode(encoder, &labels.view(), &classes()),
            &single.mapv(f16::from_f32),
        );
        assert_same_bits(
            &encode(encoder, &labels.view(), &classes()),
            &single.mapv(bf16::from_f32),
        );
    }
    for_every_encoder!(check());
}

#[test]
fn one_rater_is_the_plain_case() {
    fn check(encoder: &impl SoftEncoder) {
        let (labels, plain) = (volume(), encode::<_, f64>(encoder, &volume().view(), &classes()));
        let rater = [labels.view()];
        assert_same_bits(&multirater::average(encoder, &rater, &classes()).unwrap(), &plain);
        for weight in [1.0, 0.3, 1e300, f64::MIN_POSITIVE] {
            let weighted = multirater::weighted_average(encoder, &rater, &[weight], &classes()).unwrap();
            assert_same_bits(&weighted, &plain);
        }
    }
    for_every_encoder!(check());
}

/// Three raters who disagree, two of whom ignore some voxels.
fn three_raters() -> [Array3<u8>; 3] {
    let mut shifted = volume();
    shifted.slice_axis_inplace(Axis(2), Slice::new(0, None, -1));
    [
        volume(),
        shifted,
        volume().mapv(|label| if label == 9 { 0 } else { label.saturating_sub(1) }),
    ]
}

#[test]
fn equal_weights_are_no_weights() {
    fn check(encoder: &impl SoftEncoder) {
        let maps = three_raters();
        let raters = maps.each_ref().map(|map| map.view());
        let plain: Array4<f64> = multirater::average(encoder, &raters, &classes()).unwrap();
        for weight in [1.0, 0.1, 7.0, 1e308] {
            let weighted = multirater::weighted_average(encoder, &raters, &[weight; 3], &classes()).unwrap();
            assert_same_bits(&weighted, &plain);
        }
    }
    for_every_encoder!(check());
}

#[test]
fn copies_of_one_map_are_that_map() {
    // Around the numbers from which a byte no longer counts all raters' voxels of a shell.
    let copies = prop::sample::select(vec![2, 3, 10, 21, 22, 31, 32, 63, 64, 255, 256, 300]);
    for_all(64, (maps(), copies), |((map, classes, svls), copies)| {
        let plain: ArrayD<f64> = soft_of(&map, classes, &svls);
        let labels = map.mapv(|class| class.map_or(-1, |class| class as i32));
        let raters = vec![labels.view(); copies];
        let classes = Classes::contiguous(classes).unwrap().with_ignore(-1).unwrap();
        let mean: ArrayD<f64> = multirater::average(&svls, &raters, &classes).unwrap();
        let weights: Vec<f64> = (1..=copies).map(|w| w as f64).collect();
        let weighted: ArrayD<f64> = multirater::weighted_average(&svls, &raters, &weights, &classes).unwrap();
        for ((&mean, &weighted), &plain) in mean.iter().zip(&weighted).zip(&plain) {
            assert!((mean - plain).abs() < 1e-12 && (weighted - plain).abs() < 1e-12);
            if plain == 0.0 || plain == 1.0 {
                assert_eq!([mean.to_bits(), weighted.to_bits()], [plain.to_bits(); 2]);
            }
        }
    });
}

#[test]
fn the_order_of_the_raters_does_not_matter() {
    fn check(encoder: &impl SoftEncoder) {
        // Nobody ignores a voxel.
        let maps = three_raters().map(|map| map.mapv(|label| label % 9));
        let [a, b, c] = maps.each_ref().map(|map| map.view());
        let expected: Array4<f64> = multirater::average(encoder, &[a, b, c], &classes()).unwrap();
        for order in [[b, a, c], [c, b, a], [b, c, a]] {
            assert_same_bits(&multirater::average(encoder, &order, &classes()).unwrap(), &expected);
        }
    }
    for_every_encoder!(check());
}

#[test]
fn an_ignore_value_that_does_not_occur_changes_nothing() {
    fn check(encoder: &impl SoftEncoder) {
        let maps = three_raters().map(|map| map.mapv(|label| label % 9));
        let raters = maps.each_ref().map(|map| map.view());
        let without = Classes::contiguous(4).unwrap();
        let weights = [0.2, 0.5, 0.1];
        for classes in [
            without.clone().with_ignore(9).unwrap(),
            without.clone().with_ignore(-1).unwrap(),
        ] {
            assert_same_bits(
                &encode::<_, f64>(encoder, &raters[0], &classes),
                &encode(encoder, &raters[0], &without),
            );
            assert_same_bits::<f64, _>(
                &multirater::average(encoder, &raters, &classes).unwrap(),
                &multirater::average(encoder, &raters, &without).unwrap(),
            );
            assert_same_bits::<f64, _>(
                &multirater::weighted_average(encoder, &raters, &weights, &classes).unwrap(),
                &multirater::weighted_average(encoder, &raters, &weights, &without).unwrap(),
            );
        }
    }
    for_every_encoder!(check());
}

#[test]
fn ignored_voxels_change_no_bit_beyond_the_kernels_reach() {
    fn check(encoder: &impl SoftEncoder) {
        let without = three_raters().map(|map| map.mapv(|label| label % 9));
        let mut with = without.clone();
        // All of these are in the second block of a row, whose other voxels must not notice.
        with[0].slice_axis_mut(Axis(2), Slice::from(50..52)).fill(9);
        with[1][[2, 2, 51]] = 9;
        let weights = [0.2, 0.5, 0.1];
        let mean = |maps: &[Array3<u8>; 3], weights: Option<&[f64]>| -> Array4<f64> {
            let raters = maps.each_ref().map(|map| map.view());
            match weights {
                Some(weights) => multirater::weighted_average(encoder, &raters, weights, &classes()).unwrap(),
                None => multirater::average(encoder, &raters, &classes()).unwrap(),
            }
        };
        let far = |soft: Array4<f64>| soft.select(Axis(3), &(0..47).chain(55..75).collect::<Vec<_>>());
        for weights in [None, Some(&weights[..])] {
            assert_same_bits(&far(mean(&with, weights)), &far(mean(&without, weights)));
        }
        let one = |maps: &[Array3<u8>; 3]| far(encode(encoder, &maps[0].view(), &classes()));
        assert_same_bits(&one(&with), &one(&without));
    }
    for_every_encoder!(check());
}

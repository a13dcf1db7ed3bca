//! Surfaces of both kinds: edge voxels against MONAI, and what is exact.

use ndarray::{Array2, Array3, ArrayD, IxDyn};
use proptest::prelude::*;
use soft_labels::metrics::{EmptyRegion, SurfaceKind, Surfaces};

use crate::fixture::assert_near;
use crate::scene::for_all;

const KINDS: [SurfaceKind; 2] = [SurfaceKind::Surfels, SurfaceKind::EdgeVoxels];

/// Shape, spacing, prediction and reference, tolerance; surface Dice, average distance from the prediction and of both, Hausdorff
/// distance, at 95 %, at 95 % from the prediction alone, at 50 %.
type Golden<'a> = (&'a [usize], &'a [f64], &'a str, &'a str, f64, &'a [f64]);

#[test]
fn edge_voxels_are_monais() {
    let golden: &[Golden<'_>] = &include!("../golden/surfaces.rs");
    assert!(golden.len() > 10);
    for (case, (shape, spacing, prediction, reference, tolerance, expected)) in golden.iter().enumerate() {
        let [prediction, reference] = [prediction, reference].map(|mask| {
            let inside = mask.chars().map(|voxel| voxel == '#').collect();
            ArrayD::from_shape_vec(IxDyn(shape), inside).unwrap()
        });
        let surfaces = SurfaceKind::EdgeVoxels
            .between(&prediction, &reference, *spacing)
            .unwrap();
        let distances = surfaces.distances().unwrap();
        let found = [
            surfaces.dice(*tolerance).unwrap(),
            distances.average_from_prediction(),
            distances.average(),
            distances.hausdorff(100.0).unwrap(),
            distances.hausdorff(95.0).unwrap(),
            distances.hausdorff_from_prediction(95.0).unwrap(),
            distances.hausdorff(50.0).unwrap(),
        ];
        for (number, (found, expected)) in found.iter().zip(*expected).enumerate() {
            assert_near(*found, *expected, 1e-6, &format!("case {case} number {number}"));
        }
    }
}

/// MONAI's cases for surface Dice: a half plane that is shifted by ten pixels, and two lines.
#[test]
fn shares_of_edge_voxels_are_counted() {
    let plane = |from: usize| Array2::from_shape_fn((480, 640), |(_, w)| w >= from);
    let near = |tolerance: f64| {
        let surfaces = SurfaceKind::EdgeVoxels
            .between(&plane(50), &plane(60), [0.85, 1.2])
            .unwrap();
        surfaces.dice(tolerance).unwrap()
    };
    // Two columns, less what lies on the border of the other, and nine pixels at the top and at the bottom.
    let far = 478.0 + 480.0 + 9.0 * 2.0;
    let all = 480.0 * 4.0 + 588.0 * 2.0 + 578.0 * 2.0;
    assert_eq!(near(0.0), (all - far) / all);
    assert!(near(1.2) > near(0.0) && near(11.9) < 1.0);
    assert_eq!(near(12.0), 1.0);

    let line =
        |at: usize, from: usize| Array2::from_shape_fn((10, 10), |(h, w)| w == at && (from..from + 3).contains(&h));
    let lines = SurfaceKind::EdgeVoxels.between(&line(1, 1), &line(6, 5), 1.0).unwrap();
    let found = [0.0, 5.5, 6.0, 6.5].map(|tolerance| lines.dice(tolerance).unwrap());
    assert_eq!(found, [0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0]); // √29, √34 and √41 pixels away
}

/// A mask on D, H, W, and spacings and tolerances of any size, also such as no scanner has.
fn masks_and_settings() -> impl Strategy<Value = (Array3<bool>, [f64; 3], f64)> {
    let mask = (1_usize..6, 1_usize..7, 1_usize..7).prop_flat_map(|shape| {
        prop::collection::vec(prop::bool::weighted(0.4), shape.0 * shape.1 * shape.2)
            .prop_map(move |mask| Array3::from_shape_vec(shape, mask).unwrap())
    });
    let step = prop_oneof![0.01_f64..4.0, Just(0.1), Just(1e-30), Just(1e30), 1e-8_f64..1e-6];
    let tolerance = prop_oneof![
        Just(0.0),
        0.0_f64..9.0,
        Just(1e-300),
        Just(f64::MAX),
        Just(f64::INFINITY)
    ];
    (mask, prop::array::uniform3(step), tolerance)
}

#[test]
fn a_mask_agrees_with_itself_exactly() {
    for_all(256, masks_and_settings(), |(mask, spacing, tolerance)| {
        let same = |found: f64, expected: f64| found == expected || (found.is_nan() && expected.is_nan());
        for kind in KINDS {
            let surfaces = kind.between(&mask, &mask, spacing).unwrap();
            let distances = surfaces.distances().unwrap();
            let empty = !mask.iter().any(|&inside| inside);
            let (share, distance) = if empty { (f64::NAN, f64::NAN) } else { (1.0, 0.0) };
            for found in [
                surfaces.dice(tolerance).unwrap(),
                surfaces.overlap_prediction(tolerance).unwrap(),
                surfaces.overlap_reference(tolerance).unwrap(),
            ] {
                assert!(same(found, share), "{kind:?}: {found}");
            }
            for found in [distances.average(), distances.hausdorff(95.0).unwrap()] {
                assert!(same(found, distance), "{kind:?}: {found}");
            }
        }
    });
}

/// So many steps of a spacing are within so many times the spacing as a person writes it, on every axis and however far.
#[test]
fn whole_steps_are_within_their_decimal_length() {
    let step = prop_oneof![Just(1), Just(3), Just(7), 1_u32..1000];
    for_all(128, (step, 1_usize..80, 0_usize..3), |(thousandths, steps, axis)| {
        let spacing = f64::from(thousandths) / 1000.0;
        let tolerance = f64::from(thousandths) * steps as f64 / 1000.0;
        let mut shape = [1; 3];
        shape[axis] = steps + 1;
        let dot = |place: usize| Array3::from_shape_fn(shape, |(d, h, w)| [d, h, w][axis] == place);
        for spacing in [spacing, f64::from(spacing as f32)] {
            for kind in KINDS {
                let surfaces = kind.between(&dot(0), &dot(steps), spacing).unwrap();
                assert_eq!(surfaces.dice(tolerance), Ok(1.0), "{kind:?} {spacing} {steps}");
                assert!(
                    surfaces.dice(tolerance * 0.99999).unwrap() < 1.0,
                    "{kind:?} {spacing} {steps}"
                );
            }
        }
    });
}

/// Pixels that touch at no corner, so that their elements are all of one size, each apart from the next.
fn dots(count: usize, of: usize) -> Array2<bool> {
    Array2::from_shape_fn((1, 3 * of), |(_, w)| w % 3 == 0 && w / 3 < count)
}

#[test]
fn a_percentile_that_is_just_met_is_met() {
    let check = |near: usize, all: usize| {
        let distances = Surfaces::new(&dots(near, all), &dots(all, all), 1.0)
            .unwrap()
            .distances()
            .unwrap();
        let share = 100.0 * near as f64 / all as f64;
        assert_eq!(distances.hausdorff(share), Ok(0.0), "{near} of {all}");
        assert!(distances.hausdorff(share + 1e-6).unwrap() > 0.0, "{near} of {all}");
    };
    check(19, 20); // 95 %
    check(190_000, 200_000);
    let shares = (2_usize..3000).prop_flat_map(|all| (1..all, Just(all)));
    for_all(128, shares, |(near, all)| check(near, all));
}

#[test]
fn distances_without_a_structure_are_nan_or_infinite() {
    let empty = Array2::from_elem((4, 5), false);
    let mask = Array2::from_shape_fn((4, 5), |(h, w)| h + w == 3);
    for kind in KINDS {
        let of = |prediction: &Array2<bool>, reference: &Array2<bool>| {
            let distances = kind.between(prediction, reference, 1.0).unwrap().distances().unwrap();
            [
                distances.average(),
                distances.average_from_prediction(),
                distances.average_from_reference(),
                distances.hausdorff(95.0).unwrap(),
                distances.hausdorff_from_prediction(0.0).unwrap(),
                distances.hausdorff_from_reference(100.0).unwrap(),
            ]
        };
        assert!(of(&empty, &empty).iter().all(|distance| distance.is_nan()), "{kind:?}");
        assert_eq!(of(&empty, &mask), [f64::INFINITY; 6], "{kind:?}");
        assert_eq!(of(&mask, &empty), [f64::INFINITY; 6], "{kind:?}");

        let dice = |reference: &Array2<bool>, empty_region: EmptyRegion| {
            let surfaces = kind.between(&empty, reference, 1.0).unwrap();
            surfaces.dice_or(1.0, empty_region).unwrap()
        };
        for (region, number) in [(EmptyRegion::One, 1.0), (EmptyRegion::Zero, 0.0)] {
            assert_eq!(dice(&empty, region), number, "{kind:?}");
            assert_eq!(dice(&mask, region), 0.0, "{kind:?}");
        }
        assert!(dice(&empty, EmptyRegion::Nan).is_nan(), "{kind:?}");
    }
}

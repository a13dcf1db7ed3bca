//! Judging against several raters, and calibration of single classes: against numbers that were also worked out by hand, and
//! against plain loops. `python python/tests/raters_reference.py` prints the numbers.

use ndarray::{Array1, Array2, ArrayView1, Axis, array};
use proptest::collection::vec;
use proptest::prelude::*;
use soft_labels::metrics::{
    EmptyRegion, MaskOverlaps, OwnPairs, QUBIQ_THRESHOLDS, Region, Reliability, Similarity, best_dice,
    class_calibration, crps_of_volumes, crps_of_volumes_gaussian, energy_distance, fleiss_kappa, icc_of_volumes,
    krippendorff_alpha, matched_iou, temperature, threshold_dice, threshold_dice_of_labels,
};
use soft_labels::{Classes, Error, Place};

use crate::expected::setting;
use crate::fixture::assert_near;
use crate::scene::for_all;

const NEAR: f64 = 1e-12;

fn masks(rows: &[[u8; 4]]) -> Vec<Array1<bool>> {
    rows.iter()
        .map(|row| row.iter().map(|&voxel| voxel == 1).collect())
        .collect()
}

fn views(masks: &[Array1<bool>]) -> Vec<ArrayView1<'_, bool>> {
    masks.iter().map(|mask| mask.view()).collect()
}

fn toy() -> [Vec<Array1<bool>>; 2] {
    let samples = masks(&[[1, 1, 0, 0], [1, 1, 1, 0]]);
    [samples, masks(&[[1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1]])]
}

#[test]
fn samples_against_raters_by_hand() {
    let [samples, raters] = toy();
    let (samples, raters) = (views(&samples), views(&raters));
    let energy = |similarity, pairs| energy_distance(&samples, &raters, similarity, pairs, EmptyRegion::One).unwrap();
    // d(S, Y) = (0, 1, 1/2, 1/3, 1, 1/4) / 6, d(S, S') = 1/6 and d(Y, Y') = 5/9.
    let by_hand = 2.0 * (37.0 / 12.0) / 6.0 - 1.0 / 6.0 - 5.0 / 9.0;
    assert_near(energy(Similarity::Iou, OwnPairs::All), by_hand, NEAR, "IoU");
    assert_near(by_hand, 0.3055555555555556, NEAR, "by hand");
    assert_near(
        energy(Similarity::Dice, OwnPairs::All),
        0.2735449735449734,
        NEAR,
        "Dice",
    );
    let different = 2.0 * (37.0 / 12.0) / 6.0 - 1.0 / 3.0 - 5.0 / 6.0;
    assert_near(
        energy(Similarity::Iou, OwnPairs::Different),
        different,
        NEAR,
        "different",
    );
    assert_near(
        matched_iou(&samples, &raters, EmptyRegion::One).unwrap(),
        0.5833333333333334,
        NEAR,
        "matched",
    );
    assert_near(
        best_dice(&samples, &raters, EmptyRegion::One).unwrap(),
        0.6190476190476191,
        NEAR,
        "best",
    );
}

#[test]
fn a_map_against_raters_by_hand() {
    let [_, raters] = toy();
    let raters = views(&raters);
    let p = array![0.9, 0.6, 0.35, 0.1];
    let nine = threshold_dice(&p, &raters, &QUBIQ_THRESHOLDS, EmptyRegion::One).unwrap();
    assert_near(nine, 0.6349206349206349, NEAR, "nine thresholds");
    let five = threshold_dice(&p, &raters, &[0.1, 0.3, 0.5, 0.7, 0.9], EmptyRegion::One).unwrap();
    assert_near(five, 0.5714285714285714, NEAR, "five thresholds");
}

#[test]
fn a_share_that_is_the_threshold_is_not_below_it() {
    // 3 / 10 is below 0.1 + 0.2, and 0.3 of f32 above 0.3 but 0.9 of f32 below 0.9.
    let raters: Vec<_> = (0..10).map(|rater| array![[true, rater < 3, rater < 9]]).collect();
    let raters: Vec<_> = raters.iter().map(|mask| mask.view()).collect();
    for threshold in [0.1 + 0.2, 0.3, 0.9, 1.0] {
        let share = array![[1.0, 0.3, 0.9]];
        assert_eq!(
            threshold_dice(&share, &raters, &[threshold], EmptyRegion::One),
            Ok(1.0),
            "{threshold}"
        );
        assert_eq!(
            threshold_dice(&share.mapv(|p| p as f32), &raters, &[threshold], EmptyRegion::One),
            Ok(1.0),
            "{threshold}"
        );
    }
    assert_eq!(
        threshold_dice(&array![[1.0, 0.29, 0.9]], &raters, &[0.3], EmptyRegion::One),
        Ok(0.8)
    );
    // At thresholds that nothing reaches, and where everything does.
    assert_eq!(
        threshold_dice(&array![[0.0, 0.0, 0.0]], &raters, &[1.5, -1.0], EmptyRegion::One),
        Ok(1.0)
    );
}

#[test]
fn volumes_and_tables_by_hand() {
    let raters = [90.0, 100.0, 110.0];
    for (volume, expected) in [
        (100.0, 2.2222222222222223),
        (125.0, 20.555555555555557),
        (500.0, 395.55555555555554),
        (5000.0, 4895.555555555556),
    ] {
        assert_near(crps_of_volumes(volume, &raters).unwrap(), expected, NEAR, "CRPS");
    }
    // `raters_reference.crps_of_volumes_gaussian`.
    for (volume, expected) in [
        (100.0, 1.9081114990877932),
        (125.0, 20.398418478061362),
        (500.0, 395.3934113403822),
        (5000.0, 4895.393411340382),
        (f64::INFINITY, f64::INFINITY),
    ] {
        let found = crps_of_volumes_gaussian(volume, &raters).unwrap();
        assert!(found == expected || (found - expected).abs() < 1e-12, "{found}");
    }
    for (one, expected) in [(7.5, 2.5), (5.0, 0.0), (f64::NAN, f64::NAN)] {
        let found = crps_of_volumes_gaussian(one, &[5.0; 3]).unwrap();
        assert!(found == expected || expected.is_nan() && found.is_nan(), "{found}");
    }
    assert!(crps_of_volumes_gaussian(1.0, &[1.0, f64::INFINITY]).unwrap().is_nan());
    assert_eq!(crps_of_volumes_gaussian(1.0, &[]), Err(Error::Empty { what: "raters" }));
    assert_eq!(crps_of_volumes(0.1, &[0.1; 7]), Ok(0.0));
    assert!(crps_of_volumes(f64::NAN, &raters).unwrap().is_nan());
    assert!(crps_of_volumes(1.0, &[1.0, f64::NAN, 2.0]).unwrap().is_nan());
    assert!(crps_of_volumes(1.0, &[1.0, f64::INFINITY]).unwrap().is_nan());

    let core = array![[0_u8, 3], [1, 2], [2, 1], [1, 2]];
    for (background, expected) in [(0, -0.125), (4, 0.4375), (100, 0.6151315789473673)] {
        let rows = Array2::from_shape_fn((background, 2), |(_, class)| if class == 0 { 3_u8 } else { 0 });
        let table = ndarray::concatenate![Axis(0), core, rows];
        assert_near(fleiss_kappa(&table).unwrap(), expected, NEAR, "kappa");
    }
    assert_near(krippendorff_alpha(&core).unwrap(), -0.03125, NEAR, "alpha");
    let missing = array![[3_i64, 0, 0], [1, 1, 1], [2, 0, 0], [0, 1, 0], [0, 0, 2], [1, 2, 0]];
    assert_near(
        krippendorff_alpha(&missing).unwrap(),
        0.4117647058823529,
        NEAR,
        "missing",
    );

    // The table of Shrout & Fleiss 1979, who print .29.
    let table = array![
        [9.0, 2.0, 5.0, 8.0],
        [6.0, 1.0, 3.0, 2.0],
        [8.0, 4.0, 6.0, 8.0],
        [7.0, 1.0, 2.0, 6.0],
        [10.0, 5.0, 6.0, 9.0],
        [6.0, 2.0, 4.0, 7.0],
    ];
    assert_near(icc_of_volumes(&table).unwrap(), 0.2897637795275591, NEAR, "ICC");
    assert_near(
        icc_of_volumes(&table.t().as_standard_layout().t()).unwrap(),
        0.2897637795275591,
        NEAR,
        "columns",
    );
}

#[test]
fn what_does_not_exist_is_nan() {
    for table in [
        array![[3_u8, 0], [3, 0]],
        array![[1, 0], [0, 1]],
        Array2::zeros((0, 2)),
        Array2::zeros((2, 0)),
    ] {
        assert!(fleiss_kappa(&table).unwrap().is_nan(), "{table}");
        assert!(krippendorff_alpha(&table).unwrap().is_nan(), "{table}");
    }
    assert!(fleiss_kappa(&Array2::<u8>::zeros((2, 2))).unwrap().is_nan());
    for (cases, raters) in [(0, 3), (1, 3), (3, 0), (3, 1), (3, 3)] {
        assert!(icc_of_volumes(&Array2::ones((cases, raters))).unwrap().is_nan());
    }
    assert!(icc_of_volumes(&array![[1.0, f64::NAN], [2.0, 3.0]]).unwrap().is_nan());
    let nothing = Array1::<bool>::default(0);
    let bins = class_calibration(&Array1::<f32>::zeros(0), &nothing, 20).unwrap();
    assert!(bins.ece().is_nan() && bins.ace().is_nan() && bins.mce().is_nan());
}

#[test]
fn empty_masks_are_the_same() {
    let (none, some) = (array![false, false], array![true, false]);
    let (empty, full) = (vec![none.view()], vec![some.view()]);
    let energy = |a, b| energy_distance(a, b, Similarity::Dice, OwnPairs::All, EmptyRegion::One).unwrap();
    assert_eq!((energy(&empty, &empty), energy(&empty, &full)), (0.0, 2.0));
    assert_eq!(
        (
            matched_iou(&empty, &empty, EmptyRegion::One),
            matched_iou(&full, &empty, EmptyRegion::One)
        ),
        (Ok(1.0), Ok(0.0))
    );
    assert_eq!(
        (
            best_dice(&empty, &empty, EmptyRegion::One),
            best_dice(&empty, &full, EmptyRegion::One)
        ),
        (Ok(1.0), Ok(0.0))
    );
    assert_eq!(
        threshold_dice(&array![0.0, 0.0], &empty, &[0.5], EmptyRegion::One),
        Ok(1.0)
    );
    assert_eq!(
        threshold_dice(&array![0.0, 0.0], &full, &[0.5], EmptyRegion::One),
        Ok(0.0)
    );
    // Without voxels all masks are the same.
    let without_voxels = Array1::<bool>::default(0);
    assert_eq!(
        matched_iou(&[without_voxels.view()], &[without_voxels.view()], EmptyRegion::One),
        Ok(1.0)
    );
}

#[test]
fn wrong_arguments_are_told() {
    let (two, three) = (array![true, false], array![true, false, true]);
    let (short, long) = (vec![two.view()], vec![two.view(), three.view()]);
    let shape = |place| Error::Shape {
        what: "mask",
        place: Some(place),
        expected: vec![2],
        actual: vec![3],
    };
    assert_eq!(best_dice(&short, &long, EmptyRegion::One), Err(shape(Place::Rater(1))));
    assert_eq!(
        matched_iou(&long, &short, EmptyRegion::One),
        Err(shape(Place::Sample(1)))
    );
    assert_eq!(
        best_dice(&[], &short, EmptyRegion::One),
        Err(Error::Empty { what: "samples" })
    );
    assert_eq!(
        best_dice(&short, &[], EmptyRegion::One),
        Err(Error::Empty { what: "raters" })
    );
    let (many, more) = (vec![two.view(); 64], vec![two.view(); 65]);
    let too_many = Error::TooMany {
        what: "pairs to match",
        count: 64 * 65,
        max: 4096,
    };
    assert_eq!(matched_iou(&many, &more, EmptyRegion::One), Err(too_many));

    let p = array![0.5, 0.5];
    assert_eq!(
        threshold_dice(&p, &[], &[0.5], EmptyRegion::One),
        Err(Error::Empty { what: "raters" })
    );
    assert_eq!(
        threshold_dice(&p, &short, &[], EmptyRegion::One),
        Err(Error::Empty { what: "thresholds" })
    );
    assert_eq!(
        threshold_dice(&p, &long, &[0.5], EmptyRegion::One),
        Err(shape(Place::Rater(1)))
    );
    let error = threshold_dice(&p, &short, &[0.5, f64::NAN], EmptyRegion::One).unwrap_err();
    assert_eq!(error.to_string(), "threshold is NaN; it must be a number");
    let wrong = |error| matches!(error, Error::Probability { class: 1, index, .. } if index == [1]);
    for value in [f64::NAN, -0.1, 1.5] {
        assert!(wrong(
            threshold_dice(&array![0.5, value], &short, &[0.5], EmptyRegion::One).unwrap_err()
        ));
        assert!(wrong(class_calibration(&array![0.5, value], &two, 20).unwrap_err()));
    }
    assert_eq!(class_calibration(&p, &two, 0), Err(Error::Empty { what: "bins" }));
    assert!(matches!(
        class_calibration(&p, &three, 20),
        Err(Error::Shape {
            what: "mask of hits",
            ..
        })
    ));
    assert_eq!(crps_of_volumes(1.0, &[]), Err(Error::Empty { what: "raters" }));

    let unequal = Error::UnequalRaters {
        voxel: 1,
        raters: 2,
        expected: 3,
    };
    assert_eq!(fleiss_kappa(&array![[3_i16, 0], [1, 1]]), Err(unequal));
    let (negative, told) = (
        array![[3_i16, 0], [4, -1]],
        setting("count of raters", -1.0, "0 or more"),
    );
    assert_eq!(fleiss_kappa(&negative), Err(told.clone()));
    assert_eq!(krippendorff_alpha(&negative), Err(told));
    // The largest counts overflow nothing.
    assert!(fleiss_kappa(&array![[u64::MAX, 0], [0, u64::MAX]]).is_ok());
    assert!(krippendorff_alpha(&array![[u64::MAX, u64::MAX]]).is_ok());
}

#[test]
fn a_temperature_by_hand_and_its_ends() {
    let classes = Classes::contiguous(3).unwrap().with_ignore(255).unwrap();
    let logits = array![
        [2.0, -1.0, 0.5, 3.0, 0.0, 1.0],
        [0.0, 1.5, 0.25, -2.0, 4.0, -1.0],
        [-1.0, 0.0, 2.0, 1.0, 1.0, 0.5],
    ];
    let of = |labels: [u8; 6]| temperature(&logits, &Array1::from(labels.to_vec()), &classes);
    assert_near(
        of([0, 1, 2, 0, 0, 2]).unwrap(),
        1.9180290871206551,
        1e-10,
        "temperature",
    );
    assert_eq!(of([0, 1, 2, 0, 1, 0]), Ok(0.001)); // all have the largest logit
    assert_eq!(of([2, 0, 1, 1, 0, 1]), Ok(1000.0)); // and here the smallest
    assert_eq!(of([255; 6]), Err(Error::NoVoxels));
    assert!(matches!(
        of([0, 1, 2, 0, 1, 3]),
        Err(Error::UnknownLabel { value: 3, .. })
    ));
    let flat = Array2::<f32>::zeros((3, 6));
    assert_eq!(temperature(&flat, &array![0_u8, 1, 2, 0, 1, 2], &classes), Ok(1000.0));

    // Where labels are ignored logits may be anything, and otherwise they are finite.
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut broken = logits.clone();
        broken[[1, 5]] = value;
        let left = logits.slice(ndarray::s![.., ..5]);
        let ignoring = temperature(&broken, &array![0_u8, 1, 2, 0, 0, 255], &classes);
        let without = temperature(&left, &array![0_u8, 1, 2, 0, 0], &classes);
        assert_near(ignoring.unwrap(), without.unwrap(), NEAR, "ignored");
        let error = temperature(&broken, &array![0_u8, 1, 2, 0, 0, 2], &classes).unwrap_err();
        let told = format!("the logit of class 1 at voxel [5] is {value}; it must be finite and at most 1e100");
        assert_eq!(error.to_string(), told);
    }
    let mismatch = temperature(&logits, &array![0_u8, 1], &classes);
    assert!(matches!(mismatch, Err(Error::Shape { .. })));
    let without = temperature(&Array2::<f64>::zeros((3, 0)), &Array1::<u8>::zeros(0), &classes);
    assert_eq!(without, Err(Error::NoVoxels));
}

/// Masks of `voxels` voxels, some of them empty.
fn drawn_masks(voxels: usize) -> impl Strategy<Value = Vec<Array1<bool>>> {
    let mask = prop_oneof![1 => Just(0.0), 4 => 0.1..0.9].prop_flat_map(move |share| {
        vec(0.0..1.0, voxels).prop_map(move |draws| draws.iter().map(|&draw| draw < share).collect::<Array1<bool>>())
    });
    vec(mask, 1..=4)
}

fn naive_score(a: &Array1<bool>, b: &Array1<bool>, similarity: Similarity) -> f64 {
    let count = |of: fn(bool, bool) -> bool| a.iter().zip(b).filter(|&(&a, &b)| of(a, b)).count() as f64;
    let (both, either) = (count(|a, b| a && b), count(|a, b| a || b));
    match similarity {
        _ if either == 0.0 => 1.0,
        Similarity::Dice => 2.0 * both / (both + either),
        _ => both / either,
    }
}

/// The largest sum of a matching, by trying all.
fn largest(table: &[Vec<f64>], taken: &[usize]) -> f64 {
    let Some(row) = table.get(taken.len()) else { return 0.0 };
    let free = (0..table.len()).filter(|column| !taken.contains(column));
    let sums = free.map(|column| row[column] + largest(table, &[taken, &[column]].concat()));
    sums.fold(f64::NEG_INFINITY, f64::max)
}

#[test]
fn masks_are_compared_as_loops_do() {
    let lists = (1_usize..150).prop_flat_map(|voxels| (drawn_masks(voxels), drawn_masks(voxels)));
    for_all(60, lists, |(samples, raters)| {
        // Every second voxel of an array of twice as many, from its end.
        let strided = |masks: &[Array1<bool>]| -> Vec<Array1<bool>> {
            let wide = |mask: &Array1<bool>| {
                Array1::from_shape_fn(2 * mask.len(), |at| at % 2 == 1 && mask[mask.len() - 1 - at / 2])
            };
            masks.iter().map(wide).collect()
        };
        let wide = [strided(&samples), strided(&raters)];
        let seen: Vec<Vec<ArrayView1<'_, bool>>> = wide
            .iter()
            .map(|masks| masks.iter().map(|mask| mask.slice(ndarray::s![..;-2])).collect())
            .collect();
        let (s, y) = (&seen[0], &seen[1]);

        for similarity in [Similarity::Iou, Similarity::Dice] {
            let mean = |a: &[Array1<bool>], b: &[Array1<bool>], same: bool| {
                let mut distances = Vec::new();
                for (i, a) in a.iter().enumerate() {
                    for (j, b) in b.iter().enumerate() {
                        if same || i != j {
                            distances.push(1.0 - naive_score(a, b, similarity));
                        }
                    }
                }
                distances.iter().sum::<f64>() / distances.len() as f64
            };
            for (pairs, same) in [(OwnPairs::All, true), (OwnPairs::Different, false)] {
                let expected =
                    2.0 * mean(&samples, &raters, true) - mean(&samples, &samples, same) - mean(&raters, &raters, same);
                assert_near(
                    energy_distance(s, y, similarity, pairs, EmptyRegion::One).unwrap(),
                    expected,
                    NEAR,
                    "energy",
                );
            }
        }
        let best = |y: &Array1<bool>| {
            let dice = samples.iter().map(|s| naive_score(s, y, Similarity::Dice));
            dice.fold(0.0, f64::max)
        };
        let expected = raters.iter().map(best).sum::<f64>() / raters.len() as f64;
        assert_near(best_dice(s, y, EmptyRegion::One).unwrap(), expected, NEAR, "best");

        let count = (1..).find(|n| n % samples.len() == 0 && n % raters.len() == 0).unwrap();
        if count <= 6 {
            let of = |i: usize, j: usize| {
                naive_score(&samples[i % samples.len()], &raters[j % raters.len()], Similarity::Iou)
            };
            let table: Vec<Vec<f64>> = (0..count).map(|i| (0..count).map(|j| of(i, j)).collect()).collect();
            let expected = largest(&table, &[]) / count as f64;
            assert_near(matched_iou(s, y, EmptyRegion::One).unwrap(), expected, NEAR, "matched");
        }

        let voxels = samples[0].len();
        let p = Array1::from_shape_fn(voxels, |voxel| (voxel * 7 % 11) as f64 / 10.0);
        let mut expected = 0.0;
        for tenth in 1..10 {
            // In whole numbers: p >= t, and share >= t.
            let found: Array1<bool> = (0..voxels).map(|voxel| voxel * 7 % 11 >= tenth).collect();
            let votes = |voxel: usize| raters.iter().filter(|mask| mask[voxel]).count();
            let drawn: Array1<bool> = (0..voxels)
                .map(|voxel| 10 * votes(voxel) >= tenth * raters.len())
                .collect();
            expected += naive_score(&found, &drawn, Similarity::Dice) / 9.0;
        }
        let found = threshold_dice(&p, y, &QUBIQ_THRESHOLDS, EmptyRegion::One).unwrap();
        assert_near(found, expected, NEAR, "thresholds");
    });
}

/// Two or three label maps of 0 and 1, in which 255 is ignored, and as many of samples, whose 255 are outside.
#[test]
fn voxels_that_a_rater_ignores_do_not_count_against_that_rater() {
    let label = || prop_oneof![3 => 0_u8..2, 1 => Just(255)];
    let maps = |voxels| vec(vec(label(), voxels), 2..=3);
    let cases = (1_usize..80).prop_flat_map(move |voxels| (maps(voxels), maps(voxels), any::<bool>()));
    let classes = Classes::contiguous(2).unwrap().with_ignore(255).unwrap();
    for_all(80, cases, |(samples, raters, all_ignore_the_first)| {
        let mut raters = raters;
        if all_ignore_the_first {
            raters.iter_mut().for_each(|map| map[0] = 255);
        }
        let arrays = |maps: &[Vec<u8>]| -> Vec<Array2<u8>> {
            let rows = maps
                .iter()
                .map(|map| Array2::from_shape_vec((1, map.len()), map.clone()));
            rows.map(Result::unwrap).collect()
        };
        let [s, y] = [arrays(&samples), arrays(&raters)];
        let [s, y] = [&s, &y].map(|maps| maps.iter().map(|map| map.view()).collect::<Vec<_>>());
        let overlaps = MaskOverlaps::of_labels(&s, &y, &classes, &Region::class(1)).unwrap();

        // The voxels of a pair that count, as masks.
        let score = |a: &[u8], b: &[u8], counts: &dyn Fn(usize) -> bool, similarity| {
            let of = |map: &[u8]| -> Array1<bool> {
                (0..map.len())
                    .filter(|&voxel| counts(voxel))
                    .map(|voxel| map[voxel] == 1)
                    .collect()
            };
            naive_score(&of(a), &of(b), similarity)
        };
        let by_any = |voxel: usize| raters.iter().any(|map| map[voxel] != 255);
        let mean = |a: &[Vec<u8>], b: &[Vec<u8>], ignoring: [bool; 2]| {
            let mut sum = 0.0;
            for a in a {
                for b in b {
                    let counts = |voxel: usize| {
                        by_any(voxel) && !(ignoring[0] && a[voxel] == 255) && !(ignoring[1] && b[voxel] == 255)
                    };
                    sum += (1.0 - score(a, b, &counts, Similarity::Iou)) / (raters.len() * samples.len()) as f64;
                }
            }
            sum * (raters.len() * samples.len()) as f64 / (a.len() * b.len()) as f64
        };
        let expected = 2.0 * mean(&samples, &raters, [false, true])
            - mean(&samples, &samples, [false; 2])
            - mean(&raters, &raters, [true; 2]);
        let found = overlaps.energy_distance(Similarity::Iou, OwnPairs::All, EmptyRegion::One);
        assert_near(found, expected, NEAR, "energy");
        let best = |y: &Vec<u8>| {
            let dice = samples
                .iter()
                .map(|s| score(s, y, &|voxel| y[voxel] != 255, Similarity::Dice));
            dice.fold(0.0, f64::max)
        };
        let expected = raters.iter().map(best).sum::<f64>() / raters.len() as f64;
        assert_near(overlaps.best_dice(EmptyRegion::One), expected, NEAR, "best");

        // The share of those who labelled a voxel, in whole numbers; the probability is anything where nobody did.
        let voxels = raters[0].len();
        let p = Array2::from_shape_fn((1, voxels), |(_, voxel)| match by_any(voxel) {
            true => (voxel * 7 % 11) as f64 / 10.0,
            false => f64::NAN,
        });
        let (mut sum, mut counted) = (0.0, 0.0);
        for tenth in 1..10 {
            let labelled = |voxel: usize| raters.iter().filter(|map| map[voxel] != 255).count();
            let votes = |voxel: usize| raters.iter().filter(|map| map[voxel] == 1).count();
            let counting: Vec<_> = (0..voxels).filter(|&voxel| by_any(voxel)).collect();
            let found: Array1<bool> = counting.iter().map(|voxel| voxel * 7 % 11 >= tenth).collect();
            let drawn: Array1<bool> = counting
                .iter()
                .map(|&voxel| 10 * votes(voxel) >= tenth * labelled(voxel))
                .collect();
            if found.iter().chain(&drawn).any(|&inside| inside) {
                sum += naive_score(&found, &drawn, Similarity::Dice);
                counted += 1.0;
            }
        }
        let dice =
            |empty| threshold_dice_of_labels(&p, &y, &classes, &Region::class(1), &QUBIQ_THRESHOLDS, empty).unwrap();
        assert_near(dice(EmptyRegion::One), (sum + 9.0 - counted) / 9.0, NEAR, "thresholds");
        let [zero, none] = [EmptyRegion::Zero, EmptyRegion::Nan].map(dice);
        if counted == 0.0 {
            assert!(zero == 0.0 && none.is_nan());
        } else {
            assert_eq!([zero, none], [dice(EmptyRegion::One); 2]);
        }
    });
}

#[test]
fn a_case_without_a_structure_scores_what_is_told() {
    let (none, some) = (array![false, false], array![true, false]);
    let (empty, one_empty) = (vec![none.view(), none.view()], vec![none.view(), some.view()]);
    for (rule, score, distance) in [
        (EmptyRegion::One, 1.0, 0.0),
        (EmptyRegion::Zero, 0.0, 0.0),
        (EmptyRegion::Nan, f64::NAN, f64::NAN),
    ] {
        let same = |found: f64, expected: f64| {
            assert!(
                found == expected || found.is_nan() && expected.is_nan(),
                "{rule:?}: {found}"
            );
        };
        same(best_dice(&empty, &empty, rule).unwrap(), score);
        same(matched_iou(&empty, &empty, rule).unwrap(), score);
        for pairs in [OwnPairs::All, OwnPairs::Different] {
            same(
                energy_distance(&empty, &empty, Similarity::Iou, pairs, rule).unwrap(),
                distance,
            );
        }
        let nothing = array![0.0, 0.0];
        same(
            threshold_dice(&nothing, &empty, &QUBIQ_THRESHOLDS, rule).unwrap(),
            score,
        );
        // Half of the raters marked a voxel: five thresholds are met, and at four both sides agree that nothing is there.
        same(
            threshold_dice(&nothing, &one_empty, &QUBIQ_THRESHOLDS, rule).unwrap(),
            4.0 / 9.0,
        );

        // In a case that holds the structure two empty masks are alike, whatever is told.
        same(best_dice(&one_empty, &empty, rule).unwrap(), 1.0);
        same(matched_iou(&one_empty, &one_empty, rule).unwrap(), 1.0);
        same(
            energy_distance(&one_empty, &one_empty, Similarity::Dice, OwnPairs::All, rule).unwrap(),
            0.0,
        );
    }
}

#[test]
fn an_unknown_label_is_told_with_its_rater() {
    let classes = Classes::contiguous(2).unwrap().with_ignore(255).unwrap();
    let (known, unknown) = (array![[0_u8, 1]], array![[0_u8, 7]]);
    let raters = [known.view(), unknown.view()];
    let region = Region::class(1);
    let wrong = |error: Error| {
        let told = matches!(
            error,
            Error::UnknownLabel {
                value: 7,
                rater: 1,
                raters: 2,
                ..
            }
        );
        assert!(told, "{error:?}");
    };
    wrong(MaskOverlaps::of_labels(&[known.view()], &raters, &classes, &region).unwrap_err());
    let p = array![[0.0, 1.0]];
    wrong(threshold_dice_of_labels(&p, &raters, &classes, &region, &[0.5], EmptyRegion::One).unwrap_err());
    let none = MaskOverlaps::of_labels(&[known.view()], &[], &classes, &region);
    assert_eq!(none, Err(Error::Empty { what: "raters" }));
    let absent = MaskOverlaps::of_labels(&[known.view()], &[known.view()], &classes, &Region::class(2));
    assert!(matches!(absent, Err(Error::NoClass { .. })));
}

#[test]
fn agreement_is_that_of_pairs_of_raters() {
    // The class that each rater gave, of which some are missing (class 3).
    for_all(80, vec(vec(0_usize..4, 4), 1..12), |choices| {
        let table = |choices: &[Vec<usize>]| {
            Array2::from_shape_fn((choices.len(), 3), |(voxel, class)| {
                choices[voxel].iter().filter(|&&choice| choice == class).count() as u16
            })
        };
        // Pairs of different raters of one voxel, each weighted so that a voxel counts as often as it has raters.
        let (mut coincidences, mut all) = ([[0.0; 3]; 3], 0.0);
        for of_voxel in &choices {
            let given: Vec<_> = of_voxel.iter().filter(|&&choice| choice < 3).collect();
            for (i, &&a) in given.iter().enumerate() {
                for (j, &&b) in given.iter().enumerate() {
                    if i != j {
                        coincidences[a][b] += 1.0 / (given.len() - 1) as f64;
                        all += 1.0 / (given.len() - 1) as f64;
                    }
                }
            }
        }
        let totals = coincidences.map(|row| row.iter().sum::<f64>());
        let (mut observed, mut expected) = (0.0, 0.0);
        for a in 0..3 {
            for b in (0..3).filter(|&b| b != a) {
                observed += coincidences[a][b] / all;
                expected += totals[a] * totals[b] / (all * (all - 1.0));
            }
        }
        let alpha = if expected > 0.0 {
            1.0 - observed / expected
        } else {
            f64::NAN
        };
        assert_near(krippendorff_alpha(&table(&choices)).unwrap(), alpha, 1e-10, "alpha");

        let full: Vec<Vec<_>> = choices
            .iter()
            .map(|row| row.iter().map(|choice| choice % 3).collect())
            .collect();
        let count = full.len() as f64;
        let mut agreement = 0.0;
        for row in &full {
            for i in 0..4 {
                agreement += (0..4).filter(|&j| j != i && row[i] == row[j]).count() as f64 / 12.0 / count;
            }
        }
        let share = |class| full.iter().flatten().filter(|&&choice| choice == class).count() as f64 / (4.0 * count);
        let chance: f64 = (0..3).map(|class| share(class) * share(class)).sum();
        let kappa = if chance < 1.0 {
            (agreement - chance) / (1.0 - chance)
        } else {
            f64::NAN
        };
        assert_near(fleiss_kappa(&table(&full)).unwrap(), kappa, 1e-10, "kappa");
    });
}

#[test]
fn crps_is_that_of_all_pairs() {
    for_all(
        100,
        (-9.0..9.0, vec(prop_oneof![Just(1.5), -9.0..9.0], 1..9)),
        |(volume, raters): (f64, Vec<f64>)| {
            let count = raters.len() as f64;
            let error: f64 = raters.iter().map(|rater| (rater - volume).abs()).sum();
            let pairs = raters.iter().flat_map(|a| raters.iter().map(move |b| (a - b).abs()));
            let expected = error / count - 0.5 * pairs.sum::<f64>() / (count * count);
            assert_near(crps_of_volumes(volume, &raters).unwrap(), expected, NEAR, "CRPS");
        },
    );
}

#[test]
fn bins_of_a_class_are_counted_one_by_one() {
    let voxels = vec(
        (
            prop_oneof![(0_u8..=20).prop_map(|p| f64::from(p) / 20.0), 0.0..=1.0],
            any::<bool>(),
        ),
        1..60,
    );
    for_all(100, (voxels, 1_usize..30), |(voxels, count)| {
        let p: Array1<f64> = voxels.iter().map(|&(p, _)| p).collect();
        let hit: Array1<bool> = voxels.iter().map(|&(_, hit)| hit).collect();
        let (mut errors, mut weights) = (Vec::new(), Vec::new());
        for bin in 0..count {
            let edge = |b: usize| {
                if b == count {
                    1.0
                } else {
                    b as f64 * (1.0 / count as f64)
                }
            };
            let inside = |p: f64| (p > edge(bin) || (bin == 0 && p == 0.0)) && p <= edge(bin + 1);
            let held: Vec<_> = voxels.iter().filter(|&&(p, _)| inside(p)).collect();
            if !held.is_empty() {
                let hits = held.iter().filter(|&&&(_, hit)| hit).count() as f64;
                let sum: f64 = held.iter().map(|&&(p, _)| p).sum();
                errors.push((hits - sum).abs() / held.len() as f64);
                weights.push(held.len() as f64 / voxels.len() as f64);
            }
        }
        let bins = class_calibration(&p, &hit, count).unwrap();
        let ece: f64 = errors.iter().zip(&weights).map(|(error, weight)| error * weight).sum();
        assert_near(bins.ece(), ece, NEAR, "ECE");
        assert_near(
            bins.ace(),
            errors.iter().sum::<f64>() / errors.len() as f64,
            NEAR,
            "ACE",
        );
        assert_near(bins.mce(), errors.iter().copied().fold(0.0, f64::max), NEAR, "MCE");

        // The bins of two parts together are those of the whole.
        let (first, second) = p.view().split_at(Axis(0), p.len() / 2);
        let (first_hit, second_hit) = hit.view().split_at(Axis(0), p.len() / 2);
        let mut parts = Reliability::new(count).unwrap();
        parts
            .merge(&class_calibration(&first, &first_hit, count).unwrap())
            .unwrap();
        parts
            .merge(&class_calibration(&second, &second_hit, count).unwrap())
            .unwrap();
        assert_eq!(parts.count(), bins.count());
        assert_near(parts.ece(), bins.ece(), NEAR, "merged");
    });
}

#[test]
fn no_other_temperature_is_more_likely() {
    let voxels = vec((vec(-6.0..6.0, 3), 0_usize..3), 2..40);
    for_all(60, voxels, |voxels| {
        let logits = Array2::from_shape_fn((3, voxels.len()), |(class, voxel)| voxels[voxel].0[class]);
        let labels: Array1<u8> = voxels.iter().map(|&(_, label)| label as u8).collect();
        let likelihood = |temperature: f64| -> f64 {
            let of_voxel = |(logits, label): &(Vec<f64>, usize)| {
                let sum: f64 = logits
                    .iter()
                    .map(|logit| ((logit - logits[*label]) / temperature).exp())
                    .sum();
                sum.ln()
            };
            voxels.iter().map(of_voxel).sum()
        };
        let found = temperature(&logits, &labels, &Classes::contiguous(3).unwrap()).unwrap();
        for factor in [0.5, 0.99, 1.01, 2.0] {
            let other = (found * factor).clamp(0.001, 1000.0);
            assert!(likelihood(found) <= likelihood(other) + 1e-9, "{found} and {other}");
        }
    });
}

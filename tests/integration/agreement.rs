//! Counted votes, agreement, and STAPLE on a part of the map, against naive versions and by hand.

use ndarray::{Array2, ArrayD, ArrayView, Axis, Dimension, IxDyn, Slice, array, stack};
use proptest::prelude::*;
use soft_labels::fusion::{Staple, Ties, leave_one_out_majority, majority_vote};
use soft_labels::metrics::{
    Confusion, Region, fleiss_kappa, icc_interval, icc_of_volumes, krippendorff_alpha, top_labels_with_ties,
};
use soft_labels::multirater::Votes;
use soft_labels::{Classes, Error, SoftEncoder, Svls, Window};

use crate::scene::for_all;

/// Maps of one to four raters with three classes; label 9 is ignored.
fn maps() -> impl Strategy<Value = Vec<ArrayD<u8>>> {
    let label = prop_oneof![4 => Just(0_u8), 2 => Just(1), 1 => Just(2), 1 => Just(9)];
    let shape = prop_oneof![
        (1..5_usize, 1..6_usize).prop_map(|(h, w)| vec![h, w]),
        (1..4_usize, 1..4_usize, 1..5_usize).prop_map(|(d, h, w)| vec![d, h, w]),
    ];
    (1..5_usize, shape).prop_flat_map(move |(raters, shape)| {
        let voxels = shape.iter().product::<usize>();
        let map = prop::collection::vec(label.clone(), voxels);
        prop::collection::vec(map, raters).prop_map(move |maps| {
            let of_shape = |map| ArrayD::from_shape_vec(shape.clone(), map).unwrap();
            maps.into_iter().map(of_shape).collect()
        })
    })
}

fn classes() -> Classes {
    Classes::contiguous(3).unwrap().with_ignore(9).unwrap()
}

fn views<L>(maps: &[ArrayD<L>]) -> Vec<ArrayView<'_, L, IxDyn>> {
    maps.iter().map(|map| map.view()).collect()
}

/// How many raters gave each class, of the voxels that count.
fn table(maps: &[ArrayD<u8>], counts: impl Fn(&[u8]) -> bool) -> Array2<u64> {
    let mut rows = Vec::new();
    for voxel in 0..maps[0].len() {
        let labels: Vec<u8> = maps.iter().map(|map| map.as_slice().unwrap()[voxel]).collect();
        if counts(&labels) {
            rows.extend((0..3).map(|class| labels.iter().filter(|&&label| label == class).count() as u64));
        }
    }
    Array2::from_shape_vec((rows.len() / 3, 3), rows).unwrap()
}

#[track_caller]
fn same(found: f64, expected: f64) {
    let equal = (found - expected).abs() < 1e-10 || found.is_nan() && expected.is_nan();
    assert!(equal, "{found} {expected}");
}

#[test]
fn counted_votes_agree_as_a_table_of_all_voxels_does() {
    for_all(300, maps(), |maps| {
        let votes = Votes::count(&views(&maps), &classes()).unwrap();
        let complete = |labels: &[u8]| labels.iter().all(|&label| label != 9);
        let foreground = |labels: &[u8]| labels.iter().any(|&label| label == 1 || label == 2);
        same(votes.fleiss_kappa(), fleiss_kappa(&table(&maps, complete)).unwrap());
        same(
            votes.krippendorff_alpha(),
            krippendorff_alpha(&table(&maps, |_| true)).unwrap(),
        );
        let union = votes.union();
        let both = |labels: &[u8]| complete(labels) && foreground(labels);
        same(union.fleiss_kappa(), fleiss_kappa(&table(&maps, both)).unwrap());
        same(
            union.krippendorff_alpha(),
            krippendorff_alpha(&table(&maps, foreground)).unwrap(),
        );
        // One structure is a map of two classes.
        let two: Vec<_> = maps
            .iter()
            .map(|map| map.mapv(|label| if label == 9 { 9 } else { u8::from(label == 2) }))
            .collect();
        let sides = Classes::contiguous(2).unwrap().with_ignore(9).unwrap();
        assert_eq!(
            votes.structure(&Region::class(2)),
            Votes::count(&views(&two), &sides).unwrap()
        );
        // The part in a mask is the rest of what is without it.
        let inside = ArrayD::from_shape_fn(maps[0].raw_dim(), |at| at[0] % 2 == 0);
        let mut parts = Votes::count_within(&views(&maps), &classes(), &inside).unwrap();
        parts.merge(&Votes::count_within(&views(&maps), &classes(), &!inside).unwrap());
        assert_eq!(parts, votes);
    });
}

#[test]
fn pairs_of_raters_are_compared_where_both_labelled() {
    for_all(100, maps(), |maps| {
        let votes = Votes::count(&views(&maps), &classes()).unwrap();
        for (a, first) in maps.iter().enumerate() {
            for (b, second) in maps.iter().enumerate() {
                let ignored = |map: &ArrayD<u8>, other: &ArrayD<u8>| {
                    ndarray::Zip::from(map)
                        .and(other)
                        .map_collect(|&label, &other| if other == 9 { 9 } else { label })
                };
                let (first, second) = (ignored(first, second), ignored(second, first));
                let expected = Confusion::count(&first, &second, &classes()).unwrap();
                let found = votes.confusion(a, b).unwrap();
                for class in 0..3 {
                    let region = Region::class(class);
                    assert_eq!(found.overlap(&region), expected.overlap(&region));
                }
            }
        }
        assert!(votes.confusion(0, maps.len()).is_none());
    });
}

#[test]
fn each_rater_against_the_others() {
    for_all(200, maps(), |maps| {
        let (all, classes) = (views(&maps), classes());
        let votes = Votes::count(&all, &classes).unwrap();
        for (of_classes, of_labels) in [
            (Ties::Lowest, Ties::Lowest),
            (Ties::Highest, Ties::Highest),
            (Ties::Prefer(1), Ties::Prefer(1_u8)),
            (Ties::Undecided(7), Ties::Undecided(9)),
        ] {
            let majority = leave_one_out_majority(&votes, of_classes);
            let staple = Staple::new().leave_one_out(&votes, of_classes).unwrap();
            assert_eq!((majority.len(), staple.len()), (maps.len(), maps.len()));
            for rater in 0..maps.len() {
                let mut others = all.clone();
                let own = others.remove(rater);
                if others.is_empty() {
                    assert_eq!(majority[0].entries().count() + staple[0].entries().count(), 0);
                    continue;
                }
                let vote = majority_vote(&others, &classes, of_labels).unwrap();
                let fused = Staple::new().fuse::<_, f64, _>(&others, &classes).unwrap();
                let truth: ArrayD<u8> = top_labels_with_ties(fused.posterior(), &classes, of_labels).unwrap();
                for (found, mut reference) in [(&majority[rater], vote), (&staple[rater], truth)] {
                    ndarray::Zip::from(&mut reference)
                        .and(&own)
                        .for_each(|reference, &own| {
                            if own == 9 {
                                *reference = 9;
                            }
                        });
                    let expected = Confusion::count(&own, &reference, &classes).unwrap();
                    assert_eq!(found, &expected, "{of_classes:?}");
                }
            }
        }
    });
}

/// The toy of Fleiss' kappa: four disputed voxels and more and more agreed background.
#[test]
fn kappa_depends_on_the_region() {
    let kappa = |background: usize| {
        let rater = |votes: [u8; 4]| {
            let mut map = Array2::zeros((1, 4 + background));
            map.slice_mut(ndarray::s![0, ..4])
                .assign(&array![votes[0], votes[1], votes[2], votes[3]]);
            map
        };
        // 3, 2, 1 and 2 of three raters see the structure.
        let maps = [rater([1, 1, 1, 1]), rater([1, 1, 0, 1]), rater([1, 0, 0, 0])];
        let votes = Votes::count(&maps.each_ref().map(|map| map.view()), &Classes::contiguous(2).unwrap()).unwrap();
        assert_eq!(votes.union().voxels(), 4);
        (votes.fleiss_kappa(), votes.union().fleiss_kappa())
    };
    for (background, expected) in [(0, -0.125), (4, 0.437), (100, 0.615)] {
        let (all, union) = kappa(background);
        assert!((all - expected).abs() < 5e-4, "{all}");
        assert!((union + 0.125).abs() < 1e-12);
    }
}

#[test]
fn a_rater_who_drew_nothing_is_missing() {
    let (first, second) = (array![[0_u8, 1, 1]], array![[0_u8, 1, 0]]);
    let classes = Classes::contiguous(2).unwrap();
    let votes = Votes::count(&[first.view(), second.view()], &classes).unwrap();
    let mut more = votes.clone().with_missing(0);
    assert_eq!(more.confusion(1, 2), votes.confusion(0, 1));
    assert_eq!(more.confusion(0, 1).unwrap().entries().count(), 0);
    same(more.krippendorff_alpha(), votes.krippendorff_alpha());
    assert!(more.fleiss_kappa().is_nan());
    // Merged with a case that all three drew, kappa is that of the other case.
    let three = Votes::count(&[first.view(), second.view(), second.view()], &classes).unwrap();
    more.merge(&three);
    same(more.fleiss_kappa(), three.fleiss_kappa());
    assert_eq!((more.raters(), more.voxels(), more.complete_voxels()), (3, 6, 3));
    // The last raters are those that the shorter case has not.
    let mut fewer = votes.clone();
    fewer.merge(&three);
    let mut padded = votes.with_missing(2);
    padded.merge(&three);
    assert_eq!(fewer, padded);
}

#[test]
fn the_interval_of_the_icc() {
    let table = array![
        [9.0, 2.0, 5.0, 8.0],
        [6.0, 1.0, 3.0, 2.0],
        [8.0, 4.0, 6.0, 8.0],
        [7.0, 1.0, 2.0, 6.0],
        [10.0, 5.0, 6.0, 9.0],
        [6.0, 2.0, 4.0, 7.0],
    ];
    let [low, high] = icc_interval(&table, 0.95).unwrap();
    assert!(
        (low - 0.019).abs() < 5e-4 && (high - 0.761).abs() < 5e-4,
        "{low} {high}"
    );
    // Units do not matter, and a higher level is wider.
    let [same_low, same_high] = icc_interval(&(&table * 1e6), 0.95).unwrap();
    assert!((low - same_low).abs() < 1e-9 && (high - same_high).abs() < 1e-9);
    let [wide_low, wide_high] = icc_interval(&table, 0.99).unwrap();
    assert!(wide_low < low && high < wide_high);
    let icc = icc_of_volumes(&table).unwrap();
    let [narrow_low, narrow_high] = icc_interval(&table, 1e-9).unwrap();
    assert!(narrow_low < icc + 0.05 && icc - 0.05 < narrow_high);

    assert_eq!(icc_interval(&array![[1.0, 1.0], [3.0, 3.0]], 0.95), Ok([1.0, 1.0]));
    for none in [
        array![[1.0, 2.0]],
        array![[1.0], [2.0]],
        array![[1.0, f64::NAN], [2.0, 3.0]],
    ] {
        assert!(icc_interval(&none, 0.95).unwrap().iter().all(|bound| bound.is_nan()));
    }
    for level in [0.0, 1.0, f64::NAN] {
        assert!(matches!(
            icc_interval(&table, level),
            Err(Error::Setting { what: "level", .. })
        ));
    }
}

#[test]
fn staple_on_the_box_is_that_of_the_cropped_maps() {
    for_all(200, (maps(), 0..3_usize), |(small, margin)| {
        // Agreed background about them.
        let maps: Vec<_> = small
            .iter()
            .map(|map| {
                let shape: Vec<_> = map.shape().iter().map(|len| len + 5).collect();
                let mut large = ArrayD::zeros(shape);
                large
                    .slice_each_axis_mut(|axis| Slice::from(2..2 + map.len_of(axis.axis)))
                    .assign(map);
                large
            })
            .collect();
        let whole = Window::whole(maps[0].shape());
        let disputed = |at: &[usize]| {
            let labels: Vec<u8> = maps.iter().map(|map| map[at]).filter(|&label| label != 9).collect();
            labels.iter().any(|&label| label != labels[0])
        };
        let places: Vec<Vec<usize>> = ndarray::indices(maps[0].raw_dim())
            .into_iter()
            .map(|at| at.slice().to_vec())
            .filter(|at| disputed(at))
            .collect();
        let around = |axis: usize| {
            let along = || places.iter().map(|at| at[axis]);
            let low = along().min().unwrap().saturating_sub(margin);
            low..(along().max().unwrap() + 1 + margin).min(maps[0].shape()[axis])
        };
        let expected: Vec<_> = if places.is_empty() {
            whole.ranges().to_vec()
        } else {
            (0..maps[0].ndim()).map(around).collect()
        };
        let staple = Staple::new().crop_to_disagreement(margin);
        let fused = staple.fuse::<_, f64, _>(&views(&maps), &classes()).unwrap();
        assert_eq!(fused.window().ranges(), expected);

        let part = |map: &ArrayD<u8>| {
            map.slice_each_axis(|axis| Slice::from(expected[axis.axis.index()].clone()))
                .to_owned()
        };
        let parts: Vec<_> = maps.iter().map(part).collect();
        let alone = Staple::new().fuse::<_, f64, _>(&views(&parts), &classes()).unwrap();
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(fused.prior().iter().zip(alone.prior()).all(|(&a, &b)| near(a, b)));
        let (mut inside, mut outside) = (0, 0);
        for at in ndarray::indices(maps[0].raw_dim()) {
            let at = at.slice().to_vec();
            let place = |class: usize, at: &[usize]| [&[class], at].concat();
            let within = at.iter().zip(&expected).all(|(at, range)| range.contains(at));
            for class in 0..3 {
                let found = fused.posterior()[&*place(class, &at)];
                if within {
                    let shifted: Vec<_> = at.iter().zip(&expected).map(|(at, range)| at - range.start).collect();
                    assert!(near(found, alone.posterior()[&*place(class, &shifted)]));
                    inside += 1;
                } else {
                    let agreed = maps.iter().any(|map| usize::from(map[&*at]) == class);
                    assert_eq!(found, f64::from(u8::from(agreed)));
                    outside += 1;
                }
            }
        }
        assert_eq!(inside + outside, 3 * maps[0].len());
    });
}

/// Binary STAPLE of `SimpleITK` 2.5.7 on the box alone, as its filter has it with the threshold of convergence 1e-7.
#[test]
fn staple_on_the_box_is_simpleitks() {
    let mut maps = [(); 3].map(|()| Array2::<u8>::zeros((40, 50)));
    maps[0].slice_mut(ndarray::s![10..20, 10..20]).fill(1);
    maps[1].slice_mut(ndarray::s![11..20, 10..22]).fill(1);
    maps[2].slice_mut(ndarray::s![10..21, 9..19]).fill(1);
    let raters = maps.each_ref().map(|map| map.view());
    let fused = Staple::new()
        .crop_to_disagreement(2)
        .fuse::<_, f64, _>(&raters, &Classes::contiguous(2).unwrap())
        .unwrap();
    assert_eq!(fused.window().ranges(), [8..23, 7..24]);
    let expected = [
        [1.0, 0.9999992166802981],
        [0.9000009517267716, 0.8838709677364085],
        [0.9000009360593716, 0.8709677419293279],
    ];
    for (rater, [sensitivity, specificity]) in expected.iter().enumerate() {
        assert!((fused.sensitivity(rater, 1).unwrap() - sensitivity).abs() < 1e-9);
        assert!((fused.specificity(rater, 1).unwrap() - specificity).abs() < 1e-9);
    }
    assert_eq!(fused.iterations(), 78); // SimpleITK counts from 0
}

#[test]
fn weights_of_raters() {
    // The third rater says nothing about the truth, and the fourth drew nothing.
    let maps = [
        array![[0_u8, 0, 1, 1, 2, 2]],
        array![[0_u8, 0, 1, 1, 2, 2]],
        array![[0_u8, 1, 0, 1, 0, 1]],
        array![[9_u8, 9, 9, 9, 9, 9]],
    ];
    let raters = maps.each_ref().map(|map| map.view());
    let fused = Staple::new().fuse::<_, f64, _>(&raters, &classes()).unwrap();
    let weights = fused.performance().weights();
    assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    assert_eq!(weights[3], 0.0);
    assert!((weights[0] - weights[1]).abs() < 1e-9 && weights[2] < weights[0]);
    let youden = |rater: usize| {
        let of_class =
            |class| fused.sensitivity(rater, class).unwrap() + fused.specificity(rater, class).unwrap() - 1.0;
        (0..3).map(|class| of_class(class).max(0.0)).sum::<f64>() / 3.0
    };
    let all: f64 = (0..3).map(youden).sum();
    (0..3).for_each(|rater| same(weights[rater], youden(rater) / all));

    // From label maps to mSVLS in one call, and with the weights that are seen on the way.
    let found = Staple::new().weighted_raters(&raters, &classes()).unwrap();
    let soft: ndarray::Array3<f64> = Svls::default().encode_raters(&found, &classes()).unwrap();
    let by_hand: ndarray::Array3<f64> =
        soft_labels::multirater::weighted_average(&Svls::default(), &raters, &weights, &classes()).unwrap();
    assert!((soft - by_hand).iter().all(|difference| difference.abs() < 1e-9));
    let staple = Staple::new().crop_to_disagreement(0);
    let cropped = staple.weighted_raters(&raters, &classes()).unwrap();
    let fused = staple.fuse::<_, f32, _>(&raters, &classes()).unwrap();
    assert_eq!(fused.window().ranges(), [0..1, 1..6]);
    assert_eq!(cropped.weights(), fused.performance().weights());

    // Nobody knows anything: all alike.
    let (odd, even) = (array![[0_u8, 1, 0, 1]], array![[1_u8, 0, 0, 1]]);
    let performance = Staple::new()
        .max_iterations(1)
        .performance(&Votes::count(&[odd.view(), even.view()], &classes()).unwrap());
    let weights = performance.unwrap().weights();
    assert_eq!(weights, [0.5, 0.5]);
}

#[test]
fn labels_of_a_posterior_with_ties() {
    let classes = Classes::from_values([0, 4, 6]).unwrap().with_ignore(9).unwrap();
    let third = 1.0 / 3.0;
    let p = stack(
        Axis(0),
        &[
            array![[0.5, third, 0.2, 0.0]].view(),
            array![[0.5 - 1e-9, third, 0.4, 0.0]].view(),
            array![[1e-9, third, 0.4, 0.0]].view(),
        ],
    )
    .unwrap();
    let labels = |ties| top_labels_with_ties::<_, u8, _>(&p, &classes, ties);
    assert_eq!(labels(Ties::Lowest).unwrap(), array![[0, 0, 4, 9]]);
    assert_eq!(labels(Ties::Highest).unwrap(), array![[4, 6, 6, 9]]);
    assert_eq!(labels(Ties::Prefer(4)).unwrap(), array![[4, 4, 4, 9]]);
    assert_eq!(labels(Ties::Prefer(0)).unwrap(), array![[0, 0, 4, 9]]);
    assert_eq!(labels(Ties::Undecided(77)).unwrap(), array![[77, 77, 77, 9]]);
    assert!(matches!(
        labels(Ties::Prefer(5)),
        Err(Error::NoClass {
            what: "label",
            value: 5,
            classes: 3
        })
    ));
    // Means of votes that tie have equal probabilities, whichever rater said what.
    let raters = [array![[0_u8, 4]], array![[4_u8, 0]]];
    let mean: ndarray::Array3<f32> =
        soft_labels::multirater::average(&soft_labels::OneHot, &raters.each_ref().map(|map| map.view()), &classes)
            .unwrap();
    assert_eq!(
        top_labels_with_ties::<_, u8, _>(&mean, &classes, Ties::Highest).unwrap(),
        array![[4, 4]]
    );
}

#[test]
fn a_band_is_about_the_union() {
    let mut maps = [(); 2].map(|()| Array2::<u8>::zeros((9, 9)));
    maps[0].slice_mut(ndarray::s![3..6, 3..6]).fill(1);
    maps[1].slice_mut(ndarray::s![3..6, 3..7]).fill(2);
    let raters = maps.each_ref().map(|map| map.view());
    let structure = Region::of_labels(&classes(), [1_u8, 2]).unwrap();
    let count = |spacing: [f64; 2], mm: f64| {
        Votes::count_in_band(&raters, &classes(), &structure, spacing, mm)
            .unwrap()
            .voxels()
    };
    // The union is 3 rows of 4: ten of its voxels are at its edge, and fourteen beside it.
    assert_eq!(count([1.0, 1.0], 1.0), 10 + 14);
    // Along the columns alone: three rows with two ends, inside and outside.
    assert_eq!(count([3.0, 1.0], 1.0), 3 * 4);
    assert_eq!(count([1.0, 1.0], 0.5), 0);
    assert_eq!(count([1.0, 1.0], f64::INFINITY), 81);
}

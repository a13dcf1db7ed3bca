//! Majority vote and STAPLE against the numbers of ITK and by hand.

use ndarray::{Array2, Array3, ArrayD, Axis, array};
use soft_labels::fusion::{Staple, StapleFusion, Ties, majority_vote};
use soft_labels::{Classes, Error, OneHot, Place, multirater};

use crate::expected::{WEIGHT, count, setting_of};
use crate::fixture::{Topic, assert_all_near, assert_near, number, numbers};

/// Maps of one axis or more, with an axis in front where label maps need two.
fn maps(raters: ArrayD<u8>) -> ArrayD<u8> {
    if raters.ndim() == 2 {
        raters.insert_axis(Axis(1))
    } else {
        raters
    }
}

#[test]
fn votes_are_simpleitks() {
    let topic = Topic::open("fusion");
    for (name, case) in topic.expected["majority_vote"].as_object().unwrap() {
        let raters = maps(topic.array(&case["raters"]));
        let views: Vec<_> = raters.outer_iter().collect();
        let count = case["n_labels"].as_u64().unwrap() as usize;
        let classes = Classes::contiguous(count).unwrap();
        let undecided = case["undecided"].as_u64().unwrap() as u8;
        let expect = |file: &str, ties| {
            let expected: ArrayD<u8> = topic.array(&case[file]);
            let vote = majority_vote(&views, &classes, ties).unwrap();
            assert!(vote.iter().eq(&expected), "{name} {file}");
        };
        expect("result", Ties::Undecided(undecided));
        expect("lowest_label_tiebreak", Ties::Lowest);
        expect("lowest_label_tiebreak", Ties::Prefer(0));
        let expected: ArrayD<f64> = topic.array(&case["mOH_mean_onehot"]);
        let moh: ArrayD<f64> = multirater::average(&OneHot, &views, &classes).unwrap();
        assert_all_near(&moh, &expected, 1e-15, name);
    }
}

#[test]
fn binary_staple_is_simpleitks() {
    let topic = Topic::open("fusion");
    let classes = Classes::contiguous(2).unwrap();
    for (name, case) in topic.expected["binary_staple"].as_object().unwrap() {
        let raters = maps(topic.array(&case["raters"]));
        let views: Vec<_> = raters.outer_iter().collect();
        let foreground = number(&case["prior"]);
        let staple = Staple::new().prior([1.0 - foreground, foreground]);
        let staple = match case["max_iterations"].as_u64() {
            Some(rounds) => staple.max_iterations(rounds as usize),
            None => staple,
        };
        let fused: StapleFusion<f64, _> = staple.fuse(&views, &classes).unwrap();
        let w = fused.posterior().index_axis(Axis(0), 1);
        if number(&case["sensitivity"][0]).is_nan() {
            // Where ITK gives NaN there is an answer.
            let answer = number(&case["itk_master_guarded"]["W_unique"][0]);
            assert!(w.iter().all(|&w| w == answer), "{name}");
            assert!(fused.converged());
            assert_eq!(
                (fused.sensitivity(0, 1), fused.specificity(0, 1)),
                (Some(1.0), Some(1.0))
            );
            continue;
        }
        let expected: ArrayD<f64> = topic.array(&case["W"]);
        assert_all_near(w, &expected, 1e-9, name);
        for (rater, (p, q)) in numbers(&case["sensitivity"])
            .iter()
            .zip(numbers(&case["specificity"]))
            .enumerate()
        {
            assert_near(fused.sensitivity(rater, 1).unwrap(), *p, 1e-9, name);
            assert_near(fused.specificity(rater, 1).unwrap(), q, 1e-9, name);
            assert_near(fused.specificity(rater, 0).unwrap(), *p, 1e-9, name);
        }
        assert_eq!(
            fused.iterations(),
            case["n_em_rounds"].as_u64().unwrap() as usize,
            "{name}"
        );
        assert_eq!(fused.converged(), case["max_iterations"].is_null(), "{name}");
        // With a confidence weight the prior is not that of the data.
        if number(&case["confidence_weight"]) == 1.0 {
            let own: StapleFusion<f64, _> = Staple::new().max_iterations(0).fuse(&views, &classes).unwrap();
            assert_near(own.prior()[1], foreground, 1e-12, name);
        }
    }
}

#[test]
fn staple_of_several_classes() {
    let topic = Topic::open("fusion");
    let mut seen = 0;
    for (name, case) in topic.expected["multilabel_staple"].as_object().unwrap() {
        let expected = &case["soft_seed"];
        if expected.is_null() {
            continue;
        }
        seen += 1;
        let raters = maps(topic.array(&case["raters"]));
        let views: Vec<_> = raters.outer_iter().collect();
        let classes = Classes::contiguous(case["n_labels"].as_u64().unwrap() as usize).unwrap();
        let staple = Staple::new().prior(numbers(&expected["prior"]));
        let fused: StapleFusion<f64, _> = staple.fuse(&views, &classes).unwrap();
        let posterior: ArrayD<f64> = topic.array(&expected["posterior"]);
        assert_all_near(fused.posterior(), &posterior, 1e-9, name);
        for (confusion, expected) in fused.confusion().iter().zip(expected["confusion"].as_array().unwrap()) {
            let expected: Vec<f64> = expected.as_array().unwrap().iter().flat_map(numbers).collect();
            assert_all_near(confusion, &expected, 1e-6, name);
        }
        assert_eq!(
            fused.iterations(),
            expected["rounds"].as_u64().unwrap() as usize,
            "{name}"
        );
        let labels: ArrayD<u8> = topic.array(&expected["labels_lowest_index_on_tie"]);
        for (lane, label) in fused.posterior().lanes(Axis(0)).into_iter().zip(&labels) {
            let first_of_most = lane
                .iter()
                .enumerate()
                .fold(0, |best, (i, p)| if *p > lane[best] { i } else { best });
            assert_eq!(first_of_most, usize::from(*label), "{name}");
        }
    }
    assert!(seen >= 6);
}

#[test]
fn staple_has_an_answer_where_there_is_little_to_go_by() {
    let classes = Classes::contiguous(2).unwrap();
    let (zeros, ones) = (Array3::<u8>::zeros((2, 3, 4)), Array3::<u8>::ones((2, 3, 4)));
    let fuse = |raters: &[&Array3<u8>]| -> StapleFusion<f64, _> {
        let views: Vec<_> = raters.iter().map(|map| map.view()).collect();
        Staple::new().fuse(&views, &classes).unwrap()
    };
    // Two who disagree everywhere.
    let fused = fuse(&[&zeros, &ones]);
    assert!(fused.converged());
    assert!(fused.posterior().iter().all(|&w| w == 0.5));
    assert!(fused.confusion().iter().flatten().all(|theta| theta.is_finite()));
    // One rater is believed.
    let one = Array3::from_shape_fn((2, 3, 4), |(d, h, w)| u8::from((d + h * w) % 3 == 0));
    let fused = fuse(&[&one]);
    let truth = fused.posterior().index_axis(Axis(0), 1);
    assert!(truth.iter().zip(&one).all(|(&w, &label)| w == f64::from(label)));
    // No voxels.
    let fused: StapleFusion<f32, _> = Staple::new()
        .fuse(&[Array2::<u8>::zeros((0, 5)).view()], &classes)
        .unwrap();
    assert_eq!(fused.posterior().shape(), [2, 0, 5]);
    assert!(fused.prior().iter().all(|&p| p == 0.0));
}

#[test]
fn a_rater_who_ignores_a_voxel_says_nothing_there() {
    let classes = Classes::contiguous(2).unwrap().with_ignore(9).unwrap();
    let (a, b, c) = (
        array![[0_u8, 1, 1, 9, 0]],
        array![[0_u8, 1, 9, 9, 0]],
        array![[0_u8, 9, 0, 9, 1]],
    );
    let views = [a.view(), b.view(), c.view()];
    assert_eq!(
        majority_vote(&views, &classes, Ties::Highest).unwrap(),
        array![[0, 1, 1, 9, 0]]
    );
    assert_eq!(
        majority_vote(&views, &classes, Ties::Undecided(7)).unwrap(),
        array![[0, 1, 7, 9, 0]]
    );
    let fused: StapleFusion<f64, _> = Staple::new().fuse(&views, &classes).unwrap();
    let sums = fused.posterior().sum_axis(Axis(0));
    assert_all_near(&sums, &[1.0, 1.0, 1.0, 0.0, 1.0], 1e-15, "sums");
    // The second rater said nothing that all voxels they labelled contradict.
    assert_eq!(fused.sensitivity(1, 1), Some(fused.confusion()[1][[1, 1]]));
    // Without the voxel that all ignore nothing changes.
    let cut = |map: &Array2<u8>| map.select(Axis(1), &[0, 1, 2, 4]);
    let (a, b, c) = (cut(&a), cut(&b), cut(&c));
    let without: StapleFusion<f64, _> = Staple::new().fuse(&[a.view(), b.view(), c.view()], &classes).unwrap();
    assert_eq!(without.confusion(), fused.confusion());
}

#[test]
fn wrong_settings_are_errors() {
    let classes = Classes::contiguous(2).unwrap();
    let map = array![[0_u8, 1]];
    let fuse = |staple: Staple| staple.fuse::<_, f32, _>(&[map.view()], &classes).unwrap_err();
    assert_eq!(
        fuse(Staple::new().prior([0.5, 0.2, 0.3])),
        count("prior probabilities", "classes", 2, 3)
    );
    assert_eq!(
        fuse(Staple::new().prior([0.5, -0.5])),
        setting_of("prior probability", Place::Class(1), -0.5, WEIGHT)
    );
    assert_eq!(
        fuse(Staple::new().prior([0.0, 0.0])),
        Error::AllZero {
            what: "prior probability",
            per: "classes"
        }
    );
    assert_eq!(
        majority_vote(&[map.view()], &classes, Ties::Prefer(4)),
        Err(Error::NoClass {
            what: "label",
            value: 4,
            classes: 2
        })
    );
    assert!(matches!(
        majority_vote(&[array![[0_u8, 3]].view()], &classes, Ties::Lowest),
        Err(Error::UnknownLabel { value: 3, .. })
    ));
    assert_eq!(
        majority_vote::<u8, ndarray::Ix2>(&[], &classes, Ties::Lowest),
        Err(Error::Empty { what: "raters" })
    );
}

#[test]
fn too_many_classes_for_confusion_matrices_are_an_error() {
    let classes = Classes::contiguous(65535).unwrap();
    let map = array![[0_u16, 1]];
    let error = Staple::new().fuse::<_, f32, _>(&[map.view()], &classes).unwrap_err();
    assert_eq!(
        error,
        Error::TooLarge {
            shape: vec![1, 65535, 65535]
        }
    );
    assert_eq!(majority_vote(&[map.view()], &classes, Ties::Lowest), Ok(map.clone()));
}

#[test]
fn votes_do_not_depend_on_memory_order() {
    let a = Array2::from_shape_fn((5, 7), |(h, w)| ((h * 3 + w) % 4) as u8);
    let b = Array2::from_shape_fn((5, 7), |(h, w)| ((h + w * 5) % 4) as u8);
    let classes = Classes::contiguous(4).unwrap();
    let plain = majority_vote(&[a.view(), b.view()], &classes, Ties::Highest).unwrap();
    let fortran = a.t().as_standard_layout().into_owned();
    let other = majority_vote(&[fortran.t(), b.view()], &classes, Ties::Highest).unwrap();
    assert_eq!(other, plain);
    assert!(other.is_standard_layout());
    for (h, w) in ndarray::indices((5, 7)) {
        assert_eq!(plain[[h, w]], a[[h, w]].max(b[[h, w]]));
    }
}

#[test]
fn many_raters_and_classes_do_not_underflow() {
    // Of 50 classes each rater finds the true one in three of ten voxels, and is spread over all others else.
    let truth = |i: usize| i % 50;
    let maps: Vec<Array2<u8>> = (0..300)
        .map(|rater: usize| {
            Array2::from_shape_fn((10, 100), |(h, w)| {
                let i = h * 100 + w;
                let draw = (i * 7919 + rater * 104_729 + i * rater % 97 * 31) % 1009;
                if draw % 10 < 3 {
                    truth(i) as u8
                } else {
                    (draw % 50) as u8
                }
            })
        })
        .collect();
    let views: Vec<_> = maps.iter().map(|map| map.view()).collect();
    let fused: StapleFusion<f64, _> = Staple::new().fuse(&views, &Classes::contiguous(50).unwrap()).unwrap();
    let found = (0..1000)
        .filter(|&i| fused.posterior()[[truth(i), i / 100, i % 100]] > 0.99)
        .count();
    assert!(found > 950, "{found}");
}

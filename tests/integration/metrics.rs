//! Metrics against the numbers of the packages that the field trusts, naive references and cases by hand.

use ndarray::{Array2, Array3, Array4, ArrayD, ArrayView, Axis, Ix3, IxDyn, array};
use proptest::prelude::*;
use serde_json::Value;
use soft_labels::fusion::{Staple, StapleFusion};
use soft_labels::metrics::{
    BinWeight, Confusion, EmptyRegion, Region, Reliability, Scope, Surfaces, Tace, brier, brier_soft,
    negative_log_likelihood, negative_log_likelihood_soft, top_labels, top_labels_against,
};
use soft_labels::{Classes, Error, OneHot, Place, SoftEncoder, Svls};

use crate::expected::{count, setting, setting_of};
use crate::fixture::{Topic, assert_all_near, assert_near, number, numbers};
use crate::scene::for_all;

fn contiguous(count: usize) -> Classes {
    Classes::contiguous(count).unwrap()
}

#[test]
fn dice_is_that_of_the_field() {
    let topic = Topic::open("dice");
    let (reference, prediction): (ArrayD<u8>, ArrayD<u8>) =
        (topic.array(&"gt.npy".into()), topic.array(&"pred.npy".into()));
    let classes = contiguous(4);
    let mut pooled = Confusion::default();
    let mut all = 0;
    for (image, (reference, prediction)) in reference.outer_iter().zip(prediction.outer_iter()).enumerate() {
        let confusion = Confusion::count(&prediction, &reference, &classes).unwrap();
        pooled.merge(&confusion);
        all += reference.len() as u64;
        for (suffix, empty) in [("1", EmptyRegion::One), ("nan", EmptyRegion::Nan)] {
            let expected = numbers(&topic.expected[format!("per_class_both_empty_{suffix}")][image]);
            let overlaps: Vec<_> = (0..4)
                .map(|class| confusion.overlap(&Region::class(class)).unwrap())
                .collect();
            for (class, overlap) in overlaps.iter().enumerate() {
                // Voxel by voxel.
                let pairs = || {
                    prediction
                        .iter()
                        .zip(&reference)
                        .map(|(&p, &r)| (usize::from(p) == class, usize::from(r) == class))
                };
                let count = |what: fn(bool, bool) -> bool| pairs().filter(|&(p, r)| what(p, r)).count() as f64;
                let (hit, union) = (count(|p, r| p && r), count(|p, r| p || r));
                let (extra, missed) = (count(|p, r| p && !r), count(|p, r| !p && r));
                if union > 0.0 {
                    assert_eq!(overlap.jaccard(empty), hit / union);
                } else {
                    assert_eq!(overlap.jaccard(empty).to_bits(), overlap.dice(empty).to_bits());
                }
                assert_near(overlap.precision(), hit / (hit + extra), 1e-15, "precision");
                assert_near(overlap.recall(), hit / (hit + missed), 1e-15, "recall");
                if hit + missed > 0.0 {
                    assert_near(
                        overlap.relative_volume_difference(),
                        (extra - missed) / (hit + missed),
                        1e-12,
                        "volumes",
                    );
                } else {
                    assert!(overlap.relative_volume_difference().is_nan());
                }
            }
            let dice: Vec<_> = (0..4)
                .map(|class| confusion.dice(&Region::class(class), empty))
                .collect();
            assert_all_near(&dice, &expected, 1e-12, "per class");
            for (name, labels) in topic.expected["regions"].as_object().unwrap() {
                let labels = labels.as_array().unwrap().iter().map(|label| label.as_u64().unwrap());
                let region = Region::of_labels(&classes, labels).unwrap();
                let expected = number(&topic.expected[format!("regions_both_empty_{suffix}")][name][image]);
                assert_near(confusion.dice(&region, empty), expected, 1e-12, name);
            }
        }
        assert!(confusion.dice(&Region::class(9), EmptyRegion::Zero).is_nan());
        assert_eq!(confusion.overlap(&Region::class(9)), None);
    }
    let counted: u64 = (0..16).map(|pair| pooled.voxels(pair / 4, pair % 4)).sum();
    assert_eq!(counted, all);
}

/// The volumes of a calibration case, if it has some: probabilities beside labels.
fn volumes(topic: &Topic, case: &Value) -> Option<(ArrayD<f64>, ArrayD<u8>)> {
    (!case["probs"].is_null()).then(|| (topic.array(&case["probs"]), topic.array(&case["labels"])))
}

#[test]
fn bins_are_closed_above_and_their_edges_are_numpys() {
    let topic = Topic::open("calibration");
    let case = &topic.expected["cases"]["bin_boundaries"];
    for (name, expected) in case["by_bins"].as_object().unwrap() {
        let count: usize = name.strip_prefix("bins").unwrap().parse().unwrap();
        let indices = numbers(&expected["right_closed_index"]);
        for (confidence, index) in numbers(&case["confidences"]).into_iter().zip(indices) {
            let mut bins = Reliability::new(count).unwrap();
            let probabilities = array![[[confidence]], [[1.0 - confidence]]];
            bins.add(&probabilities, &array![[0_u8]], &contiguous(2), Scope::All)
                .unwrap();
            let bins = bins.bins();
            let edges: Vec<_> = bins.iter().map(|bin| bin.lower).chain([1.0]).collect();
            assert_eq!(edges, numbers(&expected["edges_linspace"]));
            assert_eq!(bins[index as usize].count, 1, "{confidence} of {count} bins");
        }
    }
}

#[test]
fn ece_is_that_of_the_field() {
    let topic = Topic::open("calibration");
    let mut seen = 0;
    for (name, case) in topic.expected["cases"].as_object().unwrap() {
        let Some((probabilities, labels)) = volumes(&topic, case) else {
            continue;
        };
        let classes = contiguous(probabilities.len_of(Axis(1)));
        for (setting, expected) in case["ece"].as_object().unwrap() {
            let bins = if setting.starts_with("bins10") { 10 } else { 15 };
            let foreground = setting.ends_with("foreground_targets");
            assert!(foreground || setting.ends_with("all_voxels"));
            let mut pooled = Reliability::new(bins).unwrap();
            let mut of_images = Vec::new();
            for (probabilities, labels) in probabilities.outer_iter().zip(labels.outer_iter()) {
                let scope = || if foreground { Scope::Foreground } else { Scope::All };
                let mut one = Reliability::new(bins).unwrap();
                one.add(&probabilities, &labels, &classes, scope()).unwrap();
                pooled.merge(&one).unwrap();
                of_images.push(one.ece());
                // A mask of the same voxels is the same.
                let mask = labels.mapv(|label| !foreground || label != 0);
                let mut masked = Reliability::new(bins).unwrap();
                masked
                    .add(&probabilities, &labels, &classes, Scope::Mask(mask.view()))
                    .unwrap();
                assert_eq!(masked, one);
            }
            let what = format!("{name} {setting}");
            assert_near(pooled.ece(), number(&expected["pooled"]), 1e-12, &what);
            assert_all_near(&of_images, &numbers(&expected["per_image"]), 1e-12, &what);
            let bins = pooled.bins();
            let zero_if_empty = |value: f64| if value.is_nan() { 0.0 } else { value };
            let column = |of: &dyn Fn(usize) -> f64| (0..bins.len()).map(of).collect::<Vec<_>>();
            assert_all_near(
                &column(&|b| bins[b].count as f64),
                &numbers(&expected["bin_count"]),
                0.0,
                &what,
            );
            assert_all_near(
                &column(&|b| zero_if_empty(bins[b].accuracy)),
                &numbers(&expected["bin_acc"]),
                1e-12,
                &what,
            );
            assert_all_near(
                &column(&|b| zero_if_empty(bins[b].confidence)),
                &numbers(&expected["bin_conf"]),
                1e-12,
                &what,
            );
            seen += 1;
        }
    }
    assert!(seen > 20);
}

#[test]
fn tace_is_that_of_the_field() {
    let topic = Topic::open("calibration");
    let mut seen = 0;
    for (name, case) in topic.expected["cases"].as_object().unwrap() {
        let Some((probabilities, labels)) = volumes(&topic, case) else {
            continue;
        };
        let classes = contiguous(probabilities.len_of(Axis(1)));
        let volumes: Vec<_> = probabilities.outer_iter().zip(labels.outer_iter()).collect();
        for (setting, expected) in case["tace"].as_object().unwrap() {
            // Such as bins10_thr0.001_foreground_classes.
            let (bins, rest) = setting.strip_prefix("bins").unwrap().split_once("_thr").unwrap();
            let (threshold, scope) = rest.split_once('_').unwrap();
            let set = |tace: Tace| {
                let tace = tace.bins(bins.parse().unwrap()).threshold(threshold.parse().unwrap());
                if scope == "all_classes" {
                    tace.include_background()
                } else {
                    tace
                }
            };
            let pooled = |tace: Tace| set(tace).evaluate_all(&volumes, &classes).unwrap();
            let what = format!("{name} {setting}");
            assert_near(pooled(Tace::new()), number(&expected["nixon"]), 1e-12, &what);
            assert_near(
                pooled(Tace::new().weight(BinWeight::Mass)),
                number(&expected["mass"]),
                1e-12,
                &what,
            );
            assert_near(pooled(Tace::svls_paper()), number(&expected["svls"]), 1e-12, &what);
            for (key, tace) in [("nixon_per_image", Tace::new()), ("svls_per_image", Tace::svls_paper())] {
                let of_images: Vec<_> = volumes
                    .iter()
                    .map(|(probabilities, labels)| set(tace).evaluate(probabilities, labels, &classes).unwrap())
                    .collect();
                assert_all_near(&of_images, &numbers(&expected[key]), 1e-12, &format!("{what} {key}"));
            }
            seen += 1;
        }
    }
    assert!(seen > 20);
}

/// The masks of a surface case.
fn masks(topic: &Topic, case: &Value) -> [ArrayD<bool>; 2] {
    ["mask_pred", "mask_gt"].map(|key| topic.array::<u8>(&case[key]).mapv(|inside| inside != 0))
}

#[test]
fn surfaces_are_deepminds() {
    let topic = Topic::open("surface");
    for (name, case) in topic.expected["cases"].as_object().unwrap() {
        let [prediction, reference] = masks(&topic, case);
        let spacing = numbers(&case["spacing"]);
        let surfaces = Surfaces::new(&prediction, &reference, &spacing).unwrap();
        assert_near(surfaces.reference_area(), number(&case["area_gt"]), 1e-12, name);
        assert_near(surfaces.prediction_area(), number(&case["area_pred"]), 1e-12, name);
        let tolerances = numbers(&case["tolerances"]);
        for &tolerance in &tolerances {
            // DeepMind's code allows nothing above the tolerance: a little less than a distance is not that distance. Here it is.
            let same = |other: f64| other == tolerance || (other / tolerance - 1.0).abs() < 1e-9;
            let i = (0..tolerances.len())
                .filter(|&i| same(tolerances[i]))
                .max_by(|&a, &b| tolerances[a].total_cmp(&tolerances[b]))
                .unwrap();
            let what = format!("{name} at {tolerance}");
            let expect = |key: &str, actual: f64| assert_near(actual, number(&case[key][i]), 1e-12, &what);
            expect("surface_dice", surfaces.dice(tolerance).unwrap());
            expect("overlap_gt", surfaces.overlap_reference(tolerance).unwrap());
            expect("overlap_pred", surfaces.overlap_prediction(tolerance).unwrap());
            expect(
                "svls_official_called_as_in_repo_pred_first",
                surfaces.svls_paper(tolerance).unwrap(),
            );
        }
        let distances = surfaces.distances().unwrap();
        let averages = [distances.average_from_reference(), distances.average_from_prediction()];
        // DeepMind's average from an empty surface does not exist; here it is infinite.
        let mut expected = numbers(&case["avg_surface_distance"]);
        if expected.contains(&f64::INFINITY) {
            expected = vec![f64::INFINITY; 2];
        }
        assert_all_near(&averages, &expected, 1e-12, name);
        for (key, percent) in [("hausdorff100", 100.0), ("hausdorff95", 95.0)] {
            let distance = distances.hausdorff(percent).unwrap();
            if averages.iter().all(|average| average.is_nan()) {
                // Two empty masks have no distance. DeepMind's code says infinite, and NaN for the average.
                assert!(distance.is_nan(), "{name}");
            } else {
                assert_near(distance, number(&case[key]), 1e-12, name);
            }
        }
    }
}

#[test]
fn area_tables_are_deepminds() {
    let topic = Topic::open("surface");
    for key in ["area_table_3d", "contour_table_2d"] {
        for (spacing, table) in topic.expected[key].as_object().unwrap() {
            let (spacing, table) = (numbers(&serde_json::from_str(spacing).unwrap()), numbers(table));
            for code in 0..table.len() {
                let block = block(code, spacing.len());
                let area = Surfaces::new(&block, &block, &spacing).unwrap().reference_area();
                let expected: f64 = codes_of(&block).map(|code| table[code]).sum();
                assert_near(area, expected, 1e-12, &format!("{key} {spacing:?} {code}"));
            }
        }
    }
}

/// A block of 2 voxels a side whose middle point has a code.
fn block(code: usize, axes: usize) -> ArrayD<bool> {
    let voxels = 1 << axes;
    let inside = (0..voxels).map(|voxel| code >> (voxels - 1 - voxel) & 1 == 1);
    ArrayD::from_shape_vec(vec![2; axes], inside.collect()).unwrap()
}

/// The codes of all points of a mask: of the 2 voxels on both sides on every axis, the first the highest bit.
fn codes_of(mask: &ArrayD<bool>) -> impl Iterator<Item = usize> {
    let shape: Vec<_> = mask.shape().iter().map(|len| len + 1).collect();
    ndarray::indices(IxDyn(&shape)).into_iter().map(|point| {
        ndarray::indices(IxDyn(&vec![2; mask.ndim()]))
            .into_iter()
            .fold(0, |code, side| {
                let voxel: Option<Vec<_>> = (0..mask.ndim())
                    .map(|axis| (point[axis] + side[axis]).checked_sub(1))
                    .collect();
                let inside = voxel
                    .and_then(|voxel| mask.get(IxDyn(&voxel)).copied())
                    .unwrap_or(false);
                code << 1 | usize::from(inside)
            })
    })
}

/// Distances of all surface points, by looking at every pair.
fn naive_overlap(from: &Array3<bool>, to: &Array3<bool>, spacing: [f64; 3], tolerance: f64) -> (usize, usize) {
    let points = |mask: &Array3<bool>| -> Vec<[f64; 3]> {
        let (depth, height, width) = mask.dim();
        ndarray::indices((depth + 1, height + 1, width + 1))
            .into_iter()
            .filter(|&(d, h, w)| {
                let around: Vec<bool> = ndarray::indices((2, 2, 2))
                    .into_iter()
                    .map(|(a, b, c)| {
                        let at = [(d + a).checked_sub(1), (h + b).checked_sub(1), (w + c).checked_sub(1)];
                        match at {
                            [Some(d), Some(h), Some(w)] => mask.get([d, h, w]).copied().unwrap_or(false),
                            _ => false,
                        }
                    })
                    .collect();
                around.contains(&true) && around.contains(&false)
            })
            .map(|(d, h, w)| [d as f64, h as f64, w as f64])
            .collect()
    };
    let (from, to) = (points(from), points(to));
    let near = from.iter().filter(|a| {
        to.iter().any(|b| {
            let [z, y, x] = [0, 1, 2].map(|i| ((a[i] - b[i]) * spacing[i]).powi(2));
            ((z + y) + x).sqrt() <= tolerance * (1.0 + 1e-6)
        })
    });
    (near.count(), from.len())
}

#[test]
fn overlaps_are_the_naive_ones() {
    let masks = (1_usize..5, 1_usize..7, 1_usize..7).prop_flat_map(|shape| {
        let mask = || {
            prop::collection::vec(prop::bool::weighted(0.15), shape.0 * shape.1 * shape.2)
                .prop_map(move |mask| Array3::from_shape_vec(shape, mask).unwrap())
        };
        (mask(), mask())
    });
    let spacing = prop::array::uniform3(prop_oneof![Just(1.0), Just(0.5), Just(3.0), 0.01_f64..4.0]);
    let tolerance = prop_oneof![Just(0.0), Just(1.0), Just(2.0), Just(5.0), 0.0_f64..6.0];
    for_all(256, (masks, spacing, tolerance), |((a, b), spacing, tolerance)| {
        let surfaces = Surfaces::new(&a, &b, &spacing).unwrap();
        // All or nothing of each surface is near, or neither, whatever the areas.
        for (overlap, (near, all)) in [
            (
                surfaces.overlap_prediction(tolerance).unwrap(),
                naive_overlap(&a, &b, spacing, tolerance),
            ),
            (
                surfaces.overlap_reference(tolerance).unwrap(),
                naive_overlap(&b, &a, spacing, tolerance),
            ),
        ] {
            assert_eq!(overlap.is_nan(), all == 0);
            assert_eq!(overlap == 0.0, near == 0 && all > 0);
            assert_eq!((overlap - 1.0).abs() < 1e-12, near == all && all > 0);
        }
        // The Hausdorff distance is the least tolerance within which everything lies.
        let distance = surfaces.distances().unwrap().hausdorff(100.0).unwrap();
        if distance.is_finite() {
            assert_eq!(
                naive_overlap(&a, &b, spacing, distance).0,
                naive_overlap(&a, &b, spacing, distance).1
            );
            assert_eq!(surfaces.dice(distance), Ok(1.0));
            let less = distance * (1.0 - 2e-6);
            if distance > 0.0 {
                assert!(surfaces.dice(less).unwrap() < 1.0 - 1e-6);
            }
        }
    });
}

#[test]
fn far_tolerances_are_computed_as_near_ones() {
    // More points within the tolerance than are looked at one by one.
    let dot = |at: [usize; 3]| Array3::from_shape_fn((40, 40, 40), |(d, h, w)| [d, h, w] == at);
    let surfaces = Surfaces::new(&dot([3, 4, 5]), &dot([33, 30, 28]), &[0.5; 3]).unwrap();
    let farthest = surfaces.distances().unwrap().hausdorff(100.0).unwrap();
    assert_eq!(surfaces.dice(farthest), Ok(1.0));
    assert!(surfaces.dice(farthest * (1.0 - 2e-6)).unwrap() < 1.0);
    assert_eq!(surfaces.dice(f64::INFINITY), Ok(1.0));
    assert_eq!(surfaces.dice(1.0).unwrap(), 0.0);
}

#[test]
fn the_smoothing_floor_is_what_tace_measures_of_smoothed_predictions() {
    // A perfect network trained on LS: 1 - α + α/C on the label, α/C elsewhere.
    let (alpha, count) = (0.1, 4);
    let labels = Array3::from_shape_fn((20, 30, 30), |(d, h, w)| ((d * 7 + h * 3 + w) % 50 / 12).min(3) as u8);
    let classes = contiguous(count);
    let one_hot: Array4<f64> = OneHot.encode(&labels, &classes).unwrap();
    let smoothed = one_hot.mapv(|p| p * (1.0 - alpha) + alpha / count as f64);
    let paper = Tace::svls_paper().evaluate(&smoothed, &labels, &classes).unwrap();
    assert!(
        (paper - alpha / (10.0 * count as f64)).abs() < 0.6 * alpha / (10.0 * count as f64),
        "{paper}"
    );
}

fn distribution_of(scores: &[f64]) -> Vec<f64> {
    let sum: f64 = scores.iter().sum();
    scores.iter().map(|score| score / sum).collect()
}

fn probabilities() -> (Array3<f64>, Array2<u8>, Classes) {
    let (height, width, count) = (4, 30, 3);
    let mut probabilities = Array3::zeros((count, height, width));
    for (i, mut lane) in probabilities.lanes_mut(Axis(0)).into_iter().enumerate() {
        let scores: Vec<_> = (0..count).map(|c| ((i * 7 + c * 5) % 11) as f64 + 0.1).collect();
        lane.assign(&ArrayView::from(&distribution_of(&scores)));
    }
    let labels = Array2::from_shape_fn((height, width), |(h, w)| match (h * 3 + w * 2) % 9 {
        0 => 255,
        other => (other % 3) as u8,
    });
    (probabilities, labels, contiguous(count).with_ignore(255).unwrap())
}

#[test]
fn scores_are_their_formulas() {
    let (p, labels, classes) = probabilities();
    let valid: Vec<_> = labels.indexed_iter().filter(|(_, label)| **label != 255).collect();
    let nll: f64 = valid
        .iter()
        .map(|((h, w), label)| -p[[usize::from(**label), *h, *w]].ln())
        .sum();
    let apart = |((h, w), label): &((usize, usize), &u8)| -> f64 {
        (0..3)
            .map(|c| (p[[c, *h, *w]] - f64::from(u8::from(c == usize::from(**label)))).powi(2))
            .sum()
    };
    let n = valid.len() as f64;
    let score: f64 = valid.iter().map(apart).sum();
    assert_near(
        negative_log_likelihood(&p, &labels, &classes).unwrap(),
        nll / n,
        1e-12,
        "nll",
    );
    assert_near(brier(&p, &labels, &classes).unwrap(), score / n, 1e-12, "brier");
    // Soft scores against one-hot labels are the hard ones.
    let one_hot: Array3<f32> = OneHot.encode(&labels, &classes).unwrap();
    assert_near(
        negative_log_likelihood_soft(&p, &one_hot).unwrap(),
        nll / n,
        1e-12,
        "soft nll",
    );
    assert_near(brier_soft(&p, &one_hot).unwrap(), score / n, 1e-12, "soft brier");
    // Nothing to judge, or a label that was impossible.
    let ignored = Array2::from_elem(labels.dim(), 255_u8);
    assert!(negative_log_likelihood(&p, &ignored, &classes).unwrap().is_nan());
    assert!(brier_soft(&p, &Array3::<f32>::zeros(p.dim())).unwrap().is_nan());
    let certain = array![[[1.0]], [[0.0]]];
    assert_eq!(
        negative_log_likelihood(&certain, &array![[1_u8]], &contiguous(2)),
        Ok(f64::INFINITY)
    );
}

#[test]
fn ignored_voxels_count_nowhere() {
    let (p, labels, classes) = probabilities();
    let keep: Vec<_> = labels
        .iter()
        .enumerate()
        .filter(|(_, label)| **label != 255)
        .map(|(i, _)| i)
        .collect();
    let flat = p.to_shape((3, 1, labels.len())).unwrap();
    let (kept, kept_labels) = (
        flat.select(Axis(2), &keep),
        Array2::from_shape_fn((1, keep.len()), |(_, i)| *labels.iter().nth(keep[i]).unwrap()),
    );
    let mut all = Reliability::new(15).unwrap();
    all.add(&p, &labels, &classes, Scope::All).unwrap();
    let mut without = Reliability::new(15).unwrap();
    without.add(&kept, &kept_labels, &classes, Scope::All).unwrap();
    assert_eq!(all, without);
    for tace in [Tace::new(), Tace::svls_paper()] {
        let (all, without) = (
            tace.evaluate(&p, &labels, &classes),
            tace.evaluate(&kept, &kept_labels, &classes),
        );
        assert_eq!(all.unwrap().to_bits(), without.unwrap().to_bits());
    }
    let other = labels.mapv(|label| if label == 255 { 1 } else { label });
    let confusion = Confusion::count(&other, &labels, &classes).unwrap();
    assert_eq!(
        (0..9).map(|pair| confusion.voxels(pair / 3, pair % 3)).sum::<u64>(),
        keep.len() as u64
    );
}

#[test]
fn memory_order_and_element_type_do_not_matter() {
    let (p, labels, classes) = probabilities();
    let mut fortran = Array3::zeros(ndarray::ShapeBuilder::f(p.dim()));
    fortran.assign(&p);
    let labels_fortran = labels.t().as_standard_layout().into_owned();
    let wide = labels.mapv(i64::from);
    let measure = |p: &Array3<f64>, labels: ndarray::ArrayView2<u8>| {
        let mut bins = Reliability::new(10).unwrap();
        bins.add(p, &labels, &classes, Scope::Foreground).unwrap();
        (
            bins,
            Tace::new().evaluate(p, &labels, &classes).unwrap().to_bits(),
            brier(p, &labels, &classes).unwrap().to_bits(),
        )
    };
    assert_eq!(measure(&p, labels.view()), measure(&fortran, labels_fortran.t()));
    assert_eq!(brier(&p, &wide, &classes), brier(&p, &labels, &classes));
    let single = p.mapv(|p| p as f32);
    let (one, two) = (
        Tace::new().evaluate(&single, &labels, &classes),
        Tace::new().evaluate(&p, &labels, &classes),
    );
    assert_near(one.unwrap(), two.unwrap(), 1e-6, "f32");
}

#[test]
fn what_cannot_be_judged_is_an_error() {
    let (p, labels, classes) = probabilities();
    let mut bins = Reliability::new(10).unwrap();
    let mut broken = p.clone();
    broken[[1, 2, 3]] = f64::NAN;
    let error = bins.add(&broken, &labels, &classes, Scope::All).unwrap_err();
    assert!(
        matches!(&error, Error::Probability { class: 1, index, value } if index == &[2, 3] && value.is_nan()),
        "{error}"
    );
    broken[[1, 2, 3]] = 1.5;
    assert!(matches!(
        Tace::new().evaluate(&broken, &labels, &classes),
        Err(Error::Probability { value: 1.5, .. })
    ));
    let halves = &p * 0.5;
    let error = brier(&halves, &labels, &classes).unwrap_err();
    assert!(
        // The first voxel is ignored.
        matches!(&error, Error::ProbabilitySum { index, sum } if index == &[0, 1] && (sum - 0.5).abs() < 1e-9),
        "{error}"
    );
    assert_eq!(bins.count(), 0);
    assert!(matches!(
        bins.add(&p, &labels, &contiguous(4), Scope::All),
        Err(Error::Shape {
            what: "array of probabilities",
            ..
        })
    ));
    assert!(matches!(
        brier(&p, &Array2::<u8>::zeros((4, 29)), &classes),
        Err(Error::Shape { what: "label map", .. })
    ));
    assert!(matches!(
        brier(&p, &labels, &contiguous(3)),
        Err(Error::UnknownLabel { value: 255, .. })
    ));
    assert_eq!(
        Tace::new().bins(0).evaluate(&p, &labels, &classes),
        Err(Error::Empty { what: "bins" })
    );
    assert_eq!(
        Reliability::new((1 << 20) + 1).unwrap_err(),
        Error::TooMany {
            what: "bins",
            count: (1 << 20) + 1,
            max: 1 << 20
        }
    );
    assert!(matches!(
        Confusion::count(&labels, &Array2::<u8>::zeros((4, 29)), &classes),
        Err(Error::Shape { what: "prediction", .. })
    ));
    assert!(matches!(
        Confusion::count(&labels, &labels, &contiguous(3)),
        Err(Error::UnknownLabel { value: 255, .. })
    ));
    let mask = labels.mapv(|label| label == 1);
    assert_eq!(
        Surfaces::new(&mask, &mask, &[1.0; 3]).unwrap_err(),
        count("spacing", "axes", 2, 3)
    );
    assert_eq!(
        Surfaces::new(&mask, &mask, &[1.0, 0.0]).unwrap_err(),
        setting_of("spacing", Place::Axis(1), 0.0, "within 1e-30 and 1e30")
    );
    let surfaces = Surfaces::new(&mask, &mask, &[1.0, 1.0]).unwrap();
    assert_eq!(surfaces.dice(-1.0), Err(setting("tolerance", -1.0, "0 or more")));
    assert!(matches!(
        surfaces.dice(f64::NAN),
        Err(Error::Setting { what: "tolerance", .. })
    ));
    assert_eq!(
        surfaces.distances().unwrap().hausdorff(101.0),
        Err(setting("percentile", 101.0, "within 0 and 100"))
    );
}

#[test]
fn little_to_judge() {
    let classes = contiguous(2);
    // No voxels at all.
    let nothing = Array3::<f32>::zeros((2, 0, 3));
    let mut bins = Reliability::new(10).unwrap();
    bins.add(&nothing, &Array2::<u8>::zeros((0, 3)), &classes, Scope::All)
        .unwrap();
    assert!(bins.ece().is_nan());
    assert!(
        Tace::new()
            .evaluate(&nothing, &Array2::<u8>::zeros((0, 3)), &classes)
            .unwrap()
            .is_nan()
    );
    let empty = Array2::from_elem((0, 3), false);
    assert!(
        Surfaces::new(&empty, &empty, &[1.0; 2])
            .unwrap()
            .dice(1.0)
            .unwrap()
            .is_nan()
    );
    // Fewer voxels than ranges: the last takes them all.
    let few = array![[[0.8, 0.4]], [[0.2, 0.6]]];
    let tace = Tace::new().evaluate(&few, &array![[0_u8, 1]], &classes).unwrap();
    assert_near(tace, 0.5 - 0.4, 1e-15, "few");
    // A constant prediction, and a class nobody has.
    let constant = Array3::from_elem((2, 5, 5), 0.5_f32);
    let labels = Array2::<u8>::zeros((5, 5));
    let mut bins = Reliability::new(10).unwrap();
    bins.add(&constant, &labels, &classes, Scope::All).unwrap();
    assert_eq!(bins.ece(), 0.5); // the first of equals is predicted, and right
    assert_eq!(bins.bins()[4].count, 25); // 0.5 is in (0.4, 0.5]
    assert_eq!(Tace::new().evaluate(&constant, &labels, &classes), Ok(0.5));
    // A prediction below the threshold everywhere.
    let certain = ndarray::stack![Axis(0), Array2::<f32>::ones((5, 5)), Array2::zeros((5, 5))];
    assert!(Tace::new().evaluate(&certain, &labels, &classes).unwrap().is_nan());
}

#[test]
fn a_prediction_does_not_gain_by_ignoring() {
    let classes = contiguous(2).with_ignore(9).unwrap();
    let (reference, prediction) = (array![[1_u8, 1, 1, 1, 9]], array![[1_u8, 9, 9, 9, 1]]);
    let confusion = Confusion::count(&prediction, &reference, &classes).unwrap();
    assert_eq!(confusion.dice(&Region::class(1), EmptyRegion::One), 2.0 / 5.0);
    assert_eq!(confusion.voxels(1, 1), 1);
}

#[test]
fn regions_of_no_class_are_not_judged() {
    let labels = array![[0_u8, 1]];
    let error = Region::class(2).mask(&labels, &contiguous(2)).unwrap_err();
    assert_eq!(
        error,
        Error::NoClass {
            what: "class",
            value: 2,
            classes: 2
        }
    );
    let confusion = Confusion::count(&labels, &labels, &contiguous(2)).unwrap();
    assert!(confusion.dice(&Region::class(2), EmptyRegion::One).is_nan());
}

#[test]
#[cfg(feature = "half")]
fn probabilities_of_many_classes_in_sixteen_bits() {
    // The sum of these is wrong if it is made in 16 bits.
    let p = Array3::from_elem((600, 1, 2), half::bf16::from_f32(1.0 / 600.0));
    let labels = Array2::<u16>::zeros((1, 2));
    assert!((brier(&p, &labels, &contiguous(600)).unwrap() - 1.0).abs() < 0.01);
}

#[test]
fn a_little_below_0_is_taken_for_0() {
    let p = array![[[-0.0005, 0.5]], [[1.0005, 0.5]]];
    assert_eq!(
        negative_log_likelihood(&p, &array![[0_u8, 1]], &contiguous(2)),
        Ok(f64::INFINITY)
    );
    let soft = array![[[0.5, 0.5]], [[0.5, 0.5]]];
    assert_eq!(negative_log_likelihood_soft(&p, &soft), Ok(f64::INFINITY));
}

#[test]
fn a_reference_has_to_be_probable() {
    let p = array![[[0.5]], [[0.5]]];
    assert!(matches!(
        brier_soft(&p, &array![[[-3.0]], [[4.0]]]),
        Err(Error::Probability { class: 0, .. })
    ));
    assert!(matches!(
        brier_soft(&p, &array![[[0.9]], [[0.9]]]),
        Err(Error::ProbabilitySum { .. })
    ));
}

#[test]
fn spacing_that_cannot_be_squared_is_an_error() {
    let dot = array![[true, false]];
    for mm in [1e-170, 1e155, f64::NAN, 0.0] {
        assert!(matches!(
            Surfaces::new(&dot, &dot, &[1.0, mm]),
            Err(Error::Setting {
                what: "spacing",
                place: Some(Place::Axis(1)),
                ..
            })
        ));
    }
    assert!(Surfaces::new(&dot, &dot, &[0.5]).unwrap().dice(0.0).unwrap() > 0.99); // one for all axes
    assert_eq!(
        Surfaces::new(&dot, &dot.mapv(|_| false), &[1.0])
            .unwrap()
            .dice(0.0)
            .unwrap()
            .to_bits(),
        0
    );
}

#[test]
fn nothing_is_quickly_judged_however_long_it_is() {
    let classes = contiguous(2);
    let long = Array3::<f32>::zeros((1 << 60, 0, 1));
    assert!(brier_soft(&long, &long).unwrap().is_nan());
    for shape in [(1 << 34, 1, 0), (1 << 62, 1, 0), (0, 1 << 62, 1)] {
        let mask = Array3::from_elem(shape, false);
        assert!(
            Surfaces::new(&mask, &mask, &[1.0; 3])
                .unwrap()
                .dice(1.0)
                .unwrap()
                .is_nan()
        );
    }
    // Far larger than memory, though it is one number in it.
    let one = ndarray::arr0(0.5_f32);
    let huge = one.broadcast((2, 1 << 30, 1 << 30)).unwrap();
    let zero = ndarray::arr0(0_u8);
    let labels = zero.broadcast((1 << 30, 1 << 30)).unwrap();
    let too_large = |error| matches!(error, Error::TooLarge { .. });
    assert!(too_large(brier(&huge, &labels, &classes).unwrap_err()));
    assert!(too_large(Tace::new().evaluate(&huge, &labels, &classes).unwrap_err()));
    assert!(too_large(Confusion::count(&labels, &labels, &classes).unwrap_err()));
    let no = ndarray::arr0(false);
    let mask = no.broadcast((1 << 30, 1 << 30)).unwrap();
    assert!(too_large(Surfaces::new(&mask, &mask, &[1.0; 2]).unwrap_err()));
}

#[test]
fn top_labels_are_those_of_the_first_of_the_largest() {
    let (p, _, classes) = probabilities();
    let labels: Array2<i16> = top_labels(&p, &classes).unwrap();
    for (lane, label) in p.lanes(Axis(0)).into_iter().zip(&labels) {
        let first = (0..3).find(|&class| lane.iter().all(|&p| p <= lane[class])).unwrap();
        assert_eq!(first as i16, *label);
    }
    let far = Classes::from_values([0, 1, 300]).unwrap();
    assert_eq!(
        top_labels::<_, u8, ndarray::Ix2>(&p, &far),
        Err(Error::LabelType { value: 300 })
    );
}

/// Probabilities of three classes at each voxel of `labels`, never zero.
fn some_probabilities(labels: &Array3<u8>) -> Array4<f64> {
    let (depth, height, width) = labels.dim();
    Array4::from_shape_fn((3, depth, height, width), |(class, d, h, w)| {
        let of = |class: usize| 1.0 + ((class * 7 + d * 5 + h * 3 + w * 11) % 13) as f64;
        of(class) / (of(0) + of(1) + of(2))
    })
}

#[test]
fn whatever_is_predicted_where_the_reference_ignores_counts_nowhere() {
    let labels = Array3::from_shape_fn((3, 7, 50), |(d, h, w)| match (d * 350 + h * 50 + w) % 9 {
        0 => 255,
        other => (other % 3) as u8,
    });
    let classes = Classes::contiguous(3).unwrap().with_ignore(255).unwrap();
    let reference: Array4<f64> = OneHot.encode(&labels, &classes).unwrap();
    let clean = some_probabilities(&labels);
    let all = |probabilities: &Array4<f64>| {
        let mut bins = Reliability::new(10).unwrap();
        bins.add(probabilities, &labels, &classes, Scope::All).unwrap();
        let mut foreground = Reliability::new(15).unwrap();
        foreground
            .add(probabilities, &labels, &classes, Scope::Foreground)
            .unwrap();
        [
            bins.ece(),
            foreground.ece(),
            Tace::new().evaluate(probabilities, &labels, &classes).unwrap(),
            Tace::svls_paper().evaluate(probabilities, &labels, &classes).unwrap(),
            negative_log_likelihood(probabilities, &labels, &classes).unwrap(),
            brier(probabilities, &labels, &classes).unwrap(),
            negative_log_likelihood_soft(probabilities, &reference).unwrap(),
            brier_soft(probabilities, &reference).unwrap(),
        ]
        .map(f64::to_bits)
    };
    let expected = all(&clean);
    for garbage in [0.0, f64::NAN, f64::INFINITY, -3.0, 17.0, 0.5] {
        let mut planted = clean.clone();
        for mut plane in planted.axis_iter_mut(Axis(0)) {
            ndarray::Zip::from(&mut plane).and(&labels).for_each(|p, &label| {
                if label == 255 {
                    *p = garbage;
                }
            });
        }
        assert_eq!(all(&planted), expected, "{garbage}");
    }
}

#[test]
fn the_crates_own_results_are_judged_and_ignored_predictions_named() {
    let labels = Array3::from_shape_fn(
        (2, 6, 9),
        |(_, h, w)| if h == 2 && w > 4 { 255 } else { u8::from(w > 3) },
    );
    let classes = Classes::contiguous(2).unwrap().with_ignore(255).unwrap();
    let soft: Array4<f32> = Svls::default().encode(&labels, &classes).unwrap();
    assert!(brier(&soft, &labels, &classes).unwrap() < 0.5);
    let staple: StapleFusion<f64, _> = Staple::new().fuse(&[labels.view(), labels.view()], &classes).unwrap();
    assert!(brier(staple.posterior(), &labels, &classes).unwrap() < 1e-6);

    // The same prediction beside a reference that ignores nothing.
    let full = labels.mapv(|label| if label == 255 { 1 } else { label });
    let named = Err(Error::NoPrediction { index: vec![0, 2, 5] });
    assert_eq!(brier(&soft, &full, &classes), named);
    assert_eq!(negative_log_likelihood(&soft, &full, &classes), named);
    assert_eq!(Tace::new().evaluate(&soft, &full, &classes), named);
    assert_eq!(
        Reliability::new(5)
            .unwrap()
            .add(&soft, &full, &classes, Scope::All)
            .map(|()| 0.0),
        named
    );
    let reference: Array4<f64> = OneHot.encode(&full, &classes).unwrap();
    assert_eq!(brier_soft(&soft, &reference), named);

    let top: Array3<u8> = top_labels(&soft, &classes).unwrap();
    assert_eq!(top, labels, "SVLS turns no label over, and ignored stays ignored");
    let without = top_labels::<_, u8, Ix3>(&soft, &Classes::contiguous(2).unwrap());
    assert_eq!(without, Err(Error::NoPrediction { index: vec![0, 2, 5] }));
}

#[test]
fn labels_of_no_class_do_not_matter_where_the_reference_ignores() {
    let drawn = Array3::from_shape_fn(
        (3, 5, 30),
        |(d, h, w)| if h == 1 { 255 } else { u8::from(d + w / 9 > 2) },
    );
    let classes = contiguous(2).with_ignore(255).unwrap();
    let prediction = Array3::from_shape_fn((3, 5, 30), |(d, _, w)| u8::from(d + w / 8 > 2));
    let mut wild = prediction.clone();
    ndarray::Zip::from(&mut wild).and(&drawn).for_each(|label, &drawn| {
        if drawn == 255 {
            *label = 77;
        }
    });
    let region = Region::class(1);
    let judged = |prediction: &Array3<u8>| {
        let confusion = Confusion::count(prediction, &drawn, &classes).unwrap();
        let surfaces = Surfaces::of_labels(prediction, &drawn, &classes, &region, [2.0, 1.0, 1.0]).unwrap();
        let distances = surfaces.distances().unwrap();
        (
            confusion,
            surfaces.dice(1.0).unwrap().to_bits(),
            distances.average().to_bits(),
        )
    };
    assert_eq!(judged(&wild), judged(&prediction));
    wild[[2, 3, 4]] = 78;
    wild[[2, 3, 5]] = 78;
    let error = Confusion::count(&wild, &drawn, &classes).unwrap_err();
    assert!(matches!(&error, Error::UnknownLabel { value: 78, index, count: 2, .. } if index == &[2, 3, 4]));
    assert_eq!(
        Surfaces::of_labels(&wild, &drawn, &classes, &region, 1.0).unwrap_err(),
        error
    );

    // By hand: the ignored row is outside for both.
    let masks =
        [&prediction, &drawn].map(|map| Array3::from_shape_fn(map.dim(), |at| map[at] == 1 && drawn[at] != 255));
    let by_hand = Surfaces::new(&masks[0], &masks[1], [2.0, 1.0, 1.0]).unwrap();
    assert_eq!(judged(&prediction).1, by_hand.dice(1.0).unwrap().to_bits());

    let soft = some_probabilities(&drawn.mapv(|label| label.min(1)));
    let three = contiguous(3).with_ignore(255).unwrap();
    let mut planted = soft.clone();
    planted
        .slice_axis_mut(Axis(2), ndarray::Slice::from(1..2))
        .fill(f64::NAN);
    let found: Array3<u8> = top_labels_against(&planted, &drawn, &three).unwrap();
    let expected: Array3<u8> = top_labels(&soft, &three).unwrap();
    ndarray::Zip::from(&found)
        .and(&expected)
        .and(&drawn)
        .for_each(|&found, &expected, &drawn| {
            assert_eq!(found, if drawn == 255 { 255 } else { expected });
        });
}

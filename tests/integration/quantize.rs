//! 255ths: by hand, by a naive largest-remainder method, and whatever the strides.

use ndarray::{ArrayD, Axis, IxDyn};
use soft_labels::{Raters, SoftEncoder, quantize};

use crate::scene::{Scene, for_all};

fn of(probabilities: &[f64]) -> Vec<u8> {
    let soft = ArrayD::from_shape_vec(vec![probabilities.len(), 1, 1], probabilities.to_vec()).unwrap();
    let mut out = ArrayD::zeros(soft.raw_dim());
    quantize::soft_into(&soft, &mut out).unwrap();
    out.into_raw_vec_and_offset().0
}

#[test]
fn by_hand() {
    assert_eq!(of(&[1.0, 0.0]), [255, 0]);
    assert_eq!(of(&[0.0, 0.0]), [0, 0]);
    // 85 each.
    assert_eq!(of(&[1.0 / 3.0; 3]), [85, 85, 85]);
    // 63.75 each: three of four get one more.
    assert_eq!(of(&[0.25; 4]), [64, 64, 64, 63]);
    // 76.5 and 178.5: the lower class gets the rest.
    assert_eq!(of(&[0.3, 0.7]), [77, 178]);
    assert_eq!(of(&[0.7, 0.3]), [179, 76]);
}

/// Each 255th goes to the class that lacks most, the lowest of several.
fn naive(probabilities: &[f64]) -> Vec<u8> {
    if probabilities.iter().all(|&p| p == 0.0) {
        return vec![0; probabilities.len()];
    }
    // Fractions that differ by rounding alone are made equal.
    let exact: Vec<_> = probabilities.iter().map(|p| (255.0 * p * 1e9).round() / 1e9).collect();
    let mut parts: Vec<u8> = exact.iter().map(|exact| exact.floor() as u8).collect();
    while parts.iter().map(|&part| u32::from(part)).sum::<u32>() < 255 {
        let lacks: Vec<_> = exact
            .iter()
            .zip(&parts)
            .map(|(exact, &part)| exact - f64::from(part))
            .collect();
        let most = lacks.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        parts[lacks.iter().position(|&lack| lack > most - 1e-10).unwrap()] += 1;
    }
    parts
}

#[test]
fn it_is_the_largest_remainder_and_the_annotated_class_stays_the_largest() {
    for_all(256, Scene::of_few_classes(), |scene| {
        let (map, classes): (ArrayD<i64>, _) = (scene.label_map(0), scene.classes());
        let soft: ArrayD<f64> = scene.svls().encode_window(&map, &classes, &scene.window).unwrap();
        let mut of_soft = ArrayD::zeros(soft.raw_dim());
        quantize::soft_into(&soft, &mut of_soft).unwrap();
        let mut parts = ArrayD::zeros(soft.raw_dim());
        let raters = Raters::one(map.view()).unwrap();
        quantize::encode_into(&scene.svls(), &raters, &classes, &scene.window, &mut parts).unwrap();

        let labels = map.slice_each_axis(|axis| scene.window[axis.axis.index()].clone().into());
        let lanes = parts.lanes(Axis(0)).into_iter().zip(of_soft.lanes(Axis(0)));
        for ((parts, of_soft), (p, &label)) in lanes.zip(soft.lanes(Axis(0)).into_iter().zip(&labels)) {
            let (parts, of_soft, p) = (parts.to_vec(), of_soft.to_vec(), p.to_vec());
            let mut expected = naive(&p);
            // The most probable class is the largest, however the rest fell.
            let most = p.iter().copied().fold(0.0, f64::max);
            let first = p.iter().position(|&p| p == most).unwrap();
            if let Some(other) = (0..p.len()).find(|&class| expected[class] > expected[first]) {
                expected.swap(other, first);
            }
            assert_eq!(of_soft, expected, "{p:?}");
            let sum: u32 = parts.iter().map(|&part| u32::from(part)).sum();
            assert_eq!(sum, if most > 0.0 { 255 } else { 0 });
            assert!(
                parts
                    .iter()
                    .zip(&p)
                    .all(|(&part, p)| (f64::from(part) - 255.0 * p).abs() < 1.0 + 1e-6)
            );
            if let Some(own) = classes.class_of(label).filter(|&own| p[own] == most) {
                assert!(parts.iter().all(|&part| part <= parts[own]), "{p:?} {parts:?} {own}");
            }
        }
    });
}

#[test]
fn windows_strides_and_slabs_change_nothing() {
    for_all(128, Scene::any(), |scene| {
        let maps: Vec<ArrayD<i64>> = (0..scene.maps.len()).map(|rater| scene.label_map(rater)).collect();
        let views: Vec<_> = maps.iter().map(|map| map.view()).collect();
        let raters = Raters::weighted(&views, &scene.weights()).unwrap();
        let whole: Vec<_> = maps[0].shape().iter().map(|&len| 0..len).collect();
        let encode = |window: &[std::ops::Range<usize>]| {
            let shape: Vec<_> = std::iter::once(scene.classes().len())
                .chain(window.iter().map(|range| range.len()))
                .collect();
            let mut out = ArrayD::zeros(IxDyn(&shape));
            quantize::encode_into(&scene.svls(), &raters, &scene.classes(), window, &mut out).unwrap();
            out
        };
        let (all, part) = (encode(&whole), encode(&scene.window));
        let expected = all.slice_each_axis(|axis| match axis.axis.index() {
            0 => (..).into(),
            axis => scene.window[axis - 1].clone().into(),
        });
        assert_eq!(part, expected);
        let mut stored = scene.out.store(&part, 7);
        stored.view_mut().fill(1);
        let window = &scene.window;
        quantize::encode_into(&scene.svls(), &raters, &scene.classes(), window, &mut stored.view_mut()).unwrap();
        assert_eq!(stored.view(), part);
    });
}

#[test]
fn errors_are_those_of_the_whole_label_map() {
    // Large enough for several slabs.
    let mut map = ndarray::Array3::<u8>::zeros((40, 80, 90));
    map[[3, 0, 1]] = 9;
    map[[39, 79, 89]] = 9;
    let mut out = ndarray::Array4::zeros((2, 40, 80, 90));
    let raters = Raters::one(map.view()).unwrap();
    let classes = soft_labels::Classes::contiguous(2).unwrap();
    let encoder = soft_labels::Svls::default();
    let window = [0..40, 0..80, 0..90];
    let error = quantize::encode_into(&encoder, &raters, &classes, &window, &mut out).unwrap_err();
    let expected = encoder.encode::<_, f64, _>(&map, &classes).unwrap_err();
    assert_eq!(error.to_string(), expected.to_string());
    let mut small = ndarray::Array4::zeros((2, 40, 80, 9));
    assert!(quantize::encode_into(&encoder, &raters, &classes, &window, &mut small).is_err());
    assert!(quantize::soft_into(&out.mapv(f64::from), &mut small).is_err());
}

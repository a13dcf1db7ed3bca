//! Numbers that were computed elsewhere: by tests/golden/generate.py, which says how.

use std::path::Path;

use ndarray::{ArrayD, Axis};
use ndarray_npy::{ReadableElement, read_npy};
use soft_labels::{Classes, LabelSmoothing, OneHot, PerAxis, SoftEncoder, Svls, SvlsKernel, multirater};

use crate::real::{Real, assert_close, for_every_real};

fn golden<A: ReadableElement>(file: &str) -> ArrayD<A> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    read_npy(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The case of this name, in every element type.
#[track_caller]
fn check(name: &str, encoder: &impl SoftEncoder, classes: &Classes) {
    for_every_real!(check_as(name, encoder, None, classes));
}

#[track_caller]
fn check_weighted(name: &str, encoder: &impl SoftEncoder, weights: &[f64], classes: &Classes) {
    for_every_real!(check_as(name, encoder, Some(weights), classes));
}

#[track_caller]
fn check_as<F: Real>(name: &str, encoder: &impl SoftEncoder, weights: Option<&[f64]>, classes: &Classes) {
    let labels: ArrayD<i16> = golden(&format!("{name}.labels.npy"));
    let expected: ArrayD<f64> = golden(&format!("{name}.soft.npy"));
    let raters: Vec<_> = labels.outer_iter().collect();
    let soft: ArrayD<F> = match weights {
        Some(weights) => multirater::weighted_average(encoder, &raters, weights, classes).unwrap(),
        None => multirater::average(encoder, &raters, classes).unwrap(),
    };
    assert_eq!(soft.len_of(Axis(0)), classes.len());
    if expected.len_of(Axis(0)) == classes.len() {
        return assert_close(&soft, &expected);
    }
    // Only the planes of classes that occur are in the file.
    let occurs = |class: usize| labels.iter().any(|&label| classes.class_of(label) == Some(class));
    let (present, absent): (Vec<_>, Vec<_>) = (0..classes.len()).partition(|&class| occurs(class));
    assert_close(&soft.select(Axis(0), &present), &expected);
    assert!(soft.select(Axis(0), &absent).iter().all(|&p| p.bits() == 0));
}

fn contiguous(count: usize) -> Classes {
    Classes::contiguous(count).unwrap()
}

fn svls(sigma: impl Into<PerAxis<f64>>, radius: impl Into<PerAxis<usize>>) -> Svls {
    Svls::new(SvlsKernel::builder().sigma(sigma).radius(radius).build().unwrap())
}

#[test]
fn svls_in_2d() {
    check("paper_2d", &Svls::default(), &contiguous(3));
    check("row_of_100", &Svls::default(), &contiguous(4));
    check("wide_2d", &svls([3.0], [2]), &contiguous(3));
    check("along_one_axis", &svls([1.0, 2.0], [0, 3]), &contiguous(3));
    check(
        "listed_negative",
        &svls([1.5, 0.5], [1, 2]),
        &Classes::from_values([-2, 7, 0]).unwrap(),
    );
}

#[test]
fn svls_in_3d() {
    check("paper_3d", &Svls::default(), &contiguous(4));
    check("row_of_70", &svls([0.8, 1.0, 1.3], [1, 1, 2]), &contiguous(3));
    check("sharp", &svls([0.15], [1]), &contiguous(3));
    check("sharpest", &svls([1e-3], [1]), &contiguous(3));
    check("wide_3d", &svls([3.0], [2]), &contiguous(3));
    check("anisotropic", &svls([0.4, 1.0, 1.7], [1, 2, 3]), &contiguous(2));
    check("within_slices", &svls([1.5], [0, 1, 1]), &contiguous(3));
    check("smaller_than_kernel", &svls([2.0], [3]), &contiguous(2));
    check("brats", &Svls::default(), &Classes::from_values([0, 1, 2, 4]).unwrap());
}

#[test]
fn svls_of_many_classes() {
    check("regions_54", &Svls::default(), &contiguous(54));
    check("blocks_of_130", &Svls::default(), &contiguous(130));
    check("blocks_of_300", &Svls::default(), &contiguous(300));
}

#[test]
fn ignored_voxels() {
    check("ignored_2d", &Svls::default(), &contiguous(3).with_ignore(255).unwrap());
    check(
        "ignored_3d",
        &svls([1.0, 0.7, 2.0], [1, 1, 2]),
        &contiguous(3).with_ignore(-1).unwrap(),
    );
}

#[test]
fn one_hot_and_both_conventions_of_label_smoothing() {
    let classes = contiguous(5).with_ignore(255).unwrap();
    check("one_hot", &OneHot, &contiguous(4).with_ignore(255).unwrap());
    check("uniform", &LabelSmoothing::new(0.1).unwrap(), &classes);
    check("over_others", &LabelSmoothing::over_others(0.1).unwrap(), &classes);
}

#[test]
fn four_radiologists_of_one_nodule() {
    let classes = contiguous(2);
    check("nodule_first_rater", &Svls::default(), &classes);
    check("nodule_msvls", &Svls::default(), &classes);
    check_weighted("nodule_weighted", &Svls::default(), &[3.0, 1.0, 0.0, 0.5], &classes);
    check("nodule_moh", &OneHot, &classes);
    check("nodule_mls", &LabelSmoothing::new(0.2).unwrap(), &classes);
    let kernel = SvlsKernel::builder()
        .sigma_mm([1.0])
        .spacing_mm([2.5, 0.703125, 0.703125])
        .radius([1, 2, 2]);
    check("nodule_millimetres", &Svls::new(kernel.build().unwrap()), &classes);
}

#[test]
fn raters_who_ignore_voxels() {
    let classes = contiguous(3).with_ignore(255).unwrap();
    check("ignoring_raters", &Svls::default(), &classes);
    check_weighted("ignoring_raters_weighted", &Svls::default(), &[1.0, 0.0, 2.5], &classes);
    let ls = LabelSmoothing::new(0.2).unwrap();
    check_weighted("ignoring_raters_mls", &ls, &[1.0, 4.0, 2.5], &classes);
}

#[test]
fn kernels() {
    #[track_caller]
    fn check(name: &str, sigma: &[f64], radius: &[usize]) {
        let kernel = SvlsKernel::builder().sigma(sigma).radius(radius).build().unwrap();
        let axes = radius.len();
        let (weights, expected) = (
            kernel.weights(axes).unwrap(),
            golden(&format!("kernel_{name}.weights.npy")),
        );
        assert_close(&weights, &expected);
        assert_close(&kernel.normalized(axes).unwrap(), &(expected / 2.0));
        assert_eq!(weights[radius], 1.0);
    }
    check("paper_2d", &[1.0], &[1, 1]);
    check("paper_3d", &[1.0], &[1, 1, 1]);
    check("sharp", &[0.15], &[1, 1, 1]);
    check("sharpest", &[1e-3], &[1, 1, 1]);
    check("anisotropic", &[0.4, 1.0, 1.7], &[1, 2, 3]);
    check("along_one_axis", &[1.0, 2.0], &[0, 3]);
}

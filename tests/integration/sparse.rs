//! Sparse soft labels are the dense ones without their zeros.

use ndarray::{Array3, Array4, ArrayD, Axis, Dimension, Ix3, IxDyn};
use proptest::prelude::*;
use soft_labels::sparse::{SparseEncoder, SparseLabels};
use soft_labels::{Classes, Error, OneHot, Raters, Svls};

use crate::real::{Real, assert_same_bits, for_every_real};
use crate::scene::{Scene, for_all};

/// Windows, distributions and the uncertain voxels of a scene agree with the dense soft labels, as bits.
fn is_dense_without_zeros<F: Real>(scene: &Scene, encoder: &impl SparseEncoder<IxDyn>) {
    let maps: Vec<ArrayD<i64>> = (0..scene.maps.len()).map(|rater| scene.label_map(rater)).collect();
    let views: Vec<_> = maps.iter().map(|map| map.view()).collect();
    let (raters, classes) = (Raters::weighted(&views, &scene.weights()).unwrap(), scene.classes());
    let whole: Vec<_> = raters.shape().iter().map(|&len| 0..len).collect();
    let dense: ArrayD<F> = encoder.encode_raters_window(&raters, &classes, &whole).unwrap();
    let sparse: SparseLabels<F, _> = encoder.encode_raters_sparse(&raters, &classes).unwrap();

    let window: ArrayD<F> = encoder.encode_raters_window(&raters, &classes, &scene.window).unwrap();
    let mut written = window.mapv(|_| F::NAN);
    sparse.write_window(&scene.window, &mut written).unwrap();
    assert_same_bits(&written, &window);

    let mut uncertain = Vec::new();
    for (voxel, _) in dense.index_axis(Axis(0), 0).indexed_iter() {
        let at = |class: usize| dense[[&[class], voxel.slice()].concat().as_slice()];
        let expected: Vec<_> = (0..classes.len())
            .map(|c| (c, at(c)))
            .filter(|&(_, p)| p != F::zero())
            .collect();
        let distribution = sparse.distribution(voxel.slice()).unwrap();
        assert_eq!(distribution.iter().collect::<Vec<_>>(), expected);
        assert_eq!(distribution.len(), expected.len());
        for &(class, probability) in &expected {
            assert_eq!(distribution.get(class), probability);
        }
        if !expected.is_empty() && !matches!(expected[..], [(_, p)] if p == F::rounded(1.0)) {
            uncertain.push((voxel, expected));
        }
    }
    let found: Vec<_> = sparse
        .uncertain_voxels()
        .map(|(voxel, d)| (voxel, d.iter().collect::<Vec<_>>()))
        .collect();
    assert_eq!(found, uncertain);
    assert_eq!(sparse.uncertain_len(), uncertain.len());
}

#[test]
fn svls_and_msvls_are_the_dense_ones_without_zeros() {
    for_all(96, Scene::any(), |scene| {
        is_dense_without_zeros::<f32>(&scene, &scene.svls());
    });
}

#[test]
fn one_hot_and_moh_are_the_dense_ones_without_zeros() {
    for_all(48, Scene::any(), |scene| is_dense_without_zeros::<f64>(&scene, &OneHot));
}

#[test]
fn every_element_type_is_the_dense_one_without_zeros() {
    for_all(12, Scene::of(3, 4).boxed(), |scene| {
        for_every_real!(is_dense_without_zeros(&scene, &scene.svls()));
    });
}

/// A ball of one class in another.
fn ball(len: usize) -> Array3<u8> {
    let centre = len as f64 / 2.0;
    Array3::from_shape_fn((len, len, len), |(d, h, w)| {
        let square = |x: usize| (x as f64 - centre).powi(2);
        u8::from(square(d) + square(h) + square(w) < (len as f64 / 3.0).powi(2))
    })
}

#[test]
fn memory_is_two_bytes_a_voxel_and_forty_an_uncertain_one() {
    let labels = ball(40);
    let of = |classes| -> SparseLabels<f32, Ix3> {
        Svls::default()
            .encode_sparse(&labels, &Classes::contiguous(classes).unwrap())
            .unwrap()
    };
    let (few, many) = (of(2), of(1000));
    assert!(few.uncertain_len() > 1000);
    assert!(few.size_in_bytes() <= size_of_val(&few) + 2 * labels.len() + 40 * few.uncertain_len());
    assert_eq!(few.size_in_bytes(), many.size_in_bytes());
}

#[test]
fn voxels_outside_the_map_have_no_distribution() {
    let sparse: SparseLabels<f32, Ix3> = OneHot
        .encode_sparse(&ball(4), &Classes::contiguous(2).unwrap())
        .unwrap();
    for voxel in [
        &[0, 0, 4][..],
        &[4, 0, 0],
        &[0, 0],
        &[0, 0, 0, 0],
        &[],
        &[usize::MAX; 3],
    ] {
        assert!(sparse.distribution(voxel).is_none());
    }
}

#[test]
fn wrong_windows_and_outputs_are_errors_and_leave_the_output_alone() {
    let sparse: SparseLabels<f32, Ix3> = OneHot
        .encode_sparse(&ball(4), &Classes::contiguous(2).unwrap())
        .unwrap();
    let mut out = Array4::from_elem((2, 1, 2, 3), 7.0);
    let mut write = |window: &[_]| sparse.write_window(window, &mut out);
    assert_eq!(write(&[0..1, 0..2]), Err(Error::WindowAxes { expected: 3, actual: 2 }));
    assert_eq!(
        write(&[0..1, 3..5, 0..3]),
        Err(Error::Window {
            axis: 1,
            start: 3,
            end: 5,
            len: 4
        })
    );
    let (expected, actual) = (vec![2, 1, 2, 2], vec![2, 1, 2, 3]);
    assert_eq!(write(&[0..1, 0..2, 0..2]), Err(Error::OutputShape { expected, actual }));
    assert!(out.iter().all(|&value| value == 7.0));
}

#[test]
fn unknown_labels_are_named_and_maps_of_no_voxels_are_empty() {
    let labels = Array3::from_elem((2, 2, 2), 5_u8);
    let sparse: Result<SparseLabels<f32, Ix3>, _> = OneHot.encode_sparse(&labels, &Classes::contiguous(2).unwrap());
    assert!(matches!(sparse, Err(Error::UnknownLabel { value: 5, count: 8, .. })));
    let none = Array3::<u8>::zeros((2, 0, 2));
    let sparse: SparseLabels<f32, Ix3> = OneHot.encode_sparse(&none, &Classes::contiguous(2).unwrap()).unwrap();
    assert_eq!((sparse.uncertain_len(), sparse.uncertain_voxels().count()), (0, 0));
    sparse
        .write_window(&[0..2, 0..0, 0..2], &mut Array4::zeros((2, 2, 0, 2)))
        .unwrap();
}

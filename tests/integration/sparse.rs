//! Sparse soft labels are the dense ones without their zeros.

use ndarray::{Array3, Array4, ArrayD, Axis, Dimension, Ix2, Ix3, IxDyn, array};
use proptest::prelude::*;
use soft_labels::sparse::{self, SparseLabels, SparseParts};
use soft_labels::{Classes, Error, OneHot, Raters, SoftEncoder, Svls};

use crate::expected::{count, label_axes, output_shape};
use crate::real::{Real, assert_same_bits, for_every_real};
use crate::scene::{Scene, for_all};

/// Windows, distributions and the uncertain voxels of a scene agree with the dense soft labels, as bits.
fn is_dense_without_zeros<F: Real>(scene: &Scene, encoder: &impl SoftEncoder) {
    let maps: Vec<ArrayD<i64>> = (0..scene.maps.len()).map(|rater| scene.label_map(rater)).collect();
    let views: Vec<_> = maps.iter().map(|map| map.view()).collect();
    let (raters, classes) = (Raters::weighted(&views, &scene.weights()).unwrap(), scene.classes());
    let whole: Vec<_> = raters.shape().iter().map(|&len| 0..len).collect();
    let dense: ArrayD<F> = encoder.encode_raters_window(&raters, &classes, &whole).unwrap();
    let sparse: SparseLabels<F, _> = sparse::encode_raters(encoder, &raters, &classes).unwrap();

    let window: ArrayD<F> = encoder.encode_raters_window(&raters, &classes, &scene.window).unwrap();
    let mut written = window.mapv(|_| F::NAN);
    sparse.write_window(&scene.window, &mut written).unwrap();
    assert_same_bits(&written, &window);
    assert_same_bits(&sparse.to_dense().unwrap(), &dense);
    assert_eq!(
        SparseLabels::from_parts(dense.shape()[1..].to_vec(), classes.len(), sparse.parts()).unwrap(),
        sparse
    );

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
        sparse::encode(&Svls::default(), &labels, &Classes::contiguous(classes).unwrap()).unwrap()
    };
    let (few, many) = (of(2), of(1000));
    assert!(few.uncertain_len() > 1000);
    assert!(few.size_in_bytes() <= size_of_val(&few) + 2 * labels.len() + 40 * few.uncertain_len());
    assert_eq!(few.size_in_bytes(), many.size_in_bytes());
}

#[test]
fn voxels_outside_the_map_have_no_distribution() {
    let sparse: SparseLabels<f32, Ix3> = sparse::encode(&OneHot, &ball(4), &Classes::contiguous(2).unwrap()).unwrap();
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
    let sparse: SparseLabels<f32, Ix3> = sparse::encode(&OneHot, &ball(4), &Classes::contiguous(2).unwrap()).unwrap();
    let mut out = Array4::from_elem((2, 1, 2, 3), 7.0);
    let mut write = |window: &[_]| sparse.write_window(window, &mut out);
    assert_eq!(write(&[0..1, 0..2]), Err(count("window", "axes", 3, 2)));
    assert_eq!(
        write(&[0..1, 3..5, 0..3]),
        Err(Error::Window {
            axis: 1,
            start: 3,
            end: 5,
            len: 4
        })
    );
    assert_eq!(
        write(&[0..1, 0..2, 0..2]),
        Err(output_shape(&[2, 1, 2, 2], &[2, 1, 2, 3]))
    );
    assert!(out.iter().all(|&value| value == 7.0));
}

#[test]
fn unknown_labels_are_named_and_maps_of_no_voxels_are_empty() {
    let labels = Array3::from_elem((2, 2, 2), 5_u8);
    let sparse: Result<SparseLabels<f32, Ix3>, _> = sparse::encode(&OneHot, &labels, &Classes::contiguous(2).unwrap());
    assert!(matches!(sparse, Err(Error::UnknownLabel { value: 5, count: 8, .. })));
    let none = Array3::<u8>::zeros((2, 0, 2));
    let sparse: SparseLabels<f32, Ix3> = sparse::encode(&OneHot, &none, &Classes::contiguous(2).unwrap()).unwrap();
    assert_eq!((sparse.uncertain_len(), sparse.uncertain_voxels().count()), (0, 0));
    sparse
        .write_window(&[0..2, 0..0, 0..2], &mut Array4::zeros((2, 2, 0, 2)))
        .unwrap();
}

/// Two rows: class 0 beside class 2, an ignored voxel last.
fn beside() -> SparseLabels<f64, Ix2> {
    let labels = array![[0_u8, 0, 2], [0, 2, 9]];
    let classes = Classes::contiguous(3).unwrap().with_ignore(9).unwrap();
    sparse::encode(&Svls::default(), &labels, &classes).unwrap()
}

#[test]
fn soft_labels_come_back_from_their_parts() {
    let sparse = beside();
    assert_eq!(SparseLabels::from_parts((2, 3), 3, sparse.parts()).unwrap(), sparse);
    // The shape and the number of classes are the caller's.
    let other = SparseLabels::from_parts([1, 2, 3], 7, sparse.parts()).unwrap();
    assert_eq!((other.shape(), other.class_count()), (&[1, 2, 3][..], 7));
    assert_eq!(other.to_dense().unwrap().shape(), [7, 1, 2, 3]);
    let none = SparseParts {
        class: &[],
        uncertain: &[],
        ends: &[],
        pair_class: &[],
        pair_probability: &[0.0_f32; 0],
    };
    assert!(SparseLabels::from_parts((0, 3), 3, none).is_ok());
    assert!(SparseLabels::from_parts((0, usize::MAX, usize::MAX), 3, none).is_ok());
}

#[test]
fn wrong_parts_are_errors_that_name_the_entry() {
    let sparse = beside();
    let parts = sparse.parts();
    let of = |parts: SparseParts<'_, f64>| SparseLabels::<f64, Ix2>::from_parts((2, 3), 3, parts).unwrap_err();
    let wrong = |part, entry| move |error: &Error| matches!(error, Error::SparseParts { part: p, entry: e, .. } if *p == part && *e == entry);

    assert_eq!(parts.uncertain, [0, 1, 2, 3, 4]);
    assert_eq!(parts.ends, [2, 4, 6, 8, 10]);
    assert_eq!(parts.pair_class, [0, 2, 0, 2, 0, 2, 0, 2, 0, 2]);
    let mut probability = parts.pair_probability.to_vec();

    // Lengths.
    for error in [
        of(SparseParts {
            class: &parts.class[1..],
            ..parts
        }),
        of(SparseParts {
            ends: &parts.ends[1..],
            ..parts
        }),
        of(SparseParts {
            pair_class: &parts.pair_class[1..],
            ..parts
        }),
    ] {
        assert!(matches!(error, Error::Shape { .. }), "{error}");
    }
    // Classes.
    let error = of(SparseParts {
        class: &[0, 0, 2, 0, 3, 65535],
        ..parts
    });
    assert!(wrong("class", 4)(&error), "{error}");
    let error = of(SparseParts {
        class: &[0, 0, 2, 2, 2, 65535],
        ..parts
    });
    assert!(wrong("class", 3)(&error), "{error}");
    let error = of(SparseParts {
        pair_class: &[0, 2, 0, 3, 0, 2, 0, 2, 0, 2],
        ..parts
    });
    assert!(wrong("pair_class", 3)(&error), "{error}");
    let error = of(SparseParts {
        pair_class: &[0, 2, 2, 0, 0, 2, 0, 2, 0, 2],
        ..parts
    });
    assert!(wrong("pair_class", 3)(&error), "{error}");
    // Voxels.
    for (uncertain, entry) in [
        ([0, 1, 1, 3, 4], 2),
        ([0, 1, 2, 3, 6], 4),
        ([0, 1, 2, 3, usize::MAX], 4),
    ] {
        let error = of(SparseParts {
            uncertain: &uncertain,
            ..parts
        });
        assert!(wrong("uncertain", entry)(&error), "{error}");
    }
    // Ends.
    for (ends, entry) in [([2, 4, 4, 8, 10], 2), ([2, 4, 3, 8, 10], 2), ([2, 4, 6, 8, 11], 4)] {
        let error = of(SparseParts { ends: &ends, ..parts });
        assert!(wrong("ends", entry)(&error), "{error}");
    }
    let error = of(SparseParts {
        uncertain: &parts.uncertain[..4],
        ends: &parts.ends[..4],
        ..parts
    });
    assert!(wrong("pair_class", 8)(&error), "{error}");
    // Probabilities.
    for value in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        probability[6] = value;
        let error = of(SparseParts {
            pair_probability: &probability,
            ..parts
        });
        assert!(
            matches!(&error, Error::Probability { class: 0, index, .. } if index == &[1, 0]),
            "{error}"
        );
    }
    probability[6] = 0.5;
    let error = of(SparseParts {
        pair_probability: &probability,
        ..parts
    });
    assert!(
        matches!(&error, Error::ProbabilitySum { index, .. } if index == &[1, 0]),
        "{error}"
    );

    // Shapes and classes.
    let error = |shape: &[usize], classes| SparseLabels::<f64, IxDyn>::from_parts(shape, classes, parts).unwrap_err();
    assert_eq!(error(&[6], 3), label_axes(1));
    assert_eq!(error(&[2, 3], 0), Error::Empty { what: "classes" });
    assert!(matches!(
        error(&[2, 3], 1 << 16),
        Error::TooMany { what: "classes", .. }
    ));
    assert!(matches!(error(&[2, 4], 3), Error::Shape { .. }));
    assert!(matches!(error(&[usize::MAX, 3], 3), Error::TooLarge { .. }));
    assert_eq!(
        wrong_message(&parts),
        "ends[2] of the sparse form leaves the voxel without pairs, or is past the last pair; \
         pass the arrays as they were made"
    );
}

fn wrong_message(parts: &SparseParts<'_, f64>) -> String {
    let wrong = SparseParts {
        ends: &[2, 4, 4, 8, 10],
        ..*parts
    };
    SparseLabels::<f64, Ix2>::from_parts((2, 3), 3, wrong)
        .unwrap_err()
        .to_string()
}

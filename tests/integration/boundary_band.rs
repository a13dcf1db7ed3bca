//! The band about boundaries against all pairs of voxels.

use ndarray::{Array, ArrayD, Dimension, IxDyn, array};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use soft_labels::metrics::boundary_band;
use soft_labels::{Classes, Error, Place};

use crate::expected::{count, label_axes, setting, setting_of};
use crate::layout::Layout;
use crate::scene::for_all;

const IGNORED: u8 = 9;

fn classes() -> Classes {
    Classes::from_values([0, 1, 4]).unwrap().with_ignore(IGNORED).unwrap()
}

/// Voxels that have one of another class within the distance.
fn naive(labels: &ArrayD<u8>, spacing: &[f64], distance: f64) -> ArrayD<bool> {
    let near = |a: &IxDyn, b: &IxDyn| {
        let axes = a.slice().iter().zip(b.slice()).zip(spacing);
        let square: f64 = axes
            .map(|((&a, &b), spacing)| ((a as f64 - b as f64) * spacing).powi(2))
            .sum();
        square <= (distance * (1.0 + 1e-6)).powi(2)
    };
    Array::from_shape_fn(labels.raw_dim(), |at| {
        let differs = |(other, &label): (IxDyn, &u8)| label != IGNORED && label != labels[&at] && near(&at, &other);
        labels[&at] != IGNORED && labels.indexed_iter().any(differs)
    })
}

#[test]
fn a_voxel_is_in_the_band_if_another_class_is_near() {
    let size = prop_oneof![vec(1..9_usize, 2), vec(1..7_usize, 3)];
    let scene = size.prop_flat_map(|size| {
        let (axes, voxels) = (size.len(), size.iter().product::<usize>());
        (
            Just(size),
            vec(
                prop_oneof![6 => Just(0_u8), 1 => Just(1), 1 => Just(4), 2 => Just(IGNORED)],
                voxels,
            ),
            vec(select(vec![1.0, 0.5, 0.3, 3.0, 0.1, f64::from(0.1_f32)]), axes),
            Layout::any(axes),
            // Multiples of spacings are met exactly but for rounding.
            prop_oneof![
                0.0..6.0,
                select(vec![
                    0.0,
                    0.1,
                    0.3,
                    1.0,
                    0.3 + 0.3 + 0.3,
                    0.7,
                    2_f64.sqrt(),
                    5.0,
                    1e300,
                    f64::INFINITY
                ])
            ],
        )
    });
    for_all(300, scene, |(size, labels, spacing, layout, distance)| {
        let labels = ArrayD::from_shape_vec(size, labels).unwrap();
        let expected = naive(&labels, &spacing, distance);
        let band = boundary_band(&labels, &classes(), &spacing, distance).unwrap();
        assert_eq!(band, expected, "{labels}");
        let stored = layout.store(&labels, 77);
        assert_eq!(boundary_band(&stored.view(), &classes(), &spacing, distance), Ok(band));
    });
}

#[test]
fn planes_that_are_looked_at_together_are_no_borders() {
    // More planes than are looked at together, also with a reach of more than that.
    let labels = Array::from_shape_fn(IxDyn(&[100, 3, 2]), |at| match at[0] {
        31 if at[1] == 1 => 1_u8,
        63..70 => 4,
        40 => IGNORED,
        _ => 0,
    });
    for distance in [0.5, 1.0, 2.2, 10.0, 40.0, 70.0] {
        let band = boundary_band(&labels, &classes(), [1.0, 0.7, 2.0], distance).unwrap();
        assert_eq!(band, naive(&labels, &[1.0, 0.7, 2.0], distance), "{distance}");
    }
}

#[test]
fn by_hand() {
    let map = array![[0_u8, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, IGNORED]];
    let band = |distance: f64| {
        boundary_band(&map, &classes(), [2.0, 1.0], distance)
            .unwrap()
            .mapv(u8::from)
    };
    assert_eq!(band(0.9), array![[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]);
    assert_eq!(band(1.0), array![[0, 0, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]]);
    assert_eq!(band(2.0), array![[0, 1, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]]);
    assert_eq!(band(5_f64.sqrt()), array![[0, 1, 1, 1], [0, 0, 1, 1], [0, 0, 0, 0]]);
    assert_eq!(band(f64::INFINITY), array![[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 0]]);
    // The border is no boundary, and neither is what nobody labelled.
    let alone = array![[1_u8, 1, IGNORED], [1, 1, IGNORED]];
    assert!(
        !boundary_band(&alone, &classes(), 1.0, 100.0)
            .unwrap()
            .iter()
            .any(|&inside| inside)
    );
}

#[test]
fn what_is_no_band_is_an_error() {
    let map = array![[0_u8, 1]];
    for distance in [-1.0, f64::NAN] {
        let error = boundary_band(&map, &classes(), 1.0, distance).unwrap_err();
        assert_eq!(
            error.to_string(),
            setting("distance", distance, "0 or more").to_string()
        );
    }
    assert_eq!(
        boundary_band(&map, &classes(), [1.0; 3], 1.0),
        Err(count("spacing", "axes", 2, 3))
    );
    let range = "within 1e-30 and 1e30";
    assert_eq!(
        boundary_band(&map, &classes(), [1.0, 0.0], 1.0),
        Err(setting_of("spacing", Place::Axis(1), 0.0, range))
    );
    let error = boundary_band(&array![[0_u8, 7]], &classes(), 1.0, 1.0).unwrap_err();
    assert!(
        matches!(&error, Error::UnknownLabel { value: 7, index, .. } if index == &[0, 1]),
        "{error}"
    );
    assert_eq!(
        boundary_band(&ArrayD::<u8>::zeros(vec![3]), &classes(), 1.0, 1.0),
        Err(label_axes(1))
    );
    for shape in [vec![0, 3], vec![2, 0, 3], vec![2, 3, 0]] {
        let empty = ArrayD::<u8>::zeros(shape.clone());
        assert_eq!(boundary_band(&empty, &classes(), 1.0, 1.0).unwrap().shape(), shape);
    }
}

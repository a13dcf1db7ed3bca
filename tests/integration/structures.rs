//! Overlapping structures, against soft labels of each mask alone.

use ndarray::{Array2, Array3, ArrayD, Axis, IxDyn, array};
use proptest::prelude::*;
use soft_labels::structures::{Structures, StructuresBuilder};
use soft_labels::{Classes, Error, Place, SoftEncoder, Svls};

use crate::layout::Layout;
use crate::real::assert_same_bits;
use crate::scene::for_all;

/// Some masks of one shape: boxes, and seldom noise.
fn masks() -> impl Strategy<Value = Vec<ArrayD<u8>>> {
    let shape = prop_oneof![
        (1_usize..8, 1_usize..80).prop_map(|(h, w)| vec![h, w]),
        (1_usize..5, 1_usize..6, 1_usize..80).prop_map(|(d, h, w)| vec![d, h, w]),
    ];
    (shape, 1_usize..12).prop_flat_map(|(shape, count)| {
        let len: usize = shape.iter().product();
        let noise = prop::collection::vec(prop::bool::weighted(0.3).prop_map(u8::from), len);
        let block = (0..len, 0..len).prop_map(move |(a, b)| {
            let range = a.min(b)..a.max(b);
            (0..len).map(|i| u8::from(range.contains(&i))).collect()
        });
        let values = prop_oneof![1 => noise, 4 => block, 1 => Just(vec![0; len])];
        let mask = values.prop_map(move |values| ArrayD::from_shape_vec(IxDyn(&shape), values).unwrap());
        prop::collection::vec(mask, count)
    })
}

#[test]
fn each_structure_has_the_bits_of_its_mask() {
    for_all(300, (masks(), any::<prop::sample::Index>()), |(masks, layout)| {
        let layouts = Layout::catalogue(masks[0].ndim());
        let mut builder = StructuresBuilder::new();
        for mask in &masks {
            let stored = layout.get(&layouts).store(mask, 1);
            builder.add(&stored.view()).unwrap();
        }
        let structures = builder.build().unwrap();
        assert_eq!(structures, Structures::of_masks(&masks).unwrap());
        assert_eq!(structures.len(), masks.len());
        let encoder = Svls::default().with_channels(structures.channels());
        let soft: ArrayD<f32> = encoder.encode(structures.patterns(), structures.classes()).unwrap();
        for (mask, soft) in masks.iter().zip(soft.axis_iter(Axis(0))) {
            let own: ArrayD<f32> = Svls::default().encode(mask, &Classes::contiguous(2).unwrap()).unwrap();
            assert_same_bits(&soft, &own.index_axis(Axis(0), 1));
        }
    });
}

#[test]
fn a_hundred_structures_of_many_patterns() {
    // Every structure is a slab that overlaps its neighbours, so that there are more patterns than bits of a set.
    let masks: Vec<_> = (0..104)
        .map(|s| {
            Array3::from_shape_fn((4, 5, 300), move |(d, h, w)| {
                (2 * s..2 * s + 9).contains(&(w + d * h / 3))
            })
        })
        .collect();
    let structures = Structures::of_masks(&masks).unwrap();
    assert!(structures.classes().len() > 130, "{}", structures.classes().len());
    let encoder = Svls::default().with_channels(structures.channels());
    let soft: ndarray::Array4<f64> = encoder.encode(structures.patterns(), structures.classes()).unwrap();
    for (mask, soft) in masks.iter().zip(soft.axis_iter(Axis(0))) {
        let own: ndarray::Array4<f64> = Svls::default().encode(mask, &Classes::contiguous(2).unwrap()).unwrap();
        assert_same_bits(&soft, &own.index_axis(Axis(0), 1));
    }
}

#[test]
fn what_is_no_mask_is_an_error() {
    let mut builder = StructuresBuilder::new();
    builder.add(&array![[0_u8, 255, 255]]).unwrap();
    let shape = Error::Shape {
        what: "mask",
        place: Some(Place::Structure(1)),
        expected: vec![1, 3],
        actual: vec![1, 2],
    };
    assert_eq!(builder.add(&array![[0_u8, 1]]), Err(shape));
    assert_eq!(builder.add(&array![[true, false, true]]), Ok(()));
    let structures = builder.clone().build().unwrap();
    assert_eq!(structures.patterns(), array![[3, 1, 2]]);
    assert_eq!(structures.members(), [vec![], vec![0], vec![0, 1], vec![1]]);
    let two = Error::Mask {
        structure: 2,
        first: 3,
        second: -1,
    };
    assert_eq!(builder.add(&array![[3_i8, 0, -1]]), Err(two));
    let none = StructuresBuilder::<ndarray::Ix2>::new().build();
    assert_eq!(none, Err(Error::Empty { what: "masks" }));
    let line = StructuresBuilder::new().add(&ArrayD::<u8>::zeros(vec![3]));
    assert!(matches!(line, Err(Error::Axes { actual: 1, .. })));

    // 17 structures that hold every pattern are 2^17 patterns.
    let mask = |bit: usize| Array2::from_shape_fn((1, 1 << 17), |(_, w)| (w >> bit) & 1 == 1);
    let all = Structures::of_masks(&(0..17).map(mask).collect::<Vec<_>>());
    assert!(matches!(
        all,
        Err(Error::TooMany {
            what: "patterns of structures",
            ..
        })
    ));
    // Patterns that no voxel has any more are forgotten: the same mask many times has one.
    let alike = Structures::of_masks(&vec![array![[true, false]]; 3000]).unwrap();
    assert_eq!((alike.classes().len(), alike.len()), (2, 3000));
    let most = Structures::of_masks(&(0..15).map(mask).collect::<Vec<_>>()).unwrap();
    assert_eq!(most.classes().len(), 1 << 15);
}

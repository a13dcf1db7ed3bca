//! Windows, and windows at coarser scales.

use ndarray::{Array3, Array4, Axis, Slice};
use soft_labels::{Classes, Encoding, Error, Place, Raters, SoftEncoder, Window, pool};

use crate::expected::{count, output_shape, setting_of};
use crate::real::assert_same_bits;

fn window(ranges: &[std::ops::Range<usize>]) -> Window {
    Window::new(&[6, 18, 26], ranges).unwrap()
}

#[test]
fn a_window_lies_within_its_map() {
    let new = |ranges: &[_]| Window::new(&[4, 9], ranges);
    assert_eq!(new(&[0..4, 0..9]).unwrap(), Window::whole(&[4, 9]));
    assert!(new(&[4..4, 9..9]).unwrap().is_empty());
    assert_eq!(new(&[0..4, 0..9, 0..1]), Err(count("window", "axes", 2, 3)));
    assert_eq!(new(&[]), Err(count("window", "axes", 2, 0)));
    #[expect(clippy::reversed_empty_ranges, reason = "that is the mistake")]
    for (ranges, axis, start, end, len) in [
        ([3..2, 0..9], 0, 3, 2, 4),
        ([0..4, 0..10], 1, 0, 10, 9),
        ([0..4, 10..10], 1, 10, 10, 9),
        ([0..usize::MAX, 0..9], 0, 0, usize::MAX, 4),
    ] {
        assert_eq!(new(&ranges), Err(Error::Window { axis, start, end, len }));
    }
    let part = new(&[1..3, 4..9]).unwrap();
    assert_eq!(
        (part.shape(), part.start(), part.map_shape()),
        (vec![2, 5], vec![1, 4], &[4, 9][..])
    );
    assert_eq!(part.soft_shape(7), [7, 2, 5]);
    assert!(!part.is_empty());
}

#[test]
fn growing_stops_at_the_border_of_the_map() {
    let part = window(&[1..2, 4..9, 20..26]);
    assert_eq!(part.grown([2, 3, 1]).unwrap().ranges(), [0..4, 1..12, 19..26]);
    assert_eq!(part.grown(0).unwrap(), part);
    assert_eq!(part.grown(usize::MAX).unwrap(), Window::whole(&[6, 18, 26]));
    assert_eq!(part.grown([1, 1]), Err(count("radius", "axes", 3, 2)));
}

#[test]
fn boxes_are_counted_from_the_first_voxel_of_the_map() {
    let part = window(&[1..2, 4..9, 20..26]);
    assert_eq!(part.in_whole_boxes([2, 4, 5]).unwrap().ranges(), [0..2, 4..12, 20..26]);
    assert_eq!(part.in_whole_boxes(1).unwrap(), part);
    assert_eq!(part.in_whole_boxes(usize::MAX).unwrap(), Window::whole(&[6, 18, 26]));
    let boxes = part.in_whole_boxes([2, 4, 5]).unwrap().at_scale([2, 4, 5]).unwrap();
    assert_eq!(boxes.ranges(), [0..1, 1..3, 4..6]);
    assert_eq!(boxes.map_shape(), [3, 5, 6]);
    assert!(matches!(
        part.at_scale(2),
        Err(Error::BoxWindow { axis: 0, start: 1, .. })
    ));
    // Without voxels there is no box to be broken.
    assert!(window(&[1..1, 0..18, 0..26]).at_scale(2).unwrap().is_empty());
    for result in [part.at_scale([1, 0, 1]), part.in_whole_boxes([1, 0, 1])] {
        assert_eq!(result, Err(setting_of("box", Place::Axis(1), 0.0, "1 or more")));
    }
    for result in [part.at_scale([1, 1]), part.in_whole_boxes([1, 1])] {
        assert_eq!(result, Err(count("box", "axes", 3, 2)));
    }
}

#[test]
fn a_window_is_seen_from_one_that_holds_it() {
    let (outer, inner) = (window(&[1..4, 4..9, 0..26]), window(&[2..4, 4..5, 7..7]));
    let seen = inner.seen_from(&outer).unwrap();
    assert_eq!(
        (seen.ranges(), seen.map_shape()),
        (&[1..3, 0..1, 7..7][..], &[3, 5, 26][..])
    );
    assert!(matches!(outer.seen_from(&inner), Err(Error::Window { axis: 0, .. })));
    let later = window(&[0..2, 4..5, 7..7]);
    assert!(matches!(later.seen_from(&outer), Err(Error::Window { axis: 0, .. })));
    let other = Window::whole(&[6, 18]);
    assert!(matches!(other.seen_from(&outer), Err(Error::Shape { .. })));
    assert!(matches!(outer.seen_from(&other), Err(Error::Shape { .. })));
}

/// Reading block by block, each with the voxels around it that count, gives the bits of the whole.
#[test]
fn blocks_are_the_whole() {
    let labels = Array3::from_shape_fn((6, 18, 26), |(d, h, w)| ((d * 7 + h * 3 + w) / 5 % 3) as u8);
    let classes = Classes::contiguous(3).unwrap();
    let encoding = Encoding::default();
    let soft: Array4<f32> = encoding.encode(&labels, &classes).unwrap();
    let pooled = pool::average(&soft, [2, 4, 4]).unwrap();
    for ranges in [[0..2, 0..4, 0..8], [2..6, 4..12, 8..26], [4..6, 16..18, 24..26]] {
        let block = window(&ranges);
        let read = block
            .grown(encoding.radius(3).unwrap())
            .unwrap()
            .in_whole_boxes([2, 4, 4])
            .unwrap();
        let slice = |axis: Axis, ranges: &[std::ops::Range<usize>]| Slice::from(ranges[axis.index()].clone());
        let part = labels.slice_each_axis(|axis| slice(axis.axis, read.ranges()));
        let inner = block.seen_from(&read).unwrap();
        let raters = Raters::one(part).unwrap();
        let of_block: Array4<f32> = encoding
            .encode_raters_window(&raters, &classes, inner.ranges())
            .unwrap();
        let expected = block
            .ranges()
            .iter()
            .enumerate()
            .fold(soft.view(), |mut soft, (axis, range)| {
                soft.slice_axis_inplace(Axis(axis + 1), Slice::from(range.clone()));
                soft
            });
        assert_same_bits(&of_block, &expected.to_owned());

        let coarse: Array4<f32> = pool::encode_window(&encoding, &raters, &classes, inner.ranges(), [2, 4, 4]).unwrap();
        let at_scale = block.at_scale([2, 4, 4]).unwrap();
        let expected = at_scale
            .ranges()
            .iter()
            .enumerate()
            .fold(pooled.view(), |mut pooled, (axis, range)| {
                pooled.slice_axis_inplace(Axis(axis + 1), Slice::from(range.clone()));
                pooled
            });
        assert_same_bits(&coarse, &expected.to_owned());
        let mut out = coarse.mapv(|_| 7.0);
        pool::encode_window_into(&encoding, &raters, &classes, inner.ranges(), [2, 4, 4], &mut out).unwrap();
        assert_same_bits(&out, &coarse);
    }
    let raters = Raters::one(labels.view()).unwrap();
    let mut out = Array4::<f32>::from_elem((3, 1, 1, 1), 7.0);
    let error = pool::encode_window_into(&encoding, &raters, &classes, &[0..2, 0..4, 0..8], [2, 4, 4], &mut out);
    assert_eq!(error, Err(output_shape(&[3, 1, 1, 2], &[3, 1, 1, 1])));
    assert!(out.iter().all(|&p| p == 7.0));
    assert!(matches!(
        pool::encode_window::<_, f32, _>(&encoding, &raters, &classes, &[1..3, 0..4, 0..8], [2, 4, 4]),
        Err(Error::BoxWindow { axis: 0, .. })
    ));
}

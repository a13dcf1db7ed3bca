//! Batches hold what encoding sample by sample gives.

use ndarray::{Array3, Array4, Array5, Axis, array};
use soft_labels::batch::{Sample, encode};
use soft_labels::{Classes, Error, LabelSmoothing, Place, Raters, SoftEncoder, Svls, multirater};

use crate::expected::count;

fn map(seed: usize) -> Array3<u8> {
    Array3::from_shape_fn((6, 7, 9), |(d, h, w)| ((d * 5 + h * seed + w * 3) / 7 % 3) as u8)
}

#[test]
fn samples_have_the_bits_of_their_windows() {
    let classes = Classes::contiguous(3).unwrap();
    let (a, b, c) = (map(1), map(2), map(3).as_standard_layout().into_owned());
    let c = c.t();
    let windows = [[1..4, 2..6, 0..5], [3..6, 0..4, 4..9], [2..5, 1..5, 1..6]];
    let raters = Raters::weighted(&[a.view(), b.view()], &[1.0, 2.0]).unwrap();
    let samples = [
        Sample::new(a.view()).unwrap().window(&windows[0]),
        Sample::raters(raters.clone()).window(&windows[1]),
        Sample::new(c).unwrap().window(&windows[2]),
    ];
    let encoder = Svls::default();
    let batch: Array5<f32> = encode(&encoder, &samples, &classes).unwrap();
    assert_eq!(batch.shape(), [3, 3, 3, 4, 5]);
    assert!(batch.is_standard_layout());
    let expected: [Array4<f32>; 3] = [
        encoder.encode_window(&a, &classes, &windows[0]).unwrap(),
        encoder.encode_raters_window(&raters, &classes, &windows[1]).unwrap(),
        encoder.encode_window(&c, &classes, &windows[2]).unwrap(),
    ];
    for (soft, expected) in batch.axis_iter(Axis(0)).zip(&expected) {
        assert_eq!(soft, expected);
    }
}

#[test]
fn whole_maps_need_no_window() {
    let classes = Classes::contiguous(3).unwrap();
    let (a, b) = (map(1), map(2));
    let encoder = LabelSmoothing::new(0.2).unwrap();
    let sample = Sample::raters(Raters::new(&[a.view(), b.view()]).unwrap());
    let batch: Array5<f64> = encode(&encoder, &[sample], &classes).unwrap();
    let expected: Array4<f64> = multirater::average(&encoder, &[a.view(), b.view()], &classes).unwrap();
    assert_eq!(batch.index_axis(Axis(0), 0), expected);
}

#[test]
fn what_makes_no_batch_is_an_error() {
    let classes = Classes::contiguous(2).unwrap();
    let (small, large) = (array![[0_u8, 1]], array![[0_u8, 1, 1]]);
    let sample = |map| Sample::new(map).unwrap();
    let encode = |samples: &[Sample<'_, u8, ndarray::Ix2>]| encode::<_, f32, _>(&Svls::default(), samples, &classes);
    assert_eq!(encode(&[]), Err(Error::Empty { what: "samples" }));
    assert!(matches!(
        encode(&[sample(small.view()), sample(large.view())]),
        Err(Error::Shape { place: Some(Place::Sample(1)), expected, actual, .. }) if expected == [2, 1, 2] && actual == [2, 1, 3]
    ));
    assert!(encode(&[sample(small.view()), sample(large.view()).window(&[0..1, 1..3])]).is_ok());
    assert_eq!(
        encode(&[sample(small.view()).window(&[0..1, 0..2][..1])]),
        Err(count("window", "axes", 2, 1))
    );
    assert!(matches!(
        encode(&[sample(small.view()).window(&[0..1, 1..3])]),
        Err(Error::Window { .. })
    ));
    let unknown = array![[0_u8, 2]];
    assert!(matches!(
        encode(&[sample(unknown.view())]),
        Err(Error::UnknownLabel { value: 2, .. })
    ));
    let empty = encode(&[sample(small.view()).window(&[0..0, 0..2])]).unwrap();
    assert_eq!((empty.len(), empty.shape()), (0, &[1, 2, 0, 2][..]));
}

//! Any number of threads gives the same bits, in 3D and in 2D.

use ndarray::{Array2, Array3, ArrayD, ArrayRef, IxDyn};
use rayon::ThreadPoolBuilder;
use soft_labels::{Classes, SoftEncoder, Svls};

use crate::real::assert_same_bits;

/// Large enough that encoding uses threads.
fn has_the_same_bits_on_any_number_of_threads(labels: &ArrayRef<u8, IxDyn>) {
    let classes = Classes::contiguous(6).unwrap().with_ignore(6).unwrap();
    let on = |threads| -> ArrayD<f32> {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Svls::default().encode(labels, &classes)).unwrap()
    };
    let one = on(1);
    assert!(one.len() > 4 << 18);
    for threads in [2, 3, 4] {
        assert_same_bits(&on(threads), &one);
    }
}

#[test]
fn a_volume_has_the_same_bits_on_any_number_of_threads() {
    let labels = Array3::from_shape_fn((19, 100, 100), |(d, h, w)| {
        ((d / 3 + h / 7 + w / 9 + d * h % 11 / 10) % 7) as u8
    });
    has_the_same_bits_on_any_number_of_threads(&labels.into_dyn());
}

#[test]
fn an_image_has_the_same_bits_on_any_number_of_threads() {
    let labels = Array2::from_shape_fn((301, 610), |(h, w)| ((h / 7 + w / 9 + h * w % 11 / 10) % 7) as u8);
    has_the_same_bits_on_any_number_of_threads(&labels.into_dyn());
}

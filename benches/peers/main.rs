//! The Rust side of `peers.py`: encodes one label map with each crate and times it.
//!
//! `peers LABELS.npy CLASSES REPEATS OUT.npy` prints, as medians in seconds, filling the output, this crate's encoding
//! in turn with it, `ndarray-conv` and `ndarray-ndimage`.

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use ndarray::{Array3, Array4, Axis, Zip};
use ndarray_conv::{ConvExt, ConvMode, PaddingMode};
use ndarray_ndimage::BorderMode;
use ndarray_npy::{read_npy, write_npy};
use soft_labels::{Classes, SoftEncoder, Svls, SvlsKernel};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [labels, classes, repeats, out] = arguments.as_slice() else {
        return Err("usage: peers LABELS.npy CLASSES REPEATS OUT.npy".into());
    };
    let labels: Array3<u8> = read_npy(labels)?;
    let (classes, repeats) = (Classes::contiguous(classes.parse()?)?, repeats.parse::<usize>()?.max(1));
    let (depth, height, width) = labels.dim();

    let mut soft = Array4::<f32>::ones((classes.len(), depth, height, width));
    let (mut fill, mut encode) = (Vec::new(), Vec::new());
    for _ in 0..repeats {
        fill.push(seconds(|| {
            if let Some(values) = black_box(&mut soft).as_slice_mut() {
                values.fill(0.0);
            }
        }));
        encode.push(seconds(|| {
            Svls::default()
                .encode_into(&labels, &classes, &mut soft)
                .expect("labels are classes")
        }));
    }

    // Both crates filter one class at a time, and symmetric weights are the same for both orientations.
    let weights = SvlsKernel::default().normalized(3)?;
    let kernel: Array3<f32> = weights.mapv(|weight| weight as f32).into_dimensionality()?;
    let convolve = |one: &Array3<f32>| {
        one.conv(&kernel, ConvMode::Same, PaddingMode::Replicate)
            .expect("the kernel fits")
    };
    let correlate = |one: &Array3<f32>| ndarray_ndimage::correlate(one, &kernel, BorderMode::Nearest, 0);
    let conv = median(
        (0..repeats.div_ceil(3))
            .map(|_| seconds(|| check(&labels, &soft, &convolve)))
            .collect(),
    );
    let ndimage = median(
        (0..repeats.div_ceil(3))
            .map(|_| seconds(|| check(&labels, &soft, &correlate)))
            .collect(),
    );

    println!("{} {} {conv} {ndimage}", median(fill), median(encode));
    Ok(write_npy(out, &soft)?)
}

/// Filters the one-hot map of every class and compares with the soft labels, which costs little beside.
fn check(labels: &Array3<u8>, soft: &Array4<f32>, filter: &impl Fn(&Array3<f32>) -> Array3<f32>) {
    for (class, expected) in soft.axis_iter(Axis(0)).enumerate() {
        let filtered = filter(&labels.mapv(|label| f32::from(u8::from(usize::from(label) == class))));
        assert!(
            Zip::from(&filtered).and(expected).all(|a, b| (a - b).abs() < 1e-5),
            "the crates disagree"
        );
    }
}

fn seconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

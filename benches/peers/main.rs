//! The crate's side of `peers.py`: times filling the output and encoding one label map, in turn.
//!
//! `cargo bench --bench peers -- LABELS.npy CLASSES REPEATS OUT.npy` prints the median seconds of both.

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use ndarray::{Array3, Array4};
use ndarray_npy::{read_npy, write_npy};
use soft_labels::{Classes, SoftEncoder, Svls};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let [labels, classes, repeats, out] = arguments.as_slice() else {
        // Run with all benchmarks, without arguments, there is nothing to do.
        return Ok(());
    };
    let labels: Array3<u8> = read_npy(labels)?;
    let (classes, repeats) = (Classes::contiguous(classes.parse()?)?, repeats.parse::<usize>()?);
    let (depth, height, width) = labels.dim();
    let mut soft = Array4::<f32>::ones((classes.len(), depth, height, width));
    let (mut fill, mut encode) = (Vec::new(), Vec::new());
    for _ in 0..repeats.max(1) {
        let start = Instant::now();
        if let Some(values) = soft.as_slice_mut() {
            values.fill(0.0);
        }
        black_box(&mut soft);
        fill.push(start.elapsed().as_secs_f64());
        let start = Instant::now();
        Svls::default().encode_into(&labels, &classes, &mut soft)?;
        encode.push(start.elapsed().as_secs_f64());
    }
    println!("{} {}", median(fill), median(encode));
    Ok(write_npy(out, &soft)?)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

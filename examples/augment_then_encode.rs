//! In which order do I augment, crop and encode? Encode last.
//!
//! ```sh
//! cargo run --example augment_then_encode
//! ```

use ndarray::{Array2, Array3, Array4, Axis, s};
use soft_labels::batch::{Sample, encode};
use soft_labels::{Classes, Result, SoftEncoder, Svls};

fn main() -> Result<()> {
    let labels = Array2::from_shape_fn((64, 80), |(y, x)| u8::from(y > 20) + u8::from(x * x + y * y > 3000));
    let (svls, classes) = (Svls::default(), Classes::contiguous(3)?);
    let whole: Array3<f32> = svls.encode(&labels, &classes)?;

    // Flip and transpose the label map. A view is enough; nothing is copied.
    let mut flipped = labels.view();
    flipped.invert_axis(Axis(1));
    let of_flipped: Array3<f32> = svls.encode(&flipped, &classes)?;
    assert_eq!(of_flipped, whole.slice(s![.., .., ..;-1]));
    println!("The soft labels of the flipped map are the flipped soft labels.");

    // Crop by a window of the whole map: its border knows its neighbours.
    let window = [16..48, 24..56];
    let part = whole.slice(s![.., 16..48, 24..56]);
    let cropped: Array3<f32> = svls.encode_window(&labels, &classes, &window)?;
    assert_eq!(cropped, part);
    println!("A window has the values that the whole has there.");

    // A map that was cut out before does not know what was around it.
    let cut: Array3<f32> = svls.encode(&labels.slice(s![16..48, 24..56]), &classes)?;
    let differ = cut.iter().zip(part).filter(|(a, b)| a != b).count();
    println!(
        "Of a map that was cut out before, {differ} of {} values differ, all at its border.",
        cut.len()
    );
    assert_eq!(cut.slice(s![.., 1..31, 1..31]), part.slice(s![.., 1..31, 1..31]));

    // In a data loader: each sample is flipped, cropped by a window and encoded straight to its place in the batch.
    let samples = [
        Sample::new(labels.view())?.window(&window),
        Sample::new(flipped)?.window(&[0..32, 48..80]),
        Sample::new(labels.t())?.window(&[8..40, 32..64]),
    ];
    let batch: Array4<f32> = encode(&svls, &samples, &classes)?;
    println!("A batch of three crops has the shape {:?} (N, C, H, W).", batch.shape());
    Ok(())
}

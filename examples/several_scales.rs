//! My network has outputs at several resolutions. What are their targets?
//!
//! ```sh
//! cargo run --example several_scales
//! ```

use ndarray::{Array2, Array3, Array4, s};
use soft_labels::batch::{Sample, encode_scales};
use soft_labels::{Classes, Result, SoftEncoder, Svls, pool};

fn main() -> Result<()> {
    // A vessel of one pixel.
    let labels = Array2::from_shape_fn((32, 32), |(_, x)| u8::from(x == 13));
    let (svls, classes) = (Svls::default(), Classes::contiguous(2)?);

    // Nearest neighbour takes every fourth pixel and loses it.
    let nearest = labels.slice(s![..;4, ..;4]);
    println!("nearest neighbour, a row: {:?}", nearest.row(0).to_vec());

    // The mean of the soft labels over each box keeps it.
    let soft: Array3<f32> = svls.encode(&labels, &classes)?;
    let quarter = pool::average(&soft, &[4, 4])?;
    println!(
        "mean of soft labels, a row: {:.2?}",
        quarter.slice(s![1, 0, ..]).to_vec()
    );

    // The targets of all scales of a training step in one call.
    let samples = [
        Sample::new(labels.view())?.window(&[0..16, 8..24]),
        Sample::new(labels.view())?.window(&[16..32, 0..16]),
    ];
    let scales: Vec<Array4<f32>> = encode_scales(&svls, &samples, &classes, &[1, 2, 4])?;
    for batch in &scales {
        println!("a batch of shape {:?}", batch.shape());
    }

    // Windows hold whole boxes, so that a crop has the targets that the whole has there.
    let crooked = [Sample::new(labels.view())?.window(&[0..16, 7..23])];
    if let Err(error) = encode_scales::<_, f32, _>(&svls, &crooked, &classes, &[4]) {
        println!("{error}");
    }
    Ok(())
}

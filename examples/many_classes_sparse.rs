//! How do I keep 100 classes in memory, and train on them?
//!
//! ```sh
//! cargo run --example many_classes_sparse
//! ```

use ndarray::{Array3, Array4, Array5, Axis};
use soft_labels::loss::SoftCrossEntropy;
use soft_labels::sparse::{self, SparseLabels};
use soft_labels::{Classes, Result, SoftEncoder, Svls};

const CLASSES: usize = 120;

fn main() -> Result<()> {
    let labels = Array3::from_shape_fn((16, 48, 48), |(d, h, w)| (d / 8 * 36 + h / 8 * 6 + w / 8) as u8);
    let (svls, classes) = (Svls::default(), Classes::contiguous(CLASSES)?);

    // A class for each voxel, and a short list of probabilities for each uncertain one.
    let sparse: SparseLabels<f32, _> = sparse::encode(&svls, &labels, &classes)?;
    let dense: Array4<f32> = svls.encode(&labels, &classes)?;
    println!("{} of {} voxels are uncertain", sparse.uncertain_len(), labels.len());
    println!(
        "dense soft labels take {} times the memory",
        dense.len() * 4 / sparse.size_in_bytes()
    );

    // The loss takes both and gives the same bits.
    let logits = dense.mapv(|p| 3.0 * p);
    let loss = SoftCrossEntropy::of_map();
    let (value, gradient) = loss.value_and_gradient(&logits, &sparse)?;
    assert_eq!((value, gradient), loss.value_and_gradient(&logits, &dense)?);
    println!("the loss is {value:.4}, with either");

    // A batch is a slice of them; logits are (N, C, D, H, W).
    let two: Array5<f32> = ndarray::stack![Axis(0), logits, logits];
    let value = SoftCrossEntropy::of_batch().value(&two, &[sparse.clone(), sparse.clone()][..])?;
    println!("a batch of two has the loss {value:.4}");

    // A window as a dense array, for one step.
    let mut window = Array4::zeros((CLASSES, 8, 16, 16));
    sparse.write_window(&[4..12, 0..16, 16..32], &mut window)?;
    println!("a window has the shape {:?}", window.shape());
    Ok(())
}

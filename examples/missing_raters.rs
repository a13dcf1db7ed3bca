//! What if some of four annotators are missing?
//!
//! ```sh
//! cargo run --example missing_raters
//! ```

use std::error::Error;

use ndarray::{Array4, Axis, s};
use ndarray_npy::read_npy;
use soft_labels::{Classes, Svls, multirater};

fn main() -> Result<(), Box<dyn Error>> {
    // Four radiologists' masks of a lung nodule: (rater, D, H, W).
    let masks: Array4<u8> = read_npy("examples/data/lidc_0001_4raters_native.npy")?;
    let raters: Vec<_> = masks.axis_iter(Axis(0)).collect();
    let (svls, classes) = (Svls::default(), Classes::contiguous(2)?.with_ignore(255)?);
    let mean_nodule = |soft: &Array4<f32>| soft.index_axis(Axis(0), 1).sum();

    let all: Array4<f32> = multirater::average(&svls, &raters, &classes)?;
    println!("four raters: {:.0} voxels of nodule on average", mean_nodule(&all));

    // The fourth did not draw this case: leave that map out. An empty map would be a vote for background.
    let three: Array4<f32> = multirater::average(&svls, &raters[..3], &classes)?;
    println!("three raters: {:.0}", mean_nodule(&three));
    let empty = masks.index_axis(Axis(0), 3).mapv(|_| 0);
    let wrong = [&raters[..3], &[empty.view()]].concat();
    let wrong: Array4<f32> = multirater::average(&svls, &wrong, &classes)?;
    println!(
        "three raters and an empty map: {:.0}, which is wrong",
        mean_nodule(&wrong)
    );

    // The fourth saw the first six slices only: mark the others with the ignore value.
    let mut partial = masks.index_axis(Axis(0), 3).to_owned();
    partial.slice_mut(s![6.., .., ..]).fill(255);
    let some = [&raters[..3], &[partial.view()]].concat();
    let soft: Array4<f32> = multirater::average(&svls, &some, &classes)?;
    println!("three raters and a part of the fourth: {:.0}", mean_nodule(&soft));
    let valid = multirater::valid_mask(&some, &classes)?;
    println!(
        "{} of {} voxels were labelled by somebody",
        valid.iter().filter(|&&v| v).count(),
        valid.len()
    );

    // A senior reader counts twice. Weights are divided by their sum.
    let weighted: Array4<f32> = multirater::weighted_average(&svls, &some, &[2.0, 1.0, 1.0, 1.0], &classes)?;
    println!("the first counts twice: {:.0}", mean_nodule(&weighted));
    let disagreement = multirater::disagreement(&some, &classes)?;
    let divided = disagreement.minority.iter().filter(|&&share| share > 0.0).count();
    println!("the raters disagree in {divided} voxels");
    Ok(())
}

//! The Rust side of `metrics.py`: times losses and metrics on the arrays in a folder.
//!
//! `metrics FOLDER REPEATS` prints for each its name, the median seconds and the values found.

use std::error::Error;
use std::time::Instant;

use ndarray::{Array3, Array4};
use ndarray_npy::read_npy;
use soft_labels::Classes;
use soft_labels::loss::SoftCrossEntropy;
use soft_labels::metrics::{Confusion, EmptyRegion, Region, Reliability, Scope, Surfaces, Tace};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, repeats] = arguments.as_slice() else {
        return Err("usage: metrics FOLDER REPEATS".into());
    };
    let repeats = repeats.parse::<usize>()?.max(1);
    let labels: Array3<u8> = read_npy(format!("{folder}/labels.npy"))?;
    let prediction: Array3<u8> = read_npy(format!("{folder}/pred.npy"))?;
    let logits: Array4<f32> = read_npy(format!("{folder}/logits.npy"))?;
    let probabilities: Array4<f32> = read_npy(format!("{folder}/probs.npy"))?;
    let targets: Array4<f32> = read_npy(format!("{folder}/targets.npy"))?;
    let classes = Classes::contiguous(logits.dim().0)?;
    let foreground = || (1..classes.len()).map(Region::class);
    let mut gradient = logits.clone();

    time("read", repeats, || Ok(vec![f64::from(probabilities.sum())]))?;
    time("softce", repeats, || {
        let loss = SoftCrossEntropy::of_map();
        Ok(vec![loss.value_and_gradient_into(&logits, &targets, &mut gradient)?])
    })?;
    time("dice", repeats, || {
        let confusion = Confusion::count(&prediction, &labels, &classes)?;
        Ok(foreground()
            .map(|class| confusion.dice(&class, EmptyRegion::One))
            .collect())
    })?;
    time("ece", repeats, || {
        let mut bins = Reliability::new(15)?;
        bins.add(&probabilities, &labels, &classes, Scope::All)?;
        Ok(vec![bins.ece()])
    })?;
    time("tace", repeats, || {
        Ok(vec![Tace::svls_paper().evaluate(&probabilities, &labels, &classes)?])
    })?;
    time("surface", repeats, || {
        foreground()
            .map(|class| {
                let (predicted, referred) = (class.mask(&prediction, &classes)?, class.mask(&labels, &classes)?);
                Surfaces::new(&predicted, &referred, &[1.0; 3])?.dice(2.0)
            })
            .collect()
    })?;
    Ok(())
}

fn time(
    name: &str,
    repeats: usize,
    mut work: impl FnMut() -> soft_labels::Result<Vec<f64>>,
) -> Result<(), Box<dyn Error>> {
    let mut values = work()?;
    let mut times = Vec::new();
    for _ in 0..repeats {
        let start = Instant::now();
        values = work()?;
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    let values: Vec<_> = values.iter().map(f64::to_string).collect();
    println!("{name} {} {}", times[repeats / 2], values.join(" "));
    Ok(())
}

//! How do I choose the encoding in a configuration file?
//!
//! ```sh
//! cargo run --features serde --example encoding_from_json
//! cargo run --features serde --example encoding_from_json -- my_config.json
//! ```

use std::error::Error;
use std::fs;

use ndarray::{Array4, Axis};
use ndarray_npy::read_npy;
use soft_labels::{Classes, Encoding, SoftEncoder};

/// The part of a training configuration that says how targets are made.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Targets {
    classes: Classes,
    #[serde(default)]
    encoding: Encoding, // the paper's SVLS, if the file has none
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).unwrap_or("examples/data/config.json".into());
    let Targets { classes, encoding } = serde_json::from_str(&fs::read_to_string(&path)?)?;
    println!(
        "{path}: {} classes, {}",
        classes.len(),
        serde_json::to_string(&encoding)?
    );

    // `Encoding` is an encoder as any other, in 2D and in 3D.
    let raters: Array4<u8> = read_npy("examples/data/lidc_0001_4raters_native.npy")?;
    let soft: Array4<f32> = encoding.encode(&raters.index_axis(Axis(0), 0), &classes)?;
    let uncertain = soft
        .index_axis(Axis(0), 0)
        .iter()
        .filter(|&&p| p != 0.0 && p != 1.0)
        .count();
    println!(
        "{uncertain} of {} voxels have more than one class",
        soft.len() / classes.len()
    );

    // Each method that a file may name, and what a mistake looks like.
    for text in [
        r#"{"method": "one_hot"}"#,
        r#"{"method": "label_smoothing", "alpha": 0.1}"#,
        r#"{"method": "label_smoothing_over_others", "alpha": 0.1}"#,
        r#"{"method": "svls"}"#,
        r#"{"method": "svls", "sigma": 1.5, "radius": [1, 2, 2], "strength": 0.5}"#,
        r#"{"method": "svls", "sigma": 1.5, "truncate": 3}"#,
        r#"{"method": "svls", "sigma": -1.5}"#,
        r#"{"method": "svls", "radius": 2, "truncate": 3}"#,
        r#"{"method": "svls", "alpha": 0.1}"#,
        r#"{"method": "label_smoothing", "alpha": 2}"#,
    ] {
        match serde_json::from_str::<Encoding>(text) {
            Ok(_) => println!("ok     {text}"),
            Err(error) => println!("wrong  {text}\n       {error}"),
        }
    }
    Ok(())
}

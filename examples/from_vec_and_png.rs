//! How do I get soft labels of a `Vec<u8>` or of my own PNG masks?
//!
//! ```sh
//! cargo run --example from_vec_and_png
//! cargo run --example from_vec_and_png -- my_mask.png
//! ```

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::process::ExitCode;

use ndarray::{Array2, Array3, ArrayView2};
use soft_labels::{Classes, SoftEncoder, Svls};

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let path = std::env::args().nth(1).unwrap_or("examples/data/street.png".into());
    match from_vec().and_then(|()| from_png(&path)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{path}: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Pixels of a decoder come row by row: the shape is (H, W).
fn from_vec() -> Result<(), Failure> {
    let pixels: Vec<u8> = vec![0, 0, 1, 1, 0, 0, 1, 1];
    let labels = ArrayView2::from_shape((2, 4), &pixels)?; // no copy
    let soft: Array3<f32> = Svls::default().encode(&labels, &Classes::contiguous(2)?)?;
    println!(
        "Vec<u8> of shape (2, 4): class 1 of the first row is {:.2?}",
        soft.row_of(1, 0)
    );
    Ok(())
}

fn from_png(path: &str) -> Result<(), Failure> {
    let labels = read(path)?;
    let mut counts = BTreeMap::<u16, usize>::new();
    labels.iter().for_each(|label| *counts.entry(*label).or_default() += 1);
    println!("{path}: {:?}, pixels of each value: {counts:?}", labels.shape());
    if counts.len() > 32 {
        println!("These are many values. Was the mask resized? Labels have to be resized by nearest neighbour.");
    }
    // 255 mostly marks pixels that nobody labelled. Beside one other value it is the foreground of a black and white mask.
    let ignore = counts.len() > 2 && counts.contains_key(&255);
    let values = counts.keys().copied().filter(|&value| !(ignore && value == 255));
    let mut classes = Classes::from_values(values)?;
    if ignore {
        println!("255 is taken as not labelled.");
        classes = classes.with_ignore(255)?;
    }

    let soft: Array3<f32> = Svls::default().encode(&labels, &classes)?;
    let first = soft.row_of(0, labels.nrows() / 2);
    println!(
        "soft labels {:?}, class axis: values {:?}",
        soft.shape(),
        classes.values()
    );
    println!("class 0 along the middle row: {:.2?} ..", &first[..first.len().min(12)]);
    Ok(())
}

/// Grey levels or palette indices, as they are in the file.
fn read(path: &str) -> Result<Array2<u16>, Failure> {
    let mut decoder = png::Decoder::new(BufReader::new(File::open(path)?));
    decoder.set_transformations(png::Transformations::IDENTITY);
    let mut reader = decoder.read_info()?;
    let (color, depth) = reader.output_color_type();
    if !matches!(color, png::ColorType::Grayscale | png::ColorType::Indexed) {
        return Err(
            format!("its pixels are {color:?}; save the mask with one label a pixel, as grey or palette").into(),
        );
    }
    let mut bytes = vec![0; reader.output_buffer_size().ok_or("the picture is too large")?];
    let info = reader.next_frame(&mut bytes)?;
    let (height, width) = (info.height as usize, info.width as usize);
    let bits = depth as usize;
    Ok(Array2::from_shape_fn((height, width), |(y, x)| {
        let row = &bytes[y * info.line_size..];
        if bits == 16 {
            u16::from_be_bytes([row[2 * x], row[2 * x + 1]])
        } else {
            // A byte holds one to eight pixels, the leftmost in its highest bits.
            let place = x * bits % 8;
            u16::from(row[x * bits / 8] << place >> (8 - bits))
        }
    }))
}

trait RowOf {
    fn row_of(&self, class: usize, row: usize) -> Vec<f32>;
}

impl RowOf for Array3<f32> {
    fn row_of(&self, class: usize, row: usize) -> Vec<f32> {
        self.slice(ndarray::s![class, row, ..]).to_vec()
    }
}

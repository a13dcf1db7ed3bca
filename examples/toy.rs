//! The figures of Islam & Glocker 2021 (arXiv 2104.05788) on toy label maps, as text.
//!
//! Run it with `cargo run --example toy`.

use ndarray::{Array2, Array3, ArrayRef, ArrayView1, ArrayView2, Axis, Dimension, arr2, array, aview1, s};
use soft_labels::{Classes, LabelSmoothing, OneHot, Result, SoftEncoder, Svls, SvlsKernel, multirater};

fn main() -> Result<()> {
    soft_label_map()?;
    weights()?;
    two_structures()?;
    several_raters()?;
    isolated_pixel()
}

/// Figure 1(a).
fn soft_label_map() -> Result<()> {
    println!("Figure 1(a): SVLS is certain inside a structure (1 and . are exact) and unsure along its boundary.\n");
    let labels = array![
        [0_u8, 0, 0, 0, 0, 0],
        [0, 1, 1, 1, 0, 0],
        [0, 1, 1, 1, 2, 2],
        [0, 1, 1, 1, 2, 2],
        [0, 0, 0, 2, 2, 2],
        [0, 0, 0, 2, 2, 2],
    ];
    let soft: Array3<f64> = Svls::default().encode(&labels, &Classes::contiguous(3)?)?;
    print_beside(&[
        block("label map", &labels, u8::to_string),
        block("SVLS, class 0", &soft.index_axis(Axis(0), 0), probability),
        block("class 1", &soft.index_axis(Axis(0), 1), probability),
        block("class 2", &soft.index_axis(Axis(0), 2), probability),
    ]);
    Ok(())
}

/// Figure 2(a).
fn weights() -> Result<()> {
    println!("Figure 2(a): the centre weighs 1, as much as all its neighbours together.\n");
    let kernel = SvlsKernel::default();
    let (square, cube) = (kernel.weights(2)?, kernel.weights(3)?);
    let weight = |w: &f64| format!("{w:.8}");
    print_beside(&[block("2D", &square, weight)]);
    print_beside(&[
        block("3D, slice above", &cube.index_axis(Axis(0), 0), weight),
        block("slice of the centre", &cube.index_axis(Axis(0), 1), weight),
        block("slice below", &cube.index_axis(Axis(0), 2), weight),
    ]);
    Ok(())
}

/// Figure 2(b).
fn two_structures() -> Result<()> {
    println!("Figure 2(b): at the centre one-hot and LS see no difference between structures A and B, SVLS does.\n");
    let a = array![[0_u8, 0, 0], [1, 1, 1], [1, 1, 1]];
    let b = array![[0_u8, 0, 2], [0, 1, 2], [1, 1, 2]];
    let (ls, svls) = (LabelSmoothing::new(0.1)?, Svls::default());
    let encodings = |map| -> Result<Array2<f64>> {
        let (one_hot, ls) = (at_centre::<3>(&OneHot, &[map])?, at_centre(&ls, &[map])?);
        Ok(arr2(&[one_hot, ls, at_centre(&svls, &[map])?]))
    };
    print_beside(&[
        block("A", &a, u8::to_string),
        block("B", &b, u8::to_string),
        names(&["one-hot", "LS, α = 0.1", "SVLS"]),
        block("A: classes 0, 1, 2", &encodings(a.view())?, probability),
        block("B: classes 0, 1, 2", &encodings(b.view())?, probability),
    ]);
    Ok(())
}

/// Figure 3.
fn several_raters() -> Result<()> {
    println!(
        "Figure 3: nobody marks the centre as class 3, so mOH rules it out; one rater saw it beside, so mSVLS does not.\n"
    );
    let first = array![[0_u8, 0, 1], [0, 1, 1], [1, 1, 1]];
    let second = array![[0_u8, 0, 2], [0, 1, 2], [1, 1, 2]];
    let third = array![[0_u8, 2, 3], [2, 2, 3], [2, 2, 3]];
    let raters = [first.view(), second.view(), third.view()];
    let means = [at_centre::<4>(&OneHot, &raters)?, at_centre(&Svls::default(), &raters)?];
    print_beside(&[
        block("rater 1", &first, u8::to_string),
        block("rater 2", &second, u8::to_string),
        block("rater 3", &third, u8::to_string),
        names(&["mOH", "mSVLS"]),
        block("classes 0, 1, 2, 3", &arr2(&means), probability),
    ]);
    Ok(())
}

/// The least certain that SVLS can be of the annotated class.
fn isolated_pixel() -> Result<()> {
    println!(
        "The isolated pixel: all neighbours differ, and the annotated class still ties at one half; it never loses.\n"
    );
    let labels = array![[0_u8, 0, 0], [0, 1, 0], [0, 0, 0]];
    let soft: Array3<f64> = Svls::default().encode(&labels, &Classes::contiguous(2)?)?;
    print_beside(&[
        block("label map", &labels, u8::to_string),
        block("SVLS, class 0", &soft.index_axis(Axis(0), 0), probability),
        block("class 1", &soft.index_axis(Axis(0), 1), probability),
        block("centre, unrounded", &soft.slice(s![.., 1, 1..2]), f64::to_string),
    ]);
    Ok(())
}

/// The probabilities of `N` classes at the centre of 3 x 3 label maps, averaged over their raters.
fn at_centre<const N: usize>(encoder: &impl SoftEncoder, raters: &[ArrayView2<'_, u8>]) -> Result<[f64; N]> {
    let soft: Array3<f64> = multirater::average(encoder, raters, &Classes::contiguous(N)?)?;
    Ok(std::array::from_fn(|class| soft[[class, 1, 1]]))
}

/// Two digits, but for what is exactly 1 or 0.
fn probability(p: &f64) -> String {
    match *p {
        0.0 => ".".to_string(),
        1.0 => "1".to_string(),
        p => format!("{p:.2}"),
    }
}

/// Lines of text of the same width: a title and the rows of a table.
fn block<T, D: Dimension>(title: &str, table: &ArrayRef<T, D>, cell: impl Fn(&T) -> String) -> Vec<String> {
    let cells = table.map(cell);
    let widest = cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
    let row =
        |cells: ArrayView1<'_, String>| -> String { cells.iter().map(|cell| format!("{cell:<widest$} ")).collect() };
    let lines: Vec<String> = [title.to_string()]
        .into_iter()
        .chain(cells.rows().into_iter().map(row))
        .collect();
    let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    lines.iter().map(|line| format!("{line:<width$}")).collect()
}

/// A column of names beside the rows of a table.
fn names(names: &[&str]) -> Vec<String> {
    block("", &aview1(names).insert_axis(Axis(1)), ToString::to_string)
}

/// Prints blocks from left to right.
fn print_beside(blocks: &[Vec<String>]) {
    for line in 0..blocks.iter().map(Vec::len).max().unwrap_or(0) {
        let parts = blocks.iter().map(|block| match block.get(line) {
            Some(line) => line.clone(),
            None => " ".repeat(block[0].chars().count()),
        });
        println!("  {}", parts.collect::<Vec<_>>().join("   ").trim_end());
    }
    println!();
}

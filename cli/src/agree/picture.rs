//! Matrices of raters by raters as a picture.

use std::io::Write;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use soft_labels_files::Place;

use super::report::{Of, Report};
use crate::command::{Failure, of_file};

/// Pixels of a cell, around a matrix, and above it.
const CELL: u32 = 64;
const AROUND: u32 = 24;
const ABOVE: u32 = 44;
/// Pixels of a letter.
const LETTER: u32 = 8;
/// Longer names are cut.
const LONGEST: usize = 24;
/// The colour of full agreement.
const FULL: [u8; 3] = [27, 98, 168];

/// Draws a row for each structure: the mean Dice of each pair of raters, and beside it the mean surface Dice.
pub(crate) fn draw(place: &Place<'_>, report: &Report<'_>) -> Result<(), Failure> {
    let names: Vec<String> = report.raters.iter().map(|name| short(name)).collect();
    let letters = names.iter().map(|name| name.chars().count()).max().unwrap_or(0) as u32;
    let (left, side) = (LETTER * letters + AROUND, CELL * names.len() as u32);
    let (width, height) = (left + side + AROUND, ABOVE + side + 2 * AROUND);
    let structures: Vec<_> = report.structures().collect();
    let size = (2 * width, height * structures.len() as u32);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&WHITE)?;
        for (row, &(structure, name)) in structures.iter().enumerate() {
            for (column, (of, metric)) in [(Of::Dice, "Dice"), (Of::SurfaceDice, "surface Dice")]
                .into_iter()
                .enumerate()
            {
                let at = (column as u32 * width, row as u32 * height);
                let title = format!("{}, {metric}", short(name));
                let value = |pair: [usize; 2]| report.pair(structure, of, pair).averaged.mean;
                matrix(&area, (at.0 + left, at.1 + ABOVE), &title, &names, value)?;
            }
        }
        area.present()?;
    }
    place.file(|file| of_file(place.path(), file.write_all(svg.as_bytes()).map_err(Failure::from)))
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// `at` is the corner of the first cell.
fn matrix(
    area: &Area<'_>,
    (x, y): (u32, u32),
    title: &str,
    names: &[String],
    value: impl Fn([usize; 2]) -> f64,
) -> Result<(), Failure> {
    let at = |x: u32, y: u32| {
        (
            i32::try_from(x).unwrap_or(i32::MAX),
            i32::try_from(y).unwrap_or(i32::MAX),
        )
    };
    let font = |size: i32, colour: RGBColor| ("sans-serif", size).into_font().color(&colour);
    let anchored = |style: TextStyle<'static>, h: HPos| style.pos(Pos::new(h, VPos::Center));
    area.draw(&Text::new(
        title.to_owned(),
        at(x, y - ABOVE / 2),
        anchored(font(16, BLACK), HPos::Left),
    ))?;
    for (row, name) in names.iter().enumerate() {
        let top = y + CELL * row as u32;
        let right = anchored(font(14, BLACK), HPos::Right);
        area.draw(&Text::new(name.clone(), at(x - LETTER, top + CELL / 2), right))?;
        // There is less room below a column than beside a row.
        let below = at(
            x + CELL * row as u32 + CELL / 2,
            y + CELL * names.len() as u32 + LETTER + 4,
        );
        area.draw(&Text::new(cut(name, 7), below, anchored(font(12, BLACK), HPos::Center)))?;
        for column in 0..names.len() {
            let left = x + CELL * column as u32;
            let corners = [at(left, top), at(left + CELL, top + CELL)];
            if row == column {
                area.draw(&Rectangle::new(corners, RGBColor(235, 235, 235).filled()))?;
                continue;
            }
            let value = value([row.min(column), row.max(column)]);
            area.draw(&Rectangle::new(corners, colour(value).filled()))?;
            let ink = if value > 0.55 { WHITE } else { BLACK };
            let middle = at(left + CELL / 2, top + CELL / 2);
            let text = if value.is_nan() {
                "-".to_owned()
            } else {
                format!("{value:.3}")
            };
            area.draw(&Text::new(text, middle, anchored(font(16, ink), HPos::Center)))?;
        }
    }
    Ok(())
}

/// From white for 0 to full for 1.
fn colour(value: f64) -> RGBColor {
    let value = if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within 0 and 255"
    )]
    let [red, green, blue] = FULL.map(|full| (255.0 - value * (255.0 - f64::from(full))).round() as u8);
    RGBColor(red, green, blue)
}

fn short(name: &str) -> String {
    cut(name, LONGEST)
}

fn cut(name: &str, longest: usize) -> String {
    if name.chars().count() <= longest {
        return name.to_owned();
    }
    name.chars().take(longest - 1).chain(['…']).collect()
}

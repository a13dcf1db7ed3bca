//! Rows of panels of the same size, with colour bars and legends.

use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::Rectangle;
use embedded_graphics::text::Alignment;
use ndarray::{Array2, ArrayRef2};

use crate::canvas::{Canvas, magma};

const MARGIN: u32 = 24;
const GAP: u32 = 20;
const TITLE: u32 = 28;
const BAR: u32 = 140;

/// A range of values and their colours.
#[derive(Debug, Clone)]
pub struct Scale {
    /// What stands above its bar.
    pub title: String,
    /// The value of the darkest colour.
    pub low: f64,
    /// The value of the lightest colour.
    pub high: f64,
}

impl Scale {
    /// The colour of a value.
    pub fn color(&self, value: f64) -> Rgb888 {
        magma((value - self.low) / (self.high - self.low))
    }

    /// The colour of each of (H, W) values.
    pub fn colors(&self, values: &ArrayRef2<f64>) -> Array2<Rgb888> {
        values.map(|&value| self.color(value))
    }
}

/// What stands in one place of a row.
#[derive(Debug)]
pub enum Item<'a> {
    /// A title, and the colours of (H, W) voxels.
    Panel(String, Array2<Rgb888>),
    /// Colours and what they mean.
    Legend(Vec<(Rgb888, String)>),
    /// The colours of values.
    Bar(&'a Scale),
}

/// Paints rows of items, whose panels show `shape` voxels of `side` pixels.
pub fn paint(rows: &[Vec<Item<'_>>], shape: (usize, usize), side: u32) -> Canvas {
    paint_voxels(rows, shape, Size::new_equal(side))
}

/// The same with voxels of this width and height in pixels.
pub fn paint_voxels(rows: &[Vec<Item<'_>>], shape: (usize, usize), voxel: Size) -> Canvas {
    let panel = Size::new(shape.1 as u32 * voxel.width, shape.0 as u32 * voxel.height);
    let width = |item: &Item<'_>| match item {
        Item::Bar(_) => BAR,
        Item::Panel(..) | Item::Legend(_) => panel.width,
    };
    let widest = rows
        .iter()
        .map(|row| row.iter().map(|item| width(item) + GAP).sum::<u32>())
        .max();
    let height = rows.len() as u32 * (TITLE + panel.height + GAP);
    let mut canvas = Canvas::new(Size::new(widest.unwrap_or(0), height) + Size::new_equal(2 * MARGIN - GAP));
    let mut at = Point::new(MARGIN as i32, (MARGIN + TITLE) as i32);
    for row in rows {
        for item in row {
            item.paint(&mut canvas, Rectangle::new(at, panel), voxel);
            at.x += (width(item) + GAP) as i32;
        }
        at = Point::new(MARGIN as i32, at.y + (TITLE + panel.height + GAP) as i32);
    }
    canvas
}

impl Item<'_> {
    fn paint(&self, canvas: &mut Canvas, area: Rectangle, voxel: Size) {
        let above = area.top_left - Point::new(0, TITLE as i32);
        match self {
            Self::Panel(title, colors) => {
                canvas.text(
                    title,
                    above + Point::new(area.size.width as i32 / 2, 0),
                    Alignment::Center,
                );
                canvas.rectangles(area.top_left, voxel, colors);
            }
            Self::Legend(entries) => {
                // As many as there is room for.
                for (y, (color, name)) in (0..area.size.height as i32 - 20).step_by(30).zip(entries) {
                    let at = area.top_left + Point::new(0, y);
                    let swatch = Rectangle::new(at, Size::new_equal(20));
                    canvas.fill(swatch, *color);
                    canvas.frame(swatch);
                    canvas.text(name, at + Point::new(32, 0), Alignment::Left);
                }
            }
            Self::Bar(scale) => {
                canvas.text(&scale.title, above, Alignment::Left);
                let height = area.size.height as i32;
                for y in 0..height {
                    let up = 1.0 - f64::from(y) / f64::from(height - 1);
                    let line = Rectangle::new(area.top_left + Point::new(0, y), Size::new(20, 1));
                    canvas.fill(line, scale.color(scale.low + up * (scale.high - scale.low)));
                }
                canvas.frame(Rectangle::new(area.top_left, Size::new(20, area.size.height)));
                for (up, y) in [(1.0, 0), (0.5, height / 2 - 10), (0.0, height - 20)] {
                    let value = format!("{:.2}", scale.low + up * (scale.high - scale.low));
                    canvas.text(&value, area.top_left + Point::new(30, y), Alignment::Left);
                }
            }
        }
    }
}

//! Ten seconds of what soft labels are: a label map, and its classes mixed as SVLS mixes them.

use embedded_graphics::prelude::*;
use embedded_graphics::primitives::{Line, PrimitiveStyle, Rectangle, StyledDrawable, Triangle};
use embedded_graphics::text::Alignment;
use ndarray::{Array2, Array3, Axis};
use soft_labels::{Classes, OneHot, Result, SoftEncoder, Svls};
use soft_labels_draw::canvas::{Canvas, INK};
use soft_labels_draw::scene::{class_color, mixed};

const SIDE: i32 = 20;
/// The row whose probabilities are drawn below the label map.
const ROW: usize = 9;

const MAP: [&str; 16] = [
    "................",
    "................",
    ".....1111.......",
    "...11111111.....",
    "...111111111....",
    "..11111111112...",
    "..111111111222..",
    "..111111112222..",
    "..111111122222..",
    "..111111222222..",
    "...1111222222...",
    "....112222222...",
    "......22222.....",
    "................",
    "................",
    "................",
];

pub(crate) fn toy() -> Result<Canvas> {
    let labels = Array2::from_shape_fn((16, 16), |(y, x)| match MAP[y].as_bytes()[x] {
        b'1' => 1_u8,
        b'2' => 2,
        _ => 0,
    });
    let classes = Classes::contiguous(3)?;
    let mut canvas = Canvas::new(Size::new(824, 532));
    panel(&mut canvas, 40, "label map", &OneHot.encode(&labels, &classes)?);
    panel(
        &mut canvas,
        464,
        "soft labels",
        &Svls::default().encode(&labels, &classes)?,
    );
    canvas.text(
        "class probabilities along the marked row",
        Point::new(412, 488),
        Alignment::Center,
    );
    canvas.text("SVLS", Point::new(412, 184), Alignment::Center);
    let [tail, neck, head] = [382, 428, 442].map(|x| Point::new(x, 218));
    let Ok(()) = Line::new(tail, neck).draw_styled(&PrimitiveStyle::with_stroke(INK, 3), &mut canvas);
    let barbs = [Point::new(0, 9), Point::new(0, -9)].map(|barb| neck + barb);
    let Ok(()) = Triangle::new(barbs[0], barbs[1], head).draw_styled(&PrimitiveStyle::with_fill(INK), &mut canvas);
    Ok(canvas)
}

/// Soft labels as mixed colours, and below them the probabilities along one row as stacked bars.
fn panel(canvas: &mut Canvas, x: i32, title: &str, soft: &Array3<f64>) {
    let (top, bars, height) = (58, 398, 80);
    canvas.text(title, Point::new(x + 8 * SIDE, 24), Alignment::Center);
    canvas.squares(Point::new(x, top), SIDE as u32, &mixed(soft));
    let row = soft.index_axis(Axis(1), ROW);
    for (column, p) in (0..).zip(row.axis_iter(Axis(1))) {
        let mut bottom = f64::from(bars + height);
        for (class, p) in p.iter().enumerate() {
            let upper = bottom - p * f64::from(height);
            let corners = [(x + column * SIDE, upper), (x + column * SIDE + SIDE - 1, bottom - 1.0)];
            let [from, to] = corners.map(|(x, y)| Point::new(x, y.round() as i32));
            if from.y <= to.y {
                canvas.fill(Rectangle::with_corners(from, to), class_color(class));
            }
            bottom = upper;
        }
    }
    canvas.frame(Rectangle::new(
        Point::new(x, bars),
        Size::new(16 * SIDE as u32, height as u32),
    ));
    // A mark beside the row, on the side that is away from the arrow.
    let middle = top + ROW as i32 * SIDE + SIDE / 2;
    let (base, tip) = if x < 400 {
        (x - 15, x - 6)
    } else {
        (x + 16 * SIDE + 14, x + 16 * SIDE + 5)
    };
    let [a, b, c] = [(base, middle - 6), (base, middle + 6), (tip, middle)].map(|(x, y)| Point::new(x, y));
    let Ok(()) = Triangle::new(a, b, c).draw_styled(&PrimitiveStyle::with_fill(INK), canvas);
}

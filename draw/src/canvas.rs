//! What the figures are painted on: an RGB image, with text, filled squares and a colour map.

use std::convert::Infallible;

use embedded_graphics::mono_font::{MonoTextStyle, iso_8859_7::FONT_10X20};
pub use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::pixelcolor::raw::RawU24;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::{PrimitiveStyle, Rectangle, StyledDrawable};
use embedded_graphics::text::{Alignment, Baseline, Text, TextStyleBuilder};
use ndarray::{Array2, ArrayRef2};

/// The colour of text and lines.
pub const INK: Rgb888 = Rgb888::new(36, 41, 47);
const PAPER: Rgb888 = Rgb888::new(255, 255, 255);
const EDGE: Rgb888 = Rgb888::new(140, 149, 159);

/// An RGB image, (H, W).
#[derive(Debug)]
pub struct Canvas {
    pixels: Array2<Rgb888>,
}

/// A pixel for each voxel.
impl From<Array2<Rgb888>> for Canvas {
    fn from(pixels: Array2<Rgb888>) -> Self {
        Self { pixels }
    }
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        let (height, width) = self.pixels.dim();
        Size::new(width as u32, height as u32)
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(at, color) in pixels {
            // What is painted beside the paper is lost; a negative index is beyond any length.
            if let Some(pixel) = self.pixels.get_mut((at.y as usize, at.x as usize)) {
                *pixel = color;
            }
        }
        Ok(())
    }
}

impl Canvas {
    /// A white image.
    pub fn new(size: Size) -> Self {
        let pixels = Array2::from_elem((size.height as usize, size.width as usize), PAPER);
        Self { pixels }
    }

    /// Text whose first line has its upper left corner or the middle of its upper edge at `at`.
    pub fn text(&mut self, text: &str, at: Point, alignment: Alignment) {
        let layout = TextStyleBuilder::new()
            .alignment(alignment)
            .baseline(Baseline::Top)
            .build();
        let Ok(_) = Text::with_text_style(text, at, MonoTextStyle::new(&FONT_10X20, INK), layout).draw(self);
    }

    /// Paints an area.
    pub fn fill(&mut self, area: Rectangle, color: Rgb888) {
        let Ok(()) = area.draw_styled(&PrimitiveStyle::with_fill(color), self);
    }

    /// A thin line around an area.
    pub fn frame(&mut self, area: Rectangle) {
        let Ok(()) = area.offset(1).draw_styled(&PrimitiveStyle::with_stroke(EDGE, 1), self);
    }

    /// A square of `side` pixels for each voxel.
    pub fn squares(&mut self, at: Point, side: u32, colors: &ArrayRef2<Rgb888>) {
        self.rectangles(at, Size::new_equal(side), colors);
    }

    /// A rectangle of this size for each voxel.
    pub fn rectangles(&mut self, at: Point, voxel: Size, colors: &ArrayRef2<Rgb888>) {
        for ((y, x), &color) in colors.indexed_iter() {
            let corner = at + Point::new(x as i32 * voxel.width as i32, y as i32 * voxel.height as i32);
            self.fill(Rectangle::new(corner, voxel), color);
        }
        let (height, width) = colors.dim();
        let all = Size::new(width as u32 * voxel.width, height as u32 * voxel.height);
        self.frame(Rectangle::new(at, all));
    }

    /// The image as a PNG file.
    ///
    /// # Errors
    ///
    /// If it is empty or too large for PNG.
    pub fn png(&self) -> Result<Vec<u8>, png::EncodingError> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, self.size().width, self.size().height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_compression(png::Compression::High);
        let bytes: Vec<u8> = self.pixels.iter().flat_map(|&color| rgb(color)).collect();
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&bytes)?;
        writer.finish()?;
        Ok(file)
    }
}

/// Red, green and blue.
pub fn rgb(color: Rgb888) -> [u8; 3] {
    [color.r(), color.g(), color.b()]
}

/// The colour map "magma" of Smith & van der Walt, perceptually uniform, at a value between 0 and 1.
pub fn magma(value: f64) -> Rgb888 {
    const STOPS: [u32; 9] = [
        0x000004, 0x1c1044, 0x4f127b, 0x812581, 0xb5367a, 0xe55964, 0xfb8761, 0xfec287, 0xfcfdbf,
    ];
    let at = value.clamp(0.0, 1.0) * 8.0;
    let below = (at as usize).min(7);
    let [low, high] = [STOPS[below], STOPS[below + 1]].map(|rgb| Rgb888::from(RawU24::new(rgb)));
    blend([(low, 1.0 - (at - below as f64)), (high, at - below as f64)])
}

/// The mean of colours with weights that sum to 1.
pub fn blend(parts: impl IntoIterator<Item = (Rgb888, f64)>) -> Rgb888 {
    let [r, g, b] = parts.into_iter().fold([0.0; 3], |[r, g, b], (color, weight)| {
        [
            r + weight * f64::from(color.r()),
            g + weight * f64::from(color.g()),
            b + weight * f64::from(color.b()),
        ]
    });
    Rgb888::new(r.round() as u8, g.round() as u8, b.round() as u8)
}

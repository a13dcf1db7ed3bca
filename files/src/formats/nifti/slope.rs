//! Values of NIfTI are stored numbers times a slope plus an offset, both of 32-bit floats.

use ndarray::ArrayD;

use crate::elements::ElementType;
use crate::labels::Labels;
use crate::numbers::Numbers;

/// The values, of which those that miss a whole number by the rounding of the slope alone are whole.
///
/// A slope that is 0 or no number is none, and then nothing is added either.
pub(super) fn scaled(numbers: Numbers, slope: f32, inter: f32) -> Numbers {
    let inter = if inter.is_finite() { inter } else { 0.0 };
    if slope == 0.0 || !slope.is_finite() || (slope, inter) == (1.0, 0.0) {
        return numbers;
    }
    if let Numbers::Labels(labels) = &numbers
        && let Some(labels) = exact(labels, slope, inter)
    {
        return Numbers::Labels(Labels::I64(labels));
    }
    let parts = slope == PART && inter == 0.0;
    let (slope, inter) = (f64::from(slope), f64::from(inter));
    let value = |stored: f64| {
        if parts {
            stored / 255.0
        } else {
            rounded(stored * slope, inter)
        }
    };
    Numbers::Floats(match numbers {
        Numbers::Labels(Labels::U8(map)) => map.mapv(|stored| value(f64::from(stored))),
        Numbers::Labels(Labels::I64(map)) => map.mapv(|stored| value(stored as f64)),
        Numbers::Floats(map) => map.mapv_into(value),
    })
}

/// The slope that probabilities in 255ths are written with.
pub(super) const PART: f32 = 1.0 / 255.0;

/// A sum of two 32-bit floats, or the whole number that it is up to their rounding.
fn rounded(product: f64, inter: f64) -> f64 {
    let value = product + inter;
    let near = f64::from(f32::EPSILON) * (product.abs() + inter.abs());
    if (value - value.round()).abs() <= near.min(1e-2) {
        value.round()
    } else {
        value
    }
}

/// Whole numbers stay so where the slope and the offset are whole.
fn exact(labels: &Labels, slope: f32, inter: f32) -> Option<ArrayD<i64>> {
    if slope.fract() != 0.0 || inter.fract() != 0.0 || slope.abs().max(inter.abs()) > 2_f32.powi(62) {
        return None;
    }
    let (slope, inter) = (slope as i128, inter as i128);
    let mut fits = true;
    let mut value = |stored: i64| {
        i64::try_from(i128::from(stored) * slope + inter).unwrap_or_else(|_| {
            fits = false;
            0
        })
    };
    let values = match labels {
        Labels::U8(map) => map.mapv(|stored| value(stored.into())),
        Labels::I64(map) => map.mapv(&mut value),
    };
    fits.then_some(values)
}

/// The type for labels that came in this one: it has to hold them when they are scaled, too.
pub(super) fn element_type(numbers: &Numbers, stored: ElementType) -> ElementType {
    let fits = |label: i64| match stored {
        ElementType::U8 => u8::try_from(label).is_ok(),
        ElementType::I8 => i8::try_from(label).is_ok(),
        ElementType::U16 => u16::try_from(label).is_ok(),
        ElementType::I16 => i16::try_from(label).is_ok(),
        ElementType::U32 => u32::try_from(label).is_ok(),
        ElementType::I32 => i32::try_from(label).is_ok(),
        ElementType::U64 => label >= 0,
        _ => true,
    };
    let fits_all = match numbers {
        Numbers::Labels(Labels::U8(_)) => true,
        Numbers::Labels(Labels::I64(map)) => map.iter().all(|&label| fits(label)),
        // They are labels if they are whole, and those of small types fit again, as far as anybody scales them.
        Numbers::Floats(map) => map.iter().all(|&value| fits(value as i64)),
    };
    if fits_all { stored } else { ElementType::I64 }
}

//! The axes of a stack of pages, which ImageJ, OME and tifffile write in the description of the first page.

use serde_json::Value;

use crate::error::Fault;
use crate::geometry::length_in_mm;

/// What the description tells.
#[derive(Debug, Default, PartialEq)]
pub(super) enum Description {
    #[default]
    Plain,
    /// Pages are slices, so many of them.
    Slices { slices: usize, spacing: Spacing },
    /// An array of this shape.
    Shape(Vec<usize>),
}

#[derive(Debug, PartialEq)]
pub(super) enum Spacing {
    /// Along depth, height and width in millimetres.
    Known([Option<f64>; 3]),
    /// Of slices in a unit of so many millimetres; of pixels by the resolution in the same unit.
    ByResolution {
        slices: Option<f64>,
        unit: f64,
    },
    Unknown,
}

impl Description {
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let text = text.trim_end_matches('\0').trim();
        if text.starts_with("ImageJ=") {
            image_j(text)
        } else if text.contains("<OME") && text.contains("<Pixels") {
            ome(text)
        } else if text.starts_with('{') {
            tifffile(text)
        } else {
            Ok(Self::Plain)
        }
    }

    /// Whether the shape of the array is told, and ends with that of a page.
    fn has(&self, page: &[usize]) -> bool {
        matches!(self, Self::Shape(shape) if shape.ends_with(page))
    }

    /// The shape of so many pages, each with this shape.
    pub(super) fn shape(&self, pages: usize, page: &[usize]) -> Result<Vec<usize>, Fault> {
        let product =
            |mut shape: std::slice::Iter<'_, usize>| shape.try_fold(1_usize, |all, &len| all.checked_mul(len));
        match self {
            Self::Slices { slices, .. } if *slices != pages => Err(Fault::content(format!(
                "has {pages} pages, but says that it has {slices} slices; save it as a plain stack, each slice a page"
            ))),
            Self::Shape(shape)
                if self.has(page)
                    && product(shape.iter()) == product(page.iter()).and_then(|page| page.checked_mul(pages)) =>
            {
                Ok(shape.clone())
            }
            _ if pages == 1 => Ok(page.to_vec()),
            _ => Ok([&[pages], page].concat()),
        }
    }

    /// The spacing along so many axes. `resolution` has pixels per unit of columns and of rows.
    pub(super) fn spacing_mm(&self, resolution: [Option<f64>; 2], axes: usize) -> Option<Vec<f64>> {
        let Self::Slices { spacing, .. } = self else {
            return None;
        };
        let positive = |step: &f64| step.is_finite() && *step > 0.0;
        let spacing = match *spacing {
            Spacing::Known(spacing) => spacing,
            Spacing::ByResolution { slices, unit } => {
                let [columns, rows] = resolution.map(|per_unit| per_unit.map(|per_unit| unit / per_unit));
                [slices.map(|step| step * unit), rows, columns]
            }
            Spacing::Unknown => return None,
        };
        let spacing = spacing.get(3_usize.checked_sub(axes)?..)?.iter().copied();
        spacing.map(|step| step.filter(positive)).collect()
    }
}

/// Lines of names and values.
fn image_j(text: &str) -> Result<Description, Fault> {
    let value = |name: &str| {
        let lines = text.lines().filter_map(|line| line.split_once('='));
        let mut found = lines
            .filter(|(key, _)| key.trim() == name)
            .map(|(_, value)| value.trim());
        found.next()
    };
    let count = |name: &str| value(name).and_then(|count| count.parse::<usize>().ok());
    check_one("ImageJ", count("channels"), count("frames"))?;
    let slices = count("images").or(count("slices")).unwrap_or(1);
    let unit = value("unit").and_then(length_in_mm);
    Ok(Description::Slices {
        slices,
        spacing: unit.map_or(Spacing::Unknown, |unit| Spacing::ByResolution {
            slices: value("spacing").and_then(|step| step.parse::<f64>().ok()).map(f64::abs),
            unit,
        }),
    })
}

/// XML, of which the attributes of one element count.
fn ome(text: &str) -> Result<Description, Fault> {
    let images = text.matches("<Pixels").count();
    if images > 1 {
        return Err(Fault::content(format!(
            "has {images} images (OME); save one of them in a file of its own"
        )));
    }
    let element = text.split_once("<Pixels").map_or("", |(_, rest)| rest);
    let element = element.split_once('>').map_or(element, |(element, _)| element);
    let value = |name: &str| {
        let mut rest = element;
        loop {
            let (before, after) = rest.split_once(name)?;
            let quote = after.strip_prefix("=\"").map(|value| (value, '"'));
            let quote = quote.or(after.strip_prefix("='").map(|value| (value, '\'')));
            if before.ends_with(char::is_whitespace)
                && let Some((value, quote)) = quote
            {
                return value.split(quote).next();
            }
            rest = after;
        }
    };
    let count = |name: &str| value(name).and_then(|count| count.parse::<usize>().ok());
    check_one("OME", count("SizeC"), count("SizeT"))?;
    let step = |axis: &str| {
        let step: f64 = value(&format!("PhysicalSize{axis}"))?.parse().ok()?;
        let unit = value(&format!("PhysicalSize{axis}Unit")).unwrap_or("µm");
        Some(step * length_in_mm(unit)?)
    };
    Ok(Description::Slices {
        slices: count("SizeZ").unwrap_or(1),
        spacing: Spacing::Known(["Z", "Y", "X"].map(step)),
    })
}

/// JSON with a shape, and perhaps a letter for each axis.
fn tifffile(text: &str) -> Result<Description, Fault> {
    let Ok(Value::Object(fields)) = serde_json::from_str(text) else {
        return Ok(Description::Plain);
    };
    let shape = fields.get("shape").and_then(Value::as_array);
    let shape = shape.and_then(|shape| {
        let axes = shape.iter().map(|len| usize::try_from(len.as_u64()?).ok());
        axes.collect::<Option<Vec<_>>>()
    });
    let Some(mut shape) = shape else {
        return Ok(Description::Plain);
    };
    if let Some(axes) = fields.get("axes").and_then(Value::as_str)
        && axes.chars().count() == shape.len()
    {
        let len = |letter| {
            axes.chars()
                .zip(&shape)
                .find(|(axis, _)| *axis == letter)
                .map(|(_, &len)| len)
        };
        check_one("tifffile", len('C'), len('T'))?;
        let mut letters = axes.chars();
        shape.retain(|_| !matches!(letters.next(), Some('C' | 'T')));
    }
    Ok(Description::Shape(shape))
}

/// A label map has one channel and one time.
fn check_one(who: &str, channels: Option<usize>, times: Option<usize>) -> Result<(), Fault> {
    let (channels, times) = (channels.unwrap_or(1), times.unwrap_or(1));
    let what = match (channels > 1, times > 1) {
        (false, false) => return Ok(()),
        (true, false) => format!("{channels} channels"),
        (false, true) => format!("{times} times"),
        (true, true) => format!("{channels} channels and {times} times"),
    };
    Err(Fault::content(format!(
        "has {what} ({who}), and a label map has one; save one of them in a file of its own"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_by_name() {
        let text = "ImageJ=1.11a\nimages=6\nslices=3\nframes=2\nhyperstack=true\n";
        let error = Description::parse(text).unwrap_err().in_memory();
        assert!(error.to_string().contains("2 times (ImageJ)"), "{error}");
        let text = r#"<?xml version="1.0"?><OME xmlns="x"><Image ID="Image:0"><Pixels ID="a" SizeC='3' SizeT="2" SizeZ="4"/></Image></OME>"#;
        let error = Description::parse(text).unwrap_err().in_memory();
        assert!(error.to_string().contains("3 channels and 2 times (OME)"), "{error}");
        let error = Description::parse(r#"{"shape": [2, 3, 4, 5], "axes": "CZYX"}"#)
            .unwrap_err()
            .in_memory();
        assert!(error.to_string().contains("2 channels (tifffile)"), "{error}");
        let shape = Description::parse(r#"{"shape": [1, 3, 4, 5], "axes": "TZYX"}"#).unwrap();
        assert_eq!(shape, Description::Shape(vec![3, 4, 5]));
        assert_eq!(shape.shape(3, &[4, 5]).unwrap(), [3, 4, 5]);
        assert_eq!(shape.shape(2, &[4, 5]).unwrap(), [2, 4, 5]);
    }

    #[test]
    fn spacing_by_unit() {
        let stack = Description::parse("ImageJ=1\nimages=4\nslices=4\nspacing=2.5\nunit=micron\n").unwrap();
        assert_eq!(
            stack.spacing_mm([Some(2.0), Some(4.0)], 3),
            Some(vec![2.5e-3, 0.25e-3, 0.5e-3])
        );
        assert!(stack.shape(3, &[1, 1]).is_err());
        let pixels = Description::parse("ImageJ=1\nunit=pixel\n").unwrap();
        assert_eq!(pixels.spacing_mm([Some(1.0); 2], 2), None);
        let image = r#"<OME><Image><Pixels PhysicalSizeX="0.5" PhysicalSizeXUnit="mm" PhysicalSizeY="250" SizeZ="1"></Pixels></Image></OME>"#;
        let image = Description::parse(image).unwrap();
        assert_eq!(image.spacing_mm([None; 2], 2), Some(vec![0.25, 0.5]));
        assert_eq!(image.spacing_mm([None; 2], 3), None);
    }
}

//! Label maps that are pictures: each class has a colour.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use ndarray::ArrayD;
use serde::Deserialize;
use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult};
use tiff::tags::Tag;

use crate::dataset::Entries;
use crate::error::{Fault, Result};
use crate::formats::Format;
use crate::labels::LabelMap;
use crate::limits::{check_memory, check_unpacked, guarded, open, text};
use crate::read::read_labels;

/// The colours of classes and their names. The label of a class is its place among them, from 0.
///
/// ```
/// use soft_labels_files::Palette;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("colours.csv");
/// std::fs::write(&path, "name,r,g,b\nroad,128,64,128\nsky,70,130,180\n")?;
/// let palette = Palette::read(&path)?;
/// assert_eq!(palette.names(), ["road", "sky"]);
/// assert_eq!(palette.label([70, 130, 180]), Some(1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Palette {
    names: Vec<String>,
    labels: HashMap<[u8; 3], i64>,
}

/// More colours are no classes.
const MOST: usize = 65_535;

/// An entry of JSON.
#[derive(Deserialize)]
struct Entry {
    name: String,
    r: u8,
    g: u8,
    b: u8,
}

impl Palette {
    /// Reads a palette: CSV of name, r, g and b, with or without a line of titles, or JSON, which is a list of objects with
    /// these fields or an object of `"name": [r, g, b]`.
    ///
    /// # Errors
    ///
    /// If the file is neither, has no colour, or has a name or a colour twice.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let read = || {
            let text = text(path)?;
            let text = text.trim_start_matches('\u{feff}').trim_start();
            Self::of(if text.starts_with(['[', '{']) {
                of_json(text)?
            } else {
                of_csv(text)?
            })
        };
        read().map_err(|fault: Fault| fault.at(path))
    }

    fn of(entries: Vec<(String, [u8; 3])>) -> std::result::Result<Self, Fault> {
        if entries.is_empty() || entries.len() > MOST {
            return Err(Fault::content(format!(
                "has {} colours; give 1 to {MOST}",
                entries.len()
            )));
        }
        let (mut names, mut labels) = (Vec::new(), HashMap::new());
        for (label, (name, color)) in (0_i64..).zip(entries) {
            if names.contains(&name) {
                return Err(Fault::content(format!(
                    "names {name:?} twice; give each class a name of its own"
                )));
            }
            if labels.insert(color, label).is_some() {
                return Err(Fault::content(format!(
                    "has the colour {color:?} twice; give each class a colour of its own"
                )));
            }
            names.push(name);
        }
        Ok(Self { names, labels })
    }

    /// What the classes are called, in the order of their labels.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The label of a colour: red, green and blue.
    pub fn label(&self, color: [u8; 3]) -> Option<i64> {
        self.labels.get(&color).copied()
    }

    /// Reads a label map whose pixels are colours, from PNG or TIFF of 8 bits, RGB or RGBA. What is opaque does not matter.
    /// Any other file is read as [`read_labels`] does.
    ///
    /// # Errors
    ///
    /// Those of [`read_labels`], and if a pixel has a colour that is not in the palette.
    ///
    /// ```no_run
    /// use soft_labels_files::Palette;
    ///
    /// let map = Palette::read("colours.csv")?.read_labels("street.png")?;
    /// # Ok::<(), soft_labels_files::Error>(())
    /// ```
    pub fn read_labels(&self, path: impl AsRef<Path>) -> Result<LabelMap> {
        let path = path.as_ref();
        let colors = guarded(|| match Format::of(path).map(Format::name) {
            Some("PNG") => of_png(path),
            Some("TIFF") => of_tiff(path),
            _ => Ok(None),
        });
        match colors.map_err(|fault| fault.at(path))? {
            Some(picture) => self.labels_of(&picture).map_err(|fault| fault.at(path)),
            None => read_labels(path),
        }
    }

    fn labels_of(&self, picture: &Picture) -> std::result::Result<LabelMap, Fault> {
        let [height, width] = picture.shape;
        check_memory(8 * (height as u64).saturating_mul(width as u64))?;
        let mut labels = Vec::with_capacity(height.saturating_mul(width));
        for (at, pixel) in picture.bytes.chunks_exact(picture.channels).enumerate() {
            let color = [pixel[0], pixel[1], pixel[2]];
            let label = self.label(color).ok_or_else(|| {
                let (y, x) = (at / width, at % width);
                let [r, g, b] = color;
                Fault::content(format!(
                    "has the colour {r}, {g}, {b} at pixel [{y}, {x}] (row, column), which is not in the palette; add it"
                ))
            })?;
            labels.push(label);
        }
        LabelMap::of(ArrayD::from_shape_vec(vec![height, width], labels)?)
    }
}

fn of_json(text: &str) -> std::result::Result<Vec<(String, [u8; 3])>, Fault> {
    let broken = |error: serde_json::Error| Fault::broken(error.to_string());
    if text.starts_with('[') {
        let entries: Vec<Entry> = serde_json::from_str(text).map_err(broken)?;
        return Ok(entries
            .into_iter()
            .map(|entry| (entry.name, [entry.r, entry.g, entry.b]))
            .collect());
    }
    // In the order of the file.
    let Entries(entries) = serde_json::from_str(text).map_err(broken)?;
    entries
        .into_iter()
        .map(|(name, color)| Ok((name, serde_json::from_value(color).map_err(broken)?)))
        .collect()
}

fn of_csv(text: &str) -> std::result::Result<Vec<(String, [u8; 3])>, Fault> {
    let mut entries = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        // A name may hold commas; three numbers are last.
        let mut cells = line.rsplitn(4, ',').map(|cell| cell.trim().trim_matches('"'));
        let numbers = [cells.next(), cells.next(), cells.next()].map(|cell| cell.and_then(|cell| cell.parse().ok()));
        match (cells.next(), numbers) {
            (Some(name), [Some(b), Some(g), Some(r)]) => entries.push((name.to_owned(), [r, g, b])),
            // The titles.
            _ if at == 0 => {}
            _ => {
                return Err(Fault::content(format!(
                    "has the line {line:?}; write a name and red, green and blue from 0 to 255"
                )));
            }
        }
    }
    Ok(entries)
}

/// Pixels of 3 or 4 bytes.
struct Picture {
    shape: [usize; 2],
    channels: usize,
    bytes: Vec<u8>,
}

/// Nothing if the file has no colours of 8 bits.
fn of_png(path: &Path) -> std::result::Result<Option<Picture>, Fault> {
    let file = open(path)?;
    let packed = file.metadata()?.len();
    let broken = |error: png::DecodingError| Fault::broken(format!("is no whole PNG ({error}); save it again"));
    let mut reader = png::Decoder::new(BufReader::new(file)).read_info().map_err(broken)?;
    let channels = match reader.output_color_type() {
        (png::ColorType::Rgb, png::BitDepth::Eight) => 3,
        (png::ColorType::Rgba, png::BitDepth::Eight) => 4,
        _ => return Ok(None),
    };
    let size = reader.output_buffer_size();
    check_memory(check_unpacked(size.map(|size| size as u64), packed)?)?;
    let mut bytes = vec![0; size.unwrap_or(0)];
    let info = reader.next_frame(&mut bytes).map_err(broken)?;
    Ok(Some(Picture {
        shape: [info.height as usize, info.width as usize],
        channels,
        bytes,
    }))
}

fn of_tiff(path: &Path) -> std::result::Result<Option<Picture>, Fault> {
    let broken = |error: tiff::TiffError| Fault::broken(format!("is no whole TIFF ({error}); save it again"));
    let file: File = open(path)?;
    let packed = file.metadata()?.len();
    let mut decoder = Decoder::new(BufReader::new(file)).map_err(broken)?;
    let channels = match decoder.colortype().map_err(broken)? {
        ColorType::RGB(8) => 3,
        ColorType::RGBA(8) => 4,
        _ => return Ok(None),
    };
    let planes = decoder
        .find_tag_unsigned::<u16>(Tag::PlanarConfiguration)
        .map_err(broken)?;
    if planes == Some(2) || decoder.more_images() {
        return Err(Fault::content(
            "has colours in planes or pages; save one picture with its colours side by side",
        ));
    }
    let (width, height) = decoder.dimensions().map_err(broken)?;
    let bytes = u64::from(width)
        .checked_mul(u64::from(height))
        .and_then(|pixels| pixels.checked_mul(channels));
    check_memory(check_unpacked(bytes, packed)?)?;
    let DecodingResult::U8(bytes) = decoder.read_image().map_err(broken)? else {
        return Ok(None);
    };
    Ok(Some(Picture {
        shape: [height as usize, width as usize],
        channels: channels as usize,
        bytes,
    }))
}

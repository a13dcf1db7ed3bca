//! Units of length.

/// The unit of lengths in a file. All that this crate gives is in millimetres.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unit {
    /// The file names none. Its lengths are taken as millimetres.
    Unknown,
    /// 1000 mm
    Metre,
    /// 1 mm
    Millimetre,
    /// 0.001 mm
    Micrometre,
}

impl Unit {
    pub(super) fn millimetres(self) -> f64 {
        match self {
            Self::Metre => 1e3,
            Self::Micrometre => 1e-3,
            Self::Millimetre | Self::Unknown => 1.0,
        }
    }
}

/// A length in millimetres by the name that file formats have for it.
pub(crate) fn length_in_mm(name: &str) -> Option<f64> {
    let name = name.trim().to_lowercase().replace("\\u00b5", "µ").replace('μ', "µ");
    Some(match name.as_str() {
        "m" | "meter" | "metre" | "meters" | "metres" => 1e3,
        "cm" | "centimeter" | "centimetre" => 10.0,
        "mm" | "millimeter" | "millimetre" | "millimeters" | "millimetres" => 1.0,
        "µm" | "um" | "micron" | "microns" | "micrometer" | "micrometre" | "micrometers" | "micrometres" => 1e-3,
        "nm" | "nanometer" | "nanometre" | "nanometers" | "nanometres" => 1e-6,
        "pm" | "picometer" | "picometre" => 1e-9,
        "å" | "angstrom" => 1e-7,
        "inch" | "in" => 25.4,
        _ => return None,
    })
}

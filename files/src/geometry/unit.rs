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

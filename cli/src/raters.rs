//! The label maps of a case's raters.

use std::path::Path;

use ndarray::{ArrayD, Axis};
use soft_labels_files::{Axes, ElementType, Geometry, LabelMap, Labels, Palette};

use crate::classes::read_map;
use crate::command::{Failure, of_file};
use crate::grid::{Grid, GridArgs};
use crate::memory;

/// Label maps of one element type, one of each rater.
#[derive(Debug)]
pub(crate) enum RaterMaps {
    U8(Vec<ArrayD<u8>>),
    I64(Vec<ArrayD<i64>>),
}

/// Runs the same code for whichever element type label maps have.
macro_rules! each_type {
    ($raters:expr, $maps:ident => $body:expr) => {
        match $raters {
            $crate::raters::RaterMaps::U8($maps) => $body,
            $crate::raters::RaterMaps::I64($maps) => $body,
        }
    };
}
pub(crate) use each_type;

impl From<Labels> for RaterMaps {
    fn from(labels: Labels) -> Self {
        match labels {
            Labels::U8(map) => Self::U8(vec![map]),
            Labels::I64(map) => Self::I64(vec![map]),
        }
    }
}

/// The one label of all objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Foreground {
    pub(crate) label: u8,
    /// A label that stays.
    pub(crate) ignore: Option<i128>,
}

impl RaterMaps {
    /// Every label becomes that of the foreground, but 0 and the ignored one.
    pub(crate) fn become_one(&mut self, Foreground { label, ignore }: Foreground) {
        fn each<L: Copy + Into<i128> + From<u8>>(maps: &mut [ArrayD<L>], label: u8, ignore: Option<i128>) {
            for map in maps {
                map.map_inplace(|old| {
                    let value: i128 = (*old).into();
                    if value != 0 && ignore != Some(value) {
                        *old = label.into();
                    }
                });
            }
        }
        match self {
            Self::U8(maps) => each(maps, label, ignore),
            Self::I64(maps) => each(maps, label, ignore),
        }
    }

    /// The label maps of these raters and then of more; as `i64` if their element types differ.
    pub(crate) fn join(self, more: Self) -> Result<Self, Failure> {
        Ok(match (self, more) {
            (Self::U8(mut maps), Self::U8(more)) => {
                maps.extend(more);
                Self::U8(maps)
            }
            (maps, more) => {
                let mut maps = maps.widen()?;
                maps.extend(more.widen()?);
                Self::I64(maps)
            }
        })
    }

    /// As `i64` in C order, because metrics read them many times.
    pub(crate) fn widen(self) -> Result<Vec<ArrayD<i64>>, Failure> {
        fn all<L>(maps: Vec<ArrayD<L>>, labels: impl Fn(ArrayD<L>) -> Labels) -> Result<Vec<ArrayD<i64>>, Failure> {
            let widen = |map: ArrayD<L>| {
                memory::check_voxels(map.shape(), size_of::<i64>())?;
                Ok(labels(map).into_i64())
            };
            maps.into_iter().map(widen).collect()
        }
        match self {
            Self::U8(maps) => all(maps, Labels::U8),
            Self::I64(maps) => all(maps, Labels::I64),
        }
    }

    /// The label maps of the raters along an axis.
    fn unstack(self, axis: Axis) -> Result<Self, Failure> {
        fn raters<L: Clone>(maps: &[ArrayD<L>], axis: Axis) -> Result<Vec<ArrayD<L>>, Failure> {
            for map in maps {
                memory::check_voxels(map.shape(), size_of::<L>())?;
            }
            let raters = maps.iter().flat_map(|map| map.axis_iter(axis));
            Ok(raters.map(|rater| rater.to_owned()).collect())
        }
        Ok(match self {
            Self::U8(maps) => Self::U8(raters(&maps, axis)?),
            Self::I64(maps) => Self::I64(raters(&maps, axis)?),
        })
    }

    fn shape(&self) -> &[usize] {
        each_type!(self, maps => maps.first().map_or(&[], |map| map.shape()))
    }
}

/// Reads the label maps of all raters: a file of each, or one that has them stacked.
pub(crate) fn read<'a>(
    files: impl IntoIterator<Item = &'a Path>,
    stacked: bool,
    palette: Option<&Palette>,
    grid: GridArgs,
) -> Result<Volume, Failure> {
    let mut raters: Option<Volume> = None;
    let (mut grids, mut last) = (Vec::new(), None);
    for path in files {
        let map = read_map(path, palette)?;
        grids.push(Grid {
            path,
            geometry: map.geometry.clone(),
            shape: map.labels.shape().to_vec(),
        });
        last = Some(path);
        let volume = Volume::from(map);
        let Some(before) = raters else {
            raters = Some(volume);
            continue;
        };
        raters = Some(Volume {
            labels: before.labels.join(volume.labels)?,
            ..before
        });
    }
    let volume = raters.ok_or("no rater drew it")?;
    match last {
        Some(path) if stacked => of_file(path, volume.unstack()),
        _ => grid.check(&grids).map(|()| volume),
    }
}

/// The label maps of all raters, with the geometry of the first.
#[derive(Debug)]
pub(crate) struct Volume {
    pub(crate) labels: RaterMaps,
    /// The element type in the first file.
    pub(crate) element_type: ElementType,
    pub(crate) geometry: Geometry,
}

impl From<LabelMap> for Volume {
    fn from(map: LabelMap) -> Self {
        Self {
            labels: map.labels.into(),
            element_type: map.element_type,
            geometry: map.geometry,
        }
    }
}

impl Volume {
    /// The label maps of the raters of one file: along its first axis, or along the last where x is first.
    pub(crate) fn unstack(self) -> Result<Self, Failure> {
        let shape = self.labels.shape();
        let (axis, fits, expected) = if self.geometry.axes() == Axes::Xyz {
            (3, shape.len() == 4, "(x, y, z, rater)")
        } else {
            (0, (3..=4).contains(&shape.len()), "(rater, D, H, W) or (rater, H, W)")
        };
        if !fits {
            return Err(format!(
                "has shape {shape:?}, and with --stacked-raters it has to be {expected}; leave the option out if it is of one rater"
            )
            .into());
        }
        Ok(Self {
            labels: self.labels.unstack(Axis(axis))?,
            ..self
        })
    }
}

//! The label maps of a case's raters.

use ndarray::ArrayD;
use soft_labels_files::{ElementType, Geometry, LabelMap, Labels};

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

impl RaterMaps {
    /// The label maps of these raters and then of more; as `i64` if their element types differ.
    pub(crate) fn join(self, more: Self) -> Self {
        match (self, more) {
            (Self::U8(mut maps), Self::U8(more)) => {
                maps.extend(more);
                Self::U8(maps)
            }
            (maps, more) => {
                let mut maps = maps.widen();
                maps.extend(more.widen());
                Self::I64(maps)
            }
        }
    }

    /// As `i64` in C order, because metrics read them many times.
    pub(crate) fn widen(self) -> Vec<ArrayD<i64>> {
        match self {
            Self::U8(maps) => maps.into_iter().map(|map| Labels::U8(map).into_i64()).collect(),
            Self::I64(maps) => maps.into_iter().map(|map| Labels::I64(map).into_i64()).collect(),
        }
    }

    /// The label maps of the raters along the first axis.
    pub(crate) fn unstack(self) -> Self {
        fn raters<L: Clone>(maps: &[ArrayD<L>]) -> Vec<ArrayD<L>> {
            let stacks = maps.iter().filter(|map| map.ndim() > 0);
            stacks
                .flat_map(|map| map.outer_iter())
                .map(|rater| rater.to_owned())
                .collect()
        }
        match self {
            Self::U8(maps) => Self::U8(raters(&maps)),
            Self::I64(maps) => Self::I64(raters(&maps)),
        }
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

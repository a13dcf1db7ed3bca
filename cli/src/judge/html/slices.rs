//! A slice of a structure as predicted and as it is: a pixel for each voxel.

use ndarray::{Array2, ArrayViewD, Axis, Ix2, Ix3, s};
use soft_labels::Classes;
use soft_labels::metrics::Region;
use soft_labels_draw::canvas::{Canvas, Rgb888, magma};
use soft_labels_draw::scene::class_color;
use soft_labels_files::Axes;

use crate::command::Failure;
use crate::show::rows_and_columns;

/// Maps of this size are shown whole.
const WHOLE: usize = 128;
/// The least margin around a structure, in voxels.
const MARGIN: usize = 8;
/// The most pixels along an axis.
const LARGEST: usize = 1024;
/// The longer side of a picture on the page.
const SIDE: f64 = 270.0;

pub(super) const RIGHT: Rgb888 = Rgb888::new(150, 157, 166);
/// These two can be told apart by colour-blind readers, too, and are no colours of classes.
pub(super) const MISSED: Rgb888 = Rgb888::new(230, 97, 0);
pub(super) const INVENTED: Rgb888 = Rgb888::new(93, 58, 155);
pub(super) const UNLABELLED: Rgb888 = Rgb888::new(36, 41, 47);

/// A case as it was read again, and the structure that is looked at.
#[derive(Debug)]
pub(in crate::judge) struct Seen<'a> {
    pub(in crate::judge) prediction: ArrayViewD<'a, i64>,
    pub(in crate::judge) reference: ArrayViewD<'a, i64>,
    /// (C, ..), if there are any: of the classes, or of the structure alone.
    pub(in crate::judge) probabilities: Option<ArrayViewD<'a, f64>>,
    pub(in crate::judge) classes: &'a Classes,
    pub(in crate::judge) region: &'a Region,
    pub(in crate::judge) spacing: &'a [f64],
    pub(in crate::judge) axes: Axes,
}

/// The slice with the most wrong voxels.
#[derive(Debug)]
pub(super) struct Slice {
    /// Of a volume: the name of the axis, index and number of slices.
    pub(super) place: Option<(&'static str, usize, usize)>,
    /// Voxels of the slice that were missed and that were invented.
    pub(super) missed: usize,
    pub(super) invented: usize,
    /// PNG files.
    pub(super) prediction: Vec<u8>,
    pub(super) reference: Vec<u8>,
    pub(super) error: Vec<u8>,
    pub(super) confidence: Option<Vec<u8>>,
    /// The classes in the pictures.
    pub(super) classes: Vec<usize>,
    /// Whether some voxels are ignored.
    pub(super) unlabelled: bool,
    /// Width and height on the page, in the proportion of millimetres.
    pub(super) size: [f64; 2],
    /// Whether the picture is a part of the slice.
    pub(super) part: bool,
    /// Every how many voxels are shown.
    pub(super) step: usize,
}

/// What a voxel is with regard to the structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Voxel {
    Outside,
    Right,
    Missed,
    Invented,
    Unlabelled,
}

impl Seen<'_> {
    fn voxel(&self, prediction: i64, reference: i64) -> Voxel {
        let inside = |label| {
            self.classes
                .class_of(label)
                .is_some_and(|class| self.region.contains(class))
        };
        match (inside(prediction), inside(reference)) {
            _ if self.classes.is_ignored(reference) => Voxel::Unlabelled,
            (true, true) => Voxel::Right,
            (false, true) => Voxel::Missed,
            (true, false) => Voxel::Invented,
            (false, false) => Voxel::Outside,
        }
    }

    /// The axis of slices of a volume, and those of rows and columns, as `show` draws them.
    fn axes(&self) -> (Option<usize>, Vec<usize>) {
        let dimensions = self.reference.ndim();
        let axis = if self.axes == Axes::Xyz {
            dimensions.saturating_sub(1)
        } else {
            0
        };
        (
            (dimensions == 3).then_some(axis),
            rows_and_columns(dimensions, axis, self.axes),
        )
    }

    /// What an axis of a volume is called.
    fn name(&self, axis: usize) -> &'static str {
        let names = if self.axes == Axes::Xyz {
            ["x", "y", "z"]
        } else {
            ["D", "H", "W"]
        };
        names.get(axis).copied().unwrap_or_default()
    }

    pub(super) fn slice(&self) -> Result<Slice, Failure> {
        let (axis, places) = self.axes();
        let [rows, columns] = <[usize; 2]>::try_from(places).map_err(|_| "is no image and no volume")?;
        // (slice, row, column)
        let cut = |map: &ArrayViewD<'_, i64>| -> Result<ndarray::Array3<i64>, Failure> {
            let map = match axis {
                Some(axis) => map.view().permuted_axes(vec![axis, rows, columns]),
                None => map.view().permuted_axes(vec![rows, columns]).insert_axis(Axis(0)),
            };
            Ok(map.into_dimensionality::<Ix3>()?.to_owned())
        };
        let (prediction, reference) = (cut(&self.prediction)?, cut(&self.reference)?);
        let of_slice = |index: usize| {
            let pair = prediction.index_axis(Axis(0), index);
            let pair = pair.iter().zip(reference.index_axis(Axis(0), index));
            let mut counts = [0; 3];
            for (&prediction, &reference) in pair {
                match self.voxel(prediction, reference) {
                    Voxel::Missed => counts[0] += 1,
                    Voxel::Invented => counts[1] += 1,
                    Voxel::Right => counts[2] += 1,
                    Voxel::Outside | Voxel::Unlabelled => {}
                }
            }
            counts
        };
        // The first of several; where nothing is wrong, that with most of the structure.
        let slices = (0..prediction.len_of(Axis(0))).rev();
        let best = slices
            .map(|index| (index, of_slice(index)))
            .max_by_key(|(_, [missed, invented, right])| (missed + invented, *right));
        let (index, [missed, invented, _]) = best.ok_or("has no voxel")?;
        let prediction = prediction.index_axis(Axis(0), index);
        let reference = reference.index_axis(Axis(0), index);
        let voxels = ndarray::Zip::from(&prediction)
            .and(&reference)
            .map_collect(|&prediction, &reference| self.voxel(prediction, reference));

        let [height, width] = [0, 1].map(|axis| shown(&voxels, axis));
        let longest = height.len().max(width.len());
        let step = longest.div_ceil(LARGEST).max(1);
        let part = s![height.start..height.end;step, width.start..width.end;step];
        let (prediction, reference, voxels) = (prediction.slice(part), reference.slice(part), voxels.slice(part));
        let mut classes: Vec<_> = prediction
            .iter()
            .chain(&reference)
            .filter_map(|&label| self.classes.class_of(label))
            .collect();
        classes.sort_unstable();
        classes.dedup();
        let of_label = |&label: &i64| self.classes.class_of(label).map_or(UNLABELLED, class_color);
        let confidence = match &self.probabilities {
            Some(probabilities) => {
                let slice = match axis {
                    Some(axis) => probabilities.index_axis(Axis(axis + 1), index),
                    None => probabilities.view(),
                };
                let largest = slice.map_axis(Axis(0), |p| p.iter().copied().fold(0.0, f64::max));
                let largest = largest.into_dimensionality::<Ix2>()?;
                let largest = if rows < columns { largest.view() } else { largest.t() };
                let shown =
                    ndarray::Zip::from(&largest.slice(part))
                        .and(&voxels)
                        .map_collect(|&p, &voxel| match voxel {
                            Voxel::Unlabelled => UNLABELLED,
                            _ => magma(p),
                        });
                Some(png(shown)?)
            }
            None => None,
        };
        let [row, column] = [rows, columns].map(|axis| self.spacing.get(axis).copied().unwrap_or(1.0));
        let [w, h] = [width.len() as f64 * column, height.len() as f64 * row];
        let scale = SIDE / w.max(h);
        let error = voxels.map(|voxel| match voxel {
            Voxel::Outside => class_color(0),
            Voxel::Right => RIGHT,
            Voxel::Missed => MISSED,
            Voxel::Invented => INVENTED,
            Voxel::Unlabelled => UNLABELLED,
        });
        let whole = self.reference.shape();
        Ok(Slice {
            place: axis.and_then(|axis| Some((self.name(axis), index, *whole.get(axis)?))),
            missed,
            invented,
            prediction: png(prediction.map(of_label))?,
            reference: png(reference.map(of_label))?,
            error: png(error)?,
            confidence,
            classes,
            unlabelled: voxels.iter().any(|&voxel| voxel == Voxel::Unlabelled),
            size: [w, h].map(|side| (side * scale).max(1.0)),
            part: [(rows, &height), (columns, &width)]
                .iter()
                .any(|(axis, range)| whole.get(*axis) != Some(&range.len())),
            step,
        })
    }
}

/// The rows or columns that are shown: all of a small map, or those of the structure with a margin.
fn shown(voxels: &Array2<Voxel>, axis: usize) -> std::ops::Range<usize> {
    let (len, other) = (voxels.len_of(Axis(axis)), voxels.len_of(Axis(1 - axis)));
    let is_of = |at: &usize| {
        let mut line = voxels.index_axis(Axis(axis), *at).into_iter();
        line.any(|voxel| matches!(voxel, Voxel::Right | Voxel::Missed | Voxel::Invented))
    };
    let (first, last) = ((0..len).find(is_of), (0..len).rev().find(is_of));
    match (first, last) {
        (Some(first), Some(last)) if len.max(other) > WHOLE => {
            let margin = MARGIN.max((last - first) / 5);
            first.saturating_sub(margin)..(last + margin + 1).min(len)
        }
        _ => 0..len,
    }
}

fn png(colors: Array2<Rgb888>) -> Result<Vec<u8>, Failure> {
    Ok(Canvas::from(colors).png()?)
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, array};

    use super::*;

    fn seen<'a>(maps: [&'a ArrayD<i64>; 2], classes: &'a Classes, region: &'a Region, spacing: &'a [f64]) -> Seen<'a> {
        Seen {
            prediction: maps[0].view(),
            reference: maps[1].view(),
            probabilities: None,
            classes,
            region,
            spacing,
            axes: Axes::Xyz,
        }
    }

    /// The rows of a picture.
    fn rows(png: &[u8]) -> Vec<Vec<Rgb888>> {
        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        let pixels: Vec<_> = bytes.chunks(3).map(|p| Rgb888::new(p[0], p[1], p[2])).collect();
        pixels.chunks(info.width as usize).map(<[_]>::to_vec).collect()
    }

    #[test]
    fn the_slice_with_most_wrong_voxels() {
        // (x, y, z) = (3, 2, 4)
        let (mut prediction, mut reference) =
            (ArrayD::<i64>::zeros(vec![3, 2, 4]), ArrayD::<i64>::zeros(vec![3, 2, 4]));
        reference[[0, 0, 1]] = 1;
        reference[[0, 0, 2]] = 1;
        prediction[[0, 0, 2]] = 1;
        reference[[2, 0, 2]] = 1;
        prediction[[2, 1, 2]] = 1;
        let (classes, region) = (Classes::contiguous(2).unwrap(), Region::class(1));
        let slice = seen([&prediction, &reference], &classes, &region, &[1.0, 3.0, 5.0])
            .slice()
            .unwrap();
        assert_eq!((slice.place, slice.missed, slice.invented), (Some(("z", 2, 4)), 1, 1));
        assert_eq!(slice.size, [135.0, 270.0]); // 3 columns 1 mm apart, 2 rows 3 mm apart
        assert!(!slice.part && !slice.unlabelled && slice.confidence.is_none());
        let outside = class_color(0);
        assert_eq!(
            rows(&slice.error),
            [[RIGHT, outside, MISSED], [outside, outside, INVENTED]]
        );
        assert_eq!(rows(&slice.prediction)[1], [outside, outside, class_color(1)]);
        assert_eq!(slice.classes, [0, 1]);
    }

    #[test]
    fn an_image_with_probabilities() {
        let reference = array![[0_i64, 1, 9]].into_dyn();
        let prediction = array![[0_i64, 0, 9]].into_dyn();
        let probabilities = array![[[1.0, 0.5, 0.25]], [[0.0, 0.5, 0.75]]].into_dyn();
        let (classes, region) = (
            Classes::contiguous(2).unwrap().with_ignore(9).unwrap(),
            Region::class(1),
        );
        let slice = Seen {
            probabilities: Some(probabilities.view()),
            axes: Axes::Dhw,
            ..seen([&prediction, &reference], &classes, &region, &[1.0, 1.0])
        };
        let slice = slice.slice().unwrap();
        assert_eq!(
            (slice.place, slice.missed, slice.invented, slice.unlabelled),
            (None, 1, 0, true)
        );
        assert_eq!(rows(&slice.error), [[class_color(0), MISSED, UNLABELLED]]);
        assert_eq!(rows(&slice.confidence.unwrap()), [[magma(1.0), magma(0.5), UNLABELLED]]);
    }

    #[test]
    fn a_part_of_a_large_map() {
        let (prediction, mut reference) = (
            ArrayD::<i64>::zeros(vec![200, 3000]),
            ArrayD::<i64>::zeros(vec![200, 3000]),
        );
        reference.slice_mut(s![50..60, 100..110]).fill(1);
        let (classes, region) = (Classes::contiguous(2).unwrap(), Region::class(1));
        let cut = |reference: &ArrayD<i64>| {
            let seen = seen([&prediction, reference], &classes, &region, &[1.0, 1.0]);
            Seen {
                axes: Axes::Dhw,
                ..seen
            }
            .slice()
            .unwrap()
        };
        let slice = cut(&reference);
        let picture = rows(&slice.error);
        assert_eq!(
            (picture.len(), picture[0].len(), slice.part, slice.step),
            (26, 26, true, 1)
        );
        assert_eq!(picture[MARGIN][MARGIN], MISSED);
        assert_eq!(picture[MARGIN - 1][MARGIN], class_color(0));
        reference.slice_mut(s![50..60, ..]).fill(1);
        let slice = cut(&reference);
        assert_eq!((rows(&slice.error)[0].len(), slice.step), (1000, 3));
    }
}

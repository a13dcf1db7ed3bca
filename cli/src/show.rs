//! `soft-labels show`: a picture of a label map and its soft labels.

use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;

use ndarray::{ArrayD, Axis};
use soft_labels::{Classes, Error, Place, Raters};
use soft_labels_draw::scene::Scene;
use soft_labels_files::{Axes, Geometry, Palette};

use crate::classes::{ClassArgs, NamedClasses, read_map};
use crate::command::{self, Existing, Failure, Outcome, of_file, shown};
use crate::grid::{Grid, GridArgs};
use crate::memory;
use crate::raters::Volume;
use crate::spared::Spared;

/// Draws a label map and its soft labels
#[derive(Debug, clap::Args)]
#[command(
    before_help = "\
soft-labels show --classes 3 --out picture.png labels.nii.gz
soft-labels show --classes 2 --out raters.png --slice 2=40 rater_1.nii.gz rater_2.nii.gz",
    after_help = "\
Of one label map: the map, and confidence and entropy of one-hot labels, label smoothing and SVLS. Of several
raters: their maps, and the probability of the structures and the entropy of mOH and mSVLS. The picture shows the
structures with a margin. Axes are counted from 0: (D, H, W) or (H, W), and x, y, z for NIfTI, of which a slice
shows x from left to right and y from top to bottom."
)]
pub(crate) struct Args {
    /// The label map of each rater
    #[arg(required = true, value_name = "LABELS")]
    inputs: Vec<PathBuf>,

    /// Where the picture goes
    #[arg(long, value_name = "PICTURE.png")]
    out: PathBuf,

    #[command(flatten)]
    existing: Existing,

    #[command(flatten)]
    classes: ClassArgs,

    /// The slice, by axis and index [default: the one with most of the structures; on the last axis of NIfTI, else the first]
    #[arg(long, value_name = "AXIS=K")]
    slice: Option<Slice>,

    /// The first axis of the file is the raters, and the last of NIfTI
    #[arg(long)]
    stacked_raters: bool,

    #[command(flatten)]
    grid: GridArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slice {
    axis: usize,
    index: usize,
}

impl FromStr for Slice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = |(axis, index): (&str, &str)| {
            Some(Self {
                axis: axis.parse().ok()?,
                index: index.parse().ok()?,
            })
        };
        text.split_once('=')
            .and_then(parse)
            .ok_or_else(|| "write an axis and an index, like 0=12".into())
    }
}

/// What small slices take, which are drawn in large pixels; in bytes.
const PICTURE: u64 = 64 << 20;

/// The most pixels of a slice along an axis.
const LARGEST: usize = 4096;

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    if args.stacked_raters && args.inputs.len() > 1 {
        return Err("--stacked-raters reads one file; give the raters' files without it".into());
    }
    if args.out.extension().is_none_or(|end| !end.eq_ignore_ascii_case("png")) {
        return of_file(&args.out, Err("is no .png; name the picture so".into()));
    }
    let place = args.existing.place(&args.out);
    Spared::of(args.inputs.iter().map(PathBuf::as_path).chain(args.classes.file())).check(&args.out)?;
    place.check()?;
    let NamedClasses {
        classes,
        names,
        palette,
        ..
    } = args.classes.read()?;
    let (mut maps, geometry) = read(args, palette.as_deref())?;
    let axes = geometry.axes();
    let dimensions = maps.first().map_or(0, |map| map.ndim());
    let last = dimensions.saturating_sub(1);
    let axis = args
        .slice
        .map_or(if axes == Axes::Xyz { last } else { 0 }, |slice| slice.axis);
    for map in &mut maps {
        if !(2..=3).contains(&map.ndim()) {
            return Err(format!("a label map is (H, W) or (D, H, W), not {:?}", map.shape()).into());
        }
        arrange(map, axis, axes)?;
        if let Some(len) = map.shape().iter().rev().take(2).find(|&&len| len > LARGEST) {
            return Err(format!("a slice has {len} pixels along an axis; {LARGEST} fit a picture").into());
        }
    }
    check_shapes(&maps, &args.inputs)?;
    let slice = slice(&maps, &classes, args.slice)?;
    // Soft labels of each panel and of each way to make them, and the picture.
    let of_pixel = (maps.len() + 6) * (8 * classes.len() + 64);
    let pixels = maps.first().map_or(&[][..], |map| &map.shape()[map.ndim() - 2..]);
    memory::check(PICTURE)?;
    memory::check_voxels(pixels, of_pixel)?;
    let scene = Scene {
        raters: maps.iter().map(|map| map.view()).collect(),
        classes,
        slice,
        names,
        spacing: proportion(&geometry, dimensions, axis),
    };
    let canvas = if maps.len() == 1 {
        scene.confidence()
    } else {
        scene.several()
    };
    let png = canvas?.png()?;
    place.file(|file| of_file(&args.out, file.write_all(&png).map_err(Failure::from)))?;
    let of = slice.map_or(String::new(), |slice| format!(", slice {axis}={slice}"));
    command::printed(writeln!(io::stdout(), "wrote {}{of}", shown(&args.out)))?;
    Ok(Outcome::Well)
}

/// The label maps of all raters, and the geometry of the first one that has any.
fn read(args: &Args, palette: Option<&Palette>) -> Result<(Vec<ArrayD<i64>>, Geometry), Failure> {
    let (mut maps, mut grids) = (Vec::new(), Vec::new());
    for path in &args.inputs {
        let map = read_map(path, palette)?;
        grids.push(Grid {
            path,
            geometry: map.geometry.clone(),
            shape: map.labels.shape().to_vec(),
        });
        let mut volume = Volume::from(map);
        if args.stacked_raters {
            volume = of_file(path, volume.unstack())?;
        }
        maps.extend(volume.labels.widen()?);
    }
    args.grid.check(&grids)?;
    let mut geometries = grids.into_iter().map(|grid| grid.geometry);
    let known = geometries.find(|geometry| geometry.spacing_mm().is_some());
    Ok((maps, known.unwrap_or_default()))
}

/// Every rater's label map has the shape of the first one's.
fn check_shapes(maps: &[ArrayD<i64>], files: &[PathBuf]) -> Result<(), Failure> {
    let views: Vec<_> = maps.iter().map(|map| map.view()).collect();
    match Raters::new(&views) {
        Err(
            error @ Error::Shape {
                place: Some(Place::Rater(rater)),
                ..
            },
        ) => match files.get(rater) {
            Some(file) => of_file(file, Err(error.into())),
            None => Err(error.into()),
        },
        raters => Ok(raters.map(|_| ())?),
    }
}

/// Puts the axis of slices first, then rows, then columns.
fn arrange(map: &mut ArrayD<i64>, axis: usize, order: Axes) -> Result<(), Failure> {
    let axes = map.ndim();
    if axis >= axes {
        return Err(format!("there is no axis {axis}; the label map has {axes}, counted from 0").into());
    }
    let mut places = rows_and_columns(axes, axis, order);
    if axes == 3 {
        places.insert(0, axis);
    }
    *map = std::mem::take(map).permuted_axes(places);
    Ok(())
}

/// The axes that are the rows and the columns of a slice.
pub(crate) fn rows_and_columns(axes: usize, axis: usize, order: Axes) -> Vec<usize> {
    let mut places: Vec<usize> = (0..axes).filter(|&place| axes != 3 || place != axis).collect();
    // x is before y, and y before z.
    if order == Axes::Xyz {
        places.reverse();
    }
    places
}

/// How far rows and columns are apart.
fn proportion(geometry: &Geometry, axes: usize, axis: usize) -> [f64; 2] {
    let spacing = geometry.spacing_mm().unwrap_or_default();
    match rows_and_columns(axes, axis, geometry.axes()).as_slice() {
        [rows, columns] => [*rows, *columns].map(|axis| spacing.get(axis).copied().unwrap_or(1.0)),
        _ => [1.0; 2],
    }
}

/// The slice asked for, or the one with most voxels of structures; none of an image.
fn slice(maps: &[ArrayD<i64>], classes: &Classes, asked: Option<Slice>) -> Result<Option<usize>, Failure> {
    let Some(first) = maps.first() else {
        return Err("there is no label map".into());
    };
    if first.ndim() == 2 {
        return match asked {
            Some(_) => Err("an image has no slices; leave --slice out".into()),
            None => Ok(None),
        };
    }
    let len = first.len_of(Axis(0));
    if let Some(Slice { index, .. }) = asked {
        if index >= len {
            return Err(format!("there is no slice {index} on this axis of {len}, counted from 0").into());
        }
        return Ok(Some(index));
    }
    let labelled = |slice: usize| {
        let of_rater = |map: &ArrayD<i64>| {
            let slice = map.axis_iter(Axis(0)).nth(slice);
            slice.map_or(0, |slice| {
                slice
                    .iter()
                    .filter(|&&label| classes.class_of(label).is_some_and(|class| class > 0))
                    .count()
            })
        };
        maps.iter().map(of_rater).sum::<usize>()
    };
    // The lowest of several.
    Ok((0..len).rev().max_by_key(|&at| labelled(at)))
}

//! Soft labels to Zarr, block by block. A block is one chunk of the result: all channels of a box of voxels.

mod part;

use std::hash::{DefaultHasher, Hasher};
use std::iter;
use std::ops::Range;
use std::time::Instant;

use half::f16;
use ndarray::{ArrayD, IxDyn};
use part::Part;
use soft_labels::{Classes, Encoding, Error, Label, Raters, SoftEncoder, SoftFloat, Window, pool, quantize};
use soft_labels_files::zarr::{ArrayWriter, LabelArray};
use soft_labels_files::{ElementType, Format, Geometry};

use super::Encoder;
use super::args::Dtype;
use super::report::Report;
use super::weights;
use crate::command::{Failure, of_file, shown};
use crate::grid::Grid;
use crate::jobs::Job;
use crate::raters::{RaterMaps, each_type};

/// The most bytes of a block while it is computed.
const BLOCK: usize = 16 << 20;

/// The numbers of finished blocks are kept in memory.
const MOST_BLOCKS: u64 = 1 << 30;

/// Where label maps come from.
enum Source {
    /// One array of each rater.
    Zarr(Vec<LabelArray>),
    Memory(RaterMaps),
}

impl Source {
    /// The labels of all raters in a box.
    fn read(&self, window: &[Range<usize>]) -> Result<RaterMaps, Failure> {
        fn part<L: Clone>(maps: &[ArrayD<L>], window: &[Range<usize>]) -> Vec<ArrayD<L>> {
            let part = |map: &ArrayD<L>| {
                map.slice_each_axis(|axis| window[axis.axis.index()].clone().into())
                    .to_owned()
            };
            maps.iter().map(part).collect()
        }
        match self {
            Self::Memory(RaterMaps::U8(maps)) => Ok(RaterMaps::U8(part(maps, window))),
            Self::Memory(RaterMaps::I64(maps)) => Ok(RaterMaps::I64(part(maps, window))),
            Self::Zarr(arrays) => {
                let mut parts = arrays.iter().map(|array| array.read(window).map(RaterMaps::from));
                let first = parts.next().ok_or("there is no rater")??;
                parts.try_fold(first, |before, part| before.join(part?))
            }
        }
    }
}

/// The blocks of one case.
struct Blocks<'a> {
    encoder: &'a Encoder<'a>,
    classes: &'a Classes,
    job: &'a Job,
    source: Source,
    encoding: Encoding,
    /// The length of the first axis.
    channels: usize,
    weights: Option<Vec<f64>>,
    /// How far the encoding reaches along each axis.
    radius: Vec<usize>,
    /// The part of the label map that is encoded.
    window: Window,
    /// The size of boxes that are averaged.
    scale: Vec<usize>,
    /// Of the result, without channels.
    lengths: Vec<usize>,
    /// Edges of a block in voxels of the result.
    block: Vec<usize>,
    /// Of blocks.
    count: u64,
    /// Of the result.
    geometry: Geometry,
}

/// What a block is made of.
struct BlockLabels {
    /// Those of all raters, with the voxels around the block that count.
    labels: RaterMaps,
    /// The block among them.
    core: Window,
    /// The first voxel of the labels.
    origin: Vec<usize>,
    /// The index of the block in the array.
    chunk: Vec<u64>,
}

/// Tells whether labels are those of before. With another version of Rust they may look changed, which costs time alone.
fn checksum(labels: &RaterMaps) -> u64 {
    let mut hasher = DefaultHasher::new();
    let lengths = |hasher: &mut DefaultHasher, len: usize| hasher.write_u64(len as u64);
    match labels {
        RaterMaps::U8(maps) => maps.iter().for_each(|map| {
            lengths(&mut hasher, map.len());
            match map.as_slice() {
                Some(labels) => hasher.write(labels),
                None => map.iter().for_each(|&label| hasher.write_u8(label)),
            }
        }),
        RaterMaps::I64(maps) => maps.iter().for_each(|map| {
            lengths(&mut hasher, map.len());
            map.iter().for_each(|&label| hasher.write_i64(label));
        }),
    }
    hasher.finish()
}

pub(super) fn encode(encoder: &Encoder<'_>, classes: &Classes, job: &Job) -> Result<Report, Failure> {
    job.place().check()?;
    let start = Instant::now();
    let (source, element_type, geometry) = source(job)?;
    let mut report = Report::new(job, element_type, start.elapsed());
    let encoding = encoder.encoding(&geometry)?;
    let blocks = of_file(&job.out, Blocks::new(encoder, classes, job, source, encoding, geometry))?;
    report.shape(blocks.window.map_shape(), job.raters().count());

    let start = Instant::now();
    let part = Part::open(job, &blocks)?;
    let before = part.done.len();
    let written = blocks.write_all(&part, before);
    if let Err(error) = written {
        // Whoever repeats the command begins anew. Only a run that is killed is gone on with.
        part.remove();
        return Err(error);
    }
    part.persist(job)?;
    report.time("blocks", start);
    let shape: Vec<_> = iter::once(blocks.channels).chain(blocks.lengths).collect();
    let what = super::what(&blocks.encoding);
    report.wrote(format!("{shape:?} in {} blocks, {what} first", blocks.count));
    Ok(report)
}

fn source(job: &Job) -> Result<(Source, ElementType, Geometry), Failure> {
    let mut arrays = Vec::new();
    for (_, path) in job.raters().filter(|_| !job.is_stacked()) {
        if !Format::of(path).is_some_and(Format::is_folder) {
            break;
        }
        arrays.push(LabelArray::open(path)?);
    }
    if let Some(first) = arrays.first().filter(|_| arrays.len() == job.raters().count()) {
        for (array, (_, path)) in arrays.iter().zip(job.raters()) {
            if array.shape() != first.shape() {
                let error = format!(
                    "has shape {:?}, but the first rater's {:?}",
                    array.shape(),
                    first.shape()
                );
                return of_file(path, Err(error.into()));
            }
        }
        let grids = arrays.iter().map(|array| Grid {
            path: array.path(),
            geometry: array.geometry().clone(),
            shape: array.shape().to_vec(),
        });
        job.check_grid(&grids.collect::<Vec<_>>())?;
        let (element_type, geometry) = (first.element_type(), first.geometry().clone());
        return Ok((Source::Zarr(arrays), element_type, geometry));
    }
    let volume = job.read()?;
    // Blocks of maps of several shapes would fit one another.
    each_type!(&volume.labels, maps => {
        let views: Vec<_> = maps.iter().map(|map| map.view()).collect();
        Raters::new(&views).map(|_| ()).map_err(|error| job.named(error))
    })?;
    Ok((Source::Memory(volume.labels), volume.element_type, volume.geometry))
}

impl<'a> Blocks<'a> {
    fn new(
        encoder: &'a Encoder<'_>,
        classes: &'a Classes,
        job: &'a Job,
        source: Source,
        encoding: Encoding,
        geometry: Geometry,
    ) -> Result<Self, Failure> {
        let channels = encoding.channel_count(classes)?;
        let shape = match &source {
            Source::Zarr(arrays) => arrays.first().map(|array| array.shape().to_vec()),
            Source::Memory(RaterMaps::U8(maps)) => maps.first().map(|map| map.shape().to_vec()),
            Source::Memory(RaterMaps::I64(maps)) => maps.first().map(|map| map.shape().to_vec()),
        };
        let shape = shape.ok_or("there is no rater")?;
        let axes = shape.len();
        let radius = encoding.radius(axes)?;
        let window = super::window(encoder.args, &shape)?;
        let scale = encoder.args.scale.as_deref().unwrap_or(&[1]);
        let lengths = window.at_scale(scale)?.shape();
        if lengths.contains(&0) {
            return Err("the window is empty".into());
        }
        let scale = match scale {
            [one] => vec![*one; axes],
            each => each.to_vec(),
        };
        // A box that is longer than the label map is as long as that.
        let scale: Vec<_> = scale.iter().zip(&shape).map(|(&scale, &len)| scale.min(len)).collect();
        let size = match encoder.args.dtype {
            Dtype::F64 => 8,
            Dtype::F32 => 4,
            // Computed in 64 bits.
            Dtype::F16 | Dtype::U8 => 8,
        };
        weights::check_blocks(encoder.args)?;
        let weights = weights::given(encoder.args, job);
        // Boxes are averaged, so a block of the result takes more voxels.
        let of_voxel = scale.iter().fold(channels * size, |all, &len| all.saturating_mul(len));
        let largest = if axes == 2 { 1024 } else { 64 };
        let edges = iter::successors(Some(largest), |edge| Some(edge / 2)).take_while(|&edge: &usize| edge > 1);
        let fits = |edge: &usize| edge.pow(axes as u32).saturating_mul(of_voxel) <= BLOCK;
        let edge = edges.into_iter().find(fits).unwrap_or(2);
        let block: Vec<_> = lengths.iter().map(|&len| edge.min(len)).collect();
        let grid = lengths.iter().zip(&block).map(|(len, edge)| len.div_ceil(*edge) as u64);
        let count = grid.into_iter().try_fold(1_u64, u64::checked_mul);
        let count = count.filter(|&count| count <= MOST_BLOCKS);
        let count = count.ok_or("has too many voxels for one array; encode a --window of it")?;
        // Where nothing is known of the input, nothing is told of the result.
        let mut geometry = geometry;
        if let Some(spacing) = &encoder.args.spacing_mm {
            geometry = geometry.with_spacing_mm(spacing);
        }
        if geometry.is_known() {
            geometry = geometry.window(&window.start(), &scale);
        }
        Ok(Self {
            geometry,
            encoder,
            classes,
            channels,
            job,
            source,
            encoding,
            weights,
            block,
            count,
            radius,
            window,
            scale,
            lengths,
        })
    }

    /// Computes and stores all blocks. Of those that are there it makes sure that they were made of the labels of today.
    fn write_all(&self, part: &Part, before: usize) -> Result<(), Failure> {
        let work = &self.encoder.args.files.work;
        let progress = work.progress(usize::try_from(self.count)?, "blocks")?;
        if before > 0 {
            progress.say(&format!(
                "{}: goes on after {before} of {} blocks",
                shown(&self.job.out),
                self.count
            ));
        }
        work.until_failure(self.count, |block| {
            let read = self.labels(block)?;
            let checksum = checksum(&read.labels);
            if part.done.get(&block) != Some(&checksum) {
                self.write(&part.array, &read)?;
                of_file(&self.job.out, part.finish(block, checksum))?;
            }
            progress.count("blocks");
            Ok(())
        })
    }

    /// Blocks along each axis.
    fn grid(&self) -> Vec<usize> {
        self.lengths
            .iter()
            .zip(&self.block)
            .map(|(len, edge)| len.div_ceil(*edge))
            .collect()
    }

    /// The index of a block along each axis.
    fn place(&self, block: u64) -> Vec<usize> {
        let mut rest = block;
        let mut place = vec![0; self.lengths.len()];
        for (at, len) in place.iter_mut().zip(self.grid()).rev() {
            *at = (rest % len as u64) as usize;
            rest /= len as u64;
        }
        place
    }

    /// Reads the labels that a block is made of.
    fn labels(&self, block: u64) -> Result<BlockLabels, Failure> {
        let place = self.place(block);
        let mut voxels = Vec::with_capacity(place.len());
        for (axis, (&at, whole)) in place.iter().zip(self.window.ranges()).enumerate() {
            let (edge, scale) = (self.block[axis], self.scale[axis]);
            let first = at * edge;
            let last = (first + edge).min(self.lengths[axis]);
            voxels.push(whole.start + first * scale..(whole.start + last * scale).min(whole.end));
        }
        let block = Window::new(self.window.map_shape(), &voxels)?;
        // With the voxels around it that count. Boxes are counted from the first voxel that is read.
        let region = block
            .grown(self.radius.as_slice())?
            .in_whole_boxes(self.scale.as_slice())?;
        let mut labels = self.source.read(region.ranges())?;
        if let (Source::Zarr(_), Some(foreground)) = (&self.source, self.job.foreground()) {
            labels.become_one(foreground);
        }
        Ok(BlockLabels {
            labels,
            core: block.seen_from(&region)?,
            origin: region.start(),
            chunk: iter::once(0).chain(place.iter().map(|&at| at as u64)).collect(),
        })
    }

    /// Computes and stores a block.
    fn write(&self, array: &ArrayWriter, block: &BlockLabels) -> Result<(), Failure> {
        let BlockLabels {
            labels,
            core,
            origin,
            chunk,
        } = block;
        each_type!(labels, maps => self.write_labels(array, chunk, maps, core, origin))
    }

    fn write_labels<L: Label>(
        &self,
        array: &ArrayWriter,
        chunk: &[u64],
        maps: &[ArrayD<L>],
        core: &Window,
        origin: &[usize],
    ) -> Result<(), Failure> {
        let views: Vec<_> = maps.iter().map(|map| map.view()).collect();
        let raters = match &self.weights {
            Some(weights) => Raters::weighted(&views, weights)?,
            None => Raters::new(&views)?,
        };
        // Positions in messages are those of the whole label map.
        let moved = |mut error: Error| {
            if let Error::UnknownLabel { index, .. } = &mut error {
                index.iter_mut().zip(origin).for_each(|(at, first)| *at += first);
            }
            error
        };
        let moved = |error: Error| self.job.named(moved(error));
        let stored = match self.encoder.args.dtype {
            Dtype::F32 => array.write(chunk, &self.soft::<_, f32>(&raters, core).map_err(moved)?),
            Dtype::F64 => array.write(chunk, &self.soft::<_, f64>(&raters, core).map_err(moved)?),
            Dtype::F16 => {
                let soft = self.soft::<_, f32>(&raters, core).map_err(moved)?;
                array.write(chunk, &soft.mapv(f16::from_f32))
            }
            Dtype::U8 => {
                let parts = if self.encoder.args.scale.is_some() {
                    let soft = self.soft::<_, f64>(&raters, core).map_err(moved)?;
                    let mut parts = ArrayD::zeros(soft.raw_dim());
                    if self.encoding.is_distribution(self.classes)? {
                        quantize::soft_into(&soft, &mut parts)?;
                    } else {
                        quantize::each_into(&soft, &mut parts)?;
                    }
                    parts
                } else {
                    let mut parts = ArrayD::zeros(core.soft_shape(self.channels));
                    quantize::encode_into(&self.encoding, &raters, self.classes, core.ranges(), &mut parts)
                        .map_err(moved)?;
                    parts
                };
                array.write(chunk, &parts)
            }
        };
        Ok(stored?)
    }

    fn soft<L: Label, F: SoftFloat>(&self, raters: &Raters<'_, L, IxDyn>, core: &Window) -> Result<ArrayD<F>, Error> {
        let (classes, core) = (self.classes, core.ranges());
        if self.encoder.args.scale.is_none() {
            self.encoding.encode_raters_window(raters, classes, core)
        } else {
            pool::encode_window(&self.encoding, raters, classes, core, self.scale.as_slice())
        }
    }
}

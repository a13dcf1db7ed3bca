//! `soft-labels encode`: label maps from files to soft labels in a file.

mod args;
mod write;

use std::fs;
use std::io::{self, Write};
use std::iter;
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

pub(crate) use args::Args;
use args::{Dtype, Method};
use ndarray::{ArrayD, Axis, IxDyn};
use nifti::NiftiHeader;
use soft_labels::batch::{self, Batch, Sample};
use soft_labels::{Classes, Encoding, Label, LabelSmoothing, OneHot, Raters, SoftEncoder, SvlsKernel};
use write::{Element, Format};

use crate::command::{self, Failure, of_file};
use crate::read::{self, Volume, each_type};
use crate::space;

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    args.check()?;
    let format = of_file(&args.out, Format::of(&args.out, args.dtype == Dtype::F16))?;
    let classes = args.classes.classes()?;
    let start = Instant::now();
    let volume = read_raters(args)?;
    let job = Job {
        args,
        classes,
        format,
        header: volume.header,
        reading: start.elapsed(),
    };
    each_type!(volume.labels, maps => job.run(&maps))
}

/// The label maps of all raters, and the header of the first.
fn read_raters(args: &Args) -> Result<Volume, Failure> {
    let mut raters: Option<Volume> = None;
    for path in &args.labels {
        if same_file(path, &args.out) {
            return Err(format!("{}: is --out, too; write to another file", path.display()).into());
        }
        let volume = of_file(path, read::read(path))?;
        raters = Some(match raters {
            None => volume,
            Some(first) => {
                let apart = matches!((&first.header, &volume.header), (Some(a), Some(b)) if !space::same_space(a, b));
                if apart {
                    return of_file(
                        path,
                        Err("lies elsewhere than the first rater's file; resample it first".into()),
                    );
                }
                Volume {
                    labels: first.labels.join(volume.labels)?,
                    header: first.header,
                }
            }
        });
    }
    let Some(Volume { labels, header }) = raters else {
        return Err("give a label map".into());
    };
    Ok(Volume {
        labels: if args.stacked_raters { labels.unstack() } else { labels },
        header,
    })
}

fn same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// Everything but the label maps.
struct Job<'a> {
    args: &'a Args,
    classes: Classes,
    format: Format,
    header: Option<NiftiHeader>,
    reading: Duration,
}

impl Job<'_> {
    fn run<L: Label>(&self, maps: &[ArrayD<L>]) -> Result<(), Failure> {
        match self.args.dtype {
            Dtype::F64 => self.encode_and_write::<L, f64>(maps),
            // 16-bit values are the 32-bit ones rounded.
            Dtype::F32 | Dtype::F16 => self.encode_and_write::<L, f32>(maps),
        }
    }

    fn encode_and_write<L: Label, F: Element>(&self, maps: &[ArrayD<L>]) -> Result<(), Failure> {
        let Args {
            rater_weights,
            window,
            scale,
            out,
            ..
        } = self.args;
        let views: Vec<_> = maps.iter().map(|map| map.view()).collect();
        let raters = match rater_weights {
            Some(weights) => Raters::weighted(&views, weights)?,
            None => Raters::new(&views)?,
        };
        let whole = || raters.shape().iter().map(|&len| 0..len).collect();
        let window: Vec<_> = window.as_ref().map_or_else(whole, |window| window.0.clone());

        let start = Instant::now();
        check_window(&window, raters.shape())?;
        let encoding = self.encoding()?;
        let soft = if let Some(scale) = scale {
            let sample = Sample::raters(raters.clone()).window(&window);
            let batches = batch::encode_scales(&encoding, &[sample], &self.classes, &[scale])?;
            let batch: Batch<F> = batches.into_iter().next().ok_or("there is no scale")?;
            // One sample: the batch axis has length 1, and classes come next.
            let mut soft = self.allocate::<F>(&batch.shape[2..])?;
            soft.assign(&ArrayD::from_shape_vec(&batch.shape[1..], batch.values)?);
            soft
        } else {
            let mut soft = self.allocate::<F>(&window.iter().map(Range::len).collect::<Vec<_>>())?;
            encoding.encode_raters_window_into(&raters, &self.classes, &window, &mut soft)?;
            soft
        };
        let smoothing = start.elapsed();

        let start = Instant::now();
        let origin: Vec<_> = window.iter().map(|range| range.start).collect();
        let scale = scale.as_deref().unwrap_or(&[1]);
        let header = write::header(self.header.as_ref(), self.args.spacing_mm.as_deref(), &origin, scale);
        of_file(out, write::write(out, self.format, &soft, &header))?;
        let times = [
            ("reading", self.reading),
            ("smoothing", smoothing),
            ("writing", start.elapsed()),
        ];

        command::printed(self.report(&raters, &soft, &times))
    }

    /// An array for the soft labels of so many voxels on each axis, in memory as the file will have it.
    fn allocate<F: Element>(&self, voxels: &[usize]) -> Result<ArrayD<F>, Failure> {
        let mut axes: Vec<_> = iter::once(self.classes.len()).chain(voxels.iter().copied()).collect();
        if self.format == Format::Nifti {
            axes[1..].reverse();
        }
        let len = axes.iter().try_fold(1_usize, |len, &axis| len.checked_mul(axis));
        let mut values = Vec::new();
        match len.map(|len| (len, values.try_reserve_exact(len))) {
            Some((len, Ok(()))) => values.resize(len, F::zero()),
            _ => return Err(format!("{axes:?} values do not fit in memory; make a --window of them").into()),
        }
        let mut soft = ArrayD::from_shape_vec(axes, values)?;
        if self.format == Format::Nifti {
            let order: Vec<_> = iter::once(0).chain((1..soft.ndim()).rev()).collect();
            soft = soft.permuted_axes(order);
        }
        Ok(soft)
    }

    fn encoding(&self) -> Result<Encoding, Failure> {
        if let Some(path) = &self.args.config {
            let text = of_file(path, fs::read_to_string(path).map_err(Failure::from))?;
            return of_file(path, serde_json::from_str(&text).map_err(Failure::from));
        }
        let Args {
            method,
            alpha,
            sigma,
            sigma_mm,
            spacing_mm,
            radius,
            strength,
            ..
        } = self.args;
        match method {
            Method::OneHot => return Ok(OneHot.into()),
            Method::Ls => return Ok(LabelSmoothing::new(alpha.unwrap_or(0.1))?.into()),
            Method::Svls => {}
        }
        let mut settings = SvlsKernel::builder().strength(strength.unwrap_or(1.0));
        if let Some(radius) = radius {
            settings = settings.radius(radius);
        }
        if let Some(sigma) = sigma {
            settings = settings.sigma(sigma);
        }
        if let Some(sigma) = sigma_mm {
            settings = settings.sigma_mm(sigma);
            settings = match (spacing_mm, &self.header) {
                (Some(spacing), _) => settings.spacing_mm(spacing),
                (None, Some(header)) => settings.spacing_mm(space::spacing(header)),
                (None, None) => return Err("--sigma-mm needs the voxel spacing; give --spacing-mm".into()),
            };
        }
        Ok(settings.into())
    }

    fn report<L: Label, F: Element>(
        &self,
        raters: &Raters<'_, L, IxDyn>,
        soft: &ArrayD<F>,
        times: &[(&str, Duration)],
    ) -> io::Result<()> {
        let mut text = io::stdout().lock();
        let names: Vec<_> = self.args.labels.iter().map(|path| path.display().to_string()).collect();
        let of = if raters.len() == 1 {
            String::new()
        } else {
            format!(", {} raters", raters.len())
        };
        writeln!(
            text,
            "read      {}: {:?} of {}{of}",
            names.join(", "),
            raters.shape(),
            std::any::type_name::<L>()
        )?;

        writeln!(text, "\n  class   label      voxels")?;
        let mut counts = vec![0_u64; self.classes.len() + 1];
        for label in raters.maps().iter().flatten() {
            counts[self.classes.class_of(*label).unwrap_or(self.classes.len())] += 1;
        }
        for (class, (label, count)) in self.classes.values().iter().zip(&counts).enumerate() {
            writeln!(text, "{class:7} {label:7} {count:11}")?;
        }
        if let Some(ignored) = counts.last().filter(|&&count| count > 0) {
            writeln!(text, "ignored         {ignored:11}")?;
        }

        let (nontrivial, all) = nontrivial(soft);
        let percent = 100.0 * nontrivial as f64 / all.max(1) as f64;
        writeln!(
            text,
            "\n{nontrivial} of {all} voxels ({percent:.1} %) have more than one class"
        )?;
        writeln!(
            text,
            "wrote     {}: {:?}, classes {}",
            self.args.out.display(),
            soft.shape(),
            match self.format {
                Format::Nifti => "last in the file",
                Format::Npy | Format::NpyHalf => "first",
            }
        )?;
        for (what, time) in times {
            writeln!(text, "{what:9} {:9.1} ms", time.as_secs_f64() * 1e3)?;
        }
        Ok(())
    }
}

/// A wrong window is told before anything is allocated for it.
fn check_window(window: &[Range<usize>], shape: &[usize]) -> Result<(), soft_labels::Error> {
    use soft_labels::Error;
    if window.len() != shape.len() {
        return Err(Error::WindowAxes {
            expected: shape.len(),
            actual: window.len(),
        });
    }
    let outside = |(range, len): (&Range<usize>, &usize)| range.start > range.end || range.end > *len;
    match window.iter().zip(shape).position(outside) {
        Some(axis) => {
            let Range { start, end } = window[axis];
            Err(Error::Window {
                axis,
                start,
                end,
                len: shape[axis],
            })
        }
        None => Ok(()),
    }
}

/// How many voxels have no class that is certain, ignored ones aside, and how many there are.
fn nontrivial<F: Element>(soft: &ArrayD<F>) -> (usize, usize) {
    let mut uncertain = ArrayD::from_elem(&soft.shape()[1..], false);
    for class in soft.axis_iter(Axis(0)) {
        let between = |value: F| value != F::zero() && value.into() != 1.0;
        ndarray::Zip::from(&mut uncertain)
            .and(&class)
            .for_each(|uncertain, &value| *uncertain |= between(value));
    }
    (
        uncertain.iter().filter(|&&uncertain| uncertain).count(),
        uncertain.len(),
    )
}

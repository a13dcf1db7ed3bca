//! Targets that are made of label maps while a loss is computed.

use std::sync::atomic::{AtomicBool, Ordering};

use ndarray::{ArrayRef, ArrayViewMut4, RemoveAxis};

use super::block::Block;
use super::elementary::{LossFloat, PerVoxel};
use super::targets::{Ready, load, sealed};
use crate::common::arrays::{self, check_shape, check_shape_of};
use crate::engine::{self, Plan, Tile, TileEncoder};
use crate::{Classes, Error, Label, Place, Raters, Result, SoftEncoder, SpatialDim};

/// Label maps as the targets of a loss: an encoder makes their soft labels, a small part at a time, while the loss is computed.
///
/// Dense soft labels are never in memory as a whole. The gradient of a cross entropy is that with dense soft labels, bit for bit, if
/// the mean divides by voxels. Values may differ in the last digits, because sums are added in another order. Ignored voxels do
/// not count, with a softmax or with sigmoids.
///
/// ```
/// use ndarray::{Array3, array};
/// use soft_labels::loss::{LabelTargets, SoftCrossEntropy};
/// use soft_labels::{Classes, SoftEncoder, Svls};
///
/// let (labels, classes) = (array![[0_u8, 0, 1, 1]], Classes::contiguous(2)?);
/// let logits = Array3::from_shape_fn((2, 1, 4), |(class, _, w)| (class * w) as f32); // from a network
/// let targets = LabelTargets::of_map(&Svls::default(), &labels, &classes)?;
/// let (loss, gradient) = SoftCrossEntropy::of_map().value_and_gradient(&logits, &targets)?;
///
/// let dense: Array3<f32> = Svls::default().encode(&labels, &classes)?;
/// let (expected, expected_gradient) = SoftCrossEntropy::of_map().value_and_gradient(&logits, &dense)?;
/// assert!((loss - expected).abs() < 1e-12);
/// assert_eq!(gradient, expected_gradient);
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug)]
pub struct LabelTargets<'a, L, D: SpatialDim> {
    plan: Plan,
    samples: Vec<Raters<'a, L, D>>,
    classes: Classes,
    /// Set when the engine meets a label that is neither a class nor ignored.
    unknown: AtomicBool,
}

impl<'a, L: Label, D: SpatialDim> LabelTargets<'a, L, D> {
    /// The targets of a batch, of one or several raters for each sample.
    ///
    /// # Errors
    /// [`Error::Empty`] without a sample, [`Error::Shape`] if samples differ in shape,
    /// and those of the encoder. Unknown labels are an error where the loss is computed.
    ///
    /// ```
    /// use ndarray::{Array4, array};
    /// use soft_labels::loss::{LabelTargets, SoftCrossEntropy};
    /// use soft_labels::{Classes, Raters, Svls};
    ///
    /// let (first, second) = (array![[0_u8, 1]], array![[1_u8, 1]]);
    /// let sample = Raters::new(&[first.view(), second.view()])?;
    /// let targets = LabelTargets::new(&Svls::default(), vec![sample], &Classes::contiguous(2)?)?;
    /// let loss = SoftCrossEntropy::of_batch().value(&Array4::<f32>::zeros((1, 2, 1, 2)), &targets)?;
    /// assert!((loss - 2_f64.ln()).abs() < 1e-6);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn new(encoder: &impl SoftEncoder, samples: Vec<Raters<'a, L, D>>, classes: &Classes) -> Result<Self> {
        let Some(first) = samples.first() else {
            return Err(Error::Empty { what: "samples" });
        };
        for (sample, raters) in samples.iter().enumerate() {
            check_shape_of("label map", Some(Place::Sample(sample)), first.shape(), raters.shape())?;
        }
        Ok(Self {
            plan: encoder.plan(classes, first.shape().len())?,
            samples,
            classes: classes.clone(),
            unknown: AtomicBool::new(false),
        })
    }

    /// The targets of one label map (H, W) or (D, H, W).
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    ///
    /// The example of [`LabelTargets`] uses it.
    pub fn of_map(encoder: &impl SoftEncoder, labels: &'a ArrayRef<L, D>, classes: &Classes) -> Result<Self> {
        Self::new(encoder, vec![Raters::one(labels.view())?], classes)
    }

    /// The targets of the label maps of a batch, (N, H, W) or (N, D, H, W); each is encoded alone.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    ///
    /// ```
    /// use ndarray::{Array3, Array4};
    /// use soft_labels::loss::{LabelTargets, SoftCrossEntropy};
    /// use soft_labels::{Classes, Svls};
    ///
    /// let (logits, labels) = (Array4::<f32>::zeros((2, 3, 8, 8)), Array3::<i64>::zeros((2, 8, 8)));
    /// let targets = LabelTargets::of_batch(&Svls::default(), &labels, &Classes::contiguous(3)?)?;
    /// assert!((SoftCrossEntropy::of_batch().value(&logits, &targets)? - 3_f64.ln()).abs() < 1e-6);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn of_batch<B: RemoveAxis<Smaller = D>>(
        encoder: &impl SoftEncoder,
        labels: &'a ArrayRef<L, B>,
        classes: &Classes,
    ) -> Result<Self> {
        let maps = if labels.ndim() == 0 {
            Vec::new()
        } else {
            labels.outer_iter().map(Raters::one).collect::<Result<_>>()?
        };
        Self::new(encoder, maps, classes)
    }

    /// Where somebody labelled a voxel, if classes have an ignore value.
    fn valid(&self) -> Result<Option<Vec<bool>>> {
        if self.classes.ignore().is_none() {
            return Ok(None);
        }
        let shape = [&[self.samples.len()], self.samples[0].shape()].concat();
        let mut valid = arrays::filled(ndarray::IxDyn(&shape), false)?
            .into_raw_vec_and_offset()
            .0;
        let len = valid.len() / self.samples.len();
        for (raters, valid) in self.samples.iter().zip(valid.chunks_mut(len.max(1))) {
            for (map, _) in raters
                .maps()
                .iter()
                .zip(raters.weights())
                .filter(|(_, weight)| **weight > 0.0)
            {
                let both = valid.iter_mut().zip(map);
                both.for_each(|(valid, &label)| *valid |= !self.classes.is_ignored(label));
            }
        }
        Ok(Some(valid))
    }
}

impl<F: LossFloat, L: Label, D: SpatialDim> sealed::Source<F> for LabelTargets<'_, L, D> {
    fn ready(&self, shape: &[usize], batched: bool) -> Result<Ready<'_, F>> {
        let (samples, shape) = match shape {
            [samples, shape @ ..] if batched => (*samples, shape),
            _ => (1, shape),
        };
        check_shape("batch of label maps", &[samples], &[self.samples.len()])?;
        let channels = self.plan.channels(&self.classes);
        let mut size = [1; 3];
        let mut encoders = Vec::new();
        for (sample, raters) in self.samples.iter().enumerate() {
            let actual = [&[channels], raters.shape()].concat();
            check_shape_of("target of a label map", Some(Place::Sample(sample)), shape, &actual)?;
            let spatial = raters.shape();
            size[3 - spatial.len()..].copy_from_slice(spatial);
            encoders.push(engine::tile_encoder(&self.plan, raters, &self.classes, &self.unknown)?);
        }
        Ok(Ready::Labels(LabelMaps {
            size,
            encoders,
            valid: self.valid()?,
            source: self,
        }))
    }

    fn is_distribution(&self) -> bool {
        self.plan.is_distribution()
    }
}

/// Label maps whose labels can be checked.
pub(super) trait Checked: Sync {
    /// Whether a label was read that is neither a class nor ignored.
    fn has_unknown(&self) -> bool;
    /// An error if there is such a label. That of a batch is told with its sample.
    fn check(&self, batched: bool) -> Result<()>;
}

impl<L: Label, D: SpatialDim> Checked for LabelTargets<'_, L, D> {
    fn has_unknown(&self) -> bool {
        self.unknown.load(Ordering::Relaxed)
    }

    fn check(&self, batched: bool) -> Result<()> {
        for (sample, raters) in self.samples.iter().enumerate() {
            let mut checked = raters.check(&self.classes);
            if let Err(Error::UnknownLabel { index, .. }) = &mut checked
                && batched
            {
                index.insert(0, sample);
            }
            checked?;
        }
        Ok(())
    }
}

/// The label maps of all samples, ready to be encoded part by part.
pub struct LabelMaps<'a, F> {
    /// Of each map, on the axes D, H, W.
    size: [usize; 3],
    encoders: Vec<Box<dyn TileEncoder<F> + 'a>>,
    /// Which voxels of all samples somebody labelled, if not all.
    pub(super) valid: Option<Vec<bool>>,
    pub(super) source: &'a dyn Checked,
}

impl<F> std::fmt::Debug for LabelMaps<'_, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LabelMaps")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// The soft labels of a piece.
#[derive(Debug)]
pub(super) struct EncodedPiece<F> {
    values: Vec<F>,
    start: usize,
    len: usize,
}

impl<F: LossFloat> LabelMaps<'_, F> {
    /// Voxels within which pieces stay, and voxels of a piece: boxes of whole planes, of whole rows, or a part of a row. About
    /// `wanted` voxels, and pieces alike.
    pub(super) fn cut(&self, wanted: usize) -> (usize, usize) {
        let [depth, height, width] = self.size;
        let even = |count: usize, of: usize| {
            let pieces = count.div_ceil((wanted / of.max(1)).max(1)).max(1);
            count.div_ceil(pieces) * of
        };
        if wanted >= height * width {
            (depth * height * width, even(depth, height * width))
        } else if wanted >= width {
            (height * width, even(height, width))
        } else {
            (width, wanted)
        }
    }

    /// Encodes a piece as [`cut`](Self::cut) cuts it.
    pub(super) fn encode(&self, piece: Block, channels: usize, encoded: &mut EncodedPiece<F>) {
        let [_, height, width] = self.size;
        let plane = height * width;
        let size = if piece.len.is_multiple_of(plane) {
            [piece.len / plane, height, width]
        } else if piece.len.is_multiple_of(width) {
            [1, piece.len / width, width]
        } else {
            [1, 1, piece.len]
        };
        let row = piece.start % plane;
        let start = [piece.start / plane, row / width, row % width];
        (encoded.start, encoded.len) = (piece.start, piece.len);
        encoded.values.resize(channels * piece.len, F::zero());
        let [d, h, w] = size;
        let shape = (channels, d, h, w);
        let out =
            ArrayViewMut4::from_shape(shape, &mut encoded.values).expect("the values are as many as the piece has");
        self.encoders[piece.sample].encode(Tile { start, size }, out);
    }
}

impl<F: LossFloat> EncodedPiece<F> {
    pub(super) fn new() -> Self {
        Self {
            values: Vec::new(),
            start: 0,
            len: 0,
        }
    }

    /// Writes the targets of a block of the piece, one entry for each channel; the rest of the block is 0.
    #[inline(always)]
    pub(super) fn read(&self, targets: &mut [PerVoxel<F>], block: Block) {
        let start = block.start - self.start;
        for (target, plane) in targets.iter_mut().zip(self.values.chunks_exact(self.len)) {
            load(target, &plane[start..start + block.len], F::zero());
        }
    }
}

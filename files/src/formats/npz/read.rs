//! Predictions from `.npz`: sparse soft labels of this crate, or probabilities of nnU-Net.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use ndarray::{ArrayD, IxDyn};
use soft_labels::sparse::{SparseLabels, SparseParts};
use zip::ZipArchive;

use crate::elements::ElementType;
use crate::error::Fault;
use crate::formats::npy;
use crate::geometry::{Axes, Geometry};
use crate::labels::Labels;
use crate::limits::{check_memory, check_unpacked, open, shorter};
use crate::numbers::{Image, Numbers};
use crate::probabilities::{Prediction, Probabilities};

/// What nnU-Net 2 and 1 call their probabilities.
const NNUNET: [&str; 2] = ["probabilities", "softmax"];

/// Several arrays in one file.
struct Arrays {
    zip: ZipArchive<BufReader<File>>,
    size: u64,
}

impl Arrays {
    fn has(&self, name: &str) -> bool {
        self.zip.index_for_name(&format!("{name}.npy")).is_some()
    }

    fn get(&mut self, name: &str) -> Result<Image, Fault> {
        let entry = self.zip.by_name(&format!("{name}.npy"));
        let entry = entry.map_err(|error| Fault::broken(format!("has no array {name:?} ({error}); save it again")))?;
        let (unpacked, packed) = (entry.size(), entry.compressed_size().min(self.size));
        check_unpacked(Some(unpacked), packed)?;
        let image = npy::from_reader(entry, |bytes| {
            bytes.filter(|&bytes| bytes <= unpacked).ok_or_else(shorter)
        });
        image.map_err(Fault::broken_stream)
    }

    fn whole(&mut self, name: &str) -> Result<ArrayD<i64>, Fault> {
        let wrong = || Fault::broken(format!("has an array {name:?} of no whole numbers; save it again"));
        match self.get(name)?.numbers {
            Numbers::Labels(Labels::I64(values)) => Ok(values),
            _ => Err(wrong()),
        }
    }

    /// A list of whole numbers.
    fn list<T: TryFrom<i64>>(&mut self, name: &str) -> Result<Vec<T>, Fault> {
        let wrong = || {
            Fault::broken(format!(
                "has an array {name:?} of other numbers than it can hold; save it again"
            ))
        };
        let values = self.whole(name)?;
        values
            .iter()
            .map(|&value| T::try_from(value).map_err(|_| wrong()))
            .collect()
    }
}

/// `order` is that of the axes of the label map that is predicted.
pub(in crate::formats) fn prediction(path: &Path, axes: usize, order: Axes) -> Result<Prediction, Fault> {
    let file = open(path)?;
    let size = file.metadata()?.len();
    let zip = ZipArchive::new(BufReader::new(file));
    let zip = zip.map_err(|error| Fault::broken(format!("is no .npz file ({error}); save it again")))?;
    let mut arrays = Arrays { zip, size };
    if arrays.has("pair_probability") {
        return Ok(Prediction::Probabilities(Probabilities {
            values: sparse(&mut arrays)?,
            element_type: ElementType::F32,
            geometry: Geometry::unknown(),
        }));
    }
    let Some(name) = NNUNET.into_iter().find(|name| arrays.has(name)) else {
        return Err(Fault::content(
            "holds neither sparse soft labels nor nnU-Net's probabilities or softmax; save an .npy",
        ));
    };
    let mut image = arrays.get(name)?;
    // nnU-Net has a slice of an image, too.
    if axes == 2 && image.numbers.shape().len() == 4 && image.numbers.shape().get(1) == Some(&1) {
        image.numbers = image.numbers.without(1);
    }
    // It has (C, z, y, x), whatever the label map has.
    match image.prediction(axes)? {
        Prediction::Probabilities(mut p) if order == Axes::Xyz && p.values.ndim() > 1 => {
            let order: Vec<_> = [0].into_iter().chain((1..p.values.ndim()).rev()).collect();
            p.values = p.values.permuted_axes(order);
            Ok(Prediction::Probabilities(p))
        }
        Prediction::Probabilities(p) => Ok(Prediction::Probabilities(p)),
        _ => Err(Fault::content(format!(
            "has an array {name:?} without an axis of classes; save it again"
        ))),
    }
}

/// The arrays are those of `SparseParts`.
fn sparse(arrays: &mut Arrays) -> Result<ArrayD<f64>, Fault> {
    let wrong =
        |error: soft_labels::Error| Fault::broken(format!("holds no sparse soft labels ({error}); save it again"));
    let shape = arrays.whole("class")?.shape().to_vec();
    let class: Vec<u16> = arrays.list("class")?;
    let class_count = arrays.list("class_count")?.first().copied().unwrap_or(0);
    let (uncertain, ends): (Vec<usize>, Vec<usize>) = (arrays.list("uncertain")?, arrays.list("ends")?);
    let pair_class: Vec<u16> = arrays.list("pair_class")?;
    let Numbers::Floats(pair_probability) = arrays.get("pair_probability")?.numbers else {
        return Err(Fault::broken("has probabilities that are no floats; save it again"));
    };
    let pair_probability: Vec<f32> = pair_probability.iter().map(|&p| p as f32).collect();
    let parts = SparseParts {
        class: &class,
        uncertain: &uncertain,
        ends: &ends,
        pair_class: &pair_class,
        pair_probability: &pair_probability,
    };
    // Files of before have no such array, and hold classes.
    let memberships = arrays.has("sums_to_one") && arrays.list::<usize>("sums_to_one")?.first() == Some(&0);
    let sparse = if memberships {
        SparseLabels::from_membership_parts(IxDyn(&shape), class_count, parts)
    } else {
        SparseLabels::from_parts(IxDyn(&shape), class_count, parts)
    };
    let sparse = sparse.map_err(wrong)?;
    // As they are, and wide.
    let dense = (class.len() as u64).saturating_mul(class_count as u64);
    check_memory(dense.saturating_mul(12))?;
    Ok(sparse.to_dense().map_err(wrong)?.mapv(f64::from))
}

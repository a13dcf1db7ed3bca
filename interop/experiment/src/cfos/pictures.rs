//! Reliability diagrams, and predictions beside the image.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use burn::tensor::Device;
use embedded_graphics::pixelcolor::Rgb888;
use ndarray::{Array2, Array3, ArrayView2, Axis, s};
use soft_labels::metrics::{Reliability, Scope};
use soft_labels::{OneHot, multirater};
use soft_labels_draw::grid::{Item, Scale, paint};

use super::data::{EXPERTS, Image, LEAST, classes};
use super::train::{Run, Targets, predict};
use crate::diagrams::reliability_diagram;
use crate::jobs::in_parallel;
use crate::store::Store;
use crate::unet::UNet;

/// Accuracy over confidence, against all experts where they marked a nucleus; all images of these networks together.
pub(crate) fn reliability<'a>(
    runs: &[Run],
    store: &Store,
    part: impl Fn(usize, bool) -> Vec<&'a Image> + Sync,
    jobs: usize,
    file: &Path,
) -> Result<()> {
    let of_runs = in_parallel(runs, jobs, |run| {
        let mut bins = Reliability::new(10)?;
        let net = store.network(&run.key(), UNet::new(2, &Device::default()))?;
        for image in part(run.fold, true) {
            let probabilities = predict(&net, image)?;
            for expert in 0..EXPERTS {
                bins.add(&probabilities, &image.expert(expert), &classes()?, Scope::Foreground)?;
            }
        }
        Ok((run.targets, bins))
    })?;
    let mut diagrams = Vec::new();
    for targets in Targets::ALL {
        let mut all = Reliability::new(10)?;
        for (_, bins) in of_runs.iter().filter(|(of, _)| *of == targets) {
            all.merge(bins)?;
        }
        diagrams.push((targets.name().to_owned(), all.bins()));
    }
    reliability_diagram("all experts, where they marked a nucleus", 0.5, &diagrams, file)
}

/// The probability of a nucleus beside the experts' mean, about the most disputed place of the first image.
pub(crate) fn panel(runs: &[&Run], store: &Store, held_out: &[&Image], file: &Path) -> Result<()> {
    let image = held_out.first().ok_or_else(|| anyhow!("no image is held out"))?;
    let mean: Array3<f32> = multirater::average(&OneHot, &image.experts(), &classes()?)?;
    let mean = mean.index_axis(Axis(0), 1);
    let [top, left] = most_disputed(&mean);
    let scale = Scale {
        title: "probability".into(),
        low: 0.0,
        high: 1.0,
    };
    let cut = |map: &ArrayView2<'_, f32>| {
        map.slice(s![top..top + LEAST, left..left + LEAST])
            .map(|&value| f64::from(value))
    };
    let gray = |value: &f64| {
        let level = (255.0 * (value + 1.0) / 7.0).clamp(0.0, 255.0) as u8;
        Rgb888::new(level, level, level)
    };
    let mut items = vec![
        Item::Panel("image".into(), cut(&image.pixels.view()).map(gray)),
        Item::Panel("experts' mean".into(), scale.colors(&cut(&mean))),
    ];
    for run in runs {
        let net = store.network(&run.key(), UNet::new(2, &Device::default()))?;
        let probabilities = predict(&net, image)?;
        let title = run
            .targets
            .name()
            .replace(", one expert", "")
            .replace("one-hot, experts ", "");
        items.push(Item::Panel(
            title,
            scale.colors(&cut(&probabilities.index_axis(Axis(0), 1))),
        ));
    }
    let lower = items.split_off(items.len() / 2);
    let mut rows = vec![items, lower];
    rows[1].push(Item::Bar(&scale));
    let canvas = paint(&rows, (LEAST, LEAST), 2);
    std::fs::write(file, canvas.png()?).with_context(|| format!("{}", file.display()))
}

/// The corner of the square in which most pixels are marked by some experts, but not by all.
fn most_disputed(mean: &ArrayView2<'_, f32>) -> [usize; 2] {
    let (height, width) = mean.dim();
    let starts = |len: usize| (0..=len.saturating_sub(LEAST)).step_by(LEAST / 2);
    let disputed = |[top, left]: [usize; 2]| {
        let square: Array2<f32> = mean.slice(s![top..top + LEAST, left..left + LEAST]).to_owned();
        square.iter().filter(|&&p| p > 0.0 && p < 1.0).count()
    };
    let corners = starts(height).flat_map(|top| starts(width).map(move |left| [top, left]));
    corners.max_by_key(|&corner| disputed(corner)).unwrap_or([0, 0])
}

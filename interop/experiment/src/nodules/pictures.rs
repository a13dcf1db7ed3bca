//! The reliability diagram (figure 5 of the paper) and predictions beside their probabilities (figures 4 and 6).

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::Point;
use embedded_graphics::text::Alignment;
use ndarray::{Array2, Array3, Array4, ArrayRef2, Axis, s};
use plotters::prelude::*;
use soft_labels::metrics::ReliabilityBin;
use soft_labels_draw::grid::{Item, Scale, paint};

use super::data::{Nodules, RATERS};
use super::image::ORIGIN;
use super::models::Model;
use super::report::Results;
use crate::diagrams::{reliability_chart, write_svg};

const DIAGRAMS: [(&str, [&str; 5]); 2] = [
    ("learned from one rater", ["one_hot", "ls_1", "ls_2", "ls_3", "svls"]),
    (
        "learned from all raters",
        ["in_turn", "moh", "majority", "staple", "msvls"],
    ),
];

/// Accuracy over confidence, against all raters and over all seeds.
pub(crate) fn reliability(results: &Results, file: &Path) -> Result<()> {
    let mut diagrams = Vec::new();
    for (title, keys) in DIAGRAMS {
        let line = |key| Ok((Model::named(key).to_owned(), bins(results, key)?));
        diagrams.push((title, keys.map(line).into_iter().collect::<Result<Vec<_>>>()?));
    }
    write_svg(file, (960, 520), |area| {
        let (upper, lower) = area.split_vertically(480);
        let small = ("sans-serif", 13).into_font().color(&BLACK.mix(0.7));
        lower.draw_text(ORIGIN, &small, (20, 8))?;
        for (area, (title, lines)) in upper.split_evenly((1, 2)).iter().zip(&diagrams) {
            reliability_chart(area, title, 0.5, lines)?;
        }
        Ok(())
    })
}

fn bins(results: &Results, key: &str) -> soft_labels::Result<Vec<ReliabilityBin>> {
    let mut seeds = results.of(key).iter().map(|scores| &scores.reliability);
    let Some(mut all) = seeds.next().cloned() else {
        return Ok(Vec::new());
    };
    seeds.try_for_each(|seed| all.merge(seed))?;
    Ok(all.bins())
}

/// The models of the panel and what stands over them.
pub(crate) const SHOWN: [(&str, &str); 8] = [
    ("one_hot", "one-hot"),
    ("ls_2", "LS 0.2"),
    ("svls", "SVLS"),
    ("in_turn", "in turn"),
    ("moh", "mOH"),
    ("msvls", "mSVLS"),
    ("majority", "majority"),
    ("staple", "STAPLE"),
];

/// Parts of the held-out nodules of which one is shown: its place in the order of the pixels that raters disagree about.
const PLACES: [f64; 4] = [0.2, 0.5, 0.8, 0.95];

const BACKGROUND: Rgb888 = Rgb888::new(28, 30, 34);
const AGREED: Rgb888 = Rgb888::new(235, 235, 235);
const TOO_MUCH: Rgb888 = Rgb888::new(230, 120, 20);
const MISSED: Rgb888 = Rgb888::new(40, 130, 220);

/// Predictions and probabilities of some held-out nodules, by the keys of [`SHOWN`], (nodule, C, H, W) each.
pub(crate) fn panel(
    probabilities: &HashMap<&str, Array4<f32>>,
    nodules: &Nodules,
    images: &Array3<f32>,
    part: std::ops::Range<usize>,
    file: &Path,
) -> Result<()> {
    let probability = Scale {
        title: "probability".into(),
        low: 0.0,
        high: 1.0,
    };
    let mut rows = Vec::new();
    for nodule in examples(nodules, part.clone()) {
        let image = images.index_axis(Axis(0), nodule);
        let mean = nodules.mean(nodule)?;
        let majority = nodules.majority(nodule);
        let mut predictions = vec![Item::Panel(
            "image".into(),
            center(&image).map(|&value| gray(value.into())),
        )];
        let mut maps = vec![Item::Panel(
            "raters' mean".into(),
            probability.colors(&center(&mean.index_axis(Axis(0), 1))),
        )];
        for (key, name) in SHOWN {
            let Some(probabilities) = probabilities.get(key) else {
                continue;
            };
            let map = probabilities
                .slice(s![nodule - part.start, 1, .., ..])
                .map(|&p| f64::from(p));
            let segmented = segmentation(&map, &majority);
            predictions.push(Item::Panel(name.into(), center(&segmented)));
            maps.push(Item::Panel(String::new(), probability.colors(&center(&map))));
        }
        maps.push(Item::Bar(&probability));
        rows.extend([predictions, maps]);
    }
    if let Some(first) = rows.first_mut() {
        first.push(Item::Legend(vec![
            (AGREED, "as majority".into()),
            (TOO_MUCH, "too much".into()),
            (MISSED, "missed".into()),
        ]));
    }
    let mut canvas = paint(&rows, (40, 40), 3);
    canvas.text(ORIGIN, Point::new(24, 2), Alignment::Left);
    std::fs::write(file, canvas.png()?).with_context(|| format!("{}", file.display()))
}

/// The middle of a map, which is what the panel shows.
fn center<T: Clone>(map: &ArrayRef2<T>) -> Array2<T> {
    map.slice(s![12..52, 12..52]).to_owned()
}

/// Black at -1.5 and white at 4, of a normalised image.
fn gray(value: f64) -> Rgb888 {
    let level = (255.0 * (value + 1.5) / 5.5).clamp(0.0, 255.0) as u8;
    Rgb888::new(level, level, level)
}

fn segmentation(probability: &ArrayRef2<f64>, majority: &ArrayRef2<u8>) -> Array2<Rgb888> {
    let mut colors = Array2::from_elem(majority.raw_dim(), BACKGROUND);
    for ((color, &probability), &marked) in colors.iter_mut().zip(probability).zip(majority) {
        *color = match (probability > 0.5, marked == 1) {
            (true, true) => AGREED,
            (true, false) => TOO_MUCH,
            (false, true) => MISSED,
            (false, false) => BACKGROUND,
        };
    }
    colors
}

/// Nodules at certain places in the order of disagreement.
fn examples(nodules: &Nodules, part: std::ops::Range<usize>) -> Vec<usize> {
    let disagreement = |nodule: usize| {
        let votes = nodules.raters(nodule).sum_axis(Axis(0));
        votes
            .iter()
            .filter(|&&votes| votes > 0 && usize::from(votes) < RATERS)
            .count()
    };
    let mut order: Vec<_> = part.collect();
    order.sort_by_key(|&nodule| disagreement(nodule));
    PLACES.map(|place| order[(place * order.len() as f64) as usize]).into()
}

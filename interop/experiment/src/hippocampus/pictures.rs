//! Learning curves, reliability diagrams, and predictions beside the image.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use burn::tensor::Device;
use embedded_graphics::pixelcolor::Rgb888;
use ndarray::{Array2, Array3, Array4, Axis, Ix3};
use plotters::coord::Shift;
use plotters::prelude::*;
use soft_labels::metrics::{Reliability, ReliabilityBin, Scope, top_labels};
use soft_labels_draw::grid::{Item, Scale, paint};

use super::data::Case;
use super::report::Results;
use super::run::{Run, SVLS, Scales, Targets};
use super::scores::{BINS, METRICS, Metric};
use super::train::{classes, predict, probabilities};
use crate::diagrams::{COLORS, Drawn, reliability_diagram, write_svg};
use crate::jobs::in_parallel;
use crate::statistics::{deviation, mean};
use crate::store::Store;
use crate::unet3d::UNet3d;

/// One point of a curve: what stands at the axis, volumes and steps.
type Place = (usize, usize, usize);

/// The metrics of the curves, in words for readers of the picture alone.
const SHOWN: [(&str, &str); 3] = [
    ("DSC both", "Dice: more is better"),
    ("ECE structures", "calibration error in the structures: less is better"),
    ("NLL", "negative log-likelihood: less is better"),
];

/// Dice and calibration over the number of volumes and over the steps, with bars of one standard deviation over seeds.
pub(crate) fn curves(results: &Results<'_>, file: &Path) -> Result<()> {
    let metrics = SHOWN
        .iter()
        .filter_map(|(name, title)| Some((METRICS.iter().find(|metric| metric.name == *name)?, *title)));
    let last = results.last();
    let rows: [(&str, Vec<Place>); 2] = [
        (
            "volumes to learn from",
            results.volumes.iter().map(|&n| (n, n, last)).collect(),
        ),
        (
            "steps of training",
            results.lengths.iter().map(|&n| (n, results.few, n)).collect(),
        ),
    ];
    write_svg(file, (1080, 640), |area| {
        let areas = area.split_evenly((2, 3));
        let places = rows
            .iter()
            .flat_map(|row| metrics.clone().map(move |metric| (row, metric)));
        for (place, (area, ((axis, places), (metric, title)))) in areas.iter().zip(places).enumerate() {
            curve(area, axis, places, (*metric, title), results, place == 0)?;
        }
        Ok(())
    })
}

fn curve(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    axis: &str,
    places: &[Place],
    (metric, title): (Metric, &str),
    results: &Results<'_>,
    legend: bool,
) -> Drawn {
    // Places are about twice or four times the one before, and stand at equal distances.
    let of = |name: &str| -> Vec<(f64, f64, f64)> {
        let point = |(at, &(_, volumes, steps)): (usize, &Place)| {
            let values = results.of_seeds(name, volumes, steps, metric);
            let spread = if values.len() > 1 { deviation(&values) } else { 0.0 };
            (!values.is_empty()).then(|| (at as f64, mean(&values), spread))
        };
        places.iter().enumerate().filter_map(point).collect()
    };
    let all: Vec<_> = Results::curves().into_iter().map(|name| (name, of(name))).collect();
    let points = || all.iter().flat_map(|(_, points)| points);
    let low = points().map(|(_, y, spread)| y - spread).fold(f64::INFINITY, f64::min);
    let high = points()
        .map(|(_, y, spread)| y + spread)
        .fold(f64::NEG_INFINITY, f64::max);
    let margin = 0.05 * (high - low).max(1e-6);
    let at_axis = |x: &f64| {
        let place = (x.fract().abs() < 1e-9).then(|| places.get(*x as usize));
        place.flatten().map_or(String::new(), |(at, ..)| at.to_string())
    };
    let mut chart = ChartBuilder::on(area)
        .margin(10)
        .caption(title, ("sans-serif", 14))
        .x_label_area_size(36)
        .y_label_area_size(52)
        .build_cartesian_2d(-0.3..places.len() as f64 - 0.7, low - margin..high + margin)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_labels(places.len())
        .x_label_formatter(&at_axis)
        .y_label_formatter(&|y| format!("{y:.3}"))
        .x_desc(axis)
        .draw()?;
    for ((name, points), color) in all.iter().zip(COLORS) {
        let line = points.iter().map(|&(x, y, _)| (x, y));
        chart
            .draw_series(LineSeries::new(line, color.stroke_width(2)).point_size(3))?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
        let bars = points
            .iter()
            .map(|&(x, y, spread)| PathElement::new([(x, y - spread), (x, y + spread)], color));
        chart.draw_series(bars)?;
    }
    if legend {
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerRight)
            .border_style(TRANSPARENT)
            .draw()?;
    }
    Ok(())
}

/// Accuracy over confidence within the structures of the reference, all seeds and held-out volumes together.
pub(crate) fn reliability(
    runs: &[Run],
    results: &Results<'_>,
    store: &Store,
    held_out: &[Case],
    jobs: usize,
    file: &Path,
) -> Result<()> {
    let names = results.compared();
    let shown: Vec<&Run> = runs
        .iter()
        .filter(|run| {
            run.volumes == results.few
                && run.steps == results.last()
                && run.scales == Scales::Full
                && names.contains(&&*run.name())
        })
        .collect();
    let of_runs = in_parallel(&shown, jobs, |run| {
        let net = store.network(&run.key(), UNet3d::new(3, &Device::default()))?;
        let logits = held_out
            .iter()
            .map(|case| predict(&net, case))
            .collect::<Result<Vec<_>>>()?;
        let mut rows = run.rows(store)?;
        rows.retain(|row| row.part == "held out");
        rows.dedup_by_key(|row| row.temperature);
        // As they are, and with the best temperature where there is one.
        rows.into_iter()
            .map(|row| {
                let mut bins = Reliability::new(BINS)?;
                for (logits, case) in logits.iter().zip(held_out) {
                    let probabilities = probabilities(logits, row.temperature);
                    bins.add(&probabilities, &case.labels, &classes()?, Scope::Foreground)?;
                }
                Ok((row.targets, bins))
            })
            .collect::<Result<Vec<_>>>()
    })?;
    let of_name = |name: &str| -> Result<Vec<ReliabilityBin>> {
        let mut all = Reliability::new(BINS)?;
        for (_, bins) in of_runs.iter().flatten().filter(|(of, _)| of == name) {
            all.merge(bins)?;
        }
        Ok(all.bins())
    };
    let diagrams: Vec<_> = names
        .iter()
        .map(|name| Ok(((*name).to_owned(), of_name(name)?)))
        .collect::<Result<Vec<_>>>()?;
    let title = format!("{} volumes to learn from, within the structures", results.few);
    reliability_diagram(&title, 0.3, &diagrams, file)
}

const LABELS: [Rgb888; 3] = [
    Rgb888::new(28, 30, 34),
    Rgb888::new(230, 159, 0),
    Rgb888::new(0, 114, 178),
];

/// Predictions and uncertainty of some networks in a sagittal slice of the first held-out volume.
pub(crate) fn panel(runs: &[Run], store: &Store, held_out: &[Case], file: &Path) -> Result<()> {
    let case = held_out.first().ok_or_else(|| anyhow!("no volume is held out"))?;
    let marked = |slice: usize| {
        case.labels
            .index_axis(Axis(0), slice)
            .iter()
            .filter(|&&label| label > 0)
            .count()
    };
    let slice = (0..case.labels.len_of(Axis(0)))
        .max_by_key(|&slice| marked(slice))
        .unwrap_or(0);
    let uncertainty = Scale {
        title: "1 - confidence".into(),
        low: 0.0,
        high: 0.6,
    };
    // (y, z) with z upwards.
    let shown = |map: Array2<Rgb888>| {
        let mut map = map.reversed_axes();
        map.invert_axis(Axis(0));
        map
    };
    let in_slice = |labels: &Array3<u8>| {
        shown(
            labels
                .index_axis(Axis(0), slice)
                .map(|&label| LABELS[usize::from(label).min(2)]),
        )
    };
    let gray = |value: &f32| {
        let level = (255.0 * (value + 1.5) / 5.5).clamp(0.0, 255.0) as u8;
        Rgb888::new(level, level, level)
    };
    let mut upper = vec![Item::Panel(
        "image".into(),
        shown(case.image.index_axis(Axis(0), slice).map(gray)),
    )];
    let mut lower = vec![Item::Panel("annotation".into(), in_slice(&case.labels))];
    for run in runs {
        let net = store.network(&run.key(), UNet3d::new(3, &Device::default()))?;
        let probabilities: Array4<f32> = probabilities(&predict(&net, case)?, 1.0);
        let predicted: Array3<u8> = top_labels::<_, _, Ix3>(&probabilities, &classes()?)?;
        let confidence = probabilities
            .index_axis(Axis(1), slice)
            .fold_axis(Axis(0), 0.0_f32, |&most, &p| most.max(p));
        let plain = !matches!(run.targets, Targets::Svls { .. }) || run.targets == SVLS;
        let title = if plain { run.name() } else { "SVLS, chosen".into() };
        upper.push(Item::Panel(title, in_slice(&predicted)));
        let unsure = confidence.map(|&confidence| uncertainty.color(1.0 - f64::from(confidence)));
        lower.push(Item::Panel(String::new(), shown(unsure)));
    }
    upper.push(Item::Legend(vec![
        (LABELS[1], "anterior".into()),
        (LABELS[2], "posterior".into()),
    ]));
    lower.push(Item::Bar(&uncertainty));
    let (_, y, z) = case.labels.dim();
    let canvas = paint(&[upper, lower], (z, y), 4);
    std::fs::write(file, canvas.png()?).with_context(|| format!("{}", file.display()))
}

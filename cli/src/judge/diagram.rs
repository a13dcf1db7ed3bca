//! Reliability diagrams and risk-coverage curves as pictures.

use std::io::Write;

use plotters::coord::Shift;
use plotters::prelude::*;
use soft_labels::metrics::{ReliabilityBin, RiskCoverage};
use soft_labels_files::Place;

use crate::command::{Failure, of_file, printable};

/// Of a diagram, and how much of its height is the part above the counts.
const SIZE: (u32, u32) = (480, 600);
const UPPER: f64 = 0.71;
/// Of one of many.
const SMALL: (u32, u32) = (360, 450);
/// How many of those are side by side.
const COLUMNS: usize = 3;

/// Of the predictions, in their order.
const COLOURS: [RGBColor; 6] = [
    RGBColor(27, 98, 168),
    RGBColor(200, 80, 30),
    RGBColor(40, 140, 80),
    RGBColor(130, 70, 160),
    RGBColor(120, 120, 40),
    RGBColor(90, 90, 90),
];
/// The counts of a prediction alone.
const COUNTS: RGBColor = RGBColor(160, 168, 178);

/// What a prediction has in a diagram.
#[derive(Debug)]
pub(crate) struct Series<'a, T> {
    /// For the legend, which is there for several.
    pub(crate) name: &'a str,
    pub(crate) of: T,
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Bins<'a> = Series<'a, Vec<ReliabilityBin>>;

/// Draws accuracy over confidence with the diagonal of perfect calibration, and below it how many voxels each bin holds.
pub(crate) fn draw(place: &Place<'_>, series: &[Bins<'_>]) -> Result<(), Failure> {
    picture(place, SIZE, |area| panel(area, None, series))
}

/// Draws such a diagram for each of several titles.
pub(crate) fn draw_each(place: &Place<'_>, panels: &[(&str, Vec<Bins<'_>>)]) -> Result<(), Failure> {
    let (columns, rows) = (panels.len().clamp(1, COLUMNS), panels.len().div_ceil(COLUMNS).max(1));
    let size = |count: usize, one: u32| u32::try_from(count).unwrap_or(u32::MAX).saturating_mul(one);
    picture(place, (size(columns, SMALL.0), size(rows, SMALL.1)), |area| {
        let parts = area.split_evenly((rows, columns));
        let mut both = parts.iter().zip(panels);
        both.try_for_each(|(part, (title, series))| panel(part, Some(title), series))
    })
}

/// Draws risk over coverage.
pub(crate) fn draw_risks(place: &Place<'_>, series: &[Series<'_, RiskCoverage>]) -> Result<(), Failure> {
    picture(place, (SIZE.0, 420), |area| {
        let risks = series.iter().flat_map(|one| one.of.steps()).map(|step| step.risk());
        let most = risks.fold(0.0, f64::max).max(1e-6) * 1.05;
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(36)
            .y_label_area_size(62)
            .build_cartesian_2d(0.0..1.0, 0.0..most)?;
        chart
            .configure_mesh()
            .x_labels(6)
            .y_labels(6)
            .light_line_style(TRANSPARENT)
            .x_desc("coverage")
            .y_desc("risk: share of wrong voxels")
            .draw()?;
        for (at, one) in series.iter().enumerate() {
            let all = one.of.count() as f64;
            let points = one
                .of
                .steps()
                .iter()
                .map(|step| (step.covered as f64 / all, step.risk()));
            chart.draw_series(LineSeries::new(points, colour(at).stroke_width(2)))?;
        }
        let named = |one: &Series<'_, RiskCoverage>| {
            let area = format!("AURC {:.4}", one.of.aurc());
            match series.len() {
                0 | 1 => area,
                _ => format!("{}, {area}", one.name),
            }
        };
        legend(area, 24, &series.iter().map(named).collect::<Vec<_>>())
    })
}

fn picture(
    place: &Place<'_>,
    size: (u32, u32),
    draw: impl FnOnce(&Area<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&WHITE)?;
        draw(&area)?;
        area.present()?;
    }
    place.file(|file| of_file(place.path(), file.write_all(svg.as_bytes()).map_err(Failure::from)))
}

fn colour(at: usize) -> RGBColor {
    COLOURS[at % COLOURS.len()]
}

/// Names beside their colours, from the upper left of a chart on.
fn legend(area: &Area<'_>, top: i32, names: &[String]) -> Result<(), Failure> {
    for (at, (name, y)) in names.iter().zip((top..).step_by(17)).enumerate() {
        area.draw(&Rectangle::new([(80, y - 4), (94, y - 1)], colour(at).filled()))?;
        let style = ("sans-serif", 14).into_font().color(&BLACK);
        area.draw(&Text::new(printable(name), (100, y - 9), style))?;
    }
    Ok(())
}

fn panel(area: &Area<'_>, title: Option<&str>, series: &[Bins<'_>]) -> Result<(), Failure> {
    let height = f64::from(area.dim_in_pixel().1);
    #[expect(clippy::cast_possible_truncation, reason = "a part of a small height")]
    let (upper, lower) = area.split_vertically((UPPER * height) as i32);
    // A class is its own title.
    let [across, up] = match title {
        Some(_) => ["probability of the class", "share of the class"],
        None => ["confidence", "accuracy"],
    };
    calibration(&upper, title, up, series)?;
    counts(&lower, across, series)
}

fn calibration(area: &Area<'_>, title: Option<&str>, up: &str, series: &[Bins<'_>]) -> Result<(), Failure> {
    let mut builder = ChartBuilder::on(area);
    builder.margin(12).x_label_area_size(18).y_label_area_size(62);
    if let Some(title) = title {
        builder.caption(printable(title), ("sans-serif", 18));
    }
    let mut chart = builder.build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
    chart
        .configure_mesh()
        .x_labels(6)
        .y_labels(6)
        .light_line_style(TRANSPARENT)
        .y_desc(up)
        .draw()?;
    chart.draw_series(DashedLineSeries::new(
        [(0.0, 0.0), (1.0, 1.0)],
        6,
        4,
        BLACK.mix(0.6).into(),
    ))?;
    for (at, one) in series.iter().enumerate() {
        let held = one.of.iter().filter(|bin| bin.count > 0);
        let points: Vec<_> = held.map(|bin| (bin.confidence, bin.accuracy)).collect();
        chart.draw_series(LineSeries::new(points.iter().copied(), colour(at).stroke_width(2)))?;
        chart.draw_series(points.iter().map(|&point| Circle::new(point, 4, colour(at).filled())))?;
    }
    if series.len() > 1 {
        let top = if title.is_some() { 48 } else { 24 };
        legend(
            area,
            top,
            &series.iter().map(|one| one.name.to_owned()).collect::<Vec<_>>(),
        )?;
    }
    Ok(())
}

/// How many voxels each bin holds, the predictions side by side in each.
fn counts(area: &Area<'_>, across: &str, series: &[Bins<'_>]) -> Result<(), Failure> {
    let counts = series.iter().flat_map(|one| &one.of).map(|bin| bin.count);
    let most = counts.max().unwrap_or(0).max(1) as f64;
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(62)
        .build_cartesian_2d(0.0..1.0, 0.0..most * 1.05)?;
    let shown = |count: &f64| {
        if *count < 1e5 {
            format!("{count:.0}")
        } else {
            format!("{count:.1e}")
        }
    };
    chart
        .configure_mesh()
        .x_labels(6)
        .y_labels(3)
        .y_label_formatter(&shown)
        .light_line_style(TRANSPARENT)
        .x_desc(across)
        .y_desc("voxels")
        .draw()?;
    let parts = series.len() as f64;
    for (at, one) in series.iter().enumerate() {
        let colour = if series.len() > 1 { colour(at) } else { COUNTS };
        let bar = |bin: &ReliabilityBin| {
            let width = (bin.upper - bin.lower) / parts;
            let left = bin.lower + at as f64 * width;
            Rectangle::new([(left, 0.0), (left + width, bin.count as f64)], colour.filled())
        };
        chart.draw_series(one.of.iter().map(bar))?;
    }
    Ok(())
}

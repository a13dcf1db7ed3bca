//! The reliability diagram as a picture.

use std::io::Write;

use plotters::prelude::*;
use soft_labels::metrics::ReliabilityBin;
use soft_labels_files::Place;

use crate::command::{Failure, of_file};

const SIZE: (u32, u32) = (480, 600);
const ACCURACY: RGBColor = RGBColor(27, 98, 168);
const SHARE: RGBColor = RGBColor(160, 168, 178);

/// Draws accuracy over confidence with the diagonal of perfect calibration, and below it how the voxels are distributed.
pub(crate) fn draw(place: &Place<'_>, bins: &[ReliabilityBin]) -> Result<(), Failure> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let (upper, lower) = area.split_vertically(430);
        calibration(&upper, bins)?;
        histogram(&lower, bins)?;
        area.present()?;
    }
    place.file(|file| of_file(place.path(), file.write_all(svg.as_bytes()).map_err(Failure::from)))
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn calibration(area: &Area<'_>, bins: &[ReliabilityBin]) -> Result<(), Failure> {
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(18)
        .y_label_area_size(52)
        .build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
    chart
        .configure_mesh()
        .x_labels(6)
        .y_labels(6)
        .light_line_style(TRANSPARENT)
        .y_desc("accuracy")
        .draw()?;
    chart.draw_series(DashedLineSeries::new(
        [(0.0, 0.0), (1.0, 1.0)],
        6,
        4,
        BLACK.mix(0.6).into(),
    ))?;
    let points: Vec<_> = bins
        .iter()
        .filter(|bin| bin.count > 0)
        .map(|bin| (bin.confidence, bin.accuracy))
        .collect();
    chart.draw_series(LineSeries::new(points.iter().copied(), ACCURACY.stroke_width(2)))?;
    chart.draw_series(points.iter().map(|&point| Circle::new(point, 4, ACCURACY.filled())))?;
    Ok(())
}

fn histogram(area: &Area<'_>, bins: &[ReliabilityBin]) -> Result<(), Failure> {
    let all = bins.iter().map(|bin| bin.count).sum::<u64>().max(1) as f64;
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(52)
        .build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
    chart
        .configure_mesh()
        .x_labels(6)
        .y_labels(3)
        .light_line_style(TRANSPARENT)
        .x_desc("confidence")
        .y_desc("share of voxels")
        .draw()?;
    chart.draw_series(bins.iter().map(|bin| {
        let corners = [(bin.lower, 0.0), (bin.upper, bin.count as f64 / all)];
        Rectangle::new(corners, SHARE.filled())
    }))?;
    Ok(())
}

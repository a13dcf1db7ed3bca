//! Line diagrams.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;
use soft_labels::metrics::ReliabilityBin;

/// Enough for all targets of a diagram.
pub(crate) const COLORS: [RGBColor; 8] = [
    RGBColor(36, 41, 47),
    RGBColor(150, 150, 150),
    RGBColor(230, 159, 0),
    RGBColor(0, 114, 178),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(213, 94, 0),
    RGBColor(86, 180, 233),
];

pub(crate) type Drawn = std::result::Result<(), Box<dyn std::error::Error>>;

pub(crate) fn write_svg(
    file: &Path,
    size: (u32, u32),
    draw: impl FnOnce(&DrawingArea<SVGBackend<'_>, Shift>) -> Drawn,
) -> Result<()> {
    let mut svg = String::new();
    let all = |svg: &mut String| -> Drawn {
        let area = SVGBackend::with_string(svg, size).into_drawing_area();
        area.fill(&WHITE)?;
        draw(&area)?;
        Ok(area.present()?)
    };
    all(&mut svg).map_err(|error| anyhow!("{error}"))?;
    std::fs::write(file, svg).with_context(|| format!("{}", file.display()))
}

/// A picture of [`reliability_chart`].
pub(crate) fn reliability_diagram(
    title: &str,
    least: f64,
    lines: &[(String, Vec<ReliabilityBin>)],
    file: &Path,
) -> Result<()> {
    write_svg(file, (600, 480), |area| reliability_chart(area, title, least, lines))
}

/// Accuracy over confidence, from `least` confidence on, a line for each name.
pub(crate) fn reliability_chart(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    title: &str,
    least: f64,
    lines: &[(String, Vec<ReliabilityBin>)],
) -> Drawn {
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .caption(title, ("sans-serif", 16))
        .x_label_area_size(36)
        .y_label_area_size(52)
        .build_cartesian_2d(least..1.0, 0.0..1.0)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc("confidence")
        .y_desc("accuracy")
        .draw()?;
    let diagonal = [(least, least), (1.0, 1.0)];
    chart.draw_series(DashedLineSeries::new(diagonal, 6, 4, BLACK.mix(0.6).into()))?;
    for ((name, bins), color) in lines.iter().zip(COLORS) {
        let filled: Vec<_> = bins.iter().filter(|bin| bin.count > 0).collect();
        if filled.is_empty() {
            continue;
        }
        let points = filled.iter().map(|bin| (bin.confidence, bin.accuracy));
        chart
            .draw_series(LineSeries::new(points, color.stroke_width(2)).point_size(3))?
            .label(name.as_str())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .border_style(TRANSPARENT)
        .draw()?;
    Ok(())
}

//! Diagrams as SVG within the page, in its colours.

use std::fmt::{self, Write};

use soft_labels::metrics::ReliabilityBin;

use crate::html::Text;
use crate::tables::number;

/// The left and the right end of an axis of a row of dots.
const LEFT: f64 = 12.0;
const RIGHT: f64 = 344.0;
/// Where infinite values are.
const INFINITE: f64 = 384.0;
const ROW: f64 = 44.0;
const DOT: f64 = 3.0;

/// A value of a case.
pub(super) struct Dot<'a> {
    pub(super) case: &'a str,
    pub(super) value: f64,
}

/// The values of a structure in all cases, a dot each on a line from 0 to `end`. NaN is left out.
pub(super) fn dots(label: &str, dots: &[Dot<'_>], median: f64, end: f64) -> Result<String, fmt::Error> {
    let at = |value: f64| match value.is_finite() {
        true => LEFT + (value / end).clamp(0.0, 1.0) * (RIGHT - LEFT),
        false => INFINITE,
    };
    let mut svg = String::new();
    write!(
        svg,
        "<svg viewBox=\"0 0 400 {ROW}\" role=\"img\" aria-label=\"{}\"><path class=\"axis\" d=\"M{LEFT} {y}H{RIGHT}\"/>",
        Text(label),
        y = ROW / 2.0
    )?;
    // Dots that would lie on one another are stacked about the line.
    let mut known: Vec<&Dot<'_>> = dots.iter().filter(|dot| !dot.value.is_nan()).collect();
    known.sort_by(|a, b| a.value.total_cmp(&b.value));
    let column = |dot: &&Dot<'_>| (at(dot.value) / (2.0 * DOT)) as i64;
    for stack in known.chunk_by(|a, b| column(a) == column(b)) {
        let apart = (2.0 * DOT).min((ROW - 2.0 * DOT) / stack.len() as f64);
        for (place, dot) in stack.iter().enumerate() {
            let y = ROW / 2.0 + (place as f64 - (stack.len() - 1) as f64 / 2.0) * apart;
            write!(
                svg,
                "<circle class=\"swarm\" cx=\"{:.1}\" cy=\"{y:.1}\" r=\"{DOT}\"><title>{}: {}</title></circle>",
                at(dot.value),
                Text(dot.case),
                Text(&number(dot.value))
            )?;
        }
    }
    if !median.is_nan() {
        write!(svg, "<path class=\"middle\" d=\"M{:.1} 4V{}\"/>", at(median), ROW - 4.0)?;
    }
    svg.push_str("</svg>");
    Ok(svg)
}

/// The axis below rows of dots.
pub(super) fn axis(end: f64, title: &str, infinite: bool) -> Result<String, fmt::Error> {
    let mut svg = "<svg viewBox=\"0 0 400 40\" aria-hidden=\"true\">".to_owned();
    for tick in 0..=4 {
        let part = f64::from(tick) / 4.0;
        let x = LEFT + part * (RIGHT - LEFT);
        let value = trimmed(part * end);
        write!(
            svg,
            "<path class=\"axis\" d=\"M{x:.1} 0v5\"/><text x=\"{x:.1}\" y=\"18\" text-anchor=\"middle\">{value}</text>"
        )?;
    }
    if infinite {
        write!(svg, "<text x=\"{INFINITE}\" y=\"18\" text-anchor=\"middle\">∞</text>")?;
    }
    write!(
        svg,
        "<text x=\"{}\" y=\"36\" text-anchor=\"middle\">{}</text></svg>",
        (LEFT + RIGHT) / 2.0,
        Text(title)
    )?;
    Ok(svg)
}

/// The end of an axis that holds these values: 1, 2 or 4 times a power of ten.
pub(super) fn end_of(values: impl IntoIterator<Item = f64>) -> f64 {
    let most = values.into_iter().filter(|value| value.is_finite()).fold(0.0, f64::max);
    if most <= 0.0 {
        return 1.0;
    }
    let power = 10.0_f64.powi(most.log10().floor() as i32);
    let ends = [1.0, 2.0, 4.0].map(|times| times * power);
    ends.into_iter().find(|&end| most <= end).unwrap_or(10.0 * power)
}

/// A number without zeros at its end.
fn trimmed(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The side of the square of a reliability diagram, and its upper left corner.
const SIDE: f64 = 320.0;
const X: f64 = 48.0;
const Y: f64 = 8.0;
/// From where to where the bars of the counts reach.
const BARS: [f64; 2] = [Y + SIDE + 44.0, Y + SIDE + 124.0];
/// More bins leave no room for numbers.
const NUMBERED: usize = 12;

/// Accuracy over confidence, and below it how many voxels each bin holds.
pub(super) fn reliability(bins: &[ReliabilityBin]) -> Result<String, fmt::Error> {
    let x = |p: f64| X + p * SIDE;
    let y = |p: f64| Y + (1.0 - p) * SIDE;
    let mut svg = format!(
        "<svg viewBox=\"0 0 400 {}\" width=\"460\" role=\"img\" aria-label=\"Reliability diagram. Its numbers are in the table \
         of bins.\"><path class=\"axis\" d=\"M{X} {Y}h{SIDE}v{SIDE}h-{SIDE}z\"/><path class=\"ideal\" d=\"M{} {}L{} {}\"/>",
        BARS[1] + 40.0,
        x(0.0),
        y(0.0),
        x(1.0),
        y(1.0)
    );
    for tick in 0..=5 {
        let p = f64::from(tick) / 5.0;
        write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
             <text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            x(p),
            Y + SIDE + 16.0,
            trimmed(p),
            X - 6.0,
            y(p) + 4.0,
            trimmed(p),
            x(p),
            BARS[1] + 16.0,
            trimmed(p)
        )?;
    }
    let held: Vec<_> = bins.iter().filter(|bin| bin.count > 0).collect();
    let points = held
        .iter()
        .map(|bin| format!("{:.1} {:.1}", x(bin.confidence), y(bin.accuracy)));
    let line = points.collect::<Vec<_>>().join("L");
    if !line.is_empty() {
        write!(svg, "<path class=\"curve\" d=\"M{line}\"/>")?;
    }
    for bin in &held {
        write!(
            svg,
            "<circle class=\"dot\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\"><title>{} voxels with a mean confidence of {}: accuracy {}</title></circle>",
            x(bin.confidence),
            y(bin.accuracy),
            bin.count,
            number(bin.confidence),
            number(bin.accuracy)
        )?;
    }
    // Most voxels are in the last bin, beside which no other one would be seen on a scale of counts.
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(0);
    for bin in &held {
        let height = (BARS[1] - BARS[0]) * ((bin.count + 1) as f64).ln() / ((most + 1) as f64).ln();
        let (left, width) = (x(bin.lower) + 1.0, (bin.upper - bin.lower) * SIDE - 2.0);
        write!(
            svg,
            "<rect class=\"bar\" x=\"{left:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\"><title>{} voxels</title></rect>",
            BARS[1] - height,
            width.max(1.0),
            bin.count
        )?;
        if bins.len() <= NUMBERED {
            write!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" style=\"font-size:9px\">{}</text>",
                left + width / 2.0,
                BARS[1] - height - 4.0,
                few_digits(bin.count)
            )?;
        }
    }
    write!(
        svg,
        "<path class=\"axis\" d=\"M{X} {0}h{SIDE}\"/>\
         <text x=\"{1}\" y=\"{2}\" text-anchor=\"middle\">confidence</text>\
         <text transform=\"translate(12 {3}) rotate(-90)\" text-anchor=\"middle\">accuracy</text>\
         <text transform=\"translate(12 {4}) rotate(-90)\" text-anchor=\"middle\">voxels</text></svg>",
        BARS[1],
        X + SIDE / 2.0,
        BARS[1] + 34.0,
        Y + SIDE / 2.0,
        (BARS[0] + BARS[1]) / 2.0
    )?;
    Ok(svg)
}

/// A count in at most three digits.
fn few_digits(count: u64) -> String {
    let (value, unit) = match count {
        0..1_000 => return count.to_string(),
        1_000..1_000_000 => (count as f64 / 1e3, "k"),
        1_000_000..1_000_000_000 => (count as f64 / 1e6, "M"),
        _ => (count as f64 / 1e9, "G"),
    };
    match value {
        small if small < 9.95 => format!("{small:.1}{unit}"),
        _ => format!("{value:.0}{unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_axes() {
        let ends = [0.0, 0.03, 1.0, 1.5, 3.0, 4.5, 40.0, f64::INFINITY, f64::NAN].map(|value| end_of([value]));
        for (end, expected) in ends.into_iter().zip([1.0, 0.04, 1.0, 2.0, 4.0, 10.0, 40.0, 1.0, 1.0]) {
            assert!((end - expected).abs() < 1e-12, "{ends:?}");
        }
    }

    #[test]
    fn counts_in_few_digits() {
        let counts = [0, 999, 1_000, 12_345, 9_960_000, 3_000_000_000].map(few_digits);
        assert_eq!(counts, ["0", "999", "1.0k", "12k", "10M", "3.0G"]);
    }

    #[test]
    fn dots_of_all_values() {
        let values = [0.5, 0.5, f64::INFINITY, f64::NAN, 1.0];
        let cases = values.map(|value| Dot { case: "<a>", value });
        let svg = dots("a \"b\"", &cases, 0.75, 1.0).unwrap();
        assert_eq!(svg.matches("<circle").count(), 4, "{svg}");
        assert!(
            svg.contains("cx=\"384.0\"") && svg.contains("cx=\"344.0\"") && svg.contains("&lt;a&gt;: inf"),
            "{svg}"
        );
        // Two dots at one value are beside each other.
        assert!(svg.contains("cy=\"19.0\"") && svg.contains("cy=\"25.0\""), "{svg}");
    }

    #[test]
    fn a_diagram_of_nothing() {
        let bins = soft_labels::metrics::Reliability::new(10).unwrap().bins();
        let svg = reliability(&bins).unwrap();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}

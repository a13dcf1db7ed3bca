//! Tables in Markdown.

use std::fmt::Write;

use crate::statistics::{Difference, deviation, mean};

/// The first row is the header.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (line, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(text, "| {cell:width$} ");
        }
        text += "|\n";
        if line == 0 {
            for width in &widths {
                let _ = write!(text, "|{}", "-".repeat(width + 2));
            }
            text += "|\n";
        }
    }
    text
}

/// The mean over seeds with its standard deviation.
pub(crate) fn cell(of_seeds: &[f64]) -> String {
    match of_seeds {
        [] => "–".into(),
        [one] => format!("{one:.4}"),
        _ => format!("{:.4} ± {:.4}", mean(of_seeds), deviation(of_seeds)),
    }
}

/// How to read a table of differences with their intervals, all of which together miss with the probability `outside`.
pub(crate) fn about_intervals(comparisons: usize, outside: f64, resampled: &str) -> String {
    format!(
        "Intervals are by bootstrap: {resampled} are both drawn with replacement. The chance that any of the {comparisons} \
         misses is meant to be at most {} % (Bonferroni: {:.2} % each). In bold: better, and the interval does not hold 0. In \
         italics: worse, and the interval does not hold 0. For all others no difference was found.",
        100.0 * outside,
        100.0 * outside / comparisons as f64
    )
}

/// Bold if it is better and its interval does not hold zero, in italics if it is worse.
pub(crate) fn difference_cell(found: Option<Difference>, more_is_better: bool) -> String {
    let Some(found) = found else {
        return "–".into();
    };
    let shown = format!("{:+.4} ({:+.4} to {:+.4})", found.mean, found.low, found.high);
    match (found.is_apart(), (found.mean > 0.0) == more_is_better) {
        (true, true) => format!("**{shown}**"),
        (true, false) => format!("*{shown}*"),
        (false, _) => shown,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn cells_are_aligned() {
        let rows = [["a", "σ"], ["bcd", "1"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(super::table(&rows), "| a   | σ |\n|-----|---|\n| bcd | 1 |\n");
    }
}

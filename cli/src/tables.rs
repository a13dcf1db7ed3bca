//! Tables for people and for other programs: text, Markdown, CSV and JSON.

mod cell;
mod html;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

pub(crate) use self::cell::{Cell, all_digits, json_number, number};
pub(crate) use self::html::{Definition, Glossary};
use crate::command::{Existing, Failure, of_file, printable, printed};
use crate::spared::Spared;
use crate::summary::Summary;

/// How tables are shown. Flattened into the arguments of a command.
#[derive(Debug, clap::Args)]
pub(crate) struct TablesArgs {
    /// Prints one JSON object instead of tables; what does not exist is null, what is infinite is "inf"
    #[arg(long)]
    pub(crate) json: bool,

    /// Prints the tables as Markdown
    #[arg(long, conflicts_with = "json")]
    pub(crate) markdown: bool,

    /// A folder for the tables, a CSV file of each, with all digits
    #[arg(long, value_name = "DIR")]
    pub(crate) tables: Option<PathBuf>,
}

impl TablesArgs {
    /// Nothing is begun if the folder of tables cannot be made, or holds what is read. `names` are those of the tables.
    pub(crate) fn check(&self, names: &[&str], spared: &Spared, existing: Existing) -> Result<(), Failure> {
        let Some(folder) = &self.tables else {
            return Ok(());
        };
        names.iter().map(|name| csv_of(folder, name)).try_for_each(|file| {
            spared.check(&file)?;
            if folder.is_dir() {
                existing.place(&file).check()?;
            }
            Ok(())
        })
    }

    /// Writes the files and prints, the JSON object if that was asked for.
    pub(crate) fn show(
        &self,
        tables: &Tables,
        json: impl FnOnce() -> Value,
        existing: Existing,
    ) -> Result<(), Failure> {
        if let Some(folder) = &self.tables {
            tables.write_csv(folder, existing)?;
        }
        let mut out = io::stdout().lock();
        printed(if self.json {
            writeln!(out, "{:#}", json())
        } else if self.markdown {
            tables.print_markdown(&mut out)
        } else {
            tables.print_text(&mut out)
        })
    }
}

/// What a command found.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    /// What holds for all tables: settings, and rules for what does not exist.
    pub(crate) notes: Vec<String>,
    pub(crate) tables: Vec<Table>,
}

#[derive(Debug)]
pub(crate) struct Table {
    /// Of its file, and in JSON.
    pub(crate) name: &'static str,
    pub(crate) title: String,
    pub(crate) columns: Vec<Column>,
    /// As many cells as there are columns.
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// A column by its name in files and its title for people.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) key: String,
    pub(crate) title: String,
}

/// The columns of a [`Summary`].
pub(crate) const OF_SUMMARY: [(&str, &str); 7] = [
    ("mean", "mean"),
    ("standard_deviation", "std. dev."),
    ("median", "median"),
    ("interval_low", "95 % from"),
    ("interval_high", "to"),
    ("cases", "cases"),
    ("infinite", "infinite"),
];

/// The cells below [`OF_SUMMARY`].
pub(crate) fn summary_cells(summary: &Summary) -> [Cell; OF_SUMMARY.len()] {
    [
        summary.mean.into(),
        summary.deviation.into(),
        summary.median.into(),
        summary.interval[0].into(),
        summary.interval[1].into(),
        summary.cases.into(),
        summary.infinite.into(),
    ]
}

impl Table {
    /// A table without rows.
    pub(crate) fn new<'a>(
        name: &'static str,
        title: impl Into<String>,
        columns: impl IntoIterator<Item = &'a (&'a str, &'a str)>,
    ) -> Self {
        let column = |(key, title): &(&str, &str)| Column {
            key: (*key).to_owned(),
            title: (*title).to_owned(),
        };
        Self {
            name,
            title: title.into(),
            columns: columns.into_iter().map(column).collect(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, row: impl IntoIterator<Item = Cell>) {
        self.rows.push(row.into_iter().collect());
    }

    /// An object for each row.
    pub(crate) fn json(&self) -> Value {
        let of_row = |row: &Vec<Cell>| {
            let cells = self.columns.iter().zip(row);
            Value::from(
                cells
                    .map(|(column, cell)| (column.key.clone(), cell.json()))
                    .collect::<Map<_, _>>(),
            )
        };
        self.rows.iter().map(of_row).collect()
    }

    /// Whether a column holds words, which begin at its left.
    fn is_text(&self, column: usize) -> bool {
        self.rows
            .iter()
            .any(|row| matches!(row.get(column), Some(Cell::Text(_))))
    }

    /// The titles and the rows, for people.
    fn shown(&self) -> Vec<Vec<String>> {
        let titles = self.columns.iter().map(|column| printable(&column.title)).collect();
        let rows = self.rows.iter().map(|row| row.iter().map(Cell::shown).collect());
        std::iter::once(titles).chain(rows).collect()
    }

    fn print_text(&self, out: &mut impl Write) -> io::Result<()> {
        let shown = self.shown();
        let width = |column: usize| {
            let cells = shown.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<_> = (0..self.columns.len())
            .map(|column| (width(column), self.is_text(column)))
            .collect();
        writeln!(out, "{}", printable(&self.title))?;
        for row in &shown {
            let mut line = String::new();
            for (cell, (width, is_text)) in row.iter().zip(&widths) {
                if !line.is_empty() {
                    line.push_str("  ");
                }
                line.push_str(&if *is_text {
                    format!("{cell:width$}")
                } else {
                    format!("{cell:>width$}")
                });
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    fn print_markdown(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "## {}\n", markdown(&printable(&self.title)))?;
        let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
        for (at, row) in self.shown().iter().enumerate() {
            let cells: Vec<_> = row.iter().map(|cell| markdown(cell)).collect();
            writeln!(out, "{}", line(&cells))?;
            if at == 0 {
                let below = |column| if self.is_text(column) { "---" } else { "---:" }.to_owned();
                writeln!(out, "{}", line(&(0..self.columns.len()).map(below).collect::<Vec<_>>()))?;
            }
        }
        Ok(())
    }

    /// The table as CSV, the first line its keys.
    pub(crate) fn write_csv(&self, file: &mut File) -> Result<(), Failure> {
        let mut writer = csv::Writer::from_writer(file);
        writer.write_record(self.columns.iter().map(|column| &column.key))?;
        for row in &self.rows {
            writer.write_record(row.iter().map(Cell::csv))?;
        }
        Ok(writer.flush()?)
    }
}

impl Tables {
    #[allow(dead_code, reason = "for commands that have no other form of JSON")]
    /// The notes, and then the tables by their names: an object each.
    pub(crate) fn json(&self) -> Map<String, Value> {
        let tables = self.tables.iter().map(|table| (table.name.to_owned(), table.json()));
        std::iter::once(("notes".to_owned(), json!(self.notes)))
            .chain(tables)
            .collect()
    }

    fn print_text(&self, out: &mut impl Write) -> io::Result<()> {
        for (at, table) in self.tables.iter().enumerate() {
            if at > 0 {
                writeln!(out)?;
            }
            table.print_text(out)?;
        }
        if !self.notes.is_empty() && !self.tables.is_empty() {
            writeln!(out)?;
        }
        self.notes
            .iter()
            .try_for_each(|note| writeln!(out, "{}", printable(note)))
    }

    fn print_markdown(&self, out: &mut impl Write) -> io::Result<()> {
        for table in &self.tables {
            table.print_markdown(out)?;
            writeln!(out)?;
        }
        self.notes
            .iter()
            .try_for_each(|note| writeln!(out, "- {}", markdown(&printable(note))))
    }

    fn write_csv(&self, folder: &Path, existing: Existing) -> Result<(), Failure> {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        self.tables.iter().try_for_each(|table| {
            let path = csv_of(folder, table.name);
            existing.place(&path).file(|file| of_file(&path, table.write_csv(file)))
        })
    }
}

fn csv_of(folder: &Path, table: &str) -> PathBuf {
    folder.join(format!("{table}.csv"))
}

/// Text in which nothing is taken for a mark of Markdown or HTML.
fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '|' | '\\' | '`' | '*' | '_' | '<' | '[' | ']') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> Tables {
        let mut table = Table::new(
            "organs",
            "Organs | all",
            &[("name", "name"), ("volume", "volume"), ("n", "cases")],
        );
        table.push(["=liver".into(), 1.5.into(), 3_usize.into()]);
        table.push(["a|b".into(), f64::INFINITY.into(), 12_usize.into()]);
        table.push(["c".into(), f64::NAN.into(), 0_usize.into()]);
        Tables {
            notes: vec!["in mm".into()],
            tables: vec![table],
        }
    }

    #[test]
    fn text() {
        let mut out = Vec::new();
        tables().print_text(&mut out).unwrap();
        let expected = "\
Organs | all
name    volume  cases
=liver  1.5000      3
a|b        inf     12
c            -      0

in mm
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn as_markdown() {
        let mut out = Vec::new();
        tables().print_markdown(&mut out).unwrap();
        let expected = "\
## Organs \\| all

| name | volume | cases |
| --- | ---: | ---: |
| =liver | 1.5000 | 3 |
| a\\|b | inf | 12 |
| c | - | 0 |

- in mm
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn as_json() {
        let expected = json!({"notes": ["in mm"], "organs": [
            {"name": "=liver", "volume": 1.5, "n": 3},
            {"name": "a|b", "volume": "inf", "n": 12},
            {"name": "c", "volume": null, "n": 0},
        ]});
        assert_eq!(Value::from(tables().json()), expected);
    }

    #[test]
    fn as_csv() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("tables");
        tables().write_csv(&out, Existing::default()).unwrap();
        let text = fs::read_to_string(out.join("organs.csv")).unwrap();
        assert_eq!(text, "name,volume,n\n'=liver,1.5,3\na|b,inf,12\nc,,0\n");
    }
}

//! Tables as HTML, each column with a link to what it means.

use std::fmt::{self, Write};

use super::{Cell, Column, Table};
use crate::html::Text;

/// What a number means. On a page it stands once, and every heading of it leads there.
#[derive(Debug)]
pub(crate) struct Definition {
    /// Of the columns, in files and in JSON. The first is its place on the page.
    pub(crate) keys: &'static [&'static str],
    pub(crate) term: &'static str,
    pub(crate) text: &'static str,
    /// Empty if words are enough.
    pub(crate) formula: &'static str,
    /// From where to where, and what is best. Empty if there is nothing to say.
    pub(crate) range: &'static str,
    /// Options that change the number.
    pub(crate) options: &'static [&'static str],
}

impl Definition {
    fn id(&self) -> &'static str {
        self.keys.first().copied().unwrap_or_default()
    }

    /// A link from a title.
    fn link(&self, title: &str) -> String {
        format!(
            "<a href=\"#def-{}\" title=\"{}\">{}</a>",
            self.id(),
            Text(self.text),
            Text(title)
        )
    }

    fn write(&self, out: &mut impl Write) -> fmt::Result {
        let Self {
            term,
            text,
            formula,
            range,
            options,
            ..
        } = self;
        writeln!(out, "<dt id=\"def-{}\">{}</dt>\n<dd>", self.id(), Text(term))?;
        writeln!(out, "<p>{}</p>", Text(text))?;
        if !formula.is_empty() {
            writeln!(out, "<p class=\"formula\">{}</p>", Text(formula))?;
        }
        if !range.is_empty() {
            writeln!(out, "<p>{}</p>", Text(range))?;
        }
        if !options.is_empty() {
            let options: Vec<_> = options
                .iter()
                .map(|option| format!("<code>{}</code>", Text(option)))
                .collect();
            writeln!(out, "<p>Options that change it: {}</p>", options.join(", "))?;
        }
        writeln!(out, "</dd>")
    }
}

/// The definitions of a command.
#[derive(Debug)]
pub(crate) struct Glossary {
    pub(crate) definitions: Vec<&'static Definition>,
    /// Metrics as (key, title). Some tables have a row for each of them, with its title in a column `metric`.
    pub(crate) metrics: Vec<(&'static str, &'static str)>,
}

impl Glossary {
    pub(crate) fn of_key(&self, key: &str) -> Option<&'static Definition> {
        self.definitions
            .iter()
            .copied()
            .find(|definition| definition.keys.contains(&key))
    }

    /// That of a metric whose title stands in a cell.
    fn of_cell(&self, column: &Column, cell: &Cell) -> Option<&'static Definition> {
        let Cell::Text(title) = cell else { return None };
        let metric = self.metrics.iter().find(|(_, known)| known == title);
        metric
            .filter(|_| column.key == "metric")
            .and_then(|(key, _)| self.of_key(key))
    }

    /// Gives the columns of metrics their whole titles, for which a terminal has no room.
    pub(crate) fn spell_out(&self, table: &mut Table) {
        for column in &mut table.columns {
            if let Some((_, title)) = self.metrics.iter().find(|(key, _)| *key == column.key) {
                column.title = (*title).to_owned();
            }
        }
    }

    /// The columns and metrics of tables that nothing defines.
    #[cfg(test)]
    pub(crate) fn missing(&self, tables: &[Table]) -> Vec<String> {
        let mut missing = Vec::new();
        for table in tables {
            for (at, column) in table.columns.iter().enumerate() {
                if self.of_key(&column.key).is_none() {
                    missing.push(column.key.clone());
                }
                let cells = table.rows.iter().filter_map(|row| row.get(at));
                let unknown = cells.filter(|cell| column.key == "metric" && self.of_cell(column, cell).is_none());
                missing.extend(unknown.map(Cell::shown));
            }
        }
        missing
    }

    /// What the numbers of tables mean, in the order of the definitions.
    pub(crate) fn html(&self, tables: &[&Table]) -> Result<String, fmt::Error> {
        let mut html = "<dl>\n".to_owned();
        for definition in self
            .definitions
            .iter()
            .filter(|definition| self.uses(tables, definition))
        {
            definition.write(&mut html)?;
        }
        html.push_str("</dl>");
        Ok(html)
    }

    fn uses(&self, tables: &[&Table], definition: &Definition) -> bool {
        let is_it = |found: Option<&Definition>| found.is_some_and(|found| std::ptr::eq(found, definition));
        tables.iter().any(|table| {
            let in_rows = |at: usize, column: &Column| {
                let cells = table.rows.iter().filter_map(|row| row.get(at));
                column.key == "metric" && cells.into_iter().any(|cell| is_it(self.of_cell(column, cell)))
            };
            let columns = table.columns.iter().enumerate();
            columns
                .into_iter()
                .any(|(at, column)| is_it(self.of_key(&column.key)) || in_rows(at, column))
        })
    }
}

impl Table {
    /// The table with its title as caption. Its rows begin with their names; those of one name are kept together.
    pub(crate) fn html(&self, glossary: &Glossary) -> Result<String, fmt::Error> {
        let mut out = String::new();
        // A wide table scrolls in a region of its own, which keys reach.
        writeln!(
            out,
            "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-labelledby=\"table-{0}\">\n<table>\n\
             <caption id=\"table-{0}\">{1}</caption>\n<thead><tr>",
            Text(self.name),
            Text(&self.title)
        )?;
        for (at, column) in self.columns.iter().enumerate() {
            let title = match glossary.of_key(&column.key) {
                Some(definition) => definition.link(&column.title),
                None => Text(&column.title).to_string(),
            };
            writeln!(out, "<th scope=\"col\"{}>{title}</th>", self.class(at))?;
        }
        writeln!(out, "</tr></thead>\n<tbody>")?;
        // Words at the beginning name a row, but a table of words is named by its first column.
        let words = (0..self.columns.len()).take_while(|&at| self.is_text(at)).count();
        let headings = if words == self.columns.len() { 1 } else { words };
        let mut group = self.rows.first().and_then(|row| row.first());
        for row in &self.rows {
            if headings > 1 && row.first() != group {
                group = row.first();
                writeln!(out, "</tbody>\n<tbody>")?;
            }
            out.push_str("<tr>");
            for (at, (column, cell)) in self.columns.iter().zip(row).enumerate() {
                let shown = match glossary.of_cell(column, cell) {
                    Some(definition) => definition.link(&cell.shown()),
                    None => Text(&shown(cell)).to_string(),
                };
                let class = self.class(at);
                if at < headings {
                    write!(out, "<th scope=\"row\"{class}>{shown}</th>")?;
                } else {
                    write!(out, "<td{class}>{shown}</td>")?;
                }
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody>\n</table>\n</div>");
        Ok(out)
    }

    /// Words begin at the left. All else is numbers.
    fn class(&self, column: usize) -> &'static str {
        if self.is_text(column) { " class=\"t\"" } else { "" }
    }
}

/// A number as on paper.
fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Number(value) if value.is_nan() => "–".to_owned(),
        Cell::Number(value) if *value == f64::INFINITY => "∞".to_owned(),
        Cell::Number(value) if *value < 0.0 => cell.shown().replacen('-', "−", 1),
        _ => cell.shown(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DICE: Definition = Definition {
        keys: &["dice", "f1"],
        term: "Dice",
        text: "It's > 0.",
        formula: "a < b",
        range: "0 to 1",
        options: &["--empty"],
    };

    fn glossary() -> Glossary {
        Glossary {
            definitions: vec![&DICE],
            metrics: vec![("dice", "the Dice")],
        }
    }

    #[test]
    fn names_stay_text() {
        let mut table = Table::new("a", "<i>", &[("case", "<u>"), ("f1", "Dice")]);
        table.push(["<script>alert(\"1\")</script>".into(), f64::NAN.into()]);
        table.push(["b".into(), (-0.5).into()]);
        let html = table.html(&glossary()).unwrap();
        assert!(
            !html.contains("<script") && !html.contains("<i>") && !html.contains("<u>"),
            "{html}"
        );
        assert!(
            html.contains(
                "<th scope=\"row\" class=\"t\">&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;</th><td>–</td>"
            ),
            "{html}"
        );
        assert!(
            html.contains("<a href=\"#def-dice\" title=\"It&#39;s &gt; 0.\">Dice</a>"),
            "{html}"
        );
        assert!(html.contains("<td>−0.5000</td>"), "{html}");
    }

    #[test]
    fn titles_are_spelt_out() {
        let mut table = Table::new("a", "", &[("dice", "D."), ("case", "case")]);
        glossary().spell_out(&mut table);
        let titles: Vec<_> = table.columns.iter().map(|column| &column.title).collect();
        assert_eq!(titles, ["the Dice", "case"]);
    }

    #[test]
    fn what_is_used_is_defined() {
        let mut rows = Table::new("b", "", &[("metric", "metric")]);
        rows.push(["other".into()]);
        assert_eq!(glossary().html(&[&rows]).unwrap(), "<dl>\n</dl>");
        rows.push(["the Dice".into()]);
        assert_eq!(glossary().missing(std::slice::from_ref(&rows)), ["metric", "other"]);
        let html = glossary().html(&[&rows]).unwrap();
        assert!(
            html.contains("<dt id=\"def-dice\">Dice</dt>") && html.contains("a &lt; b"),
            "{html}"
        );
        assert!(rows.html(&glossary()).unwrap().contains("<a href=\"#def-dice\""));
    }
}

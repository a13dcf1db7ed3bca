//! Pages of HTML that stand alone: a file, with no script and with nothing from a network.

use std::fmt::{self, Display, Formatter, Write as _};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::command::printable;

/// Text as it stands on a page: nothing in it is taken for a tag, in attributes either.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'a>(pub(crate) &'a str);

impl Display for Text<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        printable(self.0).chars().try_for_each(|c| match c {
            '&' => out.write_str("&amp;"),
            '<' => out.write_str("&lt;"),
            '>' => out.write_str("&gt;"),
            '"' => out.write_str("&quot;"),
            '\'' => out.write_str("&#39;"),
            _ => out.write_char(c),
        })
    }
}

/// The address of a PNG picture that holds the picture itself.
pub(crate) fn png_address(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(png))
}

/// A part of a page under a heading.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) id: &'static str,
    pub(crate) title: String,
    /// HTML.
    pub(crate) body: String,
}

#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) title: String,
    /// HTML below the title.
    pub(crate) lead: String,
    pub(crate) sections: Vec<Section>,
}

/// A browser fetches and runs nothing, whatever a name in the page has in it.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";
const STYLE: &str = include_str!("html/style.css");

impl Display for Page {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let (title, version) = (Text(&self.title), env!("CARGO_PKG_VERSION"));
        write!(
            out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <meta name=\"generator\" content=\"soft-labels {version}\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n{}\n\
             <nav aria-label=\"Contents\"><ul>\n",
            self.lead
        )?;
        for Section { id, title, .. } in &self.sections {
            writeln!(out, "<li><a href=\"#{id}\">{}</a></li>", Text(title))?;
        }
        writeln!(out, "</ul></nav>\n</header>\n<main>")?;
        for Section { id, title, body } in &self.sections {
            writeln!(
                out,
                "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{}</h2>\n{body}\n</section>",
                Text(title)
            )?;
        }
        writeln!(out, "</main>\n</body>\n</html>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        let shown = Text("<b a=\"1\" b='2'>&amp;\u{202e}\n").to_string();
        assert_eq!(shown, "&lt;b a=&quot;1&quot; b=&#39;2&#39;&gt;&amp;amp;\\u{202e}\\n");
    }

    #[test]
    fn titles_stay_text() {
        let page = Page {
            title: "</title><script>1</script>".into(),
            lead: String::new(),
            sections: vec![Section {
                id: "a",
                title: "<script>2</script>".into(),
                body: "<p>b</p>".into(),
            }],
        };
        let page = page.to_string();
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("<p>b</p>") && page.contains("href=\"#a\"") && page.contains("id=\"a\""));
    }

    #[test]
    fn pictures_are_in_the_page() {
        assert_eq!(png_address(b"\x89PNG"), "data:image/png;base64,iVBORw==");
    }
}

//! The only place that prints: aligned tables, JSON, errors. What is printed is safe text.

use std::io::{self, Write as _};

use unicode_width::UnicodeWidthStr as _;

use crate::domain::SafeText;

/// Prints a line to standard output; a closed pipe (`| head`) is not an error.
pub(super) fn line(text: &str) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// Prints text as it is.
pub(super) fn text(bytes: &[u8]) {
    let _ = io::stdout().lock().write_all(bytes);
}

/// Prints to standard error, for questions and progress.
pub(super) fn aside(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints an error and what led to it, once each.
pub(super) fn error(error: &anyhow::Error) {
    let chain: Vec<String> = error.chain().map(ToString::to_string).collect();
    aside(&format!("quarterdeck: {}", SafeText::body(&chain.join(": "))));
}

/// Prints JSON with a newline, as it is made: an answer may be 10 MB.
pub(super) fn json(value: &impl serde::Serialize) {
    let mut out = io::BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    let _ = serde_json::to_writer_pretty(&mut out, value);
    let _ = writeln!(out);
}

/// `1 objective`, `2 objectives`.
pub(super) fn many(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Prints rows in aligned columns; the first row is the heading.
pub(super) fn table(rows: &[Vec<String>]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|at| rows.iter().filter_map(|r| r.get(at)).map(|c| c.width()).max().unwrap_or(0))
        .collect();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| {
            let pad = width.saturating_sub(cell.width());
            format!("{cell}{}", " ".repeat(pad))
        });
        line(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}

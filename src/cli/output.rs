//! The only place that prints: aligned tables, JSON, errors. What is printed is safe text.

use std::io::{self, Write as _};

use serde_json::ser::Formatter;
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
    let mut json = serde_json::Serializer::with_formatter(&mut out, Lines::default());
    let _ = value.serialize(&mut json);
    let _ = writeln!(out);
}

/// serde_json's pretty form, byte for byte, but with each indentation written at once: twenty thousand
/// alerts are a quarter of a million lines.
#[derive(Default)]
struct Lines {
    depth: usize,
    /// Whether what is open has anything in it.
    any: bool,
}

const LINE: &[u8] = b",\n                                ";

impl Lines {
    fn begin<W: ?Sized + io::Write>(&mut self, out: &mut W, sign: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.any = false;
        out.write_all(sign)
    }

    fn next<W: ?Sized + io::Write>(&self, out: &mut W, first: bool) -> io::Result<()> {
        let end = 2 + 2 * self.depth;
        let line = LINE.get(usize::from(first)..end.min(LINE.len())).unwrap_or_default();
        out.write_all(line)?;
        (LINE.len()..end).try_for_each(|_| out.write_all(b" "))
    }

    fn end<W: ?Sized + io::Write>(&mut self, out: &mut W, sign: &[u8]) -> io::Result<()> {
        self.depth -= 1;
        if self.any {
            self.next(out, true)?;
        }
        self.any = true;
        out.write_all(sign)
    }
}

impl Formatter for Lines {
    fn begin_array<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, b"[")
    }
    fn end_array<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, b"]")
    }
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        w: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.next(w, first)
    }
    fn end_array_value<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.any = true;
        Ok(())
    }
    fn begin_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, b"{")
    }
    fn end_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, b"}")
    }
    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        w: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.next(w, first)
    }
    fn begin_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }
    fn end_object_value<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.any = true;
        Ok(())
    }
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

#[cfg(test)]
mod tests {
    use serde::Serialize as _;
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_indented_as_by_serde_json_however_deep() {
        let mut value = json!([[], {}, [[]], {"a": {}}, 1, {"b": [1, {"c": "\n"}, null], "d": {}}]);
        for _ in 0..20 {
            value = json!([value, {"deeper": []}]);
            let mut ours = Vec::new();
            let mut json = serde_json::Serializer::with_formatter(&mut ours, Lines::default());
            value.serialize(&mut json).unwrap();
            let theirs = serde_json::to_string_pretty(&value).unwrap();
            assert_eq!(String::from_utf8(ours).unwrap(), theirs);
        }
    }
}

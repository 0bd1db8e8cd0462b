//! Tables that fit a terminal: flexible columns give way, wide characters count double.

use anstyle::Style;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::{HEADING, PLAIN, styled};

/// Spaces between two columns.
const GAP: usize = 2;
/// A flexible column never becomes narrower than this.
const NARROWEST: usize = 6;

/// On which side of a column its text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    title: &'static str,
    align: Align,
    flexible: bool,
}

impl Column {
    /// A column as wide as its widest text.
    pub(crate) const fn fixed(title: &'static str, align: Align) -> Column {
        Column {
            title,
            align,
            flexible: false,
        }
    }

    /// A column whose texts are cut when the table would be too wide.
    pub(crate) const fn flexible(title: &'static str) -> Column {
        Column {
            title,
            align: Align::Left,
            flexible: true,
        }
    }
}

/// One text of a table, on one line.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// Text in a style.
    pub(crate) fn new(style: Style, text: impl AsRef<str>) -> Cell {
        // What Lever holds may have line breaks, or escapes that would drive the terminal.
        let text = text
            .as_ref()
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        Cell { text, style }
    }

    /// The text in its style, as it stands outside of a table.
    pub(crate) fn styled(&self) -> String {
        styled(self.style, &self.text)
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Cell {
        Cell::new(PLAIN, text)
    }
}

/// A table with a heading.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty table.
    pub(crate) fn new(columns: impl Into<Vec<Column>>) -> Table {
        Table {
            columns: columns.into(),
            rows: Vec::new(),
        }
    }

    /// Adds a row, with a cell for each column.
    pub(crate) fn row(&mut self, cells: impl Into<Vec<Cell>>) {
        self.rows.push(cells.into());
    }

    /// The lines of the table, no wider than `width` where flexible columns can make room.
    pub(crate) fn text(&self, width: usize) -> String {
        let widths = self.widths(width);
        let heading: Vec<Cell> = self
            .columns
            .iter()
            .map(|column| Cell::new(HEADING, column.title))
            .collect();
        std::iter::once(&heading)
            .chain(&self.rows)
            .map(|row| self.line(row, &widths))
            .collect()
    }

    fn widths(&self, width: usize) -> Vec<usize> {
        let mut widths: Vec<usize> = self
            .columns
            .iter()
            .map(|column| column.title.width())
            .collect();
        for row in &self.rows {
            for (widest, cell) in widths.iter_mut().zip(row) {
                *widest = (*widest).max(cell.text.width());
            }
        }
        let gaps = GAP * self.columns.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > width {
            let flexible = self
                .columns
                .iter()
                .zip(&mut widths)
                .filter(|(column, _)| column.flexible);
            match flexible.map(|(_, width)| width).max() {
                Some(widest) if *widest > NARROWEST => *widest -= 1,
                _ => break,
            }
        }
        widths
    }

    fn line(&self, row: &[Cell], widths: &[usize]) -> String {
        let mut line = String::new();
        // Spaces are held back until something follows them, so that no line ends in them.
        let mut spaces = 0;
        for ((column, cell), &width) in self.columns.iter().zip(row).zip(widths) {
            let text = cut(&cell.text, width);
            let room = width.saturating_sub(text.width());
            let (before, after) = if column.align == Align::Right {
                (room, 0)
            } else {
                (0, room)
            };
            if !text.is_empty() {
                line.push_str(&" ".repeat(spaces + before));
                line.push_str(&styled(cell.style, &text));
                spaces = 0;
            } else {
                spaces += before;
            }
            spaces += after + GAP;
        }
        line.push('\n');
        line
    }
}

/// Text cut to a width, with an ellipsis where something is missing.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let kept = text
        .chars()
        .take_while(|c| match left.checked_sub(c.width().unwrap_or(0)) {
            Some(rest) => {
                left = rest;
                true
            }
            None => false,
        });
    let mut kept: String = kept.collect();
    kept.truncate(kept.trim_end().len());
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::super::{BAD, plain};
    use super::*;

    fn table(name: &str) -> Table {
        let mut table = Table::new([
            Column::flexible("NAME"),
            Column::fixed("COUNT", Align::Right),
            Column::fixed("STATE", Align::Left),
        ]);
        table.row([name.into(), "7".into(), Cell::new(BAD, "late")]);
        table.row(["b".into(), "1,234".into(), "".into()]);
        table
    }

    #[test]
    fn columns_line_up_and_no_line_ends_in_spaces() {
        assert_eq!(
            plain(&table("Ada").text(80)),
            "NAME  COUNT  STATE\n\
             Ada       7  late\n\
             b     1,234\n"
        );
    }

    #[test]
    fn colors_do_not_move_columns() {
        assert!(table("Ada").text(80).contains("\u{1b}[31mlate\u{1b}[0m\n"));
    }

    #[test]
    fn flexible_columns_give_way_and_wide_characters_count_double() {
        let text = plain(&table("山田太郎山田太郎山田太郎").text(26));
        for line in text.lines() {
            assert!(line.width() <= 26, "{line}");
        }
        assert!(text.contains("山田太郎山…"), "{text}");
    }

    #[test]
    fn line_breaks_and_escapes_inside_a_text_are_spaces() {
        assert_eq!(Cell::from("a\nb\u{1b}[2J").text, "a b [2J");
    }
}

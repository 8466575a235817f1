//! How things look on a terminal.

use alloy::primitives::B256;

/// Columns of text, each as wide as its widest cell; the first row is the head.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let lines = rows.iter().map(|row| {
        let cells = row.iter().zip(&widths);
        let line: String = cells
            .map(|(cell, &width)| format!("{cell:width$}  "))
            .collect();
        format!("  {}\n", line.trim_end())
    });
    lines.collect()
}

/// Party numbers in words: `0, 2, 3`, or `none`.
pub(crate) fn parties(parties: &[u8]) -> String {
    if parties.is_empty() {
        return "none".into();
    }
    let parties: Vec<_> = parties.iter().map(u8::to_string).collect();
    parties.join(", ")
}

/// Pairs of party numbers in words: `0 or 2, 1 or 2`.
pub(crate) fn pairs(pairs: &[[u8; 2]]) -> String {
    let pairs: Vec<_> = pairs.iter().map(|[a, b]| format!("{a} or {b}")).collect();
    pairs.join(", ")
}

/// The begin of a hash, enough to compare by eye.
pub(crate) fn short(hash: B256) -> String {
    let text = hash.to_string();
    format!("{}…", &text[..10])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let text = table(&[row(["node", "block"]), row(["0", "12"]), row(["–", "x"])]);
        assert_eq!(text, "  node  block\n  0     12\n  –     x\n");
        assert_eq!(table(&[]), "");
    }

    #[test]
    fn short_forms() {
        assert_eq!(parties(&[]), "none");
        assert_eq!(parties(&[0, 3]), "0, 3");
        assert_eq!(pairs(&[[0, 3], [1, 3]]), "0 or 3, 1 or 3");
        assert_eq!(short(B256::repeat_byte(0xab)), "0xabababab…");
    }
}

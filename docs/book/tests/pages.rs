//! The book is whole: every page is in its table of contents and compiled, every link leads
//! somewhere, and the pages that are made from sources are what the sources say.
//!
//! `QUARTET_UPDATE=1 cargo test -p book` makes them anew.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a test that fails"
)]

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All pages but the table of contents, as paths from the book's folder.
fn pages() -> BTreeSet<PathBuf> {
    fn walk(folder: &Path, found: &mut BTreeSet<PathBuf>) {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|end| end == "md") {
                found.insert(path);
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(Path::new("src"), &mut found);
    found.remove(Path::new("src/SUMMARY.md"));
    found
}

/// The targets of a page's links, without those to the web.
fn links(text: &str) -> Vec<String> {
    let mut links = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for part in line.split("](").skip(1) {
            let target = part.split(')').next().unwrap_or_default();
            if !target.starts_with("http") {
                links.push(target.to_owned());
            }
        }
    }
    links
}

#[test]
fn every_page_is_listed_and_compiled() {
    let listed: BTreeSet<PathBuf> = links(&read("src/SUMMARY.md"))
        .iter()
        .map(|link| Path::new("src").join(link))
        .collect();
    let compiled: BTreeSet<PathBuf> = book::PAGES.iter().map(PathBuf::from).collect();
    assert_eq!(pages(), listed, "pages and the table of contents");
    assert_eq!(pages(), compiled, "pages and the list in lib.rs");
}

/// The anchor that mdBook makes of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter_map(|c| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        c if c.is_alphanumeric() => Some(c.to_ascii_lowercase()),
        _ => None,
    });
    kept.collect()
}

#[test]
fn every_link_leads_somewhere() {
    for page in pages() {
        let folder = page.parent().unwrap();
        for link in links(&read(&page)) {
            let (path, heading) = link.split_once('#').unwrap_or((&link, ""));
            let target = if path.is_empty() {
                page.clone()
            } else {
                folder.join(path)
            };
            assert!(
                root().join(&target).exists(),
                "{}: the link to {link} leads nowhere",
                page.display()
            );
            let text = read(&target);
            let mut headings = text.lines().filter(|line| line.starts_with('#'));
            assert!(
                heading.is_empty()
                    || headings.any(|line| anchor(line.trim_start_matches(['#', ' '])) == heading),
                "{}: {} has no heading #{heading}",
                page.display(),
                target.display()
            );
        }
    }
}

/// Compares a page with what it is to be, or writes it.
fn made_from_sources(page: &str, expected: &str) {
    let path = root().join(page);
    if std::env::var_os("QUARTET_UPDATE").is_some() {
        fs::write(&path, expected).unwrap();
    }
    assert!(
        read(page) == expected,
        "{page} is not what its sources say: QUARTET_UPDATE=1 cargo test -p book"
    );
}

/// A documented item of a source: its name, and its documentation as one line.
fn documented<'a>(source: &'a str, starts: &[&str]) -> Vec<(&'a str, String)> {
    let mut items = Vec::new();
    let mut docs = String::new();
    for line in source.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            let text = text.trim();
            let ended = docs.contains("\u{0}");
            if text.is_empty() || text.starts_with('#') || ended {
                docs.push('\u{0}');
            } else {
                let _ = write!(docs, "{}{text}", if docs.is_empty() { "" } else { " " });
            }
            continue;
        }
        if line.starts_with("#[") {
            continue;
        }
        let rest = starts.iter().find_map(|start| line.strip_prefix(start));
        if let Some(rest) = rest.filter(|_| !docs.is_empty()) {
            let name = rest
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .next();
            let text = docs.replace('\u{0}', "");
            items.push((name.unwrap_or_default(), text));
        }
        docs.clear();
    }
    items
}

/// Documentation for a cell of a table: without links to Rust's items.
fn cell(text: &str) -> String {
    let mut cell = text
        .replace("[`Self::", "`")
        .replace("[`", "`")
        .replace("`]", "`");
    while let Some(start) = cell.find("`(") {
        let Some(end) = cell[start..].find(')') else {
            break;
        };
        cell.replace_range(start + 1..=start + end, "");
    }
    cell.replace('|', "\\|")
}

#[test]
fn the_operations_are_those_of_the_sdk() {
    let mut page = String::from(
        "# Operations on secrets\n\n\
         Made from the documentation of `contract-sdk/src/secret`. *Costs* are told for one \
         element; on a vector, all elements share the rounds.\n\n\
         Operators: `+ - *` and `/ %` on numbers, `& | ^ !`, `<<` and `>>` on integers and \
         booleans, each with a secret or a public operand, on single values and on vectors. \
         Arithmetic wraps; `x / 0` has all bits set, `x % 0` is x.\n",
    );
    for (title, file, about) in [
        ("Comparing, choosing, casting, slicing", "methods.rs", ""),
        (
            "Element by element",
            "lanes.rs",
            "On `Secret<T>` and `SecretVec<T>` alike.",
        ),
        ("Over a vector", "columns.rs", ""),
        ("Order and randomness", "order.rs", ""),
        ("Making vectors", "vector.rs", ""),
    ] {
        let source = read(format!("../../contract-sdk/src/secret/{file}"));
        let _ = write!(page, "\n## {title}\n\n");
        if !about.is_empty() {
            let _ = write!(page, "{about}\n\n");
        }
        page.push_str("| Method | What it does |\n| --- | --- |\n");
        let mut seen = BTreeSet::new();
        for (name, text) in documented(&source, &["pub fn ", "pub const fn ", "fn "]) {
            let text = cell(&text);
            if seen.insert((name, text.clone())) {
                let _ = writeln!(page, "| `{name}` | {text} |");
            }
        }
    }
    made_from_sources("src/reference/operations.md", &page);
}

#[test]
fn the_limits_are_those_of_the_nodes() {
    let source = read("../../wire/src/limits.rs");
    let mut page = String::from(
        "# Limits\n\nMade from `wire/src/limits.rs`: every node of a cluster agrees on these.\n\n\
         | Limit | Value | Of what |\n| --- | --- | --- |\n",
    );
    let values: Vec<(&str, &str)> = source
        .lines()
        .filter_map(|line| line.strip_prefix("pub const "))
        .filter_map(|rest| {
            let (name, rest) = rest.split_once(':')?;
            let (_, value) = rest.split_once('=')?;
            Some((name, value.trim().trim_end_matches(';')))
        })
        .collect();
    for (name, text) in documented(&source, &["pub const "]) {
        let value = values.iter().find(|(of, _)| *of == name);
        let value = value.map_or("", |(_, value)| value);
        let _ = writeln!(page, "| `{name}` | `{value}` | {} |", cell(&text));
    }
    made_from_sources("src/reference/limits.md", &page);
}

//! What a contract's author wrote above its items, as its module carries it from the compiler to
//! whoever builds the contract: a custom section with one record of JSON a line, in no order. It is
//! taken out of the module before anybody deploys it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Name of the section.
pub const SECTION: &str = "quartet.docs";
/// How a module of WebAssembly begins.
const HEADER: &[u8] = b"\0asm\x01\0\0\0";
/// Kind of a custom section.
const CUSTOM: u8 = 0;

/// The comments on one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doc {
    /// `contract`, `struct`, `event`, `error`, `function`, or the attribute of a function that is
    /// not on the ABI, such as `compute`.
    pub kind: String,
    /// The item's name: as on the ABI, if it is there.
    pub name: String,
    /// What is said of the item, in lines.
    pub doc: String,
    /// What is said of its fields, by name.
    pub fields: BTreeMap<String, String>,
}

/// A module without its custom sections, and the comments that were in one of them. None if it is
/// no module.
#[must_use]
pub fn take(module: &[u8]) -> Option<(Vec<u8>, Vec<Doc>)> {
    let (header, mut rest) = module.split_at_checked(HEADER.len())?;
    if header != HEADER {
        return None;
    }
    let (mut code, mut docs) = (header.to_vec(), Vec::new());
    while let Some((kind, after)) = rest.split_first() {
        let (length, after) = number(after)?;
        let (content, after) = after.split_at_checked(length)?;
        if *kind == CUSTOM {
            let (length, named) = number(content)?;
            let (name, content) = named.split_at_checked(length)?;
            if name == SECTION.as_bytes() {
                docs.extend(read(content));
            }
        } else {
            code.extend_from_slice(&rest[..rest.len() - after.len()]);
        }
        rest = after;
    }
    docs.sort_by(|a, b| (&a.kind, &a.name).cmp(&(&b.kind, &b.name)));
    Some((code, docs))
}

/// The number in LEB128 at the front, and what follows it.
fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let length = bytes.iter().take(5).position(|byte| byte & 0x80 == 0)? + 1;
    let (number, rest) = bytes.split_at(length);
    let digits = number.iter().rev().map(|byte| usize::from(byte & 0x7f));
    Some((digits.fold(0, |number, digit| number << 7 | digit), rest))
}

/// The records of a section. What is none is passed over.
fn read(section: &[u8]) -> Vec<Doc> {
    let lines = section.split(|byte| *byte == b'\n');
    lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{HEADER, SECTION, read, take};

    #[test]
    fn records_are_lines() {
        let section = br#"{"kind":"struct","name":"Tally","doc":"What is\nrevealed.","fields":{"votes":"Ballots."}}
no record
{"kind":"compute","name":"tally","doc":"","fields":{}}
"#;
        let docs = read(section);
        assert_eq!(docs.len(), 2);
        assert_eq!(docs[0].doc, "What is\nrevealed.");
        assert_eq!(docs[0].fields["votes"], "Ballots.");
        assert_eq!(docs[1].kind, "compute");
    }

    /// A section of this kind.
    fn section(kind: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len();
        let length = [length as u8 | 0x80, (length >> 7) as u8];
        [&[kind][..], &length, content].concat()
    }

    #[test]
    fn custom_sections_leave_the_module_and_nothing_else_does() {
        let named = |name: &str, content: &[u8]| {
            section(0, &[&[name.len() as u8], name.as_bytes(), content].concat())
        };
        let record = br#"{"kind":"event","name":"Paid","doc":"","fields":{}}"#;
        let (types, code) = (section(1, &[7; 300]), section(10, &[8; 3]));
        let module = [
            HEADER.to_vec(),
            types.clone(),
            named(SECTION, record),
            code.clone(),
            named("name", b"x"),
        ]
        .concat();
        let (left, docs) = take(&module).unwrap();
        assert_eq!(left, [HEADER.to_vec(), types, code].concat());
        assert_eq!(docs[0].name, "Paid");
        assert_eq!(take(&left), Some((left.clone(), Vec::new())));
        for end in [3, HEADER.len() + 1, module.len() - 1] {
            assert_eq!(take(&module[..end]), None, "{end}");
        }
        assert_eq!(
            take(&[HEADER, &[0, 0xff, 0xff, 0xff, 0xff, 0xff]].concat()),
            None
        );
    }
}

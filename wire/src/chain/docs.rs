//! What a contract's author wrote above its items, as its module carries it from the compiler to
//! whoever builds the contract: a custom section with one record of JSON a line, in no order. It is
//! taken out of the module before anybody deploys it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Name of the section.
pub const SECTION: &str = "quartet.docs";

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

/// The records of a section. What is none is passed over.
#[must_use]
pub fn read(section: &[u8]) -> Vec<Doc> {
    let lines = section.split(|byte| *byte == b'\n');
    lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::read;

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
}

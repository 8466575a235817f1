//! The author's comments, to be found by item.

use wire::docs::Doc;

/// All comments on a contract's items.
#[derive(Clone, Copy)]
pub(crate) struct Said<'a>(pub(crate) &'a [Doc]);

impl<'a> Said<'a> {
    fn of(self, kind: &str, name: &str) -> Option<&'a Doc> {
        let mut all = self.0.iter();
        all.find(|doc| doc.kind == kind && doc.name == name)
    }

    /// What is said of an item; empty if nothing.
    pub(crate) fn item(self, kind: &str, name: &str) -> &'a str {
        self.of(kind, name).map_or("", |doc| &doc.doc)
    }

    /// What is said of a field of an item.
    pub(crate) fn field(self, kind: &str, name: &str, field: &str) -> &'a str {
        let text = self.of(kind, name).and_then(|doc| doc.fields.get(field));
        text.map_or("", String::as_str)
    }
}

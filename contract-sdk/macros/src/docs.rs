//! What authors write above their items, for those who read the ABI or the Solidity made of it.
//!
//! It goes into a custom section of the module, one line of JSON for each item, as
//! `wire::docs` says. The section is read when the contract is built, and is then taken out: it
//! costs nothing on the chain, and a better word in a comment does not change the code's hash.

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use syn::{Attribute, Expr, ExprLit, Field, Lit, Meta};

/// The text of the doc comments among these attributes, line by line.
fn text(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| {
        let Meta::NameValue(meta) = &attribute.meta else {
            return None;
        };
        let Expr::Lit(ExprLit {
            lit: Lit::Str(line),
            ..
        }) = &meta.value
        else {
            return None;
        };
        let line = line.value();
        let line = line.strip_prefix(' ').unwrap_or(&line).trim_end();
        meta.path.is_ident("doc").then(|| line.to_owned())
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    text.trim_matches('\n').to_owned()
}

/// The part of a record that one of an item's fields has: its name and its text.
pub(crate) fn field(name: String, field: &Field) -> (String, String) {
    (name, text(&field.attrs))
}

/// The record of an item; nothing if neither it nor a field has a comment. `kind` is one of
/// `contract`, `struct`, `event`, `error` and `function`, or a function's attribute where it is
/// not on the ABI.
pub(crate) fn section(
    kind: &str,
    name: &str,
    attributes: &[Attribute],
    fields: &[(String, String)],
) -> TokenStream {
    let doc = text(attributes);
    let told: Vec<_> = fields.iter().filter(|(_, text)| !text.is_empty()).collect();
    if doc.is_empty() && told.is_empty() {
        return TokenStream::new();
    }
    let mut record = String::from("{\"kind\":");
    push_string(&mut record, kind);
    record.push_str(",\"name\":");
    push_string(&mut record, name);
    record.push_str(",\"doc\":");
    push_string(&mut record, &doc);
    record.push_str(",\"fields\":{");
    for (place, (name, text)) in told.iter().enumerate() {
        if place > 0 {
            record.push(',');
        }
        push_string(&mut record, name);
        record.push(':');
        push_string(&mut record, text);
    }
    record.push_str("}}\n");
    let (bytes, length) = (Literal::byte_string(record.as_bytes()), record.len());
    quote! {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, reason = "a section of the module that no code reads")]
        const _: () = {
            #[used]
            #[unsafe(link_section = "quartet.docs")]
            static DOCS: [u8; #length] = *#bytes;
        };
    }
}

/// Appends a JSON string.
fn push_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c < ' ' => out.push(' '),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use syn::{ItemStruct, parse_quote};

    use super::{field, section, text};

    #[test]
    fn comments_become_one_record() {
        let item: ItemStruct = parse_quote! {
            /// What is "revealed".
            ///
            /// To all.
            struct Tally {
                /// Ballots.
                votes: u64,
                rest: u64,
            }
        };
        assert_eq!(text(&item.attrs), "What is \"revealed\".\n\nTo all.");
        let fields: Vec<_> = item
            .fields
            .iter()
            .map(|f| {
                field(
                    f.ident
                        .as_ref()
                        .map(ToString::to_string)
                        .unwrap_or_default(),
                    f,
                )
            })
            .collect();
        let made = section("struct", "Tally", &item.attrs, &fields).to_string();
        let expected = r#"{\"kind\":\"struct\",\"name\":\"Tally\",\"doc\":\"What is \\\"revealed\\\".\\n\\nTo all.\",\"fields\":{\"votes\":\"Ballots.\"}}\n"#;
        assert!(made.contains(expected), "{made}");
    }

    #[test]
    fn what_has_no_comment_has_no_record() {
        let item: ItemStruct = parse_quote!(
            struct Tally {
                votes: u64,
            }
        );
        assert!(section("struct", "Tally", &item.attrs, &[]).is_empty());
    }
}

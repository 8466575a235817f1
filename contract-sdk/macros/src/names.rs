//! Names on the ABI.

use proc_macro2::Span;
use syn::Ident;

/// An identifier as text, without `r#`.
pub(crate) fn plain(name: &Ident) -> String {
    let name = name.to_string();
    name.strip_prefix("r#").map_or(name.clone(), Into::into)
}

/// `add_voters` as `addVoters`; leading underscores, which only silence a warning, are dropped.
pub(crate) fn camel_case(name: &Ident) -> String {
    let name = plain(name);
    let mut parts = name.split('_').filter(|part| !part.is_empty());
    let mut camel = parts.next().unwrap_or("").to_owned();
    for part in parts {
        let mut letters = part.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

/// `add_voters` as `ADD_VOTERS`.
pub(crate) fn constant(name: &Ident) -> Ident {
    Ident::new(&plain(name).to_ascii_uppercase(), name.span())
}

/// Where the state keeps for when a function's timer was set: no field begins with a zero byte.
pub(crate) fn timer_key(name: &Ident) -> String {
    format!("\0at {}", plain(name))
}

/// The `index`th generated variable; it cannot meet one of the author's.
pub(crate) fn variable(index: usize) -> Ident {
    Ident::new(&format!("__quartet_{index}"), Span::mixed_site())
}

#[cfg(test)]
mod tests {
    use super::{Ident, Span, camel_case};

    #[test]
    fn camel_case_names() {
        for (rust, solidity) in [
            ("close", "close"),
            ("add_voters", "addVoters"),
            ("l1_poll", "l1Poll"),
            ("_unused_name", "unusedName"),
            ("a_b_c", "aBC"),
            ("x2_y", "x2Y"),
        ] {
            assert_eq!(camel_case(&Ident::new(rust, Span::call_site())), solidity);
        }
    }
}

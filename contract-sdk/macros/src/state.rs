//! `#[state]`: the storage layout.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Fields, ItemStruct};

use crate::names;

pub(crate) fn implement(item: &ItemStruct) -> syn::Result<TokenStream> {
    let Fields::Named(fields) = &item.fields else {
        let text = "the state needs named fields, since they name what is stored: \
                    write `struct State { closes: Time, voted: Map<Address, bool> }`";
        return Err(syn::Error::new_spanned(&item.ident, text));
    };
    if !item.generics.params.is_empty() {
        let text = "the state takes no type parameters: write the types out";
        return Err(syn::Error::new_spanned(&item.generics, text));
    }
    let name = &item.ident;
    let idents: Vec<_> = fields
        .named
        .iter()
        .filter_map(|field| field.ident.as_ref())
        .collect();
    let texts: Vec<_> = idents.iter().map(|ident| names::plain(ident)).collect();
    let types = fields.named.iter().map(|field| &field.ty);
    Ok(quote! {
        impl ::quartet::state::State for #name {
            fn load() -> Self {
                Self {
                    #(#idents: <#types as ::quartet::state::StateField>::load(#texts),)*
                }
            }

            fn save(&self) {
                #(::quartet::state::StateField::save(&self.#idents, #texts);)*
            }
        }
    })
}

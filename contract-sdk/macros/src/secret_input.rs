//! `#[derive(SecretInput)]`: a struct that clients seal and send.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::DeriveInput;

use crate::{abi_type, names};

pub(crate) fn derive(item: &DeriveInput) -> syn::Result<TokenStream> {
    let fields = abi_type::fields(item, "SecretInput")?;
    let (name, vis) = (&item.ident, &item.vis);
    let columns = format_ident!("{name}Columns");
    let text = names::plain(name);
    let idents: Vec<_> = fields.iter().map(|(name, _)| name).collect();
    let field = quote!(::quartet::secret::SecretField);
    let types = abi_type::items(&fields, &field, "Column");
    let plains = abi_type::items(&fields, &field, "Plain");
    let kinds = abi_type::items(&fields, &field, "KIND");
    let lens = abi_type::items(&fields, &field, "LEN");
    let of_column = abi_type::items(&fields, &field, "column");
    let of_index = abi_type::items(&fields, &field, "at");
    let of_plain = abi_type::items(&fields, &field, "bits");
    let copy = abi_type::copy(&columns);
    let texts = idents.iter().map(|name| names::plain(name));
    let numbers = 0..u32::try_from(fields.len()).unwrap_or(0);
    let columns_doc = format!("The fields of all [`{name}`]s, each a vector over the inputs.");
    let field_docs = idents
        .iter()
        .map(|field| format!("`{field}` of each input."));
    let plain_doc = format!("A [`{name}`] in clear, to be sealed.");
    Ok(quote! {
        #[doc = #columns_doc]
        #vis struct #columns {
            #(
                #[doc = #field_docs]
                #vis #idents: #types,
            )*
        }

        #copy

        impl ::quartet::secret::Vectored for #name {
            type Columns = #columns;
        }

        impl ::quartet::SecretInput for #name {
            const NAME: &'static str = #text;

            fn fields(__visit: &mut dyn FnMut(&'static str, ::quartet::secret::Kind, u32)) {
                #(
                    __visit(
                        #texts,
                        #kinds,
                        #lens,
                    );
                )*
            }

            fn columns(__number: u32) -> #columns {
                #columns {
                    #(#idents: #of_column(
                        __number, #numbers,
                    ),)*
                }
            }

            fn at(__columns: &#columns, __index: usize) -> Self {
                Self {
                    #(#idents: #of_index(
                        &__columns.#idents, __index,
                    ),)*
                }
            }
        }

        #[cfg(not(target_arch = "wasm32"))]
        impl #name {
            #[doc = #plain_doc]
            #[must_use]
            #[allow(clippy::too_many_arguments, reason = "one for each field")]
            #vis fn plain(
                #(#idents: #plains,)*
            ) -> ::quartet::Plain<Self> {
                ::quartet::Plain::new(::std::vec![
                    #(#of_plain(&#idents),)*
                ])
            }
        }
    })
}

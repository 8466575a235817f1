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
    let comments = abi_type::comments(item, names::plain);
    let idents: Vec<_> = fields.iter().map(|(name, _)| name).collect();
    let field = quote!(::quartet::secret::SecretField);
    let types = abi_type::items(&fields, &field, "Column");
    let plains = abi_type::items(&fields, &field, "Plain");
    let counts = abi_type::items(&fields, &field, "FIELDS");
    let visits = abi_type::items(&fields, &field, "fields");
    let of_column = abi_type::items(&fields, &field, "column");
    let of_index = abi_type::items(&fields, &field, "at");
    let push_bits = abi_type::items(&fields, &field, "push_bits");
    let rows = abi_type::items(&fields, &field, "row");
    let each = abi_type::items(&fields, &field, "each");
    // How many fields of the description come before each.
    let before: Vec<_> = (0..fields.len())
        .map(|place| {
            let counts = &counts[..place];
            quote!(0 #(+ #counts)*)
        })
        .collect();
    let copy = abi_type::copy(&columns);
    let texts = idents.iter().map(|name| names::plain(name));
    let columns_doc = format!("The fields of all [`{name}`]s, each a vector over the inputs.");
    let field_docs = idents
        .iter()
        .map(|field| format!("`{field}` of each input."));
    let plain_doc = format!("A [`{name}`] in clear, to be sealed.");
    Ok(quote! {
        #comments

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
        }

        impl ::quartet::secret::SecretField for #name {
            type Plain = ::quartet::Plain<Self>;
            type Column = #columns;
            const FIELDS: u32 = 0 #(+ #counts)*;

            fn fields(
                __name: &str,
                __len: u32,
                __visit: &mut dyn FnMut(&str, ::quartet::secret::Kind, u32),
            ) {
                #(
                    #visits(&::quartet::secret::field_name(__name, #texts), __len, __visit);
                )*
            }

            fn column(__number: u32, __field: u32, __element: u32) -> #columns {
                #columns {
                    #(#idents: #of_column(__number, __field + #before, __element),)*
                }
            }

            fn at(__columns: &#columns, __index: usize) -> Self {
                Self {
                    #(#idents: #of_index(
                        &__columns.#idents, __index,
                    ),)*
                }
            }

            fn row(&self) -> #columns {
                #columns {
                    #(#idents: #rows(&self.#idents),)*
                }
            }

            fn each(
                __columns: &#columns,
                __field: u32,
                __element: u32,
                __visit: &mut dyn FnMut(u32, u32, ::quartet::host::Handle, usize),
            ) {
                #(#each(&__columns.#idents, __field + #before, __element, __visit);)*
            }

            fn push_bits(__plain: &Self::Plain, __fields: &mut [::std::vec::Vec<u128>]) {
                __plain.push_bits(__fields);
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
                let mut __fields = ::std::vec![
                    ::std::vec::Vec::new();
                    <Self as ::quartet::secret::SecretField>::FIELDS as usize
                ];
                #(#push_bits(&#idents, &mut __fields[(#before) as usize..]);)*
                ::quartet::Plain::new(__fields)
            }
        }
    })
}

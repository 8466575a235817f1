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
    let types: Vec<_> = fields.iter().map(|(_, ty)| ty).collect();
    let texts = idents.iter().map(|name| names::plain(name));
    let numbers = 0..u32::try_from(fields.len()).unwrap_or(0);
    let columns_doc = format!("The fields of all [`{name}`]s, each a vector over the inputs.");
    let field_docs = idents
        .iter()
        .map(|field| format!("`{field}` of each input."));
    let plain_doc = format!("A [`{name}`] in clear, to be sealed.");
    Ok(quote! {
        #[doc = #columns_doc]
        #[derive(Clone, Copy)]
        #vis struct #columns {
            #(
                #[doc = #field_docs]
                #vis #idents: <#types as ::quartet::secret::SecretField>::Column,
            )*
        }

        impl ::quartet::secret::Vectored for #name {
            type Columns = #columns;
        }

        impl ::quartet::SecretInput for #name {
            const NAME: &'static str = #text;

            fn fields(__visit: &mut dyn FnMut(&'static str, ::quartet::secret::Kind, u32)) {
                #(
                    __visit(
                        #texts,
                        <#types as ::quartet::secret::SecretField>::KIND,
                        <#types as ::quartet::secret::SecretField>::LEN,
                    );
                )*
            }

            fn columns(__number: u32) -> #columns {
                #columns {
                    #(#idents: <#types as ::quartet::secret::SecretField>::column(
                        __number, #numbers,
                    ),)*
                }
            }

            fn at(__columns: &#columns, __index: usize) -> Self {
                Self {
                    #(#idents: <#types as ::quartet::secret::SecretField>::at(
                        &__columns.#idents, __index,
                    ),)*
                }
            }
        }

        #[cfg(not(target_arch = "wasm32"))]
        impl #name {
            #[doc = #plain_doc]
            #[must_use]
            #vis fn plain(
                #(#idents: <#types as ::quartet::secret::SecretField>::Plain,)*
            ) -> ::quartet::Plain<Self> {
                ::quartet::Plain::new(::std::vec![
                    #(<#types as ::quartet::secret::SecretField>::bits(&#idents),)*
                ])
            }
        }
    })
}

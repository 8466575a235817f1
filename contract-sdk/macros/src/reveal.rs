//! `#[derive(Reveal)]`: a struct that may leave a computation.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::DeriveInput;

use crate::{abi_type, names};

pub(crate) fn derive(item: &DeriveInput) -> syn::Result<TokenStream> {
    let fields = abi_type::fields(item, "Reveal")?;
    let abi = abi_type::implement(&item.ident, &fields);
    let comments = abi_type::comments(item, names::camel_case);
    let (name, vis) = (&item.ident, &item.vis);
    let secrets = format_ident!("{name}Secrets");
    let names: Vec<_> = fields.iter().map(|(name, _)| name).collect();
    let reveal = quote!(::quartet::Reveal);
    let types = abi_type::items(&fields, &reveal, "Secret");
    let reveals = abi_type::items(&fields, &reveal, "reveal");
    let openeds = abi_type::items(&fields, &reveal, "opened");
    let secrets_doc = format!("The fields of a secret [`{name}`].");
    let field_docs = names.iter().map(|field| format!("The secret `{field}`."));
    let secret_doc = format!("A secret [`{name}`] of its fields.");
    let copy = abi_type::copy(&secrets);
    Ok(quote! {
        #abi
        #comments

        #[doc = #secrets_doc]
        #vis struct #secrets {
            #(
                #[doc = #field_docs]
                #vis #names: #types,
            )*
        }

        #copy

        impl ::quartet::secret::SecretType for #name {
            type Held = #secrets;
        }

        impl ::quartet::secret::SecretStruct for #name {}

        impl ::quartet::Reveal for #name {
            type Secret = ::quartet::Secret<Self>;

            fn reveal(__secret: &::quartet::Secret<Self>) {
                #(#reveals(&__secret.#names);)*
            }

            fn opened(
                __values: &mut ::quartet::secret::Opened<'_>,
            ) -> ::core::option::Option<Self> {
                ::core::option::Option::Some(Self {
                    #(#names: #openeds(__values)?,)*
                })
            }
        }

        impl #name {
            #[doc = #secret_doc]
            #[must_use]
            #[allow(dead_code, reason = "a contract may read secrets of it only")]
            #[allow(clippy::too_many_arguments, reason = "one for each field")]
            #vis const fn secret(
                #(#names: #types,)*
            ) -> ::quartet::Secret<Self> {
                ::quartet::Secret::of_fields(#secrets { #(#names,)* })
            }
        }
    })
}

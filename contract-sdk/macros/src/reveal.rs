//! `#[derive(Reveal)]`: a struct that may leave a computation.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::DeriveInput;

use crate::abi_type;

pub(crate) fn derive(item: &DeriveInput) -> syn::Result<TokenStream> {
    let fields = abi_type::fields(item, "Reveal")?;
    let abi = abi_type::implement(&item.ident, &fields);
    let (name, vis) = (&item.ident, &item.vis);
    let secrets = format_ident!("{name}Secrets");
    let names: Vec<_> = fields.iter().map(|(name, _)| name).collect();
    let types: Vec<_> = fields.iter().map(|(_, ty)| ty).collect();
    let secrets_doc = format!("The fields of a secret [`{name}`].");
    let field_docs = names.iter().map(|field| format!("The secret `{field}`."));
    let secret_doc = format!("A secret [`{name}`] of its fields.");
    Ok(quote! {
        #abi

        #[doc = #secrets_doc]
        #[derive(Clone, Copy)]
        #vis struct #secrets {
            #(
                #[doc = #field_docs]
                #vis #names: <#types as ::quartet::Reveal>::Secret,
            )*
        }

        impl ::quartet::secret::SecretType for #name {
            type Held = #secrets;
        }

        impl ::quartet::secret::SecretStruct for #name {}

        impl ::quartet::Reveal for #name {
            type Secret = ::quartet::Secret<Self>;

            fn reveal(__secret: &::quartet::Secret<Self>) {
                #(<#types as ::quartet::Reveal>::reveal(&__secret.#names);)*
            }

            fn opened(
                __values: &mut ::quartet::secret::Opened<'_>,
            ) -> ::core::option::Option<Self> {
                ::core::option::Option::Some(Self {
                    #(#names: <#types as ::quartet::Reveal>::opened(__values)?,)*
                })
            }
        }

        impl #name {
            #[doc = #secret_doc]
            #[must_use]
            #[allow(dead_code, reason = "a contract may read secrets of it only")]
            #vis const fn secret(
                #(#names: <#types as ::quartet::Reveal>::Secret,)*
            ) -> ::quartet::Secret<Self> {
                ::quartet::Secret::of_fields(#secrets { #(#names,)* })
            }
        }
    })
}

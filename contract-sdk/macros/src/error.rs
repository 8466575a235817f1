//! `#[error]`: an enum as Solidity custom errors, one per variant.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Fields, Ident, ItemEnum, Type, Variant};

use crate::names;

/// The error enum, without the attributes that are ours.
pub(crate) struct ErrorEnum {
    pub(crate) item: ItemEnum,
}

fn types(variant: &Variant) -> Vec<&Type> {
    variant.fields.iter().map(|field| &field.ty).collect()
}

/// A pattern, or an expression, of this variant with these variables.
fn shape(variant: &Variant, variables: &[Ident]) -> TokenStream {
    let name = &variant.ident;
    match &variant.fields {
        Fields::Unit => quote!(Self::#name),
        Fields::Unnamed(_) => quote!(Self::#name(#(#variables),*)),
        Fields::Named(named) => {
            let fields = named.named.iter().filter_map(|field| field.ident.as_ref());
            quote!(Self::#name { #(#fields: #variables),* })
        }
    }
}

fn variables(variant: &Variant) -> Vec<Ident> {
    (0..variant.fields.len()).map(names::variable).collect()
}

fn selector(variant: &Variant) -> TokenStream {
    let (text, types) = (names::plain(&variant.ident), types(variant));
    quote! {
        const {
            ::quartet::abi::keccak::selector(&[
                #text,
                <(#(#types,)*) as ::quartet::abi::Params>::SIGNATURE,
            ])
        }
    }
}

impl ErrorEnum {
    pub(crate) fn read(mut item: ItemEnum) -> syn::Result<Self> {
        if !item.generics.params.is_empty() {
            let text = "the errors take no type parameters: write the types out";
            return Err(syn::Error::new_spanned(&item.generics, text));
        }
        crate::model::derive_by_default(&mut item.attrs);
        Ok(Self { item })
    }

    /// Its name.
    pub(crate) fn name(&self) -> &Ident {
        &self.item.ident
    }

    /// Whether one of its variants is called as the error of functions with `only`.
    pub(crate) fn has_unauthorized(&self) -> bool {
        let mut variants = self.item.variants.iter();
        variants.any(|variant| names::plain(&variant.ident) == "Unauthorized")
    }

    pub(crate) fn implement(&self) -> TokenStream {
        let name = self.name();
        let variants = &self.item.variants;
        let encodings = variants.iter().map(|variant| {
            let (types, variables, selector) =
                (types(variant), variables(variant), selector(variant));
            let pattern = shape(variant, &variables);
            quote! {
                #pattern => {
                    let mut __data = #selector.to_vec();
                    __data.extend_from_slice(&<
                        (#(<#types as ::quartet::abi::AbiType>::Sol,)*)
                        as ::quartet::abi::SolType
                    >::abi_encode_params(
                        &(#(<#types as ::quartet::abi::AbiType>::to_sol(#variables),)*)
                    ));
                    __data
                }
            }
        });
        let decodings = variants.iter().map(|variant| {
            let (types, variables, selector) =
                (types(variant), variables(variant), selector(variant));
            let value = shape(variant, &variables);
            quote! {
                if *__selector == #selector {
                    let (#(#variables,)*) =
                        <(#(#types,)*) as ::quartet::abi::Params>::decode(__rest)?;
                    return ::core::option::Option::Some(#value);
                }
            }
        });
        quote! {
            impl ::quartet::contract::ContractError for #name {
                fn encode(&self) -> ::std::vec::Vec<u8> {
                    match self {
                        #(#encodings)*
                    }
                }

                fn decode(__data: &[u8]) -> ::core::option::Option<Self> {
                    let (__selector, __rest) = __data.split_first_chunk::<4>()?;
                    #(#decodings)*
                    ::core::option::Option::None
                }
            }
        }
    }

    /// The statements that describe it.
    pub(crate) fn describe(&self) -> TokenStream {
        self.item
            .variants
            .iter()
            .map(|variant| {
                let (text, types) = (names::plain(&variant.ident), types(variant));
                let fields = variant.fields.iter().map(|field| {
                    field
                        .ident
                        .as_ref()
                        .map_or(String::new(), names::camel_case)
                });
                quote!(__description.error::<(#(#types,)*)>(#text, &[#(#fields),*]);)
            })
            .collect()
    }
}

//! `#[event]`: a struct as a Solidity event.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Fields, Ident, ItemStruct, Type, spanned::Spanned};

use crate::names;

/// Topics beside the signature's.
const MAX_INDEXED: usize = 3;

/// An event, without the attributes that are ours.
pub(crate) struct Event {
    pub(crate) item: ItemStruct,
    fields: Vec<Field>,
}

struct Field {
    name: Ident,
    ty: Type,
    indexed: bool,
}

impl Event {
    pub(crate) fn read(mut item: ItemStruct) -> syn::Result<Self> {
        if !item.generics.params.is_empty() {
            let text = "an event takes no type parameters: write the types out";
            return Err(syn::Error::new_spanned(&item.generics, text));
        }
        let mut fields = Vec::new();
        match &mut item.fields {
            Fields::Unit => {}
            Fields::Named(named) => {
                for field in &mut named.named {
                    let before = field.attrs.len();
                    field
                        .attrs
                        .retain(|attribute| !attribute.path().is_ident("indexed"));
                    fields.extend(field.ident.clone().map(|name| Field {
                        name,
                        ty: field.ty.clone(),
                        indexed: field.attrs.len() < before,
                    }));
                }
            }
            Fields::Unnamed(unnamed) => {
                let text = "an event needs named fields: write `struct Paid { amount: u64 }`";
                return Err(syn::Error::new_spanned(unnamed, text));
            }
        }
        if let Some(field) = fields.iter().filter(|field| field.indexed).nth(MAX_INDEXED) {
            let text = "an event has at most 3 indexed fields: remove #[indexed] here";
            return Err(syn::Error::new_spanned(&field.name, text));
        }
        crate::model::derive_by_default(&mut item.attrs);
        Ok(Self { item, fields })
    }

    pub(crate) fn implement(&self) -> TokenStream {
        let name = &self.item.ident;
        let text = names::plain(name);
        let types = self.fields.iter().map(|field| &field.ty);
        let (topics, rest): (Vec<_>, Vec<_>) = self.fields.iter().partition(|f| f.indexed);
        let topic_values = topics.iter().map(|field| {
            let (name, ty) = (&field.name, &field.ty);
            quote_spanned!(ty.span()=> <#ty as ::quartet::abi::Topic>::to_topic(&self.#name))
        });
        let topic_names: Vec<_> = topics.iter().map(|field| &field.name).collect();
        let topic_types = topics.iter().map(|field| &field.ty);
        let topic_places = 1..=topics.len();
        let topic_count = topics.len() + 1;
        let rest_names: Vec<_> = rest.iter().map(|field| &field.name).collect();
        let rest_types: Vec<_> = rest.iter().map(|field| &field.ty).collect();
        quote! {
            impl ::quartet::Event for #name {
                const TOPIC: ::quartet::alloy_primitives::B256 =
                    ::quartet::alloy_primitives::B256::new(::quartet::abi::keccak::hash(&[
                        #text,
                        <(#(#types,)*) as ::quartet::abi::Params>::SIGNATURE,
                    ]));

                fn encode(
                    &self,
                ) -> (::std::vec::Vec<::quartet::alloy_primitives::B256>, ::std::vec::Vec<u8>) {
                    let __topics = ::std::vec![Self::TOPIC, #(#topic_values,)*];
                    let __data = <
                        (#(<#rest_types as ::quartet::abi::AbiType>::Sol,)*)
                        as ::quartet::abi::SolType
                    >::abi_encode_params(
                        &(#(<#rest_types as ::quartet::abi::AbiType>::to_sol(&self.#rest_names),)*)
                    );
                    (__topics, __data)
                }

                fn decode(
                    __topics: &[::quartet::alloy_primitives::B256],
                    __data: &[u8],
                ) -> ::core::option::Option<Self> {
                    if __topics.len() != #topic_count || __topics[0] != Self::TOPIC {
                        return ::core::option::Option::None;
                    }
                    let (#(#rest_names,)*) =
                        <(#(#rest_types,)*) as ::quartet::abi::Params>::decode(__data)?;
                    ::core::option::Option::Some(Self {
                        #(#topic_names: <#topic_types as ::quartet::abi::Topic>::from_topic(
                            &__topics[#topic_places],
                        )?,)*
                        #(#rest_names,)*
                    })
                }
            }
        }
    }

    /// The statements that describe it.
    pub(crate) fn describe(&self) -> TokenStream {
        let text = names::plain(&self.item.ident);
        let fields = self.fields.iter().enumerate().map(|(i, field)| {
            let separator = (i > 0).then(|| quote!(__fields.push(',');));
            let (name, ty, indexed) = (names::camel_case(&field.name), &field.ty, field.indexed);
            quote! {
                #separator
                ::quartet::abi::json::push_parameter::<#ty>(
                    #name, ::core::option::Option::Some(#indexed), &mut __fields,
                );
            }
        });
        quote! {{
            #[allow(unused_mut)]
            let mut __fields = ::std::string::String::new();
            #(#fields)*
            __description.event(#text, &__fields);
        }}
    }
}

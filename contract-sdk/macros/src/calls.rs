//! The module `calls`: a contract's functions for Rust code outside of it.

use proc_macro2::TokenStream;
use quote::quote;

use crate::{
    function::{Function, Role},
    generate::selector,
    model::Model,
    names,
};

pub(crate) fn module(model: &Model) -> TokenStream {
    let init = match &model.init {
        Some(function) => {
            let (name, returns) = (&function.name, &function.returns);
            let (names, types) = arguments(function);
            quote! {
                /// Deploys the contract.
                #[must_use]
                pub fn #name(#(#names: #types),*) -> ::quartet::calls::Deploy<Contract, #returns> {
                    ::quartet::calls::Deploy::new(&(#(#names,)*))
                }
            }
        }
        None => quote! {
            /// Deploys the contract.
            #[must_use]
            pub fn deploy() -> ::quartet::calls::Deploy<Contract, ()> {
                ::quartet::calls::Deploy::new(&())
            }
        },
    };
    let functions = model.functions.iter().map(call);
    quote! {
        /// Calls of this contract, for its tests and for programs that use it.
        #[cfg(not(target_arch = "wasm32"))]
        #[allow(dead_code, unused_imports, reason = "not every program makes every call")]
        pub mod calls {
            use super::*;

            #init
            #(#functions)*
        }
    }
}

fn arguments(function: &Function) -> (Vec<&syn::Ident>, Vec<&syn::Type>) {
    function
        .arguments
        .iter()
        .map(|(name, ty)| (name, ty))
        .unzip()
}

fn call(function: &Function) -> TokenStream {
    let (name, returns, selector) = (&function.name, function.returned(), selector(function));
    let (names, types) = arguments(function);
    let doc = format!("Calls `{}`.", names::camel_case(name));
    match (&function.role, &function.sealed) {
        (Role::Input(input), Some(sealed)) => quote! {
            #[doc = #doc]
            #[must_use]
            pub fn #name(
                #(#names: #types,)*
                #sealed: &::quartet::Plain<#input>,
            ) -> ::quartet::calls::InputCall<Contract, #returns> {
                ::quartet::calls::InputCall::new(
                    Contract::#selector,
                    #sealed,
                    move |__sealed| (#(::core::clone::Clone::clone(&#names),)* __sealed,),
                )
            }
        },
        _ => quote! {
            #[doc = #doc]
            #[must_use]
            pub fn #name(#(#names: #types),*) -> ::quartet::calls::Call<Contract, #returns> {
                ::quartet::calls::Call::new(Contract::#selector, &(#(#names,)*))
            }
        },
    }
}

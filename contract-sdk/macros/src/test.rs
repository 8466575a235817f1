//! `#[quartet::test]`: a test of a contract, in each mode.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, Ident, ItemFn, ReturnType, Token, punctuated::Punctuated};

/// Modes by the names of the tests, with the variants of `contract_testing::Mode`.
const MODES: [(&str, &str); 3] = [("clear", "Clear"), ("mpc", "Mpc"), ("nodes", "Nodes")];

/// Attributes that belong to each test, not to the function that all run.
const OF_TESTS: [&str; 2] = ["should_panic", "ignore"];

pub(crate) fn expand(
    modes: &Punctuated<Ident, Token![,]>,
    mut function: ItemFn,
) -> syn::Result<TokenStream> {
    let signature = &function.sig;
    if let Some(token) = &signature.asyncness {
        let text = "a test of a contract waits by itself: remove `async`";
        return Err(syn::Error::new_spanned(token, text));
    }
    if let Some(argument) = signature.inputs.first() {
        let text = "a test takes no arguments: it makes its world with `World::deploy`";
        return Err(syn::Error::new_spanned(argument, text));
    }
    for mode in modes {
        if !MODES.iter().any(|(name, _)| mode == name) {
            let text = "a test runs in the modes clear, mpc and nodes: write \
                        `#[quartet::test(clear, mpc)]`, or #[quartet::test] for all of them";
            return Err(syn::Error::new_spanned(mode, text));
        }
    }
    let of_tests =
        |attribute: &Attribute| OF_TESTS.iter().any(|name| attribute.path().is_ident(name));
    let (attributes, own): (Vec<_>, Vec<_>) = function.attrs.drain(..).partition(of_tests);
    function.attrs = own;
    let returns = match &function.sig.output {
        ReturnType::Default => None,
        ReturnType::Type(..) => Some(quote!(-> impl ::std::process::Termination)),
    };
    let name = &function.sig.ident;
    let tests = MODES
        .iter()
        .filter(|(test, _)| modes.is_empty() || modes.iter().any(|mode| mode == test))
        .map(|(test, variant)| {
            let (test, variant) = (format_ident!("{test}"), format_ident!("{variant}"));
            let item = quote! {
                #(#attributes)*
                fn #test() #returns {
                    ::contract_testing::run(::contract_testing::Mode::#variant, super::#name)
                }
            };
            if test == "nodes" {
                quote!(::contract_testing::nodes_test! { #item })
            } else {
                quote!(#[::core::prelude::v1::test] #item)
            }
        });
    Ok(quote! {
        #[cfg(test)]
        #function

        #[cfg(test)]
        mod #name {
            #(#tests)*
        }
    })
}

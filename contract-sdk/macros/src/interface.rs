//! `#[quartet::interface]`: a trait as the functions of another contract.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{
    Attribute, FnArg, Ident, ItemTrait, Pat, ReturnType, TraitItem, TraitItemFn, Type, Visibility,
    parse_quote,
};

use crate::names;

/// A struct with the trait's name, of which each function calls the other contract.
pub(crate) fn implement(item: &ItemTrait) -> syn::Result<TokenStream> {
    if !item.generics.params.is_empty() {
        let text = "an interface takes no type parameters: write the types out";
        return Err(syn::Error::new_spanned(&item.generics, text));
    }
    let mut functions = Vec::new();
    let mut errors: Option<syn::Error> = None;
    for function_item in &item.items {
        match function(&item.vis, function_item) {
            Ok(function) => functions.push(function),
            Err(error) => match &mut errors {
                Some(errors) => errors.combine(error),
                none => *none = Some(error),
            },
        }
    }
    if let Some(errors) = errors {
        return Err(errors);
    }
    let (attributes, vis, name) = (&item.attrs, &item.vis, &item.ident);
    let doc = attributes
        .is_empty()
        .then(|| format!("A contract with the functions of `{name}`."))
        .map(|doc| quote!(#[doc = #doc]));
    Ok(quote! {
        #doc
        #(#attributes)*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #vis struct #name {
            address: ::quartet::alloy_primitives::Address,
        }

        #[allow(dead_code, reason = "a contract need not call every function")]
        impl #name {
            /// The contract at this address.
            #[must_use]
            #vis const fn at(address: ::quartet::alloy_primitives::Address) -> Self {
                Self { address }
            }

            #(#functions)*
        }
    })
}

fn function(vis: &Visibility, item: &TraitItem) -> syn::Result<TokenStream> {
    let TraitItem::Fn(function) = item else {
        let text =
            "an interface has functions only: write `fn balance_of(owner: Address) -> U256;`";
        return Err(syn::Error::new_spanned(item, text));
    };
    if let Some(body) = &function.default {
        let text = "the other contract has the function: end it with `;` in place of the body";
        return Err(syn::Error::new_spanned(body, text));
    }
    if !function.sig.generics.params.is_empty() {
        let text = "a function on the ABI takes no type parameters: write the types out";
        return Err(syn::Error::new_spanned(&function.sig.generics, text));
    }
    let arguments = arguments(function)?;
    let (names, types): (Vec<_>, Vec<_>) = arguments.into_iter().unzip();
    let returns: Type = match &function.sig.output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, ty) => (**ty).clone(),
    };
    let name = &function.sig.ident;
    let text = names::camel_case(name);
    let doc = format!("Calls `{text}`.");
    let documented = function.attrs.iter().any(is_doc);
    let doc = (!documented).then(|| quote!(#[doc = #doc]));
    let attributes = &function.attrs;
    Ok(quote! {
        #doc
        #(#attributes)*
        ///
        /// # Errors
        /// The other contract refuses, or cannot be called.
        #[allow(clippy::missing_const_for_fn, reason = "it calls the host")]
        #vis fn #name(
            &self,
            #(#names: #types,)*
        ) -> ::core::result::Result<#returns, ::quartet::CallError> {
            const SELECTOR: [u8; 4] = ::quartet::abi::keccak::selector(&[
                #text,
                <(#(#types,)*) as ::quartet::abi::Params>::SIGNATURE,
            ]);
            ::quartet::interface::call(&self.address, SELECTOR, &(#(#names,)*))
        }
    })
}

fn is_doc(attribute: &Attribute) -> bool {
    attribute.path().is_ident("doc")
}

fn arguments(function: &TraitItemFn) -> syn::Result<Vec<(Ident, Type)>> {
    let argument = |argument: &FnArg| match argument {
        FnArg::Receiver(receiver) => {
            let text = "a function of an interface is as Solidity sees it: remove `self`";
            Err(syn::Error::new_spanned(receiver, text))
        }
        FnArg::Typed(typed) if matches!(*typed.ty, Type::Reference(_)) => {
            let text = "arguments are sent and owned: write the type without `&`";
            Err(syn::Error::new_spanned(&typed.ty, text))
        }
        FnArg::Typed(typed) => match &*typed.pat {
            Pat::Ident(pattern) => Ok((pattern.ident.clone(), (*typed.ty).clone())),
            pattern => {
                let text = format!("write `name: {}`", typed.ty.to_token_stream());
                Err(syn::Error::new_spanned(pattern, text))
            }
        },
    };
    function.sig.inputs.iter().map(argument).collect()
}

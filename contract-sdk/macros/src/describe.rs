//! The description that a contract gives of itself.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Type, spanned::Spanned};

use crate::{
    function::{Function, Role},
    generate::selector,
    model::Model,
    names,
};

/// The statements that fill the description.
pub(crate) fn describe(model: &Model) -> TokenStream {
    let constructor = match &model.init {
        Some(function) => {
            let (params, names) = (function.params(), argument_names(function));
            quote!(__description.constructor::<#params>(&[#(#names),*]);)
        }
        None => quote!(__description.constructor::<()>(&[]);),
    };
    let functions = model.functions.iter().map(|function| {
        let (params, names) = (function.params(), argument_names(function));
        let (text, view) = (
            names::camel_case(&function.name),
            function.role == Role::View,
        );
        let output = output(&function.returns);
        let input = match &function.role {
            Role::Input(ty) => {
                let selector = selector(function);
                quote!(__description.input_function::<#ty>(#text, Self::#selector);)
            }
            _ => TokenStream::new(),
        };
        quote! {
            __description.function::<#params, #output>(#text, &[#(#names),*], #view);
            #input
        }
    });
    let events = model.events.iter().map(crate::event::Event::describe);
    let errors = model.error.iter().map(crate::error::ErrorEnum::describe);
    let guarded = model
        .functions
        .iter()
        .any(|function| function.only.is_some());
    let own = model
        .error
        .iter()
        .any(crate::error::ErrorEnum::has_unauthorized);
    let unauthorized = (guarded && !own).then(|| {
        quote! {
            __description.error::<(::quartet::alloy_primitives::Address,)>(
                "Unauthorized", &["sender"],
            );
        }
    });
    let inputs = &model.inputs;
    let computations = model
        .computations
        .iter()
        .map(|computation| &computation.name);
    quote! {
        #constructor
        #(#functions)*
        #(#events)*
        #(#errors)*
        #unauthorized
        #(__description.input_type::<#inputs>();)*
        #(__description.computation::<#computations>();)*
    }
}

fn argument_names(function: &Function) -> Vec<String> {
    let names = function
        .arguments
        .iter()
        .map(|(name, _)| name)
        .chain(&function.sealed);
    names.map(names::camel_case).collect()
}

fn output(returns: &Type) -> TokenStream {
    quote_spanned!(returns.span()=> <#returns as ::quartet::contract::Outcome>::Output)
}

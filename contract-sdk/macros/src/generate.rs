//! What the macro adds to a contract's module.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, spanned::Spanned};

use crate::{
    calls, describe,
    function::{Computation, Function, Role},
    model::Model,
    names, state,
};

/// The whole module.
pub(crate) fn contract(model: &Model) -> TokenStream {
    let (attributes, vis) = (&model.module.attrs, &model.module.vis);
    let (name, items) = (&model.module.ident, &model.items);
    let generated =
        state::implement(&model.state).map_or_else(syn::Error::into_compile_error, |state| {
            let parts = [
                state,
                model
                    .events
                    .iter()
                    .map(crate::event::Event::implement)
                    .collect(),
                error(model),
                inputs(model),
                model
                    .computations
                    .iter()
                    .enumerate()
                    .map(computation)
                    .collect(),
                type_checks(model),
                selectors(model),
                implementation(model),
                calls::module(model),
                model.docs.clone(),
            ];
            parts.into_iter().collect()
        });
    quote! {
        #(#attributes)*
        #[allow(unreachable_pub, reason = "a contract's items are read by generated code")]
        #vis mod #name {
            #(#items)*
            #generated
        }
    }
}

fn error(model: &Model) -> TokenStream {
    let Some(error) = &model.error else {
        return TokenStream::new();
    };
    let (name, implementation) = (error.name(), error.implement());
    quote! {
        #implementation

        /// The result of a function of this contract.
        #[allow(dead_code, reason = "a contract need not use it")]
        pub type Result<T, E = #name> = ::core::result::Result<T, E>;
    }
}

fn inputs(model: &Model) -> TokenStream {
    let names = &model.inputs;
    let numbers = 0..u32::try_from(names.len()).unwrap_or(0);
    quote! {
        #(
            impl ::quartet::secret::InputNumber for #names {
                const NUMBER: u32 = #numbers;
            }
        )*
    }
}

fn computation((number, computation): (usize, &Computation)) -> TokenStream {
    let Computation {
        name,
        secrets,
        arguments,
        min_inputs,
        results,
    } = computation;
    let number = u32::try_from(number).unwrap_or(0);
    let text = names::plain(name);
    let doc = format!("The computation `{text}`.");
    let (output, results_that_stay) = (results.output(), results.secrets());
    let reader = results.reader();
    let numbers = secrets
        .iter()
        .map(|ty| quote_spanned!(ty.span()=> <#ty as ::quartet::secret::ComputeArgument>::NUMBER));
    let load = secrets
        .iter()
        .map(|ty| quote_spanned!(ty.span()=> <#ty as ::quartet::secret::ComputeArgument>::load()));
    let variables: Vec<_> = (0..arguments.len()).map(names::variable).collect();
    let (argument_names, types): (Vec<_>, Vec<_>) = arguments
        .iter()
        .map(|(name, ty)| (names::camel_case(name), ty))
        .unzip();
    let trace = results.finish(&quote!(self::#name(#(#load,)* #(#variables),*)));
    quote! {
        #[doc = #doc]
        #[allow(non_camel_case_types, reason = "named like its function")]
        pub enum #name {}

        impl ::quartet::contract::Computation for #name {
            const NAME: &'static str = #text;
            const NUMBER: u32 = #number;
            const INPUTS: &'static [u32] = &[#(#numbers),*];
            const MIN_INPUTS: u32 = #min_inputs;
            type Args = (#(#types,)*);
            const ARGS: &'static [&'static str] = &[#(#argument_names),*];
            type Output = #output;
            const SECRETS: &'static [(::quartet::secret::Recipient, u32)] =
                #results_that_stay;

            fn trace((#(#variables,)*): Self::Args) {
                #trace
            }
        }

        impl ::quartet::start::Begins<#reader> for #name {}
    }
}

/// Makes the compiler point at the argument that has no Solidity type.
fn type_checks(model: &Model) -> TokenStream {
    let functions = model.init.iter().chain(&model.functions);
    let computations = model.computations.iter().flat_map(|c| &c.arguments);
    let types = functions
        .flat_map(|function| &function.arguments)
        .chain(computations)
        .map(|(_, ty)| quote_spanned!(ty.span()=> ::quartet::abi::assert_type::<#ty>();));
    quote!(const _: () = { #(#types)* };)
}

/// The constant with a function's selector.
pub(crate) fn selector(function: &Function) -> Ident {
    format_ident!("SELECTOR_{}", names::constant(&function.name))
}

fn selectors(model: &Model) -> TokenStream {
    let constants = model.functions.iter().map(|function| {
        let (constant, text) = (selector(function), names::camel_case(&function.name));
        let params = function.params();
        quote! {
            const #constant: [u8; 4] = ::quartet::abi::keccak::selector(&[
                #text,
                <#params as ::quartet::abi::Params>::SIGNATURE,
            ]);
        }
    });
    let all = model.functions.iter().map(selector);
    let doc = format!("The contract `{}`.", names::plain(&model.module.ident));
    quote! {
        #[doc = #doc]
        #[derive(Clone, Copy, Debug)]
        pub enum Contract {}

        impl Contract {
            #(#constants)*
        }

        const _: () = ::quartet::abi::keccak::assert_distinct(&[#(Contract::#all),*]);
    }
}

fn implementation(model: &Model) -> TokenStream {
    let name = names::plain(&model.module.ident);
    let describe = describe::describe(model);
    let init = match &model.init {
        Some(function) => run(model, function, &quote!(__arguments)),
        None => quote! {
            if __arguments.is_empty() {
                ::core::result::Result::Ok(::std::vec::Vec::new())
            } else {
                ::core::result::Result::Err(::quartet::contract::Refused::BadCall)
            }
        },
    };
    let calls = model.functions.iter().map(|function| {
        let (selector, run) = (
            selector(function),
            run(model, function, &quote!(__arguments)),
        );
        quote! {
            if *__selector == Self::#selector {
                return #run;
            }
        }
    });
    let computations: Vec<_> = model.computations.iter().map(|c| &c.name).collect();
    let numbers: Vec<_> = (0..u32::try_from(computations.len()).unwrap_or(0)).collect();
    let attested = (0..)
        .zip(&computations)
        .map(|(place, _)| attested(model, place));
    let failed = (0..)
        .zip(&computations)
        .map(|(place, _)| failed(model, place));
    quote! {
        #[allow(unused_variables, reason = "not every contract has every part")]
        impl ::quartet::Contract for Contract {
            const NAME: &'static str = #name;

            #[cfg(not(target_arch = "wasm32"))]
            const PACKAGE: ::quartet::contract::Package = ::quartet::contract::Package {
                name: ::core::env!("CARGO_PKG_NAME"),
                folder: ::core::env!("CARGO_MANIFEST_DIR"),
            };

            fn describe() -> ::std::string::String {
                let mut __description = ::quartet::abi::json::Describer::new();
                #describe
                __description.finish(#name)
            }

            fn init(
                __arguments: &[u8],
            ) -> ::core::result::Result<::std::vec::Vec<u8>, ::quartet::contract::Refused> {
                #init
            }

            fn call(
                __data: &[u8],
            ) -> ::core::result::Result<::std::vec::Vec<u8>, ::quartet::contract::Refused> {
                let (__selector, __arguments) = __data
                    .split_first_chunk::<4>()
                    .ok_or(::quartet::contract::Refused::BadCall)?;
                #(#calls)*
                ::core::result::Result::Err(::quartet::contract::Refused::BadCall)
            }

            fn compute(
                __number: u32,
                __arguments: &[u8],
            ) -> ::core::result::Result<(), ::quartet::contract::Refused> {
                match __number {
                    #(#numbers => ::quartet::contract::reveal::<#computations>(__arguments),)*
                    _ => ::core::result::Result::Err(::quartet::contract::Refused::BadCall),
                }
            }

            fn encode(
                __number: u32,
                __opened: &[u8],
            ) -> ::core::result::Result<::std::vec::Vec<u8>, ::quartet::contract::Refused> {
                match __number {
                    #(#numbers => ::quartet::contract::encode_opened::<#computations>(__opened),)*
                    _ => ::core::result::Result::Err(::quartet::contract::Refused::BadCall),
                }
            }

            fn attested(
                __number: u32,
                __index: u64,
                __output: &[u8],
            ) -> ::core::result::Result<(), ::quartet::contract::Refused> {
                match __number {
                    #(#numbers => { #attested })*
                    _ => ::core::result::Result::Err(::quartet::contract::Refused::BadCall),
                }
            }

            fn failed(
                __number: u32,
                __index: u64,
                __fault: ::quartet::Fault,
            ) -> ::core::result::Result<(), ::quartet::contract::Refused> {
                match __number {
                    #(#numbers => { #failed })*
                    _ => ::core::result::Result::Err(::quartet::contract::Refused::BadCall),
                }
            }
        }

        #[cfg(target_arch = "wasm32")]
        ::quartet::export_contract!(Contract);
    }
}

/// The call of a function with these arguments, in a `finish` that saves the state.
fn finish(model: &Model, function: &Function, arguments: &TokenStream) -> TokenStream {
    let (state, name) = (&model.state.ident, &function.name);
    let context = function.context.then(|| quote!(&::quartet::Ctx::load(),));
    let take = match &function.role {
        Role::Input(ty) => quote! {
            ::quartet::host::take_input(
                <#ty as ::quartet::secret::InputNumber>::NUMBER, &__sealed,
            );
        },
        _ => TokenStream::new(),
    };
    // The functions that run by themselves, with what the state says of each.
    let timers = model.functions.iter().filter_map(|function| {
        let field = function.at.as_ref()?;
        let (selector, key) = (selector(function), names::timer_key(&function.name));
        Some(quote_spanned! {field.span()=>
            ::quartet::timer::arm(Self::#selector, #key, &__state.#field);
        })
    });
    let (load, save) = if function.role == Role::View {
        (quote!(let __state), TokenStream::new())
    } else {
        (
            quote!(let mut __state),
            quote!(::quartet::state::State::save(&__state); #(#timers)*),
        )
    };
    let state_argument = if function.role == Role::View {
        quote!(&__state)
    } else {
        quote!(&mut __state)
    };
    let check = function.only.as_ref().map(|field| {
        quote_spanned! {field.span()=>
            ::quartet::access::check(&__state.#field, &::quartet::Ctx::load())?;
        }
    });
    quote! {{
        #load = <#state as ::quartet::state::State>::load();
        #check
        ::quartet::contract::finish(
            self::#name(#state_argument, #context #arguments),
            || {
                #save
                #take
            },
        )
    }}
}

/// Decodes arguments and calls a function.
fn run(model: &Model, function: &Function, data: &TokenStream) -> TokenStream {
    let params = function.params();
    let variables: Vec<_> = (0..function.arguments.len()).map(names::variable).collect();
    let sealed = function.sealed.as_ref().map(|_| quote!(__sealed,));
    let seal = function
        .sealed
        .as_ref()
        .map(|_| quote!(::quartet::Sealed::of_call(),));
    let finish = finish(model, function, &quote!(#(#variables,)* #seal));
    quote! {{
        let (#(#variables,)* #sealed) = <#params as ::quartet::abi::Params>::decode(#data)
            .ok_or(::quartet::contract::Refused::BadCall)?;
        #finish
    }}
}

fn attested(model: &Model, place: usize) -> TokenStream {
    let Some((_, function)) = model.attested.iter().find(|(at, _)| *at == place) else {
        return quote!(::core::result::Result::Ok(()));
    };
    let computation = &model.computations[place].name;
    let (arguments, value) = callback_arguments(function);
    let finish = finish(model, function, &arguments);
    quote! {
        let #value = <
            <#computation as ::quartet::contract::Computation>::Output
            as ::quartet::contract::Public
        >::decode(__output).ok_or(::quartet::contract::Refused::BadCall)?;
        #finish.map(|_| ())
    }
}

fn failed(model: &Model, place: usize) -> TokenStream {
    let Some((_, function)) = model.failed.iter().find(|(at, _)| *at == place) else {
        return quote!(::core::result::Result::Ok(()));
    };
    let (arguments, value) = callback_arguments(function);
    let finish = finish(model, function, &arguments);
    quote! {
        let #value = __fault;
        #finish.map(|_| ())
    }
}

/// The arguments of a callback after state and context, and the variable in the last of them. It is
/// placed where the author wrote the type, for the compiler to point there.
fn callback_arguments(function: &Function) -> (TokenStream, Ident) {
    let index = (function.arguments.len() > 1).then(|| quote!(__index,));
    let place = function
        .arguments
        .last()
        .map_or(Span::call_site(), |(_, ty)| ty.span());
    let value = Ident::new("__value", Span::call_site().located_at(place));
    (quote!(#index #value), value)
}

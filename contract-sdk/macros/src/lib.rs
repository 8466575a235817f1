//! The macros behind `#[quartet::contract]`.
//!
//! `contract` reads a module, checks that it is a contract, and adds what makes it one: the
//! dispatch, the description, the storage layout. It leaves the author's items as they are, but for
//! its own attributes. Errors point at the author's line and say what to write instead. Read
//! `model` first (what a contract consists of), then `generate`.

mod abi_type;
mod calls;
mod describe;
mod docs;
mod error;
mod event;
mod function;
mod generate;
mod interface;
mod model;
mod names;
mod results;
mod reveal;
mod secrecy;
mod secret_input;
mod state;
mod test;

use proc_macro::TokenStream;
use syn::{
    DeriveInput, Ident, ItemFn, ItemMod, ItemTrait, Token, parse_macro_input,
    punctuated::Punctuated,
};

/// Makes a confidential contract of a module. See the documentation of the crate `quartet`.
#[proc_macro_attribute]
pub fn contract(arguments: TokenStream, module: TokenStream) -> TokenStream {
    let module = parse_macro_input!(module as ItemMod);
    finish(model::no_arguments(&arguments.into()).and_then(|()| {
        let model = model::Model::read(module)?;
        Ok(generate::contract(&model))
    }))
}

/// Makes a function a test of a contract in each mode: `name::clear` and `name::mpc` in this process,
/// `name::nodes` on real nodes. `#[quartet::test(clear, mpc)]` chooses. Needs the crate
/// `contract-testing`, which says more.
#[proc_macro_attribute]
pub fn test(modes: TokenStream, function: TokenStream) -> TokenStream {
    let modes = parse_macro_input!(modes with Punctuated::<Ident, Token![,]>::parse_terminated);
    finish(test::expand(&modes, parse_macro_input!(function as ItemFn)))
}

/// Makes a struct of a trait, by which a contract calls another one:
///
/// ```ignore
/// #[quartet::interface]
/// pub trait Token {
///     fn balance_of(owner: Address) -> U256;
///     fn transfer(to: Address, amount: U256) -> bool;
/// }
/// ```
///
/// `Token::at(address).balance_of(owner)` is a `Result<U256, CallError>` then.
#[proc_macro_attribute]
pub fn interface(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let item = parse_macro_input!(item as ItemTrait);
    let arguments = proc_macro2::TokenStream::from(arguments);
    if !arguments.is_empty() {
        let text = "#[quartet::interface] takes no arguments";
        return syn::Error::new_spanned(arguments, text)
            .into_compile_error()
            .into();
    }
    finish(interface::implement(&item))
}

/// Makes a struct a Solidity struct, or an enum without fields a Solidity enum: for arguments,
/// results, events, and public state. A number that is no variant is a call that does not decode.
#[proc_macro_derive(AbiType)]
pub fn abi_type(item: TokenStream) -> TokenStream {
    finish(abi_type::derive(&parse_macro_input!(item as DeriveInput)))
}

/// Makes a struct of bool, integers and arrays of them one that a computation may reveal.
#[proc_macro_derive(Reveal)]
pub fn reveal(item: TokenStream) -> TokenStream {
    finish(reveal::derive(&parse_macro_input!(item as DeriveInput)))
}

/// Makes a struct of secrets one that clients seal and send.
#[proc_macro_derive(SecretInput)]
pub fn secret_input(item: TokenStream) -> TokenStream {
    finish(secret_input::derive(&parse_macro_input!(
        item as DeriveInput
    )))
}

fn finish(result: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    result
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}

//! What a `#[compute]` function returns: one part that is opened to everybody, and parts that stay
//! secret.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Type, spanned::Spanned};

use crate::{function::last_segment, names};

/// Types of parts that stay secret.
const SECRET: [&str; 3] = ["Kept", "ToOwners", "ToReader"];

/// A return type, taken apart.
pub(crate) struct Results {
    tuple: bool,
    parts: Vec<Part>,
}

enum Part {
    /// Opened to everybody; there is at most one.
    Open(Type),
    Secret(Type),
}

impl Part {
    fn read(ty: Type) -> Self {
        let is_secret =
            last_segment(&ty).is_some_and(|last| SECRET.iter().any(|s| last.ident == s));
        match is_secret {
            true => Self::Secret(ty),
            false => Self::Open(ty),
        }
    }
}

impl Results {
    /// Of a function that returns this.
    pub(crate) fn read(returns: Type) -> syn::Result<Self> {
        let (tuple, parts): (bool, Vec<Part>) = match returns {
            Type::Tuple(tuple) => (true, tuple.elems.into_iter().map(Part::read).collect()),
            ty => (false, vec![Part::read(ty)]),
        };
        let mut open = parts.iter().filter_map(|part| match part {
            Part::Open(ty) => Some(ty),
            Part::Secret(_) => None,
        });
        if let Some(ty) = open.nth(1) {
            let text = "one part of a result is opened to everybody: put the fields of both into \
                        one struct with #[derive(Reveal)], and return Secret of that";
            return Err(syn::Error::new_spanned(ty, text));
        }
        Ok(Self { tuple, parts })
    }

    /// The type that is opened.
    pub(crate) fn output(&self) -> TokenStream {
        let mut open = self.parts.iter().filter_map(|part| match part {
            Part::Open(ty) => Some(quote_spanned!(ty.span()=>
                <#ty as ::quartet::secret::SecretForm>::Output
            )),
            Part::Secret(_) => None,
        });
        open.next().unwrap_or(quote!(()))
    }

    /// Who gets each part that stays secret, and its input type.
    pub(crate) fn secrets(&self) -> TokenStream {
        let secrets = self.parts.iter().filter_map(|part| match part {
            Part::Open(_) => None,
            Part::Secret(ty) => Some(quote_spanned!(ty.span()=> (
                <#ty as ::quartet::secret::SecretResult>::RECIPIENT,
                <#ty as ::quartet::secret::SecretResult>::NUMBER,
            ))),
        });
        quote!(&[#(#secrets),*])
    }

    /// How a start of the computation is at first.
    pub(crate) fn reader(&self) -> TokenStream {
        let for_reader = |part: &Part| match part {
            Part::Open(_) => false,
            Part::Secret(ty) => last_segment(ty).is_some_and(|last| last.ident == "ToReader"),
        };
        match self.parts.iter().any(for_reader) {
            true => quote!(::quartet::start::NoReader),
            false => quote!(::quartet::start::Ready),
        }
    }

    /// Binds what the function returned, opens the one part and keeps the others.
    pub(crate) fn finish(&self, returned: &TokenStream) -> TokenStream {
        let variables: Vec<_> = (0..self.parts.len()).map(names::variable).collect();
        let pattern = match self.tuple {
            true => quote!((#(#variables,)*)),
            false => quote!(#(#variables)*),
        };
        let mut number = 0_u32;
        let parts = self
            .parts
            .iter()
            .zip(&variables)
            .map(|(part, variable)| match part {
                Part::Open(ty) => quote_spanned!(ty.span()=>
                    <<#ty as ::quartet::secret::SecretForm>::Output as ::quartet::Reveal>::reveal(
                        &#variable,
                    );
                ),
                Part::Secret(_) => {
                    let result = number;
                    number += 1;
                    quote!(::quartet::secret::SecretResult::keep(#variable, #result);)
                }
            });
        quote! {
            let #pattern = #returned;
            #(#parts)*
        }
    }
}

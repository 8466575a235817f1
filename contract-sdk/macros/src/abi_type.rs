//! `#[derive(AbiType)]`: a struct or an enum as Solidity's, and as a value of public state.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Data, DataEnum, DeriveInput, Fields, Ident, Type, spanned::Spanned};

use crate::{docs, names};

/// Fields that alloy's tuples can hold.
const MAX_FIELDS: usize = 12;
/// Variants that a Solidity enum can have.
const MAX_VARIANTS: usize = 256;

/// Names and types of the fields of a struct that a derive can take.
pub(crate) fn fields<'a>(
    item: &'a DeriveInput,
    derive: &str,
) -> syn::Result<Vec<(&'a Ident, &'a Type)>> {
    let Data::Struct(data) = &item.data else {
        let text = format!("#[derive({derive})] takes a struct with named fields");
        return Err(syn::Error::new(item.ident.span(), text));
    };
    if !item.generics.params.is_empty() {
        let text = format!("#[derive({derive})] takes no type parameters: write the types out");
        return Err(syn::Error::new_spanned(&item.generics, text));
    }
    let Fields::Named(named) = &data.fields else {
        let text = format!(
            "#[derive({derive})] needs named fields, since clients see the names: \
             write `struct {} {{ name: Type }}`",
            item.ident
        );
        return Err(syn::Error::new(item.ident.span(), text));
    };
    let fields: Vec<_> = named
        .named
        .iter()
        .filter_map(|field| Some((field.ident.as_ref()?, &field.ty)))
        .collect();
    if fields.is_empty() || fields.len() > MAX_FIELDS {
        let text = format!(
            "#[derive({derive})] takes 1 to {MAX_FIELDS} fields: put some together into a struct \
             or an array"
        );
        return Err(syn::Error::new(item.ident.span(), text));
    }
    Ok(fields)
}

/// `<Type as Trait>::item` for each field's type, placed where the author wrote the type, so that the
/// compiler points there when the trait is missing.
pub(crate) fn items(
    fields: &[(&Ident, &Type)],
    implemented: &TokenStream,
    item: &str,
) -> Vec<TokenStream> {
    let one = |(_, ty): &(&Ident, &Type)| {
        let item = Ident::new(item, ty.span());
        quote_spanned!(ty.span()=> <#ty as #implemented>::#item)
    };
    fields.iter().map(one).collect()
}

/// Makes a struct of handles `Copy`. Not derived, for a derive says again that a field is wrong.
pub(crate) fn copy(name: &Ident) -> TokenStream {
    quote! {
        impl ::core::clone::Clone for #name {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl ::core::marker::Copy for #name {}
    }
}

pub(crate) fn derive(item: &DeriveInput) -> syn::Result<TokenStream> {
    let implementation = match &item.data {
        Data::Enum(data) => enumeration(item, data)?,
        _ => implement(&item.ident, &fields(item, "AbiType")?),
    };
    let comments = comments(item, names::camel_case);
    Ok(quote!(#implementation #comments))
}

/// An enum without fields: Solidity's, which counts its variants from 0.
fn enumeration(item: &DeriveInput, data: &DataEnum) -> syn::Result<TokenStream> {
    if let Some(variant) = data
        .variants
        .iter()
        .find(|variant| !matches!(variant.fields, Fields::Unit))
    {
        let text = "an enum of Solidity holds no fields: use a struct with an enum and an Option \
                    beside it";
        return Err(syn::Error::new_spanned(variant, text));
    }
    if let Some((_, value)) = data
        .variants
        .iter()
        .find_map(|variant| variant.discriminant.as_ref())
    {
        let text = "an enum of Solidity counts its variants from 0: remove the number";
        return Err(syn::Error::new_spanned(value, text));
    }
    if data.variants.is_empty() || data.variants.len() > MAX_VARIANTS {
        let text = format!("#[derive(AbiType)] takes 1 to {MAX_VARIANTS} variants");
        return Err(syn::Error::new(item.ident.span(), text));
    }
    let name = &item.ident;
    let variants: Vec<_> = data.variants.iter().map(|variant| &variant.ident).collect();
    let numbers: Vec<_> = (0..=u8::MAX).take(variants.len()).collect();
    Ok(quote! {
        impl ::quartet::abi::AbiType for #name {
            type Sol = <u8 as ::quartet::abi::AbiType>::Sol;

            fn to_sol(&self) -> u8 {
                match self {
                    #(Self::#variants => #numbers,)*
                }
            }

            fn from_sol(__value: u8) -> ::core::option::Option<Self> {
                match __value {
                    #(#numbers => ::core::option::Option::Some(Self::#variants),)*
                    _ => ::core::option::Option::None,
                }
            }

            fn zero() -> u8 {
                0
            }
        }

        impl ::quartet::abi::Topic for #name {}

        impl ::quartet::Stored for #name {
            fn store<__E: ::quartet::state::Encoding>(&self, __out: &mut ::std::vec::Vec<u8>) {
                __out.push(::quartet::abi::AbiType::to_sol(self));
            }

            fn restore<__E: ::quartet::state::Encoding>(
                __bytes: &mut &[u8],
            ) -> ::core::option::Option<Self> {
                <u8 as ::quartet::Stored>::restore::<__E>(__bytes)
                    .and_then(<Self as ::quartet::abi::AbiType>::from_sol)
            }
        }
    })
}

/// The record of the comments on a struct and on its fields, which have these names outside.
pub(crate) fn comments(item: &DeriveInput, name: impl Fn(&Ident) -> String) -> TokenStream {
    let fields = match &item.data {
        Data::Struct(data) => data.fields.iter().collect(),
        _ => Vec::new(),
    };
    let field = |field: &&syn::Field| Some(docs::field(name(field.ident.as_ref()?), field));
    let fields: Vec<_> = fields.iter().filter_map(field).collect();
    docs::section("struct", &names::plain(&item.ident), &item.attrs, &fields)
}

/// The implementations of `AbiType` and `Stored`.
pub(crate) fn implement(name: &Ident, fields: &[(&Ident, &Type)]) -> TokenStream {
    let text = names::plain(name);
    let names: Vec<_> = fields.iter().map(|(name, _)| name).collect();
    let (abi, stored) = (quote!(::quartet::abi::AbiType), quote!(::quartet::Stored));
    let sols = items(fields, &abi, "Sol");
    let to_sols = items(fields, &abi, "to_sol");
    let from_sols = items(fields, &abi, "from_sol");
    let zeros = items(fields, &abi, "zero");
    let stores = items(fields, &stored, "store");
    let restores = items(fields, &stored, "restore");
    let places = (0..fields.len()).map(syn::Index::from);
    let components = fields.iter().enumerate().map(|(i, (name, ty))| {
        let separator = (i > 0).then(|| quote!(__out.push(',');));
        let name = names::camel_case(name);
        quote! {
            #separator
            ::quartet::abi::json::push_parameter::<#ty>(#name, ::core::option::Option::None, __out);
        }
    });
    quote! {
        impl ::quartet::abi::AbiType for #name {
            type Sol = (#(#sols,)*);
            const STRUCT: &'static str = #text;

            fn to_sol(&self) -> ::quartet::abi::Encodable<Self> {
                (#(#to_sols(&self.#names),)*)
            }

            fn from_sol(
                __value: ::quartet::abi::Encodable<Self>,
            ) -> ::core::option::Option<Self> {
                ::core::option::Option::Some(Self {
                    #(#names: #from_sols(__value.#places)?,)*
                })
            }

            fn zero() -> ::quartet::abi::Encodable<Self> {
                (#(#zeros(),)*)
            }

            fn json_type(__out: &mut ::std::string::String) {
                __out.push_str("tuple");
            }

            fn json_components(__out: &mut ::std::string::String) {
                __out.push('[');
                #(#components)*
                __out.push(']');
            }
        }

        impl ::quartet::Stored for #name {
            fn store<__E: ::quartet::state::Encoding>(&self, __out: &mut ::std::vec::Vec<u8>) {
                #(#stores::<__E>(&self.#names, __out);)*
            }

            fn restore<__E: ::quartet::state::Encoding>(
                __bytes: &mut &[u8],
            ) -> ::core::option::Option<Self> {
                ::core::option::Option::Some(Self {
                    #(#names: #restores::<__E>(__bytes)?,)*
                })
            }
        }
    }
}

//! The functions of a contract, read from their signatures.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Attribute, Expr, FnArg, Ident, ItemFn, ItemStruct, Pat, ReturnType, Type, parse_quote,
    spanned::Spanned,
};

use crate::results::Results;

/// What a function is for.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Role {
    Init,
    Action,
    View,
    /// With the type of its sealed input.
    Input(Box<Type>),
    Attested,
    Failed,
}

/// A function on the state.
pub(crate) struct Function {
    pub(crate) role: Role,
    pub(crate) name: Ident,
    /// Whether it takes the context.
    pub(crate) context: bool,
    /// Arguments after state and context, without the sealed input.
    pub(crate) arguments: Vec<(Ident, Type)>,
    /// Name of the sealed input.
    pub(crate) sealed: Option<Ident>,
    pub(crate) returns: Type,
    /// The field of the state that says who may call it.
    pub(crate) only: Option<Ident>,
    /// The field of the state that says when it runs by itself.
    pub(crate) at: Option<Ident>,
}

/// A `#[compute]` function.
pub(crate) struct Computation {
    pub(crate) name: Ident,
    /// Types of the `SecretVec`s that it takes first.
    pub(crate) secrets: Vec<Type>,
    /// Its public arguments, after them.
    pub(crate) arguments: Vec<(Ident, Type)>,
    /// How many inputs of the first of `secrets` there must be.
    pub(crate) min_inputs: Expr,
    pub(crate) results: Results,
}

/// Refuses what cannot be called from outside.
pub(crate) fn plain(item: &ItemFn) -> syn::Result<()> {
    let signature = &item.sig;
    if let Some(token) = &signature.asyncness {
        return Err(syn::Error::new_spanned(
            token,
            "contracts do not wait: remove `async`",
        ));
    }
    if let Some(token) = &signature.unsafety {
        return Err(syn::Error::new_spanned(
            token,
            "anybody may call this: remove `unsafe`",
        ));
    }
    if !signature.generics.params.is_empty() {
        let text = "a function on the ABI takes no type parameters: write the types out";
        return Err(syn::Error::new_spanned(&signature.generics, text));
    }
    Ok(())
}

/// Names and types of the arguments.
fn arguments(item: &ItemFn) -> syn::Result<Vec<(Ident, Type)>> {
    let argument = |argument: &FnArg| match argument {
        FnArg::Receiver(receiver) => {
            let text = "a contract's functions take the state as their first argument: \
                        write `s: &mut State`";
            Err(syn::Error::new_spanned(receiver, text))
        }
        FnArg::Typed(typed) => match &*typed.pat {
            Pat::Ident(pattern) => Ok((pattern.ident.clone(), (*typed.ty).clone())),
            Pat::Wild(_) => Ok((Ident::new("_unnamed", typed.span()), (*typed.ty).clone())),
            pattern => {
                let text = "an argument needs a name, since clients see it: write `name: Type`";
                Err(syn::Error::new_spanned(pattern, text))
            }
        },
    };
    item.sig.inputs.iter().map(argument).collect()
}

fn returns(item: &ItemFn) -> Type {
    match &item.sig.output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, ty) => (**ty).clone(),
    }
}

/// The last segment of a path type.
pub(crate) fn last_segment(ty: &Type) -> Option<&syn::PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

fn is_reference_to(ty: &Type, name: &str) -> bool {
    match ty {
        Type::Reference(reference) => {
            last_segment(&reference.elem).is_some_and(|segment| segment.ident == name)
        }
        _ => false,
    }
}

impl Function {
    pub(crate) fn read(
        role: &str,
        attribute: &Attribute,
        at: Option<&Attribute>,
        item: &ItemFn,
        state: &ItemStruct,
    ) -> syn::Result<Self> {
        let at = at
            .map(|attribute| at_field(role, attribute, state))
            .transpose()?;
        let only = only(role, attribute, state)?;
        let mut arguments = arguments(item)?;
        let state_name = state.ident.to_string();
        let view = role == "view";
        let wanted = if view {
            format!("&{state_name}")
        } else {
            format!("&mut {state_name}")
        };
        match arguments.first() {
            Some((_, ty @ Type::Reference(reference))) if is_reference_to(ty, &state_name) => {
                if view && reference.mutability.is_some() {
                    let text = format!("a view writes nothing: take `{wanted}`");
                    return Err(syn::Error::new_spanned(ty, text));
                }
            }
            first => {
                let text = format!(
                    "the first argument of an #[{role}] function is the state: write `s: {wanted}`"
                );
                return Err(match first {
                    Some((_, ty)) => syn::Error::new_spanned(ty, text),
                    None => syn::Error::new_spanned(&item.sig.ident, text),
                });
            }
        }
        arguments.remove(0);
        let context = arguments
            .first()
            .is_some_and(|(_, ty)| is_reference_to(ty, "Ctx"));
        if context {
            arguments.remove(0);
        }
        if let Some((_, ty)) = arguments
            .iter()
            .find(|(_, ty)| matches!(ty, Type::Reference(_)))
        {
            let text = "arguments come from outside and are owned: write the type without `&`, \
                        Vec<T> for a slice, String for str; `&Ctx` comes right after the state";
            return Err(syn::Error::new_spanned(ty, text));
        }
        let mut sealed = None;
        let role = match role {
            "init" => Role::Init,
            "action" => Role::Action,
            "view" => Role::View,
            "attested" => Role::Attested,
            "failed" => Role::Failed,
            _ => {
                let last = arguments.pop();
                let (name, ty) = last
                    .as_ref()
                    .and_then(|(name, ty)| Some((name, sealed_type(ty)?)))
                    .ok_or_else(|| {
                        let text = "the last argument of an #[input] function is the sealed \
                                    input: write `input: Sealed<Ballot>`";
                        match &last {
                            Some((_, ty)) => syn::Error::new_spanned(ty, text),
                            None => syn::Error::new_spanned(&item.sig.ident, text),
                        }
                    })?;
                sealed = Some(name.clone());
                Role::Input(Box::new(ty))
            }
        };
        if let Some((_, ty)) = arguments.iter().find(|(_, ty)| sealed_type(ty).is_some()) {
            let text = "a sealed input is the last argument of an #[input] function";
            return Err(syn::Error::new_spanned(ty, text));
        }
        let function = Self {
            role,
            name: item.sig.ident.clone(),
            context,
            arguments,
            sealed,
            returns: returns(item),
            only,
            at,
        };
        function.check_callback()?;
        function.check_timer()?;
        Ok(function)
    }

    fn check_timer(&self) -> syn::Result<()> {
        match self.arguments.first() {
            Some((_, ty)) if self.at.is_some() => {
                let text = "nobody is there to give arguments to a function that runs by itself: \
                            read what it needs from the state";
                Err(syn::Error::new_spanned(ty, text))
            }
            _ => Ok(()),
        }
    }

    fn check_callback(&self) -> syn::Result<()> {
        let what = match self.role {
            Role::Attested => "what was revealed: write `tally: Tally`",
            Role::Failed => "why: write `fault: Fault`",
            _ => return Ok(()),
        };
        if self.arguments.is_empty() || self.arguments.len() > 2 {
            let text = format!(
                "after the state and the context this function takes, if you want it, the \
                 computation's index as a u64, and {what}"
            );
            return Err(syn::Error::new_spanned(&self.name, text));
        }
        Ok(())
    }
}

/// The field in `#[action(only = field)]`.
fn only(role: &str, attribute: &Attribute, state: &ItemStruct) -> syn::Result<Option<Ident>> {
    // Callbacks name their computation.
    if matches!(attribute.meta, syn::Meta::Path(_)) || matches!(role, "attested" | "failed") {
        return Ok(None);
    }
    if role == "view" {
        let text = "a view is for everybody, since nobody proves who asks: remove the argument";
        return Err(syn::Error::new_spanned(attribute, text));
    }
    if role == "init" {
        let text = "#[init] takes no arguments: it runs once, for whoever deploys";
        return Err(syn::Error::new_spanned(attribute, text));
    }
    let mut only = None;
    attribute.parse_nested_meta(|meta| {
        if !meta.path.is_ident("only") {
            return Err(meta.error(format!("write `#[{role}(only = owner)]`")));
        }
        only = Some(field_of(meta.value()?.parse()?, state)?);
        Ok(())
    })?;
    Ok(only)
}

/// The field in `#[at(field)]`.
fn at_field(role: &str, attribute: &Attribute, state: &ItemStruct) -> syn::Result<Ident> {
    if role != "action" {
        let text = "what runs by itself is an #[action]: put #[at(…)] beside #[action]";
        return Err(syn::Error::new_spanned(attribute, text));
    }
    if matches!(attribute.meta, syn::Meta::Path(_)) {
        let text = "name the field of the state that says when: `#[at(closes)]`";
        return Err(syn::Error::new_spanned(attribute, text));
    }
    field_of(attribute.parse_args()?, state)
}

/// A name, if the state has a field of it.
fn field_of(name: Ident, state: &ItemStruct) -> syn::Result<Ident> {
    let mut fields = state.fields.iter().filter_map(|field| field.ident.as_ref());
    if fields.any(|field| *field == name) {
        return Ok(name);
    }
    let text = format!("the state `{}` has no field of this name", state.ident);
    Err(syn::Error::new_spanned(&name, text))
}

/// `T` of `Sealed<T>`.
fn sealed_type(ty: &Type) -> Option<Type> {
    let segment = last_segment(ty).filter(|segment| segment.ident == "Sealed")?;
    match &segment.arguments {
        syn::PathArguments::AngleBracketed(angle) => match angle.args.first()? {
            syn::GenericArgument::Type(ty) => Some(ty.clone()),
            _ => None,
        },
        _ => None,
    }
}

impl Computation {
    pub(crate) fn read(attribute: &Attribute, item: &ItemFn) -> syn::Result<Self> {
        let mut secrets = arguments(item)?;
        let is_secret = |ty: &Type| last_segment(ty).is_some_and(|s| s.ident == "SecretVec");
        let public = secrets.iter().position(|(_, ty)| !is_secret(ty));
        let arguments = secrets.split_off(public.unwrap_or(secrets.len()));
        let all = secrets.iter().chain(&arguments);
        if let Some((_, ty)) = all.clone().find(|(_, ty)| matches!(ty, Type::Reference(_))) {
            let text = "a #[compute] function sees inputs only, neither state nor context: \
                        write `ballots: SecretVec<Ballot>`";
            return Err(syn::Error::new_spanned(ty, text));
        }
        if let Some((_, ty)) = arguments.iter().find(|(_, ty)| is_secret(ty)) {
            let text = "the inputs that a #[compute] function reads come first, before its public \
                        arguments";
            return Err(syn::Error::new_spanned(ty, text));
        }
        if matches!(item.sig.output, ReturnType::Default) {
            let text = "a #[compute] function returns what is revealed: write `-> Secret<Tally>`";
            return Err(syn::Error::new_spanned(&item.sig, text));
        }
        Ok(Self {
            name: item.sig.ident.clone(),
            secrets: secrets.into_iter().map(|(_, ty)| ty).collect(),
            arguments,
            min_inputs: min_inputs(attribute)?,
            results: Results::read(returns(item))?,
        })
    }
}

/// `m` of `#[compute(min_inputs = m)]`, or 0.
fn min_inputs(attribute: &Attribute) -> syn::Result<Expr> {
    let wrong = |error: syn::Error| {
        let text = "write #[compute], or #[compute(min_inputs = 5)] for a computation that must \
                    have at least 5 inputs of its first SecretVec";
        syn::Error::new(error.span(), text)
    };
    if matches!(attribute.meta, syn::Meta::Path(_)) {
        return Ok(parse_quote!(0));
    }
    let argument: syn::MetaNameValue = attribute.parse_args().map_err(wrong)?;
    if argument.path.is_ident("min_inputs") {
        return Ok(argument.value);
    }
    Err(wrong(syn::Error::new_spanned(&argument.path, "")))
}

impl Function {
    /// What it returns to callers.
    pub(crate) fn returned(&self) -> TokenStream {
        let returns = &self.returns;
        match self.only {
            Some(_) => quote!(::quartet::access::Only<#returns>),
            None => quote!(#returns),
        }
    }

    /// The type of the argument list on the ABI, the sealed input as `bytes`.
    pub(crate) fn params(&self) -> TokenStream {
        let types = self.arguments.iter().map(|(_, ty)| ty);
        let sealed = self
            .sealed
            .as_ref()
            .map(|_| quote!(::quartet::alloy_primitives::Bytes,));
        quote!((#(#types,)* #sealed))
    }
}

//! What a contract consists of, read from its module.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{
    Attribute, Fields, Ident, Item, ItemFn, ItemMod, ItemStruct, parse_quote, spanned::Spanned,
};

use crate::{
    docs,
    error::ErrorEnum,
    event::Event,
    function::{self, Computation, Function, Role},
    names, secrecy,
};

/// A contract.
pub(crate) struct Model {
    /// The module, without its content.
    pub(crate) module: ItemMod,
    /// Items that the macro only passes on, and those below without our attributes.
    pub(crate) items: Vec<Item>,
    pub(crate) state: ItemStruct,
    /// Input types, by their numbers.
    pub(crate) inputs: Vec<Ident>,
    pub(crate) events: Vec<Event>,
    pub(crate) error: Option<ErrorEnum>,
    pub(crate) init: Option<Function>,
    /// Actions, views and input functions in the order of the source.
    pub(crate) functions: Vec<Function>,
    pub(crate) computations: Vec<Computation>,
    /// Callbacks by the place of their computation.
    pub(crate) attested: Vec<(usize, Function)>,
    pub(crate) failed: Vec<(usize, Function)>,
    /// The records of the author's comments.
    pub(crate) docs: TokenStream,
}

const ROLES: [&str; 7] = [
    "init", "action", "view", "input", "compute", "attested", "failed",
];

/// Collects errors, so that an author sees all of them at once.
#[derive(Default)]
struct Errors(Option<syn::Error>);

impl Errors {
    fn add(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            none => *none = Some(error),
        }
    }

    fn take<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }
}

/// Refuses arguments of `#[quartet::contract]`.
pub(crate) fn no_arguments(arguments: &TokenStream) -> syn::Result<()> {
    if arguments.is_empty() {
        return Ok(());
    }
    let text = "#[quartet::contract] takes no arguments: the module's name is the contract's";
    Err(syn::Error::new_spanned(arguments, text))
}

/// Adds the derives that tests want, unless the author chose some.
pub(crate) fn derive_by_default(attributes: &mut Vec<Attribute>) {
    if !attributes
        .iter()
        .any(|attribute| attribute.path().is_ident("derive"))
    {
        attributes.push(parse_quote!(#[derive(Clone, Debug, PartialEq, Eq)]));
    }
}

fn has_attribute(attributes: &[Attribute], name: &str) -> bool {
    attributes
        .iter()
        .any(|attribute| attribute.path().is_ident(name))
}

/// Takes the attribute of this name off the list.
fn take_attribute(attributes: &mut Vec<Attribute>, name: &str) -> Option<Attribute> {
    let at = attributes
        .iter()
        .position(|attribute| attribute.path().is_ident(name))?;
    Some(attributes.remove(at))
}

fn derives(attributes: &[Attribute], name: &str) -> bool {
    let mut found = false;
    for attribute in attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("derive"))
    {
        // What does not parse is for the compiler to refuse.
        let _ = attribute.parse_nested_meta(|meta| {
            found |= meta
                .path
                .segments
                .last()
                .is_some_and(|last| last.ident == name);
            Ok(())
        });
    }
    found
}

/// Whether an identifier occurs.
pub(crate) fn mentions(tokens: TokenStream, name: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => mentions(group.stream(), name),
        TokenTree::Ident(ident) => ident == name,
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

impl Model {
    /// Reads a module.
    pub(crate) fn read(mut module: ItemMod) -> syn::Result<Self> {
        let Some((_, content)) = module.content.take() else {
            let text = "write the contract in this file: `mod name { … }`";
            return Err(syn::Error::new_spanned(&module, text));
        };
        for attribute in &mut module.attrs {
            attribute.style = syn::AttrStyle::Outer;
        }
        let mut errors = Errors::default();
        let mut reader = Reader::default();
        for item in content {
            if let Err(error) = reader.item(item) {
                errors.add(error);
            }
        }
        let Some(state) = reader.state.take() else {
            errors.add(syn::Error::new_spanned(
                &module.ident,
                "the contract has no state: put #[state] on a struct, which may be empty: \
                 `#[state] pub struct State {}`",
            ));
            return Err(errors
                .0
                .unwrap_or_else(|| syn::Error::new(module.span(), "no state")));
        };
        for (role, .., function) in &reader.functions {
            if role == "compute" {
                errors.take(secrecy::check_revealed(
                    &function.sig,
                    &reader.not_revealed(),
                ));
            }
        }
        let inputs = reader.input_types();
        let mut model = Self {
            module,
            items: reader.items,
            state,
            inputs,
            events: reader.events,
            error: reader.error,
            init: None,
            functions: Vec::new(),
            computations: Vec::new(),
            attested: Vec::new(),
            failed: Vec::new(),
            docs: reader.docs,
        };
        model.docs.extend(docs::section(
            "contract",
            &names::plain(&model.module.ident),
            &model.module.attrs,
            &[],
        ));
        let mut callbacks = Vec::new();
        for (role, attribute, at, item) in &reader.functions {
            if role == "compute" {
                model
                    .computations
                    .extend(errors.take(Computation::read(attribute, item)));
            } else if let Some(function) = errors.take(Function::read(
                role,
                attribute,
                at.as_ref(),
                item,
                &model.state,
            )) {
                match function.role {
                    Role::Init if model.init.is_some() => errors.add(syn::Error::new_spanned(
                        &function.name,
                        "a contract has one #[init] function",
                    )),
                    Role::Init => model.init = Some(function),
                    Role::Attested | Role::Failed => callbacks.push((attribute, function)),
                    _ => model.functions.push(function),
                }
            }
        }
        for (attribute, function) in callbacks {
            if let Some(place) = errors.take(model.computation_of(attribute, &function)) {
                let list = match function.role {
                    Role::Attested => &mut model.attested,
                    _ => &mut model.failed,
                };
                list.push((place, function));
            }
        }
        for list in [&model.attested, &model.failed] {
            for (i, (place, function)) in list.iter().enumerate() {
                if list[..i].iter().any(|(other, _)| other == place) {
                    let text = "this computation has such a function already: remove one";
                    errors.add(syn::Error::new_spanned(&function.name, text));
                }
            }
        }
        errors.0.map_or(Ok(model), Err)
    }

    /// The place of the computation that a callback is for.
    fn computation_of(&self, attribute: &Attribute, function: &Function) -> syn::Result<usize> {
        if matches!(attribute.meta, syn::Meta::Path(_)) {
            return match self.computations.len() {
                1 => Ok(0),
                0 => Err(syn::Error::new_spanned(
                    &function.name,
                    "there is no #[compute] function to which this belongs",
                )),
                _ => Err(syn::Error::new_spanned(
                    attribute,
                    "name the computation, since there are several: `#[attested(tally)]`",
                )),
            };
        }
        let name: Ident = attribute.parse_args()?;
        let place = self
            .computations
            .iter()
            .position(|computation| computation.name == name);
        place.ok_or_else(|| {
            syn::Error::new_spanned(
                &name,
                "no #[compute] function of this contract has this name",
            )
        })
    }
}

#[derive(Default)]
struct Reader {
    items: Vec<Item>,
    state: Option<ItemStruct>,
    /// All structs with `#[derive(SecretInput)]`.
    inputs: Vec<ItemStruct>,
    events: Vec<Event>,
    error: Option<ErrorEnum>,
    /// Each with its role, the attribute that says so, and `#[at(…)]`.
    functions: Vec<(String, Attribute, Option<Attribute>, ItemFn)>,
    docs: TokenStream,
}

impl Reader {
    /// Structs without `#[derive(Reveal)]`.
    fn not_revealed(&self) -> Vec<&Ident> {
        let structs = self.items.iter().filter_map(|item| match item {
            Item::Struct(item) => Some(item),
            _ => None,
        });
        let without = structs.filter(|item| !derives(&item.attrs, "Reveal"));
        without.map(|item| &item.ident).collect()
    }

    /// The structs that are inputs themselves, not only parts of others.
    fn input_types(&self) -> Vec<Ident> {
        let part = |name: &Ident| {
            let of = |other: &ItemStruct| {
                other.ident != *name && mentions(other.fields.to_token_stream(), &name.to_string())
            };
            self.inputs.iter().any(of)
        };
        let used = |name: &Ident| {
            let by =
                |function: &ItemFn| mentions(function.sig.to_token_stream(), &name.to_string());
            self.functions.iter().any(|(.., function)| by(function))
        };
        let names = self.inputs.iter().map(|item| &item.ident);
        let types = names.filter(|name| used(name) || !part(name));
        types.cloned().collect()
    }

    fn item(&mut self, item: Item) -> syn::Result<()> {
        match item {
            Item::Struct(item) => self.structure(item),
            Item::Enum(mut item) if has_attribute(&item.attrs, "error") => {
                take_attribute(&mut item.attrs, "error");
                if self.error.is_some() {
                    let text = "a contract has one #[error] enum: add the variants to the other";
                    return Err(syn::Error::new_spanned(&item.ident, text));
                }
                for variant in &item.variants {
                    self.comments("error", &variant.ident, &variant.attrs, &variant.fields);
                }
                let error = ErrorEnum::read(item)?;
                self.items.push(Item::Enum(error.item.clone()));
                self.error = Some(error);
                Ok(())
            }
            Item::Fn(item) => self.function(item),
            other => {
                self.items.push(other);
                Ok(())
            }
        }
    }

    fn structure(&mut self, mut item: ItemStruct) -> syn::Result<()> {
        if take_attribute(&mut item.attrs, "error").is_some() {
            let text = "#[error] goes on an enum, with one variant per error";
            return Err(syn::Error::new_spanned(&item.ident, text));
        }
        if has_attribute(&item.attrs, "event") {
            secrecy::check_public(&item.fields, "an event is public")?;
        }
        if derives(&item.attrs, "SecretInput") {
            secrecy::check_input(&item.fields)?;
            self.inputs.push(item.clone());
            item.attrs.push(parse_quote!(
                #[allow(dead_code, reason = "a computation reads its vectors, not single inputs")]
            ));
        }
        if take_attribute(&mut item.attrs, "event").is_some() {
            self.comments("event", &item.ident, &item.attrs, &item.fields);
            let event = Event::read(item)?;
            self.items.push(Item::Struct(event.item.clone()));
            self.events.push(event);
            return Ok(());
        }
        if take_attribute(&mut item.attrs, "state").is_some() {
            if self.state.is_some() {
                let text = "a contract has one #[state] struct: put the fields into the other";
                return Err(syn::Error::new_spanned(&item.ident, text));
            }
            self.state = Some(item.clone());
            secrecy::check_public(&item.fields, "a contract's state is public")?;
        }
        self.items.push(Item::Struct(item));
        Ok(())
    }

    /// Notes what the author says of an event or an error and its fields.
    fn comments(&mut self, kind: &str, name: &Ident, attributes: &[Attribute], fields: &Fields) {
        let field = |field: &syn::Field| {
            let name = names::camel_case(field.ident.as_ref()?);
            Some(docs::field(name, field))
        };
        let fields: Vec<_> = fields.iter().filter_map(field).collect();
        let section = docs::section(kind, &names::plain(name), attributes, &fields);
        self.docs.extend(section);
    }

    fn function(&mut self, mut item: ItemFn) -> syn::Result<()> {
        let found = ROLES
            .iter()
            .filter_map(|role| Some((*role, take_attribute(&mut item.attrs, role)?)))
            .collect::<Vec<_>>();
        let at = take_attribute(&mut item.attrs, "at");
        self.items.push(Item::Fn(secrecy::guard(item.clone())?));
        match <[_; 1]>::try_from(found) {
            Ok([(role, attribute)]) => {
                function::plain(&item)?;
                secrecy::check_signature(role, &item.sig)?;
                let name = &item.sig.ident;
                self.docs.extend(match role {
                    "action" | "view" | "input" => {
                        docs::section("function", &names::camel_case(name), &item.attrs, &[])
                    }
                    _ => docs::section(role, &names::plain(name), &item.attrs, &[]),
                });
                self.functions.push((role.to_owned(), attribute, at, item));
                Ok(())
            }
            Err(found) if found.is_empty() => match at {
                Some(at) => Err(syn::Error::new_spanned(
                    at,
                    "what runs by itself is an #[action]: put #[action] beside it",
                )),
                None => Ok(()),
            },
            Err(_) => {
                let text = "a function is for one thing: keep one of these attributes";
                Err(syn::Error::new_spanned(&item.sig.ident, text))
            }
        }
    }
}

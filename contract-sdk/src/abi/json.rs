//! The contract's description as JSON, written without a formatter so that it costs little WASM.

use wire::{guest::Recipient, kind::Kind};

use super::{AbiType, Params};
use crate::{
    contract::{Computation, Output, Public},
    secret::{InputNumber, SecretInput},
};

/// Collects what a contract says about itself; see `wire::contract::Description`.
#[derive(Default)]
pub struct Describer {
    abi: String,
    inputs: String,
    input_functions: String,
    computations: String,
}

impl Describer {
    /// Starts an empty description.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The constructor.
    pub fn constructor<A: Params>(&mut self, names: &[&str]) {
        self.item("constructor", "");
        self.abi.push_str(",\"inputs\":");
        A::json(names, &mut self.abi);
        self.abi.push_str(",\"stateMutability\":\"nonpayable\"}");
    }

    /// A function; `view` when it cannot write.
    pub fn function<A: Params, O: Output>(&mut self, name: &str, names: &[&str], view: bool) {
        self.item("function", name);
        self.abi.push_str(",\"inputs\":");
        A::json(names, &mut self.abi);
        self.abi.push_str(",\"outputs\":");
        O::Abi::json(&[], &mut self.abi);
        self.abi.push_str(",\"stateMutability\":\"");
        self.abi.push_str(if view { "view" } else { "nonpayable" });
        self.abi.push_str("\"}");
    }

    /// An event; per field its JSON, made with [`push_parameter`].
    pub fn event(&mut self, name: &str, inputs: &str) {
        self.item("event", name);
        self.abi.push_str(",\"anonymous\":false,\"inputs\":[");
        self.abi.push_str(inputs);
        self.abi.push_str("]}");
    }

    /// A custom error.
    pub fn error<A: Params>(&mut self, name: &str, names: &[&str]) {
        self.item("error", name);
        self.abi.push_str(",\"inputs\":");
        A::json(names, &mut self.abi);
        self.abi.push('}');
    }

    /// A secret input type; they are numbered in the order of these calls.
    pub fn input_type<T: SecretInput>(&mut self) {
        let out = &mut self.inputs;
        separate(out);
        out.push_str("{\"name\":");
        push_string(out, T::NAME);
        out.push_str(",\"fields\":[");
        let mut first = true;
        T::fields("", 1, &mut |name, kind, len| {
            if !first {
                out.push(',');
            }
            first = false;
            out.push_str("{\"name\":");
            push_string(out, name);
            out.push_str(",\"kind\":");
            push_kind(out, kind);
            out.push_str(",\"len\":");
            push_number(out, u64::from(len));
            out.push('}');
        });
        out.push_str("]}");
    }

    /// A function that takes a sealed input of type `T`.
    pub fn input_function<T: InputNumber>(&mut self, name: &str, selector: [u8; 4]) {
        let out = &mut self.input_functions;
        separate(out);
        out.push_str("{\"name\":");
        push_string(out, name);
        out.push_str(",\"selector\":\"0x");
        for byte in selector {
            for digit in [byte >> 4, byte & 15] {
                out.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
            }
        }
        out.push_str("\",\"input\":");
        push_number(out, u64::from(T::NUMBER));
        out.push('}');
    }

    /// A computation; they are numbered in the order of these calls.
    pub fn computation<C: Computation>(&mut self) {
        let out = &mut self.computations;
        separate(out);
        out.push_str("{\"name\":");
        push_string(out, C::NAME);
        out.push_str(",\"inputs\":[");
        for (i, number) in C::INPUTS.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            push_number(out, u64::from(*number));
        }
        out.push(']');
        if C::Args::COUNT > 0 {
            out.push_str(",\"params\":");
            C::Args::json(C::ARGS, out);
        }
        if C::MIN_INPUTS > 0 {
            out.push_str(",\"min_inputs\":");
            push_number(out, u64::from(C::MIN_INPUTS));
        }
        out.push_str(",\"output\":");
        push_string(out, <C::Output as Public>::TYPE);
        // A list of one parameter, or of none.
        let mut result = String::new();
        <C::Output as Public>::Abi::json(&[C::NAME], &mut result);
        if let Some(parameter) = result.strip_prefix("[{") {
            out.push_str(",\"result\":{");
            out.push_str(parameter.trim_end_matches(']'));
        }
        for (i, (recipient, input)) in C::SECRETS.iter().enumerate() {
            out.push_str(if i == 0 { ",\"secrets\":[{" } else { ",{" });
            out.push_str("\"recipient\":");
            push_string(out, recipient_name(*recipient));
            out.push_str(",\"input\":");
            push_number(out, u64::from(*input));
            out.push('}');
        }
        if !C::SECRETS.is_empty() {
            out.push(']');
        }
        out.push('}');
    }

    /// The description of the contract with this name.
    #[must_use]
    pub fn finish(self, name: &str) -> String {
        let mut out = String::from("{\"name\":");
        push_string(&mut out, name);
        for (key, list) in [
            (",\"abi\":[", self.abi),
            ("],\"inputs\":[", self.inputs),
            ("],\"input_functions\":[", self.input_functions),
            ("],\"computations\":[", self.computations),
        ] {
            out.push_str(key);
            out.push_str(&list);
        }
        out.push_str("]}");
        out
    }

    fn item(&mut self, kind: &str, name: &str) {
        separate(&mut self.abi);
        self.abi.push_str("{\"type\":");
        push_string(&mut self.abi, kind);
        if !name.is_empty() {
            self.abi.push_str(",\"name\":");
            push_string(&mut self.abi, name);
        }
    }
}

/// Appends one parameter; `indexed` is told for fields of events.
pub fn push_parameter<T: AbiType>(name: &str, indexed: Option<bool>, out: &mut String) {
    let (mut ty, mut components) = (String::new(), String::new());
    T::json_type(&mut ty);
    T::json_components(&mut components);
    push_typed(name, &ty, T::STRUCT, &components, indexed, out);
}

/// Apart, so that it is in the module once and not for each type.
#[inline(never)]
fn push_typed(
    name: &str,
    ty: &str,
    structure: &str,
    components: &str,
    indexed: Option<bool>,
    out: &mut String,
) {
    out.push_str("{\"name\":");
    push_string(out, name);
    out.push_str(",\"type\":");
    push_string(out, ty);
    if let (false, Some(dimensions)) = (structure.is_empty(), ty.strip_prefix("tuple")) {
        out.push_str(",\"internalType\":\"struct ");
        out.push_str(structure);
        out.push_str(dimensions);
        out.push('"');
    }
    if !components.is_empty() {
        out.push_str(",\"components\":");
        out.push_str(components);
    }
    if let Some(indexed) = indexed {
        out.push_str(",\"indexed\":");
        out.push_str(if indexed { "true" } else { "false" });
    }
    out.push('}');
}

/// Appends a number in decimal.
pub fn push_number(out: &mut String, number: u64) {
    if number >= 10 {
        push_number(out, number / 10);
    }
    out.push(char::from(b'0' + (number % 10) as u8));
}

/// Appends an identifier as a string. Identifiers need no escapes.
fn push_string(out: &mut String, identifier: &str) {
    out.push('"');
    out.push_str(identifier);
    out.push('"');
}

fn separate(list: &mut String) {
    if !list.is_empty() {
        list.push(',');
    }
}

/// A kind as serde writes it.
fn push_kind(out: &mut String, kind: Kind) {
    if kind.fraction() == 0 {
        push_string(out, kind_name(kind));
        return;
    }
    out.push('{');
    push_string(out, kind_name(kind));
    out.push(':');
    push_number(out, u64::from(kind.fraction()));
    out.push('}');
}

const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool => "bool",
        Kind::U8 => "u8",
        Kind::U16 => "u16",
        Kind::U32 => "u32",
        Kind::U64 => "u64",
        Kind::U128 => "u128",
        Kind::I8 => "i8",
        Kind::I16 => "i16",
        Kind::I32 => "i32",
        Kind::I64 => "i64",
        Kind::I128 => "i128",
        Kind::Fixed64(_) => "fixed64",
        Kind::Fixed128(_) => "fixed128",
    }
}

/// A recipient as serde writes it.
const fn recipient_name(recipient: Recipient) -> &'static str {
    match recipient {
        Recipient::Contract => "contract",
        Recipient::Owners => "owners",
        Recipient::Reader => "reader",
    }
}

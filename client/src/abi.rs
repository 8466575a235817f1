//! A contract's functions and errors by name, from the ABI in its description.

use alloy_dyn_abi::{
    DynSolType, DynSolValue, ErrorExt as _, FunctionExt as _, JsonAbiExt as _, Specifier as _,
};
use alloy_json_abi::{Function, JsonAbi};
use alloy_primitives::{Bytes, hex};
use wire::{
    contract::{Description, InputFunction},
    kind::InputType,
    sealed::SealedInput,
};

use crate::ClientError;

/// The ABI of one contract.
#[derive(Clone, Debug)]
pub struct Abi {
    contract: String,
    json: JsonAbi,
}

impl Abi {
    /// Reads the ABI of a description.
    ///
    /// # Errors
    /// [`ClientError::Abi`] if it is not Solidity's JSON.
    pub fn new(description: &Description) -> Result<Self, ClientError> {
        let json = serde_json::from_value(description.abi.clone());
        let json = json.map_err(|e| abi_error(&description.name, &e))?;
        Ok(Self {
            contract: description.name.clone(),
            json,
        })
    }

    /// The function of this name.
    ///
    /// # Errors
    /// [`ClientError::NoSuchFunction`], which names those that there are.
    pub fn function(&self, name: &str) -> Result<&Function, ClientError> {
        let found = self.json.functions.get(name).and_then(|list| list.first());
        found.ok_or_else(|| {
            let known: Vec<_> = self.json.functions.keys().map(String::as_str).collect();
            ClientError::NoSuchFunction {
                name: name.to_owned(),
                known: known.join(", "),
            }
        })
    }

    /// Calldata of a function with these arguments.
    ///
    /// # Errors
    /// [`ClientError::NoSuchFunction`] and [`ClientError::Abi`].
    pub fn call(&self, function: &str, arguments: &[DynSolValue]) -> Result<Bytes, ClientError> {
        let encoded = self.function(function)?.abi_encode_input(arguments);
        Ok(encoded.map_err(|e| abi_error(function, &e))?.into())
    }

    /// Calldata of a function with arguments as text, as on a command line: `0x…`, decimal
    /// numbers, `[a,b]`, `(a,b)`.
    ///
    /// # Errors
    /// [`ClientError::NoSuchFunction`] and [`ClientError::Abi`].
    pub fn call_text(&self, function: &str, arguments: &[&str]) -> Result<Bytes, ClientError> {
        let inputs = &self.function(function)?.inputs;
        let (given, expected) = (arguments.len(), inputs.len());
        if given != expected {
            let why = format!("it takes {expected} arguments, not {given}");
            return Err(abi_error(function, &why));
        }
        let typed = inputs.iter().zip(arguments).map(|(input, text)| {
            let ty: DynSolType = input.resolve().map_err(|e| abi_error(function, &e))?;
            ty.coerce_str(text).map_err(|e| abi_error(function, &e))
        });
        self.call(function, &typed.collect::<Result<Vec<_>, _>>()?)
    }

    /// Calldata of an input function: `public_arguments` are the ABI encoding of all its arguments
    /// but the last (empty if there are none), and the sealed input becomes the last.
    ///
    /// # Errors
    /// [`ClientError::NoSuchFunction`], and [`ClientError::Abi`] if the arguments are not those of
    /// the function.
    pub fn input_call(
        &self,
        function: &str,
        public_arguments: &[u8],
        sealed: &SealedInput,
    ) -> Result<Bytes, ClientError> {
        let mut public = self.function(function)?.clone();
        let last = public.inputs.pop();
        if last.is_none_or(|last| last.ty != "bytes") {
            return Err(abi_error(function, &"its last argument is not `bytes`"));
        }
        let arguments = public.abi_decode_input(public_arguments);
        let mut arguments = arguments.map_err(|e| abi_error(function, &e))?;
        // The decoder ignores what follows the arguments; a caller who gave more meant something.
        let again = public.abi_encode_input_raw(&arguments);
        if again.map_err(|e| abi_error(function, &e))? != public_arguments {
            let why = "the public arguments are not its canonical encoding";
            return Err(abi_error(function, &why));
        }
        arguments.push(DynSolValue::Bytes(sealed.encode()));
        self.call(function, &arguments)
    }

    /// The results of a function.
    ///
    /// # Errors
    /// [`ClientError::NoSuchFunction`] and [`ClientError::Abi`].
    pub fn results(&self, function: &str, data: &[u8]) -> Result<Vec<DynSolValue>, ClientError> {
        let decoded = self.function(function)?.abi_decode_output(data);
        decoded.map_err(|e| abi_error(function, &e))
    }

    /// What a contract's error means: `ErrorName(args)` if the ABI has it, Solidity's own errors,
    /// else the bytes.
    #[must_use]
    pub fn reason(&self, data: &[u8]) -> String {
        let mut errors = self.json.errors();
        errors
            .find_map(|error| {
                let decoded = error.decode_error(data).ok()?;
                let arguments: Vec<_> = decoded.body.iter().map(render).collect();
                Some(format!("{}({})", error.name, arguments.join(", ")))
            })
            .unwrap_or_else(|| standard_reason(data))
    }

    /// All of it.
    #[must_use]
    pub const fn json(&self) -> &JsonAbi {
        &self.json
    }

    /// Its name.
    #[must_use]
    pub fn contract(&self) -> &str {
        &self.contract
    }
}

/// What revert data means without an ABI: `Error(string)`, `Panic(uint256)`, else the bytes.
#[must_use]
pub fn standard_reason(data: &[u8]) -> String {
    use alloy_sol_types::{Panic, Revert, SolError as _};
    if data.is_empty() {
        return "no reason given".into();
    }
    if let Ok(revert) = Revert::abi_decode(data) {
        return revert.reason;
    }
    match Panic::abi_decode(data) {
        Ok(panic) => format!("Panic({})", panic.code),
        Err(_) => format!("unknown error {}", hex::encode_prefixed(data)),
    }
}

/// The input function of this name, with its number and type of input.
///
/// # Errors
/// [`ClientError::NoSuchFunction`], which names those that there are, and [`ClientError::Abi`] if
/// the description contradicts itself.
pub fn input_function<'a>(
    description: &'a Description,
    name: &str,
) -> Result<(&'a InputFunction, &'a InputType), ClientError> {
    let functions = &description.input_functions;
    let function = functions.iter().find(|f| f.name == name);
    let function = function.ok_or_else(|| {
        let known: Vec<_> = functions.iter().map(|f| f.name.as_str()).collect();
        ClientError::NoSuchFunction {
            name: name.to_owned(),
            known: format!("the input functions {}", known.join(", ")),
        }
    })?;
    let input = description.inputs.get(function.input as usize);
    let input = input.ok_or_else(|| abi_error(name, &"its input type is not described"))?;
    Ok((function, input))
}

/// A value as people read it.
#[must_use]
pub fn render(value: &DynSolValue) -> String {
    let list = |values: &[DynSolValue]| {
        let rendered: Vec<_> = values.iter().map(render).collect();
        rendered.join(", ")
    };
    match value {
        DynSolValue::Bool(bit) => bit.to_string(),
        DynSolValue::Int(number, _) => number.to_string(),
        DynSolValue::Uint(number, _) => number.to_string(),
        DynSolValue::FixedBytes(word, size) => hex::encode_prefixed(&word[..*size]),
        DynSolValue::Address(address) => address.to_string(),
        DynSolValue::Function(function) => function.to_string(),
        DynSolValue::Bytes(bytes) => hex::encode_prefixed(bytes),
        DynSolValue::String(text) => format!("{text:?}"),
        DynSolValue::Array(values) | DynSolValue::FixedArray(values) => {
            format!("[{}]", list(values))
        }
        DynSolValue::Tuple(values) => format!("({})", list(values)),
    }
}

fn abi_error(what: &str, why: &dyn std::fmt::Display) -> ClientError {
    ClientError::Abi {
        what: what.to_owned(),
        why: why.to_string(),
    }
}

#[cfg(test)]
mod tests;

//! A contract's description, read and checked once, in a form that calls need.

use std::{collections::BTreeMap, sync::Arc};

use alloy_dyn_abi::{DynSolType, DynSolValue, JsonAbiExt};
use alloy_json_abi::{JsonAbi, Param};
use alloy_primitives::FixedBytes;
use alloy_sol_types::{Revert, SolError};
use wire::{
    contract::{Computation, Description, InputFunction, SecretResult},
    guest::Recipient,
    kind::InputType,
    limits::INPUT_BYTES,
};

use crate::ModuleError;

/// Most input types, input functions or computations of one contract.
const MAX_ITEMS: usize = 64;
/// Most fields of one input type.
const MAX_FIELDS: usize = 256;
/// Bytes of a field's name with those of the structs around it.
const FIELD_NAME_BYTES: usize = 256;
/// Most arguments of one function, event or error, and most of each of those.
const MAX_ABI_ITEMS: usize = 256;
/// Characters of a Solidity type, and of an output type of a computation.
const TYPE_CHARACTERS: usize = 256;
/// Characters of a reason that are shown.
const REASON_CHARACTERS: usize = 1024;
/// Bytes of a name.
const NAME_BYTES: usize = 64;

/// What a contract says about itself, checked.
pub(crate) struct Interface {
    /// As the module gave it.
    pub(crate) description: Arc<Description>,
    /// The input types, to be handed out.
    pub(crate) inputs: Vec<Arc<InputType>>,
    /// Input type numbers by the selectors of the functions that take them.
    input_functions: BTreeMap<FixedBytes<4>, u32>,
    errors: BTreeMap<FixedBytes<4>, alloy_json_abi::Error>,
}

impl Interface {
    /// Reads and checks the JSON of a description.
    ///
    /// # Errors
    /// [`ModuleError::Description`].
    pub(crate) fn read(json: &[u8]) -> Result<Self, ModuleError> {
        let wrong = |error: serde_json::Error| ModuleError::Description(error.to_string());
        let description: Description = serde_json::from_slice(json).map_err(wrong)?;
        let abi: JsonAbi = serde_json::from_value(description.abi.clone()).map_err(wrong)?;
        check(&description, &abi).map_err(ModuleError::Description)?;
        let input_functions = description.input_functions.iter();
        let errors = abi.errors.into_values().flatten();
        Ok(Self {
            inputs: description.inputs.iter().cloned().map(Arc::new).collect(),
            input_functions: input_functions.map(|f| (f.selector, f.input)).collect(),
            errors: errors.map(|error| (error.selector(), error)).collect(),
            description: Arc::new(description),
        })
    }

    /// Number of the input type that the called function takes, if it takes one.
    pub(crate) fn input_of(&self, calldata: &[u8]) -> Option<u32> {
        let selector = calldata.first_chunk::<4>()?;
        self.input_functions.get(selector).copied()
    }

    /// Who gets each secret result of a computation, and the type of the rows.
    pub(crate) fn results_of(&self, computation: u32) -> Vec<(Recipient, InputType)> {
        let computation = self.description.computations.get(computation as usize);
        let results = computation.into_iter().flat_map(|c| &c.secrets);
        let ty = |number: u32| self.description.inputs.get(number as usize).cloned();
        results
            .filter_map(|result| Some((result.recipient, ty(result.input)?)))
            .collect()
    }

    /// A contract's error in words: Solidity's `Error(string)`, or one of its own ABI.
    pub(crate) fn explain(&self, data: &[u8]) -> Option<String> {
        if let Ok(revert) = Revert::abi_decode(data) {
            return Some(revert.reason.chars().take(REASON_CHARACTERS).collect());
        }
        let (selector, arguments) = data.split_first_chunk::<4>()?;
        let error = self.errors.get(selector)?;
        // Arrays within arrays could be small in bytes and huge when decoded.
        if !error.inputs.iter().all(|input| is_elementary(&input.ty)) {
            return Some(error.name.clone());
        }
        let values = error.abi_decode_input(arguments).ok()?;
        let values: Vec<_> = values.iter().map(text).collect();
        Some(format!("{}({})", error.name, values.join(", ")))
    }
}

/// Whether values of a Solidity type hold no other values.
fn is_elementary(ty: &str) -> bool {
    ty.chars().all(|c| c.is_ascii_alphanumeric()) && !ty.starts_with("tuple")
}

fn text(value: &DynSolValue) -> String {
    match value {
        DynSolValue::Bool(b) => b.to_string(),
        DynSolValue::Int(n, _) => n.to_string(),
        DynSolValue::Uint(n, _) => n.to_string(),
        DynSolValue::Address(a) => a.to_string(),
        DynSolValue::String(s) => {
            let shown: String = s.chars().take(REASON_CHARACTERS).collect();
            format!("{shown:?}")
        }
        DynSolValue::FixedBytes(word, size) => {
            alloy_primitives::hex::encode_prefixed(word.get(..*size).unwrap_or_default())
        }
        DynSolValue::Bytes(bytes) => {
            let shown = bytes.get(..REASON_CHARACTERS).unwrap_or(bytes);
            alloy_primitives::hex::encode_prefixed(shown)
        }
        _ => "?".to_owned(),
    }
}

fn check(description: &Description, abi: &JsonAbi) -> Result<(), String> {
    name("the contract", &description.name)?;
    check_abi(abi)?;
    at_most("input types", description.inputs.len(), MAX_ITEMS)?;
    at_most(
        "input functions",
        description.input_functions.len(),
        MAX_ITEMS,
    )?;
    at_most("computations", description.computations.len(), MAX_ITEMS)?;
    description.inputs.iter().try_for_each(check_input)?;
    let types = description.inputs.len();
    for (place, function) in description.input_functions.iter().enumerate() {
        let earlier = &description.input_functions[..place];
        if earlier.iter().any(|f| f.selector == function.selector) {
            return Err(format!(
                "two input functions have selector {}",
                function.selector
            ));
        }
        check_input_function(function, types, abi)?;
    }
    let mut computations = description.computations.iter();
    computations.try_for_each(|computation| check_computation(computation, types))
}

/// Bounds what the ABI makes others compute: types that nest deeply or have many parts.
fn check_abi(abi: &JsonAbi) -> Result<(), String> {
    at_most("functions", abi.functions().count(), MAX_ABI_ITEMS)?;
    at_most("events", abi.events().count(), MAX_ABI_ITEMS)?;
    at_most("errors", abi.errors().count(), MAX_ABI_ITEMS)?;
    let functions = abi
        .functions()
        .flat_map(|f| f.inputs.iter().chain(&f.outputs));
    let errors = abi.errors().flat_map(|error| &error.inputs);
    functions.chain(errors).try_for_each(check_param)?;
    let mut events = abi.events().flat_map(|event| &event.inputs);
    events.try_for_each(|input| check_type(&input.ty, &input.components))
}

fn check_param(param: &Param) -> Result<(), String> {
    check_type(&param.ty, &param.components)
}

fn check_type(ty: &str, components: &[Param]) -> Result<(), String> {
    at_most("characters of a Solidity type", ty.len(), TYPE_CHARACTERS)?;
    at_most(
        "components of a Solidity type",
        components.len(),
        MAX_ABI_ITEMS,
    )?;
    components.iter().try_for_each(check_param)
}

fn check_input(input: &InputType) -> Result<(), String> {
    name("an input type", &input.name)?;
    at_most("fields", input.fields.len(), MAX_FIELDS)?;
    let mut bytes = 0usize;
    for field in &input.fields {
        // A field of a struct within the input has the names of both, with a dot between them.
        for part in field.name.split('.') {
            name("a field", part)?;
        }
        at_most(
            "bytes of a field's name",
            field.name.len(),
            FIELD_NAME_BYTES,
        )?;
        // A field alone is looked at before its bytes, so that nothing overflows.
        at_most("elements of a field", field.len as usize, INPUT_BYTES * 8)?;
        if field.len == 0 {
            return Err(format!(
                "field {}.{} has no elements",
                input.name, field.name
            ));
        }
        bytes += field.kind.bytes(field.len as usize);
    }
    if bytes == 0 {
        return Err(format!("input type {} has no fields", input.name));
    }
    at_most("bytes of an input", bytes, INPUT_BYTES)
}

fn check_input_function(
    function: &InputFunction,
    types: usize,
    abi: &JsonAbi,
) -> Result<(), String> {
    let InputFunction {
        name: function_name,
        selector,
        input,
    } = function;
    name("an input function", function_name)?;
    if *input as usize >= types {
        return Err(format!(
            "{function_name} takes input type {input}, which does not exist"
        ));
    }
    let declared = abi.functions().find(|f| f.selector() == *selector);
    let declared = declared
        .ok_or_else(|| format!("{function_name} has selector {selector}, which the ABI lacks"))?;
    match declared.inputs.last() {
        Some(last) if last.ty == "bytes" => Ok(()),
        _ => Err(format!(
            "the last argument of {function_name} is not of type bytes"
        )),
    }
}

fn check_computation(computation: &Computation, types: usize) -> Result<(), String> {
    let Computation {
        name: computation_name,
        inputs,
        params,
        min_inputs,
        output,
        result,
        secrets,
    } = computation;
    name("a computation", computation_name)?;
    at_most("input types of a computation", inputs.len(), MAX_ITEMS)?;
    for (place, input) in inputs.iter().enumerate() {
        if *input as usize >= types {
            return Err(format!(
                "{computation_name} reads input type {input}, which does not exist"
            ));
        }
        if inputs[..place].contains(input) {
            return Err(format!("{computation_name} reads input type {input} twice"));
        }
    }
    at_most("secret results of a computation", secrets.len(), MAX_ITEMS)?;
    for SecretResult { input, .. } in secrets {
        if *input as usize >= types {
            return Err(format!(
                "a secret result of {computation_name} has input type {input}, which does not exist"
            ));
        }
    }
    if *min_inputs > 0 && inputs.is_empty() {
        return Err(format!(
            "{computation_name} must have {min_inputs} inputs and reads none"
        ));
    }
    at_most("arguments of a computation", params.len(), MAX_ABI_ITEMS)?;
    for param in params {
        let param: Param = serde_json::from_value(param.clone())
            .map_err(|error| format!("an argument of {computation_name}: {error}"))?;
        check_param(&param)?;
    }
    at_most(
        "characters of an output type",
        output.len(),
        TYPE_CHARACTERS,
    )?;
    let wrong = |error: String| format!("the output type of {computation_name}: {error}");
    DynSolType::parse(output).map_err(|error| wrong(error.to_string()))?;
    let Some(result) = result else { return Ok(()) };
    let result: Param = serde_json::from_value(result.clone()).map_err(|e| wrong(e.to_string()))?;
    check_param(&result)?;
    let actual = result.selector_type();
    if actual != *output {
        return Err(wrong(format!("it is {output}, and {actual} in the ABI")));
    }
    Ok(())
}

fn name(what: &str, name: &str) -> Result<(), String> {
    let mut characters = name.chars();
    let starts = characters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if starts
        && name.len() <= NAME_BYTES
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
    {
        return Ok(());
    }
    let shown: String = name.chars().take(NAME_BYTES).collect();
    Err(format!(
        "{what} has the name {shown:?}, which is no identifier"
    ))
}

fn at_most(what: &str, actual: usize, limit: usize) -> Result<(), String> {
    if actual > limit {
        return Err(format!(
            "it has {actual} {what}, and at most {limit} are allowed"
        ));
    }
    Ok(())
}

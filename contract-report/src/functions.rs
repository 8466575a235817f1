//! What functions use up, from calling each with zeros and empty lists.

use alloy_dyn_abi::{DynSolType, DynSolValue, JsonAbiExt as _, Specifier as _};
use alloy_json_abi::{JsonAbi, Param, StateMutability};
use alloy_primitives::{Address, B256, Bytes, FixedBytes, I256, U256};
use wire::{
    contract::Description,
    kind::InputType,
    limits::NODES,
    sealed::{Seal, SealedInput},
};
use zk_contract_runtime::inspect::{Inspection, Trial};

use crate::{ReportError, report::Function};

/// Bytes of the seeds for a node, sealed.
const SEAL_BYTES: usize = 3 * 32 + 16;

/// The fuel of the deployment and of all functions that write.
pub(crate) fn of(
    inspection: &mut Inspection,
    description: &Description,
    abi: &JsonAbi,
) -> Result<Vec<Function>, ReportError> {
    let arguments = match &abi.constructor {
        Some(constructor) => {
            let values = values(&constructor.inputs, 0)?;
            let encoded = constructor.abi_encode_input(&values);
            encoded.map_err(|error| wrong("the constructor")(error.into()))?
        }
        None => Vec::new(),
    };
    let deployed = inspection.deploy(arguments.into())?;
    let mut functions = vec![function("deployment".into(), deployed)];
    let writing = abi.functions().filter(|function| {
        !matches!(
            function.state_mutability,
            StateMutability::View | StateMutability::Pure
        )
    });
    for declared in writing {
        let mut values = values(&declared.inputs, 0)?;
        let mut takes = description.input_functions.iter();
        let taken = takes.find(|input| input.selector == declared.selector());
        let input = taken.and_then(|input| description.inputs.get(input.input as usize));
        if let (Some(input), Some(last)) = (input, values.last_mut()) {
            *last = DynSolValue::Bytes(sealed(input));
        }
        let data = declared.abi_encode_input(&values);
        let data = data.map_err(|error| wrong(&declared.name)(error.into()))?;
        let trial = inspection.call(Bytes::from(data))?;
        functions.push(function(declared.signature(), trial));
    }
    Ok(functions)
}

fn function(name: String, trial: Trial) -> Function {
    Function {
        name,
        fuel: trial.fuel,
        refused: trial.refused,
    }
}

fn wrong(what: &str) -> impl FnOnce(Box<dyn std::error::Error>) -> ReportError {
    ReportError::description(format!("the function {what}"))
}

/// This number wherever there is one, and empty lists.
pub(crate) fn values(params: &[Param], number: u8) -> Result<Vec<DynSolValue>, ReportError> {
    let value = |param: &Param| {
        let ty = param.resolve();
        let ty = ty.map_err(|error| wrong(&param.name)(error.into()))?;
        Ok(value_of(&ty, number))
    };
    params.iter().map(value).collect()
}

fn value_of(ty: &DynSolType, number: u8) -> DynSolValue {
    match ty {
        DynSolType::Bool => DynSolValue::Bool(false),
        DynSolType::Int(bits) => DynSolValue::Int(I256::from_raw(U256::from(number)), *bits),
        DynSolType::Uint(bits) => DynSolValue::Uint(U256::from(number), *bits),
        DynSolType::FixedBytes(size) => DynSolValue::FixedBytes(B256::ZERO, *size),
        DynSolType::Address => DynSolValue::Address(Address::ZERO),
        DynSolType::Function => DynSolValue::Function(FixedBytes::<24>::ZERO.into()),
        DynSolType::Bytes => DynSolValue::Bytes(Vec::new()),
        DynSolType::String => DynSolValue::String(String::new()),
        DynSolType::Array(_) => DynSolValue::Array(Vec::new()),
        DynSolType::FixedArray(ty, size) => {
            DynSolValue::FixedArray(vec![value_of(ty, number); *size])
        }
        DynSolType::Tuple(types) => {
            DynSolValue::Tuple(types.iter().map(|ty| value_of(ty, number)).collect())
        }
        #[allow(
            unreachable_patterns,
            reason = "there are more with other features of alloy"
        )]
        _ => DynSolValue::Tuple(Vec::new()),
    }
}

/// An input that looks as one does before it is opened.
fn sealed(input: &InputType) -> Vec<u8> {
    let seal = Seal {
        encapsulated: B256::ZERO,
        ciphertext: vec![0; SEAL_BYTES],
    };
    let sealed = SealedInput {
        key_epoch: 0,
        masked: vec![0; input.bytes()],
        commitments: [B256::ZERO; NODES],
        seals: [const { None::<Seal> }; NODES].map(|_| seal.clone()),
    };
    sealed.encode()
}

//! What a contract says about itself: its ABI, its secret inputs, its computations.

use serde::{Deserialize, Serialize};

use crate::{guest::Recipient, kind::InputType};

/// The description that a contract's module returns, as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// The contract's name.
    pub name: String,
    /// Solidity's JSON ABI of its public functions, events and errors. A function that takes a
    /// sealed input has the sealed part as a last argument of type `bytes`.
    pub abi: serde_json::Value,
    /// Secret input types; the place in the list is the type's number.
    pub inputs: Vec<InputType>,
    /// Functions that take a sealed input.
    pub input_functions: Vec<InputFunction>,
    /// Computations; the place in the list is the computation's number.
    pub computations: Vec<Computation>,
}

/// A function that takes a sealed input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputFunction {
    /// Its name.
    pub name: String,
    /// Its selector, as `0x` and eight hexadecimal digits.
    pub selector: alloy_primitives::FixedBytes<4>,
    /// Number of the input type that it takes.
    pub input: u32,
}

/// A computation on secret inputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Computation {
    /// Its name.
    pub name: String,
    /// Numbers of the input types that it reads.
    pub inputs: Vec<u32>,
    /// Results that stay secret, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretResult>,
    /// Its public arguments, as parameters of Solidity's JSON ABI.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<serde_json::Value>,
    /// How many inputs of the first of its types there must be, and by how many two sets of them must
    /// differ over which such computations run; 0 if it may run over any.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub min_inputs: u32,
    /// Solidity type of its attested output, for example `(uint64[3],uint64)`.
    pub output: String,
    /// The same as a parameter of Solidity's JSON ABI, with the names of structs and fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<serde_json::Value>,
}

/// A result of a computation that stays secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretResult {
    /// Who gets it.
    pub recipient: Recipient,
    /// Number of the input type of its rows.
    pub input: u32,
}

/// Whether a number need not be said.
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

//! What a contract is to its host: entry points, computations, results and errors.
//!
//! `#[quartet::contract]` implements [`Contract`]; nobody writes it by hand.

use std::convert::Infallible;

use alloy_primitives::Address;
use wire::guest::{Fault, Recipient};

use crate::{
    Time, abi,
    abi::{AbiType, Params},
    host,
    secret::{Opened, Reveal},
};

/// A confidential contract.
pub trait Contract: Sized {
    /// Its name.
    const NAME: &'static str;

    /// Where it comes from, for tests and tools.
    #[cfg(not(target_arch = "wasm32"))]
    const PACKAGE: Package;

    /// Its description, as JSON of `wire::contract::Description`.
    fn describe() -> String;

    /// Runs once, at deployment.
    ///
    /// # Errors
    /// The contract refuses to be deployed, or the arguments do not decode.
    fn init(arguments: &[u8]) -> Result<Vec<u8>, Refused>;

    /// Dispatches a call by its selector.
    ///
    /// # Errors
    /// The contract refuses, no function has this selector, or the arguments do not decode.
    fn call(data: &[u8]) -> Result<Vec<u8>, Refused>;

    /// Traces a computation: every secret operation goes to the host.
    ///
    /// # Errors
    /// There is no computation with this number, or its public arguments do not decode.
    fn compute(number: u32, arguments: &[u8]) -> Result<(), Refused>;

    /// Encodes opened values as Solidity does.
    ///
    /// # Errors
    /// There is no such computation, or the values are not those that it reveals.
    fn encode(number: u32, opened: &[u8]) -> Result<Vec<u8>, Refused>;

    /// Runs when three nodes have signed an output.
    ///
    /// # Errors
    /// There is no such computation, the output does not decode, or the contract refuses.
    fn attested(number: u32, index: u64, output: &[u8]) -> Result<(), Refused>;

    /// Runs when a computation has failed.
    ///
    /// # Errors
    /// There is no such computation, or the contract refuses.
    fn failed(number: u32, index: u64, fault: Fault) -> Result<(), Refused>;
}

/// The package that a contract is in.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Clone, Copy, Debug)]
pub struct Package {
    /// Its name for Cargo.
    pub name: &'static str,
    /// Its folder, where it was built.
    pub folder: &'static str,
}

/// Why an entry point did not do its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The contract refused; the bytes are the ABI-encoded error.
    Revert(Vec<u8>),
    /// No function has this selector, or the arguments do not decode.
    BadCall,
}

/// A `#[compute]` function. The macro makes a type of the function's name.
pub trait Computation: Sized {
    /// Its name.
    const NAME: &'static str;
    /// Its number in the contract.
    const NUMBER: u32;
    /// Numbers of the input types that it reads.
    const INPUTS: &'static [u32];
    /// How many inputs of its first type it must have, and by how many two sets of them must differ.
    const MIN_INPUTS: u32;
    /// Its public arguments.
    type Args: Params;
    /// Names of its public arguments.
    const ARGS: &'static [&'static str];
    /// What it opens to everybody.
    type Output: Public;
    /// Its results that stay secret: who gets each, and the number of its input type.
    const SECRETS: &'static [(Recipient, u32)];

    /// Runs the function on handles, and says what is opened and what stays secret.
    fn trace(arguments: Self::Args);
}

/// What a computation opens to everybody: a [`Reveal`], or `()` for nothing.
pub trait Public: Sized {
    /// The output as a list of one, or of none.
    type Abi: Params;
    /// Its Solidity type.
    const TYPE: &'static str;

    /// Reads it off the opened values.
    fn opened(values: &[u8]) -> Option<Self>;

    /// As a list.
    fn into_abi(self) -> Self::Abi;

    /// From a list.
    fn from_abi(abi: Self::Abi) -> Self;

    /// Encodes it as it is attested.
    fn encode(self) -> Vec<u8> {
        self.into_abi().encode()
    }

    /// Decodes what was attested.
    fn decode(output: &[u8]) -> Option<Self> {
        Params::decode(output).map(Self::from_abi)
    }
}

impl<T: Reveal> Public for T {
    type Abi = (T,);
    const TYPE: &'static str = abi::name::<T>();

    fn opened(values: &[u8]) -> Option<Self> {
        Opened::decode(values)
    }

    fn into_abi(self) -> (T,) {
        (self,)
    }

    fn from_abi(abi: (T,)) -> T {
        abi.0
    }
}

impl Public for () {
    type Abi = ();
    const TYPE: &'static str = "()";

    // A program that opens nothing opens a zero, which nobody looks at.
    fn opened(_values: &[u8]) -> Option<Self> {
        Some(())
    }

    fn into_abi(self) {}

    fn from_abi((): ()) {}
}

/// What a function of a contract may give back: nothing, one [`AbiType`], a tuple of them, or a
/// [`Start`].
#[diagnostic::on_unimplemented(
    message = "a contract's function cannot return `{Self}`",
    note = "return nothing, a type with a Solidity type, a tuple of such, or Start<computation>, \
            as it is or in a Result"
)]
pub trait Output: Sized {
    /// The results on the ABI.
    type Abi: Params;
    /// What a caller sees.
    type Seen;

    /// Finishes the call: the results on the ABI.
    fn into_abi(self) -> Self::Abi;

    /// What the caller makes of the results.
    fn seen(abi: Self::Abi) -> Self::Seen;
}

impl<T: AbiType> Output for T {
    type Abi = (T,);
    type Seen = T;

    fn into_abi(self) -> (T,) {
        (self,)
    }

    fn seen(abi: (T,)) -> T {
        abi.0
    }
}

macro_rules! tuple_outputs {
    ($(($($ty:ident),*);)*) => {$(
        impl<$($ty: AbiType),*> Output for ($($ty,)*) {
            type Abi = Self;
            type Seen = Self;

            fn into_abi(self) -> Self {
                self
            }

            fn seen(abi: Self) -> Self {
                abi
            }
        }
    )*};
}

tuple_outputs! {
    ();
    (A, B);
    (A, B, C);
    (A, B, C, D);
    (A, B, C, D, E);
    (A, B, C, D, E, F);
}

/// What a function of a contract returns: an [`Output`], or a `Result` of one.
pub trait Outcome {
    /// What it gives back.
    type Output: Output;
    /// How it refuses.
    type Error: ContractError;

    /// As a `Result`.
    ///
    /// # Errors
    /// Those of the function.
    fn into_result(self) -> Result<Self::Output, Self::Error>;
}

impl<O: Output> Outcome for O {
    type Output = O;
    type Error = Infallible;

    fn into_result(self) -> Result<O, Infallible> {
        Ok(self)
    }
}

impl<O: Output, E: ContractError> Outcome for Result<O, E> {
    type Output = O;
    type Error = E;

    fn into_result(self) -> Self {
        self
    }
}

/// An error of a contract, as a Solidity custom error. Made by `#[error]` on an enum.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an error of a contract",
    note = "put #[error] on an enum in the contract's module, or use quartet::Message"
)]
pub trait ContractError: Sized {
    /// Selector and ABI-encoded fields.
    fn encode(&self) -> Vec<u8>;

    /// The error that these bytes encode.
    fn decode(data: &[u8]) -> Option<Self>;
}

impl ContractError for Infallible {
    fn encode(&self) -> Vec<u8> {
        match *self {}
    }

    fn decode(_data: &[u8]) -> Option<Self> {
        None
    }
}

/// An error that is only a text: Solidity's `Error(string)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message(pub String);

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

const MESSAGE: [u8; 4] = crate::abi::keccak::selector(&["Error(string)"]);

impl ContractError for Message {
    fn encode(&self) -> Vec<u8> {
        revert_data(MESSAGE, &(self.0.clone(),))
    }

    fn decode(data: &[u8]) -> Option<Self> {
        let (text,) = <(String,)>::decode(data.strip_prefix(&MESSAGE)?)?;
        Some(Self(text))
    }
}

/// A selector and the parameters after it.
#[must_use]
pub fn revert_data<P: Params>(selector: [u8; 4], params: &P) -> Vec<u8> {
    let mut data = selector.to_vec();
    data.extend_from_slice(&params.encode());
    data
}

/// Finishes a function of a contract: `save` runs only when it did not refuse.
///
/// # Errors
/// The function refused.
pub fn finish<R: Outcome>(returned: R, save: impl FnOnce()) -> Result<Vec<u8>, Refused> {
    match returned.into_result() {
        Ok(output) => {
            save();
            Ok(output.into_abi().encode())
        }
        Err(error) => Err(Refused::Revert(error.encode())),
    }
}

/// What a function knows about its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ctx {
    /// Who calls; for an input, its owner.
    pub sender: Address,
    /// The contract's own address.
    pub contract: Address,
    /// Id of this chain.
    pub chain_id: u64,
    /// Number of the block; for an input, the block that ordered it.
    pub block: u64,
    /// Time of that block, in seconds since the Unix epoch.
    pub time: Time,
}

impl Ctx {
    /// Of the call that is running.
    #[must_use]
    pub fn load() -> Self {
        let context = host::context();
        Self {
            sender: context.sender.into(),
            contract: context.contract.into(),
            chain_id: context.chain_id,
            block: context.block,
            time: context.time,
        }
    }
}

/// Traces a computation with these ABI-encoded arguments.
///
/// # Errors
/// The arguments do not decode.
pub fn reveal<C: Computation>(arguments: &[u8]) -> Result<(), Refused> {
    C::trace(Params::decode(arguments).ok_or(Refused::BadCall)?);
    Ok(())
}

/// Encodes what a computation opened as Solidity does.
///
/// # Errors
/// The bytes are not the values that it reveals.
pub fn encode_opened<C: Computation>(opened: &[u8]) -> Result<Vec<u8>, Refused> {
    let output = C::Output::opened(opened).ok_or(Refused::BadCall)?;
    Ok(output.encode())
}

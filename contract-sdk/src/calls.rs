//! Calls of a contract, made in Rust outside of it: by its tests and by its runner.
//!
//! For each function of a contract, `#[quartet::contract]` makes one of the same name in the module
//! `calls`, with the same arguments but state and context.

use std::marker::PhantomData;

use alloy_primitives::Bytes;

use crate::{
    abi::Params,
    contract::{ContractError, Outcome, Output},
    secret::{InputNumber, Plain},
};

/// The arguments of a deployment.
#[derive(Clone, Debug)]
pub struct Deploy<C, R> {
    arguments: Bytes,
    returned: PhantomData<(C, R)>,
}

impl<C, R: Outcome> Deploy<C, R> {
    /// With these arguments.
    pub fn new<P: Params>(arguments: &P) -> Self {
        Self {
            arguments: arguments.encode().into(),
            returned: PhantomData,
        }
    }

    /// The ABI-encoded arguments, which follow the code in a deployment.
    #[must_use]
    pub const fn arguments(&self) -> &Bytes {
        &self.arguments
    }
}

/// A call of the contract `C`, whose function returns `R`.
#[derive(Clone, Debug)]
pub struct Call<C, R> {
    data: Bytes,
    returned: PhantomData<(C, R)>,
}

/// What a caller of a function that returns `R` sees.
pub type Seen<R> = <<R as Outcome>::Output as Output>::Seen;

impl<C, R: Outcome> Call<C, R> {
    /// Of the function with this selector.
    pub fn new<P: Params>(selector: [u8; 4], arguments: &P) -> Self {
        let mut data = selector.to_vec();
        data.extend_from_slice(&arguments.encode());
        Self {
            data: data.into(),
            returned: PhantomData,
        }
    }

    /// Selector and ABI-encoded arguments: the data of a transaction or `eth_call`.
    #[must_use]
    pub const fn data(&self) -> &Bytes {
        &self.data
    }

    /// Decodes what the function gave back.
    #[must_use]
    pub fn decode_output(&self, output: &[u8]) -> Option<Seen<R>> {
        Params::decode(output).map(R::Output::seen)
    }

    /// Decodes the error with which the function refused.
    #[must_use]
    pub fn decode_error(&self, revert_data: &[u8]) -> Option<R::Error> {
        R::Error::decode(revert_data)
    }
}

/// A call that takes a sealed input. Holds the input in clear: whoever sends it seals it first.
pub struct InputCall<C, R> {
    number: u32,
    fields: Vec<Vec<u128>>,
    with_sealed: Box<dyn Fn(Bytes) -> Bytes>,
    returned: PhantomData<(C, R)>,
}

impl<C, R: Outcome> InputCall<C, R> {
    /// With this input; `with_sealed` makes the call's arguments when the input is sealed.
    pub fn new<T: InputNumber, P: Params>(
        selector: [u8; 4],
        input: &Plain<T>,
        with_sealed: impl Fn(Bytes) -> P + 'static,
    ) -> Self {
        Self {
            number: T::NUMBER,
            fields: input.expose().to_vec(),
            with_sealed: Box::new(move |sealed| {
                Call::<C, R>::new(selector, &with_sealed(sealed)).data
            }),
            returned: PhantomData,
        }
    }

    /// Number of the input type.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// The bits of each element of each field.
    #[must_use]
    pub fn expose(&self) -> &[Vec<u128>] {
        &self.fields
    }

    /// The call with the input in its sealed form, `wire::sealed::SealedInput` encoded.
    #[must_use]
    pub fn sealed(&self, sealed: Bytes) -> Call<C, R> {
        Call {
            data: (self.with_sealed)(sealed),
            returned: PhantomData,
        }
    }
}

impl<C, R> std::fmt::Debug for InputCall<C, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InputCall(<redacted>)")
    }
}

//! Who may call: `#[action(only = field)]`.

use alloy_primitives::Address;

use crate::{
    abi::{self, Params},
    contract::{ContractError, Ctx, Outcome, Refused, revert_data},
    state::{Item, Map, Set},
};

/// A field of the state that says who may call a function: an address, or several.
#[diagnostic::on_unimplemented(
    message = "a field of type `{Self}` does not say who may call",
    label = "not an address, nor a set of addresses",
    note = "`only` takes a field of type Address, Option<Address>, Item<Address>, Vec<Address>, \
            Set<Address> or Map<Address, bool>"
)]
pub trait Access {
    /// Whether this sender may.
    fn allows(&self, sender: &Address) -> bool;
}

impl Access for Address {
    fn allows(&self, sender: &Address) -> bool {
        self == sender
    }
}

impl Access for Option<Address> {
    fn allows(&self, sender: &Address) -> bool {
        self.as_ref() == Some(sender)
    }
}

impl Access for Item<Address> {
    fn allows(&self, sender: &Address) -> bool {
        self.get().allows(sender)
    }
}

impl Access for Vec<Address> {
    fn allows(&self, sender: &Address) -> bool {
        self.contains(sender)
    }
}

impl Access for Set<Address> {
    fn allows(&self, sender: &Address) -> bool {
        self.contains(sender)
    }
}

impl Access for Map<Address, bool> {
    fn allows(&self, sender: &Address) -> bool {
        self.get(sender) == Some(true)
    }
}

/// Solidity's `error Unauthorized(address sender)`.
pub const UNAUTHORIZED: [u8; 4] = abi::keccak::selector(&["Unauthorized(address)"]);

/// Refuses a call unless the field allows its sender. A contract itself, by its timers, always may.
///
/// # Errors
/// The sender may not call.
pub fn check(field: &impl Access, ctx: &Ctx) -> Result<(), Refused> {
    if ctx.sender == ctx.contract || field.allows(&ctx.sender) {
        return Ok(());
    }
    Err(Refused::Revert(revert_data(UNAUTHORIZED, &(ctx.sender,))))
}

/// Why a function with `only` refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied<E> {
    /// This sender may not call it.
    Unauthorized(Address),
    /// The function's own error.
    Refused(E),
}

impl<E: ContractError> ContractError for Denied<E> {
    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Unauthorized(sender) => revert_data(UNAUTHORIZED, &(*sender,)),
            Self::Refused(error) => error.encode(),
        }
    }

    fn decode(data: &[u8]) -> Option<Self> {
        if let Some(arguments) = data.strip_prefix(&UNAUTHORIZED) {
            let (sender,) = <(Address,)>::decode(arguments)?;
            return Some(Self::Unauthorized(sender));
        }
        E::decode(data).map(Self::Refused)
    }
}

/// What a function that returns `R` returns to callers of whom it lets only some in.
pub struct Only<R>(R);

impl<R: Outcome> Outcome for Only<R> {
    type Output = R::Output;
    type Error = Denied<R::Error>;

    fn into_result(self) -> Result<R::Output, Denied<R::Error>> {
        self.0.into_result().map_err(Denied::Refused)
    }
}

//! Events, as Solidity's.

use alloy_primitives::B256;

use crate::host;

/// An event of a contract. Made by `#[event]` on a struct.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    note = "put #[event] on a struct in the contract's module"
)]
pub trait Event: Sized {
    /// keccak-256 of its signature.
    const TOPIC: B256;

    /// Its topics, [`Event::TOPIC`] first, and its data.
    fn encode(&self) -> (Vec<B256>, Vec<u8>);

    /// The event with these topics and data, if it is one of this type.
    fn decode(topics: &[B256], data: &[u8]) -> Option<Self>;

    /// Emits it.
    fn emit(&self) {
        let (topics, data) = self.encode();
        host::emit(&topics, &data);
    }
}

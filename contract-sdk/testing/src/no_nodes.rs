//! What stands for contracts on real nodes where they cannot be had: nothing that exists.

use alloy_primitives::{Address, B256, Bytes, keccak256};
use quartet::{Fault, Time, contract::Package};

use crate::host::Log;

/// There is none.
pub(crate) enum Real {}

/// The address of a user with this name, who has no key.
pub(crate) fn user(name: &str) -> Address {
    Address::from_word(keccak256(name))
}

macro_rules! never {
    ($(fn $name:ident($($argument:ty),*) $(-> $out:ty)?;)*) => {
        impl Real {
            $(pub(crate) const fn $name(&self, $(_: $argument),*) $(-> $out)? {
                match *self {}
            })*
        }
    };
}

never! {
    fn deploy(Address, (&Package, &str), &Bytes) -> Result<Address, Bytes>;
    fn call(Address, Address, &Bytes) -> Result<Bytes, Bytes>;
    fn view(Address, &Bytes) -> Result<Bytes, Bytes>;
    fn accept(usize) -> Result<Bytes, Bytes>;
    fn events(Address) -> Vec<Log>;
    fn time() -> Time;
    fn advance_to(Time);
    fn started(Address, &str) -> Vec<u64>;
    fn context_of(Address, u64) -> B256;
    fn finish(Address, u64) -> Result<Bytes, Fault>;
    fn secrets(Address, Address, u32) -> Vec<Vec<Vec<u128>>>;
    fn stop(usize);
    fn start(usize);
    fn tamper(usize);
    fn contradictions() -> Vec<Vec<[u8; 2]>>;
}

impl Real {
    /// # Panics
    /// Always: [`crate::run`] refuses the mode in which this is called.
    #[expect(clippy::panic, reason = "it is not reached")]
    pub(crate) fn raise(_: Time) -> Self {
        panic!("there are no real nodes without the feature `nodes`")
    }

    pub(crate) fn order(
        &self,
        _: (Address, Address),
        _: (u32, &[Vec<u128>]),
        _: impl FnOnce(Bytes) -> Bytes,
    ) -> Result<usize, Bytes> {
        match *self {}
    }
}

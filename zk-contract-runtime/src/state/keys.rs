//! Places of the state in the Merkle tree.

use alloy_primitives::{Address, B256, Bytes, keccak256};

/// What has a place in the state. The tree's key is keccak-256 over a number for the variant and
/// its parts; a storage key comes last, so no two places have the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StateKey {
    /// An account: its nonce, 8 bytes big-endian.
    Account(Address),
    /// A contract: deployer, code hash, number of computations.
    Contract(Address),
    /// An entry of a contract's public state: the bytes that the contract wrote.
    Storage(Address, Bytes),
    /// An input.
    Input(B256),
    /// A computation.
    Computation(B256),
    /// What there is once: the offset of the time, and counters.
    Chain,
    /// What jobs depend on: how the nodes stand, the reserve, and the order of what waits.
    Jobs,
}

impl StateKey {
    /// The key in the tree.
    #[must_use]
    pub fn hash(&self) -> B256 {
        match self {
            Self::Account(address) => keccak256([&[0], address.as_slice()].concat()),
            Self::Contract(address) => keccak256([&[1], address.as_slice()].concat()),
            Self::Storage(address, key) => keccak256([&[2], address.as_slice(), key].concat()),
            Self::Input(id) => keccak256([&[3], id.as_slice()].concat()),
            Self::Computation(id) => keccak256([&[4], id.as_slice()].concat()),
            Self::Chain => keccak256([5]),
            Self::Jobs => keccak256([6]),
        }
    }
}

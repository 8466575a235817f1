//! The committee: who the four nodes are, and which chains they serve.

use alloy_primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::{
    limits::{MOST_RESERVE_LOTS, NODES, REFRESH_MS, RESERVE_LOTS},
    signing::Domain,
};

/// Public description of a cluster; the same file at every node. It is what pins peers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Committee {
    /// Id of the L2 chain, as wallets see it.
    pub chain_id: u64,
    /// Epoch of these keys; the L1 committee contract counts it too.
    pub epoch: u64,
    /// Time of the first block, in milliseconds since the Unix epoch.
    pub genesis_ms: u64,
    /// Whether `quartet_advanceTime` works; only for clusters on one machine.
    #[serde(default)]
    pub dev: bool,
    /// How many lots of the reserve the nodes keep, for computations without one of them.
    #[serde(default = "reserve_lots")]
    pub reserve_lots: u32,
    /// How long a key epoch lasts, in milliseconds: then nodes draw new sealing keys, share all
    /// inputs anew, and erase the old keys and shares. 0 for one that never ends, else at least
    /// [`crate::limits::LEAST_REFRESH_MS`].
    #[serde(default = "refresh_ms")]
    pub refresh_ms: u64,
    /// The L1 that attestations are for.
    pub l1: L1,
    /// The four nodes; a node's place here is its party number in the protocol.
    pub nodes: [Node; NODES],
}

const fn reserve_lots() -> u32 {
    RESERVE_LOTS
}

const fn refresh_ms() -> u64 {
    REFRESH_MS
}

/// The chain and contract that check attestations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct L1 {
    /// Its chain id.
    pub chain_id: u64,
    /// Address of the verifier contract.
    pub verifier: Address,
}

/// One node as the others see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Ethereum address of its identity key, which L1 checks.
    pub address: Address,
    /// The identity's public key, compressed SEC1, 33 bytes. Its libp2p peer id follows from it.
    pub public_key: Bytes,
    /// X25519 public key to which clients seal seeds, of this epoch.
    pub seal_key: B256,
    /// Multiaddress at which it listens for the other nodes.
    pub listen: String,
}

impl Committee {
    /// The domain of its nodes' signatures.
    #[must_use]
    pub const fn domain(&self) -> Domain {
        Domain {
            chain_id: self.chain_id,
            epoch: self.epoch,
        }
    }

    /// How many lots of the reserve the nodes keep: as the file says, within bounds.
    #[must_use]
    pub fn reserve_lots(&self) -> u32 {
        self.reserve_lots.min(MOST_RESERVE_LOTS)
    }

    /// What makes this cluster the one it is: all but where its nodes listen, which may change.
    #[must_use]
    pub fn identity(&self) -> Self {
        let mut identity = self.clone();
        identity
            .nodes
            .iter_mut()
            .for_each(|node| node.listen.clear());
        identity
    }

    /// Party number of the node with this address.
    #[must_use]
    pub fn index_of(&self, address: Address) -> Option<u8> {
        let index = self.nodes.iter().position(|node| node.address == address)?;
        u8::try_from(index).ok()
    }
}

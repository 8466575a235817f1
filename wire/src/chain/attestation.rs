//! The attestation: what three nodes sign and L1 checks. EIP-712.

use alloy_primitives::{Address, B256, keccak256};
use alloy_sol_types::{Eip712Domain, SolStruct, SolValue, eip712_domain, sol};
use serde::{Deserialize, Serialize};

use crate::{
    committee::L1,
    limits::{NODES, QUORUM},
    signing::Signature,
};

sol! {
    /// What the nodes say about one computation.
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    struct Attestation {
        /// Id of the L2 chain.
        uint64 l2ChainId;
        /// Address of the L2 contract.
        address l2Contract;
        /// keccak-256 of its code.
        bytes32 codeHash;
        /// `keccak256(abi.encode(l2Contract, index))`.
        bytes32 computationId;
        /// Hash of the program that ran on shares.
        bytes32 programHash;
        /// Merkle root over the inputs that it ran on.
        bytes32 inputRoot;
        /// How many inputs those were.
        uint64 inputCount;
        /// 32 bytes that the contract fixed when it started the computation.
        bytes32 context;
        /// Epoch of the committee.
        uint64 epoch;
        /// ABI-encoded output.
        bytes output;
    }

    /// What an app on L1 takes: the attestation, the bitmap of its signers, and their signatures.
    #[derive(Debug, PartialEq, Eq)]
    function submit(Attestation attestation, uint8 bitmap, bytes signatures) external;

    /// What the verifier on L1 says: it reverts unless three nodes of its committee signed.
    #[derive(Debug, PartialEq, Eq)]
    function verify(Attestation attestation, uint8 bitmap, bytes signatures) external view;
}

impl Attestation {
    /// The digest that nodes sign for this L1.
    #[must_use]
    pub fn digest(&self, l1: &L1) -> B256 {
        self.eip712_signing_hash(&domain(l1))
    }
}

/// The EIP-712 domain of a verifier contract.
#[must_use]
pub fn domain(l1: &L1) -> Eip712Domain {
    eip712_domain! {
        name: "Quartet",
        version: "1",
        chain_id: l1.chain_id,
        verifying_contract: l1.verifier,
    }
}

/// Id of the computation that a contract started as its `index`th, counted from 0.
#[must_use]
pub fn computation_id(contract: Address, index: u64) -> B256 {
    keccak256((contract, index).abi_encode())
}

/// An attestation with the signatures that L1 asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Certificate {
    /// What was signed.
    pub attestation: Attestation,
    /// Signatures by party number.
    pub signatures: [Option<Signature>; NODES],
}

impl Certificate {
    /// The bitmap of signers and their compact signatures in order of party number, for the first
    /// three that signed; none while fewer have.
    #[must_use]
    pub fn quorum(&self) -> Option<(u8, Vec<u8>)> {
        let signed = self
            .signatures
            .iter()
            .enumerate()
            .filter_map(|(i, s)| Some((i, s.as_ref()?)));
        let chosen: Vec<_> = signed.take(QUORUM).collect();
        (chosen.len() == QUORUM).then(|| {
            let bitmap = chosen.iter().fold(0, |bits, (i, _)| bits | 1u8 << i);
            (
                bitmap,
                chosen
                    .iter()
                    .flat_map(|(_, signature)| signature.compact())
                    .collect(),
            )
        })
    }
}

//! Transactions of users: EIP-1559 envelopes for this chain, and what a deployment carries.

use alloy_consensus::{Transaction as _, TxEnvelope, transaction::SignerRecoverable};
use alloy_eips::{Decodable2718, Encodable2718};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};

use crate::{
    WireError,
    limits::{DEPLOYMENT_BYTES, TRANSACTION_BYTES},
};

/// A decoded transaction whose signature has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Its Ethereum hash.
    pub hash: B256,
    /// Who signed it.
    pub sender: Address,
    /// The sender's count of earlier transactions.
    pub nonce: u64,
    /// The contract called, or none for a deployment.
    pub to: Option<Address>,
    /// Calldata, or an encoded [`Deployment`].
    pub data: Bytes,
    /// Fuel that it may use.
    pub gas_limit: u64,
    /// The envelope, as received.
    pub raw: Bytes,
}

impl Transaction {
    /// Decodes an envelope, checks bounds, chain id and signature.
    ///
    /// # Errors
    /// [`WireError`]; nothing else is known about bytes that are refused.
    pub fn decode(raw: Bytes, chain_id: u64) -> Result<Self, WireError> {
        const WHAT: &str = "transaction";
        if raw.len() > DEPLOYMENT_BYTES {
            return Err(WireError::TooLong {
                what: WHAT,
                actual: raw.len(),
                limit: DEPLOYMENT_BYTES,
            });
        }
        let malformed = |why: String| WireError::Malformed { what: WHAT, why };
        let envelope = TxEnvelope::decode_2718_exact(&raw).map_err(|e| malformed(e.to_string()))?;
        let TxEnvelope::Eip1559(signed) = &envelope else {
            return Err(malformed(
                "only EIP-1559 transactions (type 2) are taken".into(),
            ));
        };
        let actual = signed.tx().chain_id;
        if actual != chain_id {
            return Err(WireError::WrongChain {
                expected: chain_id,
                actual,
            });
        }
        if envelope.encoded_2718() != raw {
            return Err(malformed("not the canonical encoding".into()));
        }
        if envelope.value() != U256::ZERO {
            return Err(malformed(
                "it carries value, and this chain has no coin".into(),
            ));
        }
        let to = match envelope.kind() {
            TxKind::Call(to) => Some(to),
            TxKind::Create => None,
        };
        if to.is_some() && raw.len() > TRANSACTION_BYTES {
            return Err(WireError::TooLong {
                what: WHAT,
                actual: raw.len(),
                limit: TRANSACTION_BYTES,
            });
        }
        let sender = envelope
            .recover_signer()
            .map_err(|_| WireError::BadSignature { what: WHAT })?;
        Ok(Self {
            hash: *envelope.tx_hash(),
            sender,
            nonce: envelope.nonce(),
            to,
            data: envelope.input().clone(),
            gas_limit: envelope.gas_limit(),
            raw,
        })
    }
}

/// What the data of a create transaction holds: `"QTET" ‖ 0x01 ‖ salt ‖ u32 code length
/// (big-endian) ‖ code ‖ ABI-encoded arguments of the constructor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Chosen by the deployer, so that one code can live at several addresses.
    pub salt: B256,
    /// The WASM module.
    pub code: Bytes,
    /// ABI-encoded arguments of the constructor.
    pub init: Bytes,
}

const DEPLOYMENT_MAGIC: &[u8; 5] = b"QTET\x01";

impl Deployment {
    /// Encodes it as transaction data.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut bytes = DEPLOYMENT_MAGIC.to_vec();
        bytes.extend_from_slice(self.salt.as_slice());
        let length = u32::try_from(self.code.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&self.code);
        bytes.extend_from_slice(&self.init);
        bytes.into()
    }

    /// Decodes transaction data.
    ///
    /// # Errors
    /// [`WireError::Malformed`].
    pub fn decode(data: &Bytes) -> Result<Self, WireError> {
        let malformed = |why: &str| WireError::Malformed {
            what: "deployment",
            why: why.to_owned(),
        };
        let rest = data
            .strip_prefix(DEPLOYMENT_MAGIC)
            .ok_or_else(|| malformed("it does not start with \"QTET\" and version 1"))?;
        let (salt, rest) = rest
            .split_at_checked(32)
            .ok_or_else(|| malformed("no salt"))?;
        let (length, rest) = rest
            .split_first_chunk::<4>()
            .ok_or_else(|| malformed("no code length"))?;
        let length = u32::from_be_bytes(*length) as usize;
        let (code, init) = rest
            .split_at_checked(length)
            .ok_or_else(|| malformed("the code is cut short"))?;
        Ok(Self {
            salt: B256::from_slice(salt),
            code: data.slice_ref(code),
            init: data.slice_ref(init),
        })
    }

    /// keccak-256 of the code.
    #[must_use]
    pub fn code_hash(&self) -> B256 {
        keccak256(&self.code)
    }

    /// Where it will live when `deployer` sends it.
    #[must_use]
    pub fn address(&self, deployer: Address) -> Address {
        contract_address(deployer, self.salt, self.code_hash(), &self.init)
    }
}

/// Address of a contract: EIP-1014 over `keccak256(code hash ‖ init)`.
#[must_use]
pub fn contract_address(deployer: Address, salt: B256, code_hash: B256, init: &[u8]) -> Address {
    let program = keccak256([code_hash.as_slice(), init].concat());
    deployer.create2(salt, program)
}

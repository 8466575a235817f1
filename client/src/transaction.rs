//! Signed EIP-1559 transactions: calls, inputs and deployments on L2, and calls on L1.

use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy_eips::{Encodable2718 as _, eip2930::AccessList};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use wire::transaction::Deployment;

use crate::UserKey;

/// What is to be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Id of the chain.
    pub chain_id: u64,
    /// The sender's count of earlier transactions.
    pub nonce: u64,
    /// Gas (on L2: fuel) that it may use.
    pub gas_limit: u64,
    /// What it pays; nothing on L2.
    pub fees: Fees,
    /// The contract called, or none for a deployment.
    pub to: Option<Address>,
    /// Calldata, or code.
    pub data: Bytes,
}

/// Fees per gas, in wei. L2 takes none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fees {
    /// The most that is paid per gas.
    pub max_fee_per_gas: u128,
    /// The tip within it.
    pub max_priority_fee_per_gas: u128,
}

impl Draft {
    /// A call on L2.
    #[must_use]
    pub fn call(chain_id: u64, nonce: u64, gas_limit: u64, to: Address, data: Bytes) -> Self {
        Self {
            chain_id,
            nonce,
            gas_limit,
            fees: Fees::default(),
            to: Some(to),
            data,
        }
    }

    /// A deployment on L2.
    #[must_use]
    pub fn deployment(chain_id: u64, nonce: u64, gas_limit: u64, deployment: &Deployment) -> Self {
        Self {
            chain_id,
            nonce,
            gas_limit,
            fees: Fees::default(),
            to: None,
            data: deployment.encode(),
        }
    }
}

/// A signed transaction, as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTransaction {
    /// Its Ethereum hash; for one that carries an input, the input's id.
    pub hash: B256,
    /// Its EIP-2718 encoding.
    pub raw: Bytes,
}

/// Signs a draft. The same draft and key give the same bytes (RFC 6979).
#[must_use]
pub fn sign(key: &UserKey, draft: &Draft) -> SignedTransaction {
    let transaction = TxEip1559 {
        chain_id: draft.chain_id,
        nonce: draft.nonce,
        gas_limit: draft.gas_limit,
        max_fee_per_gas: draft.fees.max_fee_per_gas,
        max_priority_fee_per_gas: draft.fees.max_priority_fee_per_gas,
        to: draft.to.map_or(TxKind::Create, TxKind::Call),
        value: U256::ZERO,
        access_list: AccessList::default(),
        input: draft.data.clone(),
    };
    let signature = key.sign_digest(transaction.signature_hash());
    let signature = Signature::new(signature.r.into(), signature.s.into(), signature.y_odd);
    let envelope = TxEnvelope::from(transaction.into_signed(signature));
    SignedTransaction {
        hash: *envelope.tx_hash(),
        raw: envelope.encoded_2718().into(),
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{address, b256, bytes};
    use wire::{WireError, transaction::Transaction};

    use super::*;

    fn key() -> UserKey {
        UserKey::from_bytes(&[0x11; 32]).unwrap()
    }

    #[test]
    fn a_signed_call_recovers_its_sender_at_the_node() {
        let to = address!("0x00000000000000000000000000000000000000aa");
        let draft = Draft::call(7, 3, 1000, to, bytes!("0102030405"));
        let signed = sign(&key(), &draft);
        let seen = Transaction::decode(signed.raw.clone(), 7).unwrap();
        assert_eq!((seen.sender, seen.hash), (key().address(), signed.hash));
        assert_eq!(
            (seen.nonce, seen.gas_limit, seen.to, seen.data),
            (3, 1000, Some(to), draft.data)
        );
        assert!(matches!(
            Transaction::decode(signed.raw, 8),
            Err(WireError::WrongChain { .. })
        ));
    }

    #[test]
    fn a_signed_deployment_arrives_whole() {
        let deployment = Deployment {
            salt: B256::repeat_byte(5),
            code: bytes!("00617361736d"),
            init: bytes!("aabb"),
        };
        let signed = sign(&key(), &Draft::deployment(7, 0, 1000, &deployment));
        let seen = Transaction::decode(signed.raw, 7).unwrap();
        assert_eq!(seen.to, None);
        assert_eq!(Deployment::decode(&seen.data).unwrap(), deployment);
    }

    #[test]
    fn the_encoding_is_frozen() {
        let to = address!("0x00000000000000000000000000000000000000aa");
        let signed = sign(&key(), &Draft::call(7, 3, 1000, to, bytes!("01")));
        let again = sign(&key(), &Draft::call(7, 3, 1000, to, bytes!("01")));
        assert_eq!(signed, again);
        let expected = b256!("0x22db937ed189dd74860d702af264b3639e3f9bbca9889fdb44ffee94b7d4ae49");
        assert_eq!(signed.hash, expected, "{}", signed.raw);
    }
}

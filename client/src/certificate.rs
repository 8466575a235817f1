//! Whether three nodes of a committee signed a result.

use alloy_primitives::{Address, B256, Bytes};
use wire::{
    attestation::{Certificate, computation_id},
    committee::Committee,
    limits::QUORUM,
    signing,
};

use crate::ClientError;

/// What L1 asks for: signatures of exactly three nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quorum {
    /// Bit p is set if node p signed.
    pub bitmap: u8,
    /// Their compact signatures (EIP-2098), 64 bytes each, in order of party number.
    pub signatures: Bytes,
    /// Their party numbers, ascending.
    pub signers: Vec<u8>,
}

/// Checks the signatures of a certificate against a committee and takes the first three that are
/// by different nodes. A signature in another node's place counts for nobody.
///
/// # Errors
/// [`ClientError::BadCertificate`] if it is for another chain or epoch,
/// [`ClientError::NotEnoughSignatures`].
pub fn check(certificate: &Certificate, committee: &Committee) -> Result<Quorum, ClientError> {
    let attestation = &certificate.attestation;
    let computation = attestation.computationId;
    let bad = |why: String| ClientError::BadCertificate { computation, why };
    if attestation.l2ChainId != committee.chain_id {
        let (actual, expected) = (attestation.l2ChainId, committee.chain_id);
        return Err(bad(format!("it is of chain {actual}, not {expected}")));
    }
    if attestation.epoch != committee.epoch {
        let (actual, expected) = (attestation.epoch, committee.epoch);
        return Err(bad(format!("it is of epoch {actual}, not {expected}")));
    }
    let digest = attestation.digest(&committee.l1);
    let mut quorum = Quorum {
        bitmap: 0,
        signatures: Bytes::new(),
        signers: Vec::with_capacity(QUORUM),
    };
    let mut signatures = Vec::with_capacity(QUORUM * 64);
    let by_node = (0u8..).zip(&committee.nodes).zip(&certificate.signatures);
    for ((party, node), signature) in by_node {
        let Some(signature) = signature else { continue };
        let signer = signing::recover("attestation", digest, signature);
        if signer.is_ok_and(|signer| signer == node.address) && quorum.signers.len() < QUORUM {
            quorum.bitmap |= 1 << party;
            quorum.signers.push(party);
            signatures.extend_from_slice(&signature.compact());
        }
    }
    if quorum.signers.len() < QUORUM {
        return Err(ClientError::NotEnoughSignatures {
            computation,
            valid: quorum.signers.len(),
        });
    }
    quorum.signatures = signatures.into();
    Ok(quorum)
}

/// Checks that a certificate is about the `index`th computation of this contract and this code.
///
/// # Errors
/// [`ClientError::BadCertificate`].
pub fn check_subject(
    certificate: &Certificate,
    contract: Address,
    code_hash: B256,
    index: u64,
) -> Result<(), ClientError> {
    let attestation = &certificate.attestation;
    let why = if attestation.l2Contract != contract {
        format!("it is of contract {}", attestation.l2Contract)
    } else if attestation.codeHash != code_hash {
        format!("it is of code {}", attestation.codeHash)
    } else if attestation.computationId != computation_id(contract, index) {
        format!("it is not of computation {index} of the contract")
    } else {
        return Ok(());
    };
    Err(ClientError::BadCertificate {
        computation: attestation.computationId,
        why,
    })
}

#[cfg(test)]
pub(crate) mod tests;

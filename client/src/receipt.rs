//! Whether an input is among those of a result that three nodes signed. No node is needed.

use wire::{committee::Committee, receipt::InputReceipt};

use crate::{
    ClientError,
    certificate::{self, Quorum},
};

/// Checks the proof and the signatures; who signed.
///
/// # Errors
/// [`ClientError::BadReceipt`] if the input is not among those of the result; those of
/// [`certificate::check`].
pub fn check(receipt: &InputReceipt, committee: &Committee) -> Result<Quorum, ClientError> {
    check_proof(receipt)?;
    certificate::check(&receipt.certificate, committee)
}

/// Checks the proof alone, for whoever lets L1 check the signatures.
///
/// # Errors
/// [`ClientError::BadReceipt`].
pub fn check_proof(receipt: &InputReceipt) -> Result<(), ClientError> {
    if receipt.is_among_inputs() {
        return Ok(());
    }
    Err(ClientError::BadReceipt {
        input: receipt.input,
        why: "its path does not lead to the input root that the nodes signed",
    })
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, B256};
    use wire::receipt::InputTree;

    use super::*;
    use crate::certificate::tests::{attestation, committee, sign};

    fn receipt(by: [Option<usize>; 4]) -> InputReceipt {
        let mut receipt = InputReceipt {
            input: B256::repeat_byte(1),
            owner: Address::repeat_byte(2),
            commitments: [3, 4, 5, 6].map(B256::repeat_byte),
            masked_hash: B256::repeat_byte(7),
            place: 0,
            path: vec![],
            certificate: sign(attestation(), by),
        };
        let leaves = vec![B256::repeat_byte(8), receipt.leaf(), B256::repeat_byte(9)];
        let (tree, mut attestation) = (InputTree::new(leaves), attestation());
        (receipt.place, receipt.path) = tree.proof(receipt.leaf()).unwrap();
        attestation.inputRoot = tree.root();
        attestation.inputCount = 3;
        receipt.certificate = sign(attestation, by);
        receipt
    }

    #[test]
    fn a_receipt_needs_its_path_and_three_signatures() {
        let valid = receipt([Some(0), None, Some(2), Some(3)]);
        assert_eq!(check(&valid, &committee()).unwrap().signers, [0, 2, 3]);
        let json = serde_json::to_string(&valid).unwrap();
        assert_eq!(serde_json::from_str::<InputReceipt>(&json).unwrap(), valid);

        let two = receipt([Some(0), None, Some(2), None]);
        let error = check(&two, &committee()).unwrap_err();
        assert!(matches!(
            error,
            ClientError::NotEnoughSignatures { valid: 2, .. }
        ));

        let alterations: [fn(&mut InputReceipt); 7] = [
            |r| r.input.0[0] ^= 1,
            |r| r.owner.0[0] ^= 1,
            |r| r.commitments[3].0[31] ^= 1,
            |r| r.masked_hash.0[5] ^= 1,
            |r| r.place = 0,
            |r| r.path.reverse(),
            |r| r.path.truncate(1),
        ];
        for (number, alter) in alterations.iter().enumerate() {
            let mut altered = valid.clone();
            alter(&mut altered);
            let error = check(&altered, &committee()).unwrap_err();
            assert!(matches!(error, ClientError::BadReceipt { .. }), "{number}");
        }
        // Whoever makes up a root has no signatures of it.
        let mut forged = receipt([Some(0), Some(1), Some(2), None]);
        forged.owner = Address::repeat_byte(0xbb);
        forged.path.clear();
        forged.place = 0;
        forged.certificate.attestation.inputCount = 1;
        forged.certificate.attestation.inputRoot = forged.leaf();
        check_proof(&forged).unwrap();
        let error = check(&forged, &committee()).unwrap_err();
        assert!(matches!(
            error,
            ClientError::NotEnoughSignatures { valid: 0, .. }
        ));
    }
}

//! Computations on real nodes, and what they give.

use alloy_primitives::{Address, B256, Bytes};
use client::{ClientError, rpc::CheckedCertificate};
use quartet::Fault;
use wire::{
    attestation::computation_id,
    kind::{Field, InputType},
};

use super::{PATIENCE, Real, key, must};

impl Real {
    /// Indices of a contract's computations with this name.
    pub(crate) fn started(&self, contract: Address, name: &str) -> Vec<u64> {
        let all = self.wait(self.latest().computations(contract));
        let all = must("reading the computations", all).into_iter();
        all.filter(|info| info.name == name)
            .map(|info| info.index)
            .collect()
    }

    /// What the contract puts into a computation's attestation.
    pub(crate) fn context_of(&self, contract: Address, index: u64) -> B256 {
        let id = computation_id(contract, index);
        let info = must(
            "reading a computation",
            self.wait(self.latest().computation(id)),
        );
        #[expect(clippy::expect_used, reason = "a mistake in the test")]
        info.expect("this contract has not started such a computation")
            .context
    }

    /// Waits for the end of a computation: its output.
    ///
    /// # Errors
    /// Why it failed.
    pub(crate) fn finish(&self, contract: Address, index: u64) -> Result<Bytes, Fault> {
        let id = computation_id(contract, index);
        let ended = self.wait(self.client.wait_computation(id, PATIENCE));
        if let Err(ClientError::ComputationFailed { fault, .. }) = ended {
            return Err(fault);
        }
        must("waiting for a computation", ended);
        let checked = self.certificate(contract, index);
        Ok(checked.certificate.attestation.output)
    }

    /// The certificate of a computation that has ended well.
    pub(super) fn certificate(&self, contract: Address, index: u64) -> CheckedCertificate {
        let certificate = self.client.certificate(computation_id(contract, index));
        must("reading a certificate", self.wait(certificate))
    }

    /// What computations made for a user alone of the type with this number, oldest first: the elements
    /// of each field.
    pub(crate) fn secrets(
        &self,
        contract: Address,
        owner: Address,
        number: u32,
    ) -> Vec<Vec<Vec<u128>>> {
        let (key, latest) = (key(owner), self.latest());
        self.wait(async {
            let all = latest.secrets(contract, owner).await;
            let mut secrets = Vec::new();
            for info in must("listing secrets", all) {
                if info.input == number {
                    let secret = self.client.read_secret(&key, &info).await;
                    let secret = must("reading a secret", secret);
                    secrets.push(fields(&secret.ty, &secret.value));
                }
            }
            secrets
        })
    }
}

/// The elements of each field of an encoded secret.
#[expect(clippy::expect_used, reason = "no author can cause this")]
fn fields(ty: &InputType, mut encoded: &[u8]) -> Vec<Vec<u128>> {
    let field = |field: &Field| {
        let count = field.len as usize;
        let split = encoded.split_at_checked(field.kind.bytes(count));
        let (bytes, rest) = split.expect("a secret is as long as its type");
        encoded = rest;
        let elements = field.kind.unpack(bytes, count);
        elements.expect("a secret is of its type")
    };
    ty.fields.iter().map(field).collect()
}

//! The L1 of a test on real nodes.

use alloy::{
    network::TransactionBuilder as _,
    providers::{DynProvider, Provider as _},
    rpc::types::TransactionRequest,
    sol_types::SolCall as _,
};
use alloy_primitives::{Address, Bytes};
use quartet::Started;
use wire::attestation::submitCall;

use super::{Real, must};

/// Gas of a submission that is sent although it will be refused.
const DOOMED_GAS: u64 = 5_000_000;

/// The L1 beside a test's nodes: an EVM of its own, with the committee's verifier on it.
#[derive(Clone, Copy)]
pub struct L1<'a> {
    pub(crate) real: &'a Real,
    pub(crate) contract: Address,
}

impl L1<'_> {
    /// URL of its JSON-RPC.
    #[must_use]
    pub fn url(&self) -> String {
        self.real.l1.url()
    }

    /// Its connection, with the key that deploys: for reads, and for whatever else a test does there.
    #[must_use]
    pub const fn provider(&self) -> &DynProvider {
        &self.real.provider
    }

    /// The contract that checks that three nodes signed.
    #[must_use]
    pub const fn verifier(&self) -> Address {
        self.real.verifier
    }

    /// Where the next contract will be that is deployed here.
    ///
    /// # Panics
    /// The L1 does not answer.
    #[must_use]
    pub fn next_address(&self) -> Address {
        let opener = self.opener();
        let nonce = self.real.provider.get_transaction_count(opener);
        let nonce = self.real.wait(async { nonce.await });
        opener.create(must("asking L1 for a nonce", nonce))
    }

    fn opener(&self) -> Address {
        let first = self.real.l1.accounts().first();
        first.map(|key| key.address()).unwrap_or_default()
    }

    /// Deploys a contract: its creation code with the encoded arguments of its constructor.
    ///
    /// # Panics
    /// It reverts.
    #[must_use]
    pub fn deploy(&self, code: impl Into<Bytes>) -> Address {
        let request = TransactionRequest::default().with_deploy_code(code.into());
        let receipt = self.real.wait(async {
            let sent = must(
                "deploying on L1",
                self.real.provider.send_transaction(request).await,
            );
            must("deploying on L1", sent.get_receipt().await)
        });
        assert!(receipt.status(), "the deployment on L1 reverts");
        receipt.contract_address.unwrap_or_default()
    }

    /// Submits the result of a computation to an app, which must take it.
    ///
    /// # Panics
    /// It does not.
    pub fn accepts<P>(&self, app: Address, result: Started<P>) {
        assert!(
            self.submit(app, result.index),
            "the app on L1 takes the result"
        );
    }

    /// Submits the result once more, which the app must refuse.
    ///
    /// # Panics
    /// It takes it.
    pub fn rejects_replay<P>(&self, app: Address, result: Started<P>) {
        assert!(
            !self.submit(app, result.index),
            "the app on L1 takes a result twice"
        );
    }

    /// Whether an app takes the result of a computation.
    fn submit(&self, app: Address, index: u64) -> bool {
        let checked = self.real.certificate(self.contract, index);
        let call = submitCall {
            attestation: checked.certificate.attestation,
            bitmap: checked.quorum.bitmap,
            signatures: checked.quorum.signatures,
        };
        let request = TransactionRequest::default()
            .with_to(app)
            .with_input(call.abi_encode())
            .with_gas_limit(DOOMED_GAS);
        let receipt = self.real.wait(async {
            let sent = must(
                "submitting on L1",
                self.real.provider.send_transaction(request).await,
            );
            must("submitting on L1", sent.get_receipt().await)
        });
        receipt.status()
    }
}

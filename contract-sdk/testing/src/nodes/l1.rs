//! The L1 of a test on real nodes.

use alloy::{
    network::{EthereumWallet, TransactionBuilder as _},
    primitives::U256,
    providers::{DynProvider, Provider as _, ProviderBuilder},
    rpc::types::{TransactionReceipt, TransactionRequest},
    signers::local::PrivateKeySigner,
    sol_types::SolCall as _,
};
use alloy_primitives::{Address, B256, Bytes};
use quartet::Started;
use wire::attestation::submitCall;

use super::{PAUSE, Real, must, secret_key};

/// Gas of a transaction, whether it will be refused or not.
const GAS: u64 = 8_000_000;
/// What a user is given who has nothing, in wei: a hundred ether.
const MONEY: u128 = 100 * 10_u128.pow(18);

/// The L1 beside a test's nodes: an EVM of its own, with the committee's verifier on it. Users have the
/// same keys there as on L2, and money.
///
/// The address of what a user deploys there is known before: `user("ada").create(0)` is that of ada's
/// first contract.
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

    /// A connection, for reads; [`Self::wait`] waits for what it gives.
    #[must_use]
    pub const fn provider(&self) -> &DynProvider {
        &self.real.provider
    }

    /// Waits for what another library does on this L1.
    pub fn wait<T>(&self, future: impl IntoFuture<Output = T>) -> T {
        self.real.wait(async { future.await })
    }

    /// The contract that checks that three nodes signed.
    #[must_use]
    pub const fn verifier(&self) -> Address {
        self.real.verifier
    }

    /// Id of the nodes' own chain, which is in what they sign.
    #[must_use]
    pub const fn l2_chain_id(&self) -> u64 {
        self.real.cluster.committee().chain_id
    }

    /// Hash of the code of the world's contract, which is in what the nodes sign.
    ///
    /// # Panics
    /// No node answers.
    #[must_use]
    pub fn code_hash(&self) -> B256 {
        let info = self.real.wait(self.real.client.contract(self.contract));
        must("reading the contract", info).code_hash
    }

    /// Deploys a contract: its creation code with the encoded arguments of its constructor.
    ///
    /// # Panics
    /// It reverts.
    #[must_use]
    pub fn deploy(&self, from: Address, code: impl Into<Bytes>) -> Address {
        let request = TransactionRequest::default().with_deploy_code(code.into());
        let receipt = self.receipt(from, request);
        assert!(receipt.status(), "the deployment on L1 reverts");
        receipt.contract_address.unwrap_or_default()
    }

    /// Sends a transaction of a user; whether it ends well.
    ///
    /// # Panics
    /// L1 does not take it at all, or the user has no key.
    #[must_use]
    pub fn send(&self, from: Address, request: TransactionRequest) -> bool {
        self.receipt(from, request).status()
    }

    fn receipt(&self, from: Address, request: TransactionRequest) -> TransactionReceipt {
        let key = secret_key(from);
        let signer = must("making a key", PrivateKeySigner::from_bytes(&key));
        let url = must("reading the L1's URL", self.url().parse());
        let own = ProviderBuilder::new()
            .with_simple_nonce_management()
            .wallet(EthereumWallet::from(signer))
            .connect_http(url)
            .erased();
        own.client().set_poll_interval(PAUSE);
        let request = request.with_gas_limit(GAS);
        self.wait(async {
            let balance = self.provider().get_balance(from).await;
            if must("asking for a balance", balance).is_zero() {
                let gift = TransactionRequest::default()
                    .with_to(from)
                    .with_value(U256::from(MONEY));
                given(self.provider(), gift).await;
            }
            given(&own, request).await
        })
    }

    /// Lets time pass on L1: the next block is so many seconds later.
    ///
    /// # Panics
    /// L1 does not answer.
    pub fn pass(&self, seconds: u64) {
        let request = self
            .provider()
            .raw_request("evm_increaseTime".into(), [seconds]);
        let _ahead: u64 = must("moving L1's clock", self.wait(request));
    }

    /// Submits the result of a computation that has run to an app, which must take it.
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
            .with_gas_limit(GAS);
        self.wait(given(self.provider(), request)).status()
    }
}

/// Sends a transaction and waits until it is in a block.
async fn given(provider: &DynProvider, request: TransactionRequest) -> TransactionReceipt {
    let sent = provider.send_transaction(request).await;
    let sent = must("sending a transaction on L1", sent);
    must("waiting for L1", sent.get_receipt().await)
}

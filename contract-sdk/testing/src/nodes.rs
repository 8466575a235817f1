//! Contracts on a cluster of four node processes with an L1, as a test's world sees them.
//!
//! Whatever goes wrong beside a contract's own refusal fails the test.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::Future,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use alloy::{
    providers::{DynProvider, Provider as _},
    rpc::types::Filter,
};
use alloy_primitives::{Address, B256, Bytes, keccak256};
use client::{
    Client, ClientError, UserKey,
    input::{Destination, seal},
    transaction::{Draft, sign},
};
use devnet::{Builds, ClusterOptions, EmbeddedL1, PreparedCluster, contracts::deploy_committee};
use quartet::{Time, contract::Package};
use tokio::runtime::Runtime;
use wire::{limits::NODES, transaction::Deployment};

use crate::host::Log;

mod computations;
mod l1;
mod processes;

pub use l1::L1;

/// How long a verdict or a result may take.
const PATIENCE: Duration = Duration::from_secs(180);
/// How often a condition is looked at.
const PAUSE: Duration = Duration::from_millis(25);
/// How long nodes wait for a silent peer in a round, in milliseconds.
const ROUND_TIMEOUT_MS: u64 = 2_000;
/// Lots of the reserve: enough for a few attempts without a node.
const RESERVE_LOTS: u32 = 1;

/// Gas limit of an input.
const INPUT_GAS: u64 = 50_000_000;

/// Keys of users by address.
static USERS: Mutex<BTreeMap<Address, B256>> = Mutex::new(BTreeMap::new());
/// Modules of contracts by their packages' folders.
static MODULES: Mutex<BTreeMap<PathBuf, Bytes>> = Mutex::new(BTreeMap::new());
/// A machine bears one cluster well.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

thread_local! {
    /// Whether this thread's test has a cluster.
    static RAISED: Cell<bool> = const { Cell::new(false) };
}

fn lock<T>(mutex: &'static Mutex<T>) -> MutexGuard<'static, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Fails the test.
#[expect(clippy::panic, reason = "a test that cannot go on fails")]
#[track_caller]
fn must<T, E: std::fmt::Display>(doing: &str, result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{doing}: {error}"))
}

/// The address of a user with this name, who has a key.
pub(crate) fn user(name: &str) -> Address {
    let secret = keccak256(["quartet test user ", name].concat());
    let address = must("making a key", UserKey::from_bytes(&secret)).address();
    lock(&USERS).insert(address, secret);
    address
}

#[expect(clippy::panic, reason = "a mistake in the test")]
fn secret_key(address: Address) -> B256 {
    let Some(secret) = lock(&USERS).get(&address).copied() else {
        panic!("nobody has the key of {address}: make users by contract_testing::user");
    };
    secret
}

fn key(address: Address) -> UserKey {
    must("making a key", UserKey::from_bytes(&secret_key(address)))
}

/// A contract's own refusal, as opposed to what must not be.
fn refusal<T>(doing: &str, result: Result<T, ClientError>) -> Result<T, Bytes> {
    match result {
        Err(ClientError::Reverted { data, .. } | ClientError::InputRejected { data, .. })
            if !data.is_empty() =>
        {
            Err(data)
        }
        other => Ok(must(doing, other)),
    }
}

/// Real nodes. Dropping this stops them.
pub(crate) struct Real {
    /// Inputs that were ordered: their ids, and what their functions gave.
    ordered: RefCell<Vec<(B256, Bytes)>>,
    client: Client,
    direct: [Client; NODES],
    programs: [PathBuf; 2],
    // In the order in which they must stop.
    cluster: devnet::Cluster,
    provider: DynProvider,
    l1: EmbeddedL1,
    verifier: Address,
    runtime: Runtime,
    _alone: MutexGuard<'static, ()>,
}

impl Real {
    /// Raises a cluster at this time.
    pub(crate) fn raise(time: Time) -> Self {
        assert!(
            !RAISED.get(),
            "a test on real nodes has one world at a time: drop the first, or choose the modes of \
             this test by `#[quartet::test(clear, mpc)]`"
        );
        let alone = lock(&ONE_AT_A_TIME);
        RAISED.set(true);
        let runtime = must("starting threads", Runtime::new());
        let raised = runtime.block_on(async {
            let builds = Builds::new();
            let programs = builds.programs(["mpc-node", "byzantine-node"]).await;
            let programs = must("building the nodes", programs);
            let l1 = must("starting the L1", EmbeddedL1::start(1).await);
            let provider = must("connecting to the L1", l1.provider());
            provider.client().set_poll_interval(PAUSE);
            let mut options = ClusterOptions::new(programs[0].clone());
            options.round_timeout_ms = Some(ROUND_TIMEOUT_MS);
            options.reserve_lots = Some(RESERVE_LOTS);
            // Tests skip years, and no key epoch is to end at each step.
            options.refresh_ms = Some(0);
            let prepared = must("preparing the nodes", PreparedCluster::new(options));
            let nodes = prepared.addresses();
            let committee = deploy_committee(&provider, devnet::l1::CHAIN_ID, nodes).await;
            let committee = must("deploying the committee on L1", committee);
            let cluster = prepared.start(committee.l1).await;
            let cluster = must("starting the nodes", cluster);
            (programs, l1, provider, committee.l1.verifier, cluster)
        });
        let (programs, l1, provider, verifier, cluster) = raised;
        let urls = cluster.rpc_urls();
        let connect = |urls: &[String]| {
            let client = must("connecting to the nodes", Client::connect_any(urls));
            client.pinned(cluster.committee().clone())
        };
        let real = Self {
            ordered: RefCell::default(),
            client: connect(&urls),
            direct: urls
                .each_ref()
                .map(|url| connect(std::slice::from_ref(url))),
            programs,
            cluster,
            provider,
            l1,
            verifier,
            runtime,
            _alone: alone,
        };
        assert!(
            real.time() <= time,
            "the clocks of real nodes are at {} already: begin the test at contract_testing::NOON \
             or later",
            real.time()
        );
        real.advance_to(time);
        real
    }

    /// Deploys a contract; its address.
    ///
    /// # Errors
    /// The contract's own.
    pub(crate) fn deploy(
        &self,
        from: Address,
        (package, name): (&Package, &str),
        init: &Bytes,
    ) -> Result<Address, Bytes> {
        self.wait(async {
            let deployment = Deployment {
                salt: B256::ZERO,
                init: init.clone(),
                code: module(package).await,
            };
            let deployed = self.client.deploy(&key(from), &deployment).await;
            let address = refusal("deploying the contract", deployed)?;
            let info = self.client.contract(address).await;
            let actual = &must("reading the contract", info).description.name;
            assert_eq!(
                actual, name,
                "only the contract that is a package's library runs on real nodes"
            );
            Ok(address)
        })
    }

    /// A client of the node that has the newest block. What a test has seen at one node, another may not
    /// have yet.
    fn latest(&self) -> &Client {
        let number = |client: &&Client| self.wait(client.block_number()).ok();
        let running = self.direct.iter().enumerate();
        let running = running.filter(|(node, _)| self.cluster.process_id(*node).is_some());
        let latest = running.map(|(_, client)| client).max_by_key(number);
        latest.unwrap_or(&self.client)
    }

    fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Calls in a transaction. What it gives is that of the same call just before, since receipts have
    /// no results.
    pub(crate) fn call(&self, from: Address, to: Address, data: &Bytes) -> Result<Bytes, Bytes> {
        let latest = self.latest();
        self.wait(async {
            let seen = latest.call_from(from, to, data.clone()).await;
            let seen = refusal("calling the contract", seen)?;
            let sent = self.client.send(&key(from), to, data.clone()).await;
            refusal("calling the contract in a transaction", sent)?;
            Ok(seen)
        })
    }

    pub(crate) fn view(&self, at: Address, data: &Bytes) -> Result<Bytes, Bytes> {
        let seen = self.wait(self.latest().call(at, data.clone()));
        refusal("calling a view", seen)
    }

    /// Seals and sends an input, and waits until it is ordered; its place.
    pub(crate) fn order(
        &self,
        (from, contract): (Address, Address),
        (number, fields): (u32, &[Vec<u128>]),
        call: impl FnOnce(Bytes) -> Bytes,
    ) -> Result<usize, Bytes> {
        let latest = self.latest();
        self.wait(async {
            let (key, client) = (key(from), &self.client);
            let info = must("reading the contract", client.contract(contract).await);
            let committee = must("reading the committee", client.committee().await);
            let keys = must("reading the sealing keys", client.seal_keys().await);
            let nonce = must("reading the nonce", client.nonce(from).await);
            #[expect(clippy::expect_used, reason = "no author can cause this")]
            let input = info
                .description
                .inputs
                .get(number as usize)
                .expect("the input type");
            let packed = input.fields.iter().zip(fields);
            let encoded: Vec<u8> = packed
                .flat_map(|(field, bits)| field.kind.pack(bits))
                .collect();
            let to = Destination {
                committee,
                keys: &keys,
                contract,
                code_hash: info.code_hash,
                input_number: number,
                input,
                sender: from,
                nonce,
            };
            let sealed = must("sealing", seal(&to, &encoded, &mut rand::rng()));
            let data = call(sealed.encode().into());
            let seen = latest.call_from(from, contract, data.clone()).await;
            let seen = refusal("trying an input", seen)?;
            let draft = Draft::call(committee.chain_id, nonce, INPUT_GAS, contract, data);
            let transaction = sign(&key, &draft);
            let sent = client.send_raw(Some(contract), &transaction).await;
            refusal("sending an input", sent)?;
            let receipt = client.wait_receipt(transaction.hash, PATIENCE).await;
            must("waiting for an input to be ordered", receipt);
            let mut ordered = self.ordered.borrow_mut();
            ordered.push((transaction.hash, seen));
            Ok(ordered.len() - 1)
        })
    }

    /// Waits for the verdict on an input; what its function gave.
    pub(crate) fn accept(&self, place: usize) -> Result<Bytes, Bytes> {
        let (id, seen) = self.ordered.borrow()[place].clone();
        let accepted = self.wait(self.client.wait_accepted(id, PATIENCE));
        refusal("waiting for the verdict on an input", accepted)?;
        Ok(seen)
    }

    /// The events of a contract.
    pub(crate) fn events(&self, of: Address) -> Vec<Log> {
        let filter = Filter::new().address(of).from_block(0);
        let logs = must("reading events", self.wait(self.latest().logs(filter)));
        let log = |log: alloy::rpc::types::Log| Log {
            contract: log.address(),
            topics: log.topics().to_vec(),
            data: log.data().data.to_vec(),
        };
        logs.into_iter().map(log).collect()
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        RAISED.set(false);
    }
}

/// The module of a contract's package.
async fn module(package: &Package) -> Bytes {
    let folder = PathBuf::from(package.folder);
    if let Some(code) = lock(&MODULES).get(&folder) {
        return code.clone();
    }
    let builds = Builds::new().in_folder(folder.clone());
    let path = must("building the contract", builds.contract(package.name).await);
    let code = Bytes::from(must("reading the contract", std::fs::read(path)));
    lock(&MODULES).insert(folder, code.clone());
    code
}

/// Waits until it is so.
async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !so().await {
            tokio::time::sleep(PAUSE).await;
        }
    };
    must(what, tokio::time::timeout(PATIENCE, looking).await);
}

//! `quartet dev`: everything on this machine, until Ctrl-C.

use std::{
    fs,
    future::pending,
    path::{Path, PathBuf},
    time::Duration,
};

use alloy::{hex, providers::Provider as _, signers::local::PrivateKeySigner};
use devnet::{
    Builds, Cluster, ClusterOptions, EmbeddedL1, PreparedCluster, RelayerProcess,
    contracts::{CommitteeContracts, deploy_committee},
    relayer::{RelayerOptions, Route, parse_routes},
};
use tokio::signal::unix::{SignalKind, signal};
use wire::limits::NODES;

use crate::{error::CliError, show, site::LOCAL};

/// How often the file of routes is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How often the relayer looks, in milliseconds.
const RELAYER_POLL_MS: u64 = 500;
/// Accounts of the L1 that are used here: one deploys, one relays.
const OWN_ACCOUNTS: usize = 2;
/// What the file of routes says at first.
const ROUTES_TEMPLATE: &str = "\
# What the relayer carries; it takes up changes of this file at once.
#
# [[routes]]
# l1_app = \"0x…\"        # app on L1, which takes the results
# l2_contract = \"0x…\"   # confidential contract on L2
# electorate = true     # whether the app has a list of voters to carry to L2
";

/// Options of `quartet dev`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Folder for all files; must be new. Without it a temporary one, which goes at the end.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Port of the L1's JSON-RPC; 0 takes a free one.
    #[arg(long, default_value_t = 8545, value_name = "PORT")]
    l1_port: u16,
    /// Port of node 0's JSON-RPC, the next three are those of the others; 0 takes free ones.
    #[arg(long, default_value_t = 7545, value_name = "PORT")]
    rpc_port: u16,
    /// Accounts on the L1 that have money.
    #[arg(long, default_value_t = 5, value_name = "N")]
    accounts: usize,
}

/// Runs until a signal comes.
pub(crate) async fn run(options: Options) -> Result<(), CliError> {
    // Whichever comes first; the other is dropped, and with it all processes.
    tokio::select! {
        result = serve(options) => result,
        () = interrupted() => {
            println!("\nEverything is stopped.");
            Ok(())
        }
    }
}

async fn serve(options: Options) -> Result<(), CliError> {
    let builds = Builds::new().with_progress(|line| eprintln!("{line}"));
    let [node, relayer] = builds.programs(["mpc-node", "relayer"]).await?;
    let l1 = EmbeddedL1::start_on(options.l1_port, options.accounts + OWN_ACCOUNTS).await?;
    let mut cluster_options = ClusterOptions::new(node);
    cluster_options.rpc_ports = ports(options.rpc_port)?;
    cluster_options.directory = options.dir;
    let prepared = PreparedCluster::new(cluster_options)?;
    let contracts = deploy(&l1, &prepared).await?;
    let cluster = prepared.start(contracts.l1).await?;
    let routes = cluster.directory().join("routes.toml");
    let written = fs::write(&routes, ROUTES_TEMPLATE);
    written.map_err(|source| CliError::File {
        path: routes.clone(),
        source,
    })?;
    print!("{}", description(&l1, &cluster, &contracts, &routes));
    relay(&l1, &cluster, relayer, &routes).await
}

fn ports(first: u16) -> Result<Option<[u16; NODES]>, CliError> {
    if first == 0 {
        return Ok(None);
    }
    if first > u16::MAX - 3 {
        return Err(CliError::Ports(first));
    }
    Ok(Some([first, first + 1, first + 2, first + 3]))
}

async fn deploy(
    l1: &EmbeddedL1,
    prepared: &PreparedCluster,
) -> Result<CommitteeContracts, CliError> {
    let provider = l1.provider()?;
    let chain_id = provider
        .get_chain_id()
        .await
        .map_err(|e| CliError::L1(e.to_string()))?;
    Ok(deploy_committee(&provider, chain_id, prepared.addresses()).await?)
}

/// Keeps a relayer running for the routes in the file, and starts it anew when they change.
async fn relay(
    l1: &EmbeddedL1,
    cluster: &Cluster,
    program: PathBuf,
    file: &Path,
) -> Result<(), CliError> {
    let Some(key) = l1.accounts().get(1) else {
        return pending().await;
    };
    let mut options = RelayerOptions {
        program,
        directory: cluster.directory().join("relayer"),
        l1_urls: vec![l1.url()],
        l1_key: key.clone(),
        confirmations: None,
        l2_urls: cluster.rpc_urls().to_vec(),
        l2_key: PrivateKeySigner::random(),
        committee: cluster.committee_file(),
        routes: vec![],
        poll_ms: RELAYER_POLL_MS,
    };
    let mut relayer: Option<RelayerProcess> = None;
    let mut text = ROUTES_TEMPLATE.to_owned();
    loop {
        tokio::time::sleep(LOOK).await;
        cluster.check()?;
        if let Some(Err(error)) = relayer.as_ref().map(RelayerProcess::check) {
            println!("{error}");
            relayer = None;
        }
        // While an editor writes it, it may be gone for a moment.
        let Ok(now) = fs::read_to_string(file) else {
            continue;
        };
        if now == text {
            continue;
        }
        text = now;
        match parse_routes(&text) {
            Err(error) => println!("{}: {error}", file.display()),
            Ok(routes) if routes == options.routes => {}
            Ok(routes) => {
                options.routes = routes;
                drop(relayer.take());
                relayer = start(&options)?;
            }
        }
    }
}

fn start(options: &RelayerOptions) -> Result<Option<RelayerProcess>, CliError> {
    if options.routes.is_empty() {
        println!("The relayer has nothing to carry.");
        return Ok(None);
    }
    let relayer = RelayerProcess::start(options.clone())?;
    println!("The relayer runs; its log is {}:", relayer.log().display());
    for Route {
        l1_app,
        l2_contract,
        ..
    } in &options.routes
    {
        println!("  L1 {l1_app}  L2 {l2_contract}");
    }
    Ok(Some(relayer))
}

/// What runs where, for people.
fn description(
    l1: &EmbeddedL1,
    cluster: &Cluster,
    contracts: &CommitteeContracts,
    routes: &Path,
) -> String {
    let committee = cluster.committee();
    let mut nodes = vec![
        ["node", "JSON-RPC", "health, metrics", "address"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for (i, node) in committee.nodes.iter().enumerate() {
        let (rpc, admin) = (cluster.rpc_url(i), cluster.admin_url(i));
        nodes.push(vec![i.to_string(), rpc, admin, node.address.to_string()]);
    }
    let keys = l1.accounts().iter().skip(OWN_ACCOUNTS).map(|account| {
        let secret = hex::encode_prefixed(account.to_bytes());
        vec![account.address().to_string(), secret]
    });
    let keys: Vec<_> = keys.collect();
    format!(
        "\nL1: chain {}, {}\n  committee {}\n  verifier  {}\n  \
         Accounts with {} ether each, and their secret keys (for development only):\n{}\n\
         L2: chain {}, no fees; any key works\n{}  \
         committee file {}\n\n\
         Relayer: carries what {} says\n\
         Logs: {}\n\n\
         {}Ctrl-C stops everything.\n",
        contracts.l1.chain_id,
        l1.url(),
        contracts.committee,
        contracts.l1.verifier,
        devnet::l1::FUNDS_ETHER,
        show::table(&keys),
        committee.chain_id,
        show::table(&nodes),
        cluster.committee_file().display(),
        routes.display(),
        cluster.directory().join("node-*/node.log").display(),
        next(cluster),
    )
}

/// What to do now.
fn next(cluster: &Cluster) -> String {
    let urls: Vec<_> = (0..NODES).map(|node| cluster.rpc_url(node)).collect();
    let urls = urls.join(",");
    let export = if urls == LOCAL {
        String::new()
    } else {
        format!("  export QUARTET_RPC={urls}\n")
    };
    format!(
        "Next, in another terminal:\n{export}  \
         quartet contract new my-poll && cd my-poll    a contract to begin with\n  \
         quartet contract deploy now+10m               deploys it here\n  \
         quartet contract input vote --set yes=true --as ada\n  \
         quartet status                                how the nodes are doing\n\
         On L2 every name is an account: --as ada, --as ben.\n"
    )
}

/// Waits for Ctrl-C, or for a polite request to end.
async fn interrupted() {
    let wait = async |kind| match signal(kind) {
        Ok(mut signals) => {
            signals.recv().await;
        }
        // Without a handler the signal ends this process at once, and with it the pipes at whose
        // end the children end.
        Err(_) => pending().await,
    };
    tokio::select! {
        () = wait(SignalKind::interrupt()) => {}
        () = wait(SignalKind::terminate()) => {}
        () = wait(SignalKind::hangup()) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_follow_the_first() {
        assert_eq!(ports(7545).unwrap(), Some([7545, 7546, 7547, 7548]));
        assert_eq!(ports(0).unwrap(), None);
        assert_eq!(ports(65_532).unwrap().unwrap()[3], 65_535);
        assert!(ports(65_533).is_err());
    }

    #[test]
    fn the_template_of_routes_has_none() {
        assert_eq!(parse_routes(ROUTES_TEMPLATE).unwrap(), vec![]);
    }
}

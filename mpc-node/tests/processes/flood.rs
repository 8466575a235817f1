//! Strangers who flood every port of every node, from three addresses, all at the same time and with
//! what is known to hurt servers. Transactions, consensus, computations and a node that comes back
//! are not kept from their work.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    cluster::count_ballots,
    support::{Cluster, TestResult, until},
};

/// What the nodes allow, so that a flood reaches it soon.
const LIMITS: &str = "[rpc]\nmax_connections = 64\nmax_connections_per_ip = 16\n\
                      max_requests_per_s = 500\nclient_timeout_ms = 1000\n";
/// Connections to each port from each address.
const EACH: usize = 24;

/// What a connection says, and then repeats byte by byte.
#[derive(Clone, Copy)]
struct Opening {
    first: &'static [u8],
    again: &'static [u8],
}

const SILENT: Opening = Opening {
    first: b"",
    again: b"",
};

const TO_RPC: [Opening; 6] = [
    SILENT,
    // A header that never ends.
    Opening {
        first: b"POST / HTTP/1.1\r\nhost: node\r\n",
        again: b"x-more: 1\r\n",
    },
    // A body that never ends.
    Opening {
        first: b"POST / HTTP/1.1\r\nhost: node\r\ncontent-type: application/json\r\ncontent-length: 4000000\r\n\r\n",
        again: b" ",
    },
    // A body of a length that nobody has.
    Opening {
        first: b"POST / HTTP/1.1\r\nhost: node\r\ncontent-type: application/json\r\ncontent-length: 9999999999999999\r\n\r\n{",
        again: b" ",
    },
    Opening {
        first: b"POST / HTTP/1.1\r\nhost: node\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffff\r\n[",
        again: b"[",
    },
    // Requests without an end, whose answers nobody reads.
    Opening {
        first: b"",
        again: b"POST / HTTP/1.1\r\nhost: node\r\ncontent-type: application/json\r\ncontent-length: 63\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"quartet_status\",\"params\":[]} ",
    },
];

const TO_SWARM: [Opening; 4] = [
    SILENT,
    Opening {
        first: &[0xff; 512],
        again: &[0xff; 64],
    },
    // Half of the greeting of libp2p, and then of its handshake.
    Opening {
        first: b"\x13/multistream/1.0.0\n",
        again: b"",
    },
    Opening {
        first: b"\x13/multistream/1.0.0\n\x07/noise\n\xff\xff",
        again: b"\x00",
    },
];

const TO_SESSIONS: [Opening; 3] = [
    SILENT,
    Opening {
        first: &[0x16; 16],
        again: &[0x16; 16],
    },
    Opening {
        first: b"GET / HTTP/1.1\r\n",
        again: b"",
    },
];

async fn connect(from: IpAddr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    socket.connect(to).await
}

/// One connection after another, each held for as long as the node lets it.
async fn hold(from: IpAddr, to: SocketAddr, opening: Opening) {
    loop {
        let held = async {
            let mut stream = connect(from, to).await?;
            stream.write_all(opening.first).await?;
            let mut rest = [0; 4];
            loop {
                stream.write_all(opening.again).await?;
                // Little of what comes is read, and slowly.
                if let Ok(0) = timeout(Duration::from_millis(50), stream.read(&mut rest))
                    .await
                    .unwrap_or(Ok(1))
                {
                    return Ok::<_, std::io::Error>(());
                }
            }
        };
        let _ = timeout(Duration::from_secs(10), held).await;
        sleep(Duration::from_millis(20)).await;
    }
}

/// Floods all ports until it is dropped.
fn flood(cluster: &Cluster) -> TestResult<JoinSet<()>> {
    let mut strangers = JoinSet::new();
    for node in 0..4 {
        let rpc = cluster.rpc(node).trim_start_matches("http://").parse()?;
        let ports: [(SocketAddr, &[Opening]); 3] = [
            (rpc, &TO_RPC),
            (cluster.swarm(node).parse()?, &TO_SWARM),
            (cluster.session(node).parse()?, &TO_SESSIONS),
        ];
        for (to, openings) in ports {
            for last in [2, 3, 4] {
                let from = IpAddr::from([127, 0, 0, last]);
                for opening in openings.iter().cycle().take(EACH) {
                    strangers.spawn(hold(from, to, *opening));
                }
            }
        }
    }
    Ok(strangers)
}

/// The value of a counter at a node.
async fn counter(cluster: &Cluster, node: usize, name: &str) -> TestResult<u64> {
    let mut stream = TcpStream::connect(cluster.admin(node)).await?;
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nhost: node\r\n\r\n")
        .await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    Ok(line.ok_or("no such counter")?.trim().parse()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_on_all_ports_keeps_nobody_from_its_work() -> TestResult {
    let mut cluster = Cluster::start_with(1, LIMITS).await?;
    let mut strangers = flood(&cluster)?;
    for counted in [
        "quartet_rpc_refused_connections_total",
        "quartet_rpc_cut_off_total",
        "quartet_rpc_delayed_total",
        "quartet_refused_connections_total",
    ] {
        let cluster = &cluster;
        until(counted, || async move {
            Ok((counter(cluster, 2, counted).await? > 0).then_some(()))
        })
        .await?;
    }
    count_ballots(&mut cluster).await?;
    assert!(strangers.try_join_next().is_none(), "the flood goes on");
    Ok(())
}

//! Real swarms on loopback ports that were free a moment ago.

use std::{error::Error, net::TcpListener};

use alloy_primitives::{Address, B256};
use futures::{AsyncReadExt as _, AsyncWriteExt as _};
use libp2p::{
    Swarm,
    swarm::{SwarmEvent, dial_opts::DialOpts},
};
use tokio::time::timeout;
use wire::committee::{Committee, L1};

use super::{
    swarm::{Behaviour, BehaviourEvent},
    *,
};
use crate::{
    lots::{LotKeeper, Order},
    storage::lots::Piece,
    transport::identity::{INTRODUCTION_BYTES, Introduction},
};

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) type TestResult = Result<(), Box<dyn Error>>;

pub(crate) struct Cluster {
    keys: Vec<NodeKeys>,
    committee: Committee,
}

impl Cluster {
    pub(crate) fn new() -> Result<Self, Box<dyn Error>> {
        let mut keys = Vec::new();
        let mut nodes = Vec::new();
        let mut reserved = Vec::new();
        for _ in 0..4 {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            let port = listener.local_addr()?.port();
            reserved.push(listener);
            let key = NodeKeys::generate()?;
            nodes.push(key.public(&format!("/ip4/127.0.0.1/tcp/{port}"))?);
            keys.push(key);
        }
        let committee = Committee {
            chain_id: 7,
            epoch: 1,
            genesis_ms: 0,
            dev: true,
            reserve_lots: wire::limits::RESERVE_LOTS,
            refresh_ms: 0,
            l1: L1 {
                chain_id: 1,
                verifier: Address::ZERO,
            },
            nodes: nodes.try_into().map_err(|_| "four")?,
        };
        Ok(Self { keys, committee })
    }

    pub(crate) fn membership(&self, party: usize) -> Result<Arc<Membership>, Box<dyn Error>> {
        Ok(Arc::new(Membership::new(
            self.committee.clone(),
            &self.keys[party],
        )?))
    }

    pub(crate) async fn start(&self, party: usize) -> Result<Node, Box<dyn Error>> {
        let metrics = Arc::new(Metrics::new());
        let membership = self.membership(party)?;
        let (network, inlets, tasks) =
            start(membership, &self.keys[party], anywhere(), metrics.clone()).await?;
        Ok(Node {
            network,
            inlets,
            metrics,
            _tasks: tasks,
        })
    }
}

/// A free port on loopback.
fn anywhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

pub(crate) struct Node {
    pub(crate) network: Network,
    inlets: Inlets,
    metrics: Arc<Metrics>,
    _tasks: NetworkTasks,
}

impl Node {
    pub(crate) async fn wait_up(&mut self, expected: u8) -> TestResult {
        loop {
            match timeout(PATIENCE, self.inlets.events.recv()).await? {
                Some(NetworkEvent::Up { peer }) if peer == expected => return Ok(()),
                Some(_) => {}
                None => return Err("the network ended".into()),
            }
        }
    }

    /// Lets a keeper of lots hear what peers say, and drops all else.
    pub(crate) fn serve_lots(self, keeper: LotKeeper) {
        let Self {
            mut inlets, _tasks, ..
        } = self;
        tokio::spawn(async move {
            let _tasks = _tasks;
            let [m0, m1, m2, m3] = &mut inlets.messages;
            loop {
                let (from, message) = tokio::select! {
                    Some(inbound) = m0.recv() => (0, inbound.message),
                    Some(inbound) = m1.recv() => (1, inbound.message),
                    Some(inbound) = m2.recv() => (2, inbound.message),
                    Some(inbound) = m3.recv() => (3, inbound.message),
                    else => return,
                };
                match message {
                    PeerMessage::WantLot {
                        lot,
                        component,
                        offset,
                    } => {
                        let piece = Piece { lot, component };
                        keeper.peer_said(
                            from,
                            Order::Asked {
                                from,
                                piece,
                                offset,
                            },
                        );
                    }
                    PeerMessage::LotPart(part) => {
                        keeper.peer_said(from, Order::Sent { from, part });
                    }
                    _ => {}
                }
            }
        });
    }

    async fn receive(&mut self, from: usize) -> Result<PeerMessage, Box<dyn Error>> {
        let inbound = timeout(PATIENCE, self.inlets.messages[from].recv()).await?;
        Ok(inbound.ok_or("the network ended")?.message)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_arrive_both_ways_and_bytes_are_counted() -> TestResult {
    let cluster = Cluster::new()?;
    let (mut a, mut b) = (cluster.start(0).await?, cluster.start(1).await?);
    a.wait_up(1).await?;
    b.wait_up(0).await?;
    a.network.send(1, &PeerMessage::Status { height: 3 });
    assert_eq!(b.receive(0).await?, PeerMessage::Status { height: 3 });
    b.network.broadcast(&PeerMessage::WantBlocks { from: 9 });
    assert_eq!(a.receive(1).await?, PeerMessage::WantBlocks { from: 9 });
    assert_eq!(
        (a.network.connected(), b.network.connected()),
        (vec![1], vec![0])
    );
    assert!(a.metrics.swarm_sent[1].get() > 0 && b.metrics.swarm_received[0].get() > 0);
    assert_eq!(a.metrics.swarm_sent[2].get(), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_comes_back_is_connected_again() -> TestResult {
    let cluster = Cluster::new()?;
    let (mut a, mut b) = (cluster.start(0).await?, cluster.start(1).await?);
    a.wait_up(1).await?;
    b.wait_up(0).await?;
    drop(b);
    loop {
        match timeout(PATIENCE, a.inlets.events.recv()).await? {
            Some(NetworkEvent::Down { peer: 1 }) => break,
            Some(_) => {}
            None => return Err("the network ended".into()),
        }
    }
    let mut b = cluster.start(1).await?;
    a.wait_up(1).await?;
    b.wait_up(0).await?;
    a.network.send(1, &PeerMessage::Status { height: 4 });
    assert_eq!(b.receive(0).await?, PeerMessage::Status { height: 4 });
    Ok(())
}

/// A swarm of node 0's that uses another key: what a stranger would run.
fn stranger(cluster: &Cluster, chain_id: u64) -> Result<Swarm<Behaviour>, Box<dyn Error>> {
    let keys = NodeKeys::generate()?;
    let mut committee = cluster.committee.clone();
    committee.chain_id = chain_id;
    committee.nodes[0] = keys.public("/ip4/127.0.0.1/tcp/1")?;
    Ok(swarm::build(&Membership::new(committee, &keys)?, &keys)?)
}

/// Dials node 1 and returns what becomes of the connection.
async fn dial(
    swarm: &mut Swarm<Behaviour>,
    cluster: &Cluster,
) -> Result<SwarmEvent<BehaviourEvent>, Box<dyn Error>> {
    let membership = cluster.membership(1)?;
    let options = DialOpts::peer_id(membership.peers[1])
        .addresses(vec![membership.addresses[1].clone()])
        .build();
    swarm.dial(options)?;
    let mut established = None;
    loop {
        let event = timeout(PATIENCE, swarm.select_next_some()).await?;
        match event {
            SwarmEvent::ConnectionEstablished { .. } => established = Some(event),
            SwarmEvent::ConnectionClosed { .. } | SwarmEvent::OutgoingConnectionError { .. } => {
                return Ok(event);
            }
            _ if established.is_some() => {}
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_do_not_get_past_the_handshake() -> TestResult {
    let cluster = Cluster::new()?;
    let mut node = cluster.start(1).await?;
    for (chain_id, tries) in [(7, 1), (8, 2)] {
        let mut stranger = stranger(&cluster, chain_id)?;
        dial(&mut stranger, &cluster).await?;
        let refused = async {
            while node.metrics.refused_connections.get() < tries {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, refused).await?;
    }
    assert!(node.network.connected().is_empty());
    assert!(node.inlets.events.try_recv().is_err());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_another_chain_is_refused() -> TestResult {
    let cluster = Cluster::new()?;
    let node = cluster.start(1).await?;
    let mut committee = cluster.committee.clone();
    committee.epoch += 1;
    let keys = &cluster.keys[0];
    let mut other = swarm::build(&Membership::new(committee, keys)?, keys)?;
    let event = dial(&mut other, &cluster).await?;
    assert!(
        matches!(event, SwarmEvent::OutgoingConnectionError { .. }),
        "{event:?}"
    );
    assert!(node.network.connected().is_empty());
    Ok(())
}

/// Node 0 with its right key, whose streams the test drives by hand.
async fn connected_by_hand(cluster: &Cluster) -> Result<libp2p_stream::Control, Box<dyn Error>> {
    let mut swarm = swarm::build(&*cluster.membership(0)?, &cluster.keys[0])?;
    let control = swarm.behaviour().streams.new_control();
    let membership = cluster.membership(1)?;
    let options = DialOpts::peer_id(membership.peers[1])
        .addresses(vec![membership.addresses[1].clone()])
        .build();
    swarm.dial(options)?;
    loop {
        let event = timeout(PATIENCE, swarm.select_next_some()).await?;
        if matches!(event, SwarmEvent::ConnectionEstablished { .. }) {
            break;
        }
    }
    tokio::spawn(async move {
        loop {
            swarm.select_next_some().await;
        }
    });
    Ok(control)
}

fn introduction() -> Vec<u8> {
    wire::codec::encode(&Introduction {
        port: 1,
        key: vec![0; 44],
        door: [0; 16],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_introduce_itself_is_not_listened_to() -> TestResult {
    let cluster = Cluster::new()?;
    let mut node = cluster.start(1).await?;
    let mut control = connected_by_hand(&cluster).await?;
    let peer_id = cluster.membership(1)?.peers[1];
    let too_long = vec![0; INTRODUCTION_BYTES + 1];
    let status = PeerMessage::Status { height: 1 }.encode();
    for (count, first) in (1..).zip([too_long, status]) {
        let opened = control.open_stream(peer_id, PEER_PROTOCOL).await;
        let mut stream = opened.map_err(|e| e.to_string())?;
        // The stream may be closed while this is written.
        let _ = frame::write(&mut stream, &first).await;
        let mut taken = [0];
        let ended = timeout(PATIENCE, stream.read_exact(&mut taken)).await?;
        assert!(ended.is_err(), "the stream is closed");
        assert_eq!(node.metrics.bad_frames[0].get(), count);
    }
    assert!(node.inlets.messages[0].try_recv().is_err());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_opens_thousands_of_streams_disturbs_nobody_else() -> TestResult {
    let cluster = Cluster::new()?;
    let (mut node, mut other) = (cluster.start(1).await?, cluster.start(2).await?);
    node.wait_up(2).await?;
    other.wait_up(1).await?;
    let control = connected_by_hand(&cluster).await?;
    let peer_id = cluster.membership(1)?.peers[1];
    let opening = (0..3_000).map(|_| {
        let mut control = control.clone();
        async move {
            let mut stream = control.open_stream(peer_id, PEER_PROTOCOL).await.ok()?;
            // Half of a frame, so that the node has something to wait for.
            stream.write_all(&[0, 0, 0, 90, 1]).await.ok()?;
            stream.flush().await.ok()?;
            Some(stream)
        }
    });
    let opened = futures::future::join_all(opening);
    let opened = timeout(PATIENCE, opened).await?;
    let held = opened.into_iter().flatten().count();
    assert!(held < 100, "{held} streams are too many for one peer");
    for height in 1..20 {
        other.network.send(1, &PeerMessage::Status { height });
        assert_eq!(node.receive(2).await?, PeerMessage::Status { height });
        node.network.send(2, &PeerMessage::Status { height });
        assert_eq!(other.receive(1).await?, PeerMessage::Status { height });
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_frames_close_the_stream_and_nothing_else() -> TestResult {
    let cluster = Cluster::new()?;
    let mut node = cluster.start(1).await?;
    let mut control = connected_by_hand(&cluster).await?;
    let peer_id = cluster.membership(1)?.peers[1];
    let too_long = u32::try_from(PEER_FRAME_BYTES + 1)?.to_be_bytes().to_vec();
    let unknown_type = [vec![0, 0, 0, 2], vec![99, 0]].concat();
    let framed = |message: Vec<u8>| {
        let length = u32::try_from(message.len())?.to_be_bytes();
        Ok::<_, std::num::TryFromIntError>([&length[..], &message].concat())
    };
    let mut trailing = PeerMessage::Status { height: 1 }.encode();
    trailing.push(0);
    let shared = |seeds: usize| wire::peer::SharedSeeds {
        input: B256::ZERO,
        seeds: vec![(0, [0; 32]); seeds],
    };
    let excessive = [
        PeerMessage::Transactions(vec![Bytes::new(); 1025]),
        PeerMessage::WantSeeds {
            inputs: vec![B256::ZERO; 1025],
        },
        PeerMessage::Seeds((0..1025).map(|_| shared(0)).collect()),
        PeerMessage::Seeds(vec![shared(5)]),
    ];
    let mut bad = vec![too_long, unknown_type, framed(trailing)?];
    for message in excessive {
        bad.push(framed(message.encode())?);
    }
    for (count, bytes) in (1..).zip(bad) {
        let mut stream = control
            .open_stream(peer_id, PEER_PROTOCOL)
            .await
            .map_err(|e| e.to_string())?;
        frame::write(&mut stream, &introduction()).await?;
        let mut taken = [0];
        timeout(PATIENCE, stream.read_exact(&mut taken)).await??;
        stream.write_all(&bytes).await?;
        stream.flush().await?;
        let ended = timeout(PATIENCE, stream.read_exact(&mut taken)).await?;
        assert!(ended.is_err(), "the stream is closed");
        assert_eq!(node.metrics.bad_frames[0].get(), count);
    }
    assert!(node.inlets.messages[0].try_recv().is_err());
    let mut stream = control
        .open_stream(peer_id, PEER_PROTOCOL)
        .await
        .map_err(|e| e.to_string())?;
    frame::write(&mut stream, &introduction()).await?;
    frame::write(&mut stream, &PeerMessage::Status { height: 5 }.encode()).await?;
    assert_eq!(node.receive(0).await?, PeerMessage::Status { height: 5 });
    Ok(())
}

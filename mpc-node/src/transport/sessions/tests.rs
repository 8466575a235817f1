//! Two or more parties in one process, without a swarm.

use std::error::Error;

use tokio::{net::TcpListener, task::AbortHandle};

use super::*;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

type TestResult = Result<(), Box<dyn Error>>;

/// A party that takes connections.
pub(crate) struct Party {
    pub(crate) links: SessionLinks,
    address: SocketAddr,
    accepting: AbortHandle,
}

impl Party {
    pub(crate) async fn start(me: u8) -> Result<Self, Box<dyn Error>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let links = SessionLinks::new(me, address.port(), Arc::new(Metrics::new()))?;
        let accepting = tokio::spawn(links.clone().accept(listener)).abort_handle();
        Ok(Self {
            links,
            address,
            accepting,
        })
    }

    /// Tells this party how to reach another one.
    pub(crate) fn meet(&self, other: &Self) {
        let introduction = other.links.introduction(self.links.0.me);
        let peer = other.links.0.me;
        self.links.meet(peer, other.address, introduction);
    }

    fn refused(&self) -> u64 {
        self.links.metrics().refused_connections.get()
    }
}

/// Four parties that know each other.
pub(crate) async fn four() -> Result<Vec<Party>, Box<dyn Error>> {
    let mut parties = Vec::new();
    for me in 0..4 {
        parties.push(Party::start(me).await?);
    }
    for party in &parties {
        let others = parties.iter().filter(|p| p.links.0.me != party.links.0.me);
        others.for_each(|other| party.meet(other));
    }
    Ok(parties)
}

async fn two() -> Result<(Party, Party), Box<dyn Error>> {
    let (a, b) = (Party::start(0).await?, Party::start(1).await?);
    a.meet(&b);
    b.meet(&a);
    Ok((a, b))
}

pub(crate) const fn id(attempt: u32) -> SessionId {
    SessionId {
        job: B256::repeat_byte(1),
        attempt,
    }
}

/// Links two parties, and has each hear the other.
async fn linked(
    a: &Party,
    b: &Party,
    id: SessionId,
) -> Result<(Connection, Connection), Box<dyn Error>> {
    let both = async { tokio::join!(a.links.link(1, id), b.links.link(0, id)) };
    let (mut one, mut two) = timeout(PATIENCE, both).await?;
    one.write(b"ping").await?;
    assert_eq!(timeout(PATIENCE, two.read(4)).await??, b"ping");
    two.write(b"pong").await?;
    assert_eq!(timeout(PATIENCE, one.read(4)).await??, b"pong");
    Ok((one, two))
}

fn link(party: &Party, peer: u8, connection: Connection) -> io::Result<Link> {
    let metrics = party.links.metrics();
    let [sent, heard] = [&metrics.session_sent, &metrics.session_received];
    let at = usize::from(peer);
    Link::new(peer, connection, sent[at].clone(), heard[at].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_of_one_session_find_each_other_in_any_order() -> TestResult {
    let (a, b) = two().await?;
    for attempt in 0..4 {
        let (opener, waiter) = (a.links.clone(), b.links.clone());
        let open = async move { opener.link(1, id(attempt)).await };
        let wait = async move { waiter.link(0, id(attempt)).await };
        // Whoever is first waits for the other.
        let (first, second) = if attempt % 2 == 0 {
            let first = tokio::spawn(open);
            (first, tokio::spawn(wait))
        } else {
            let first = tokio::spawn(wait);
            (first, tokio::spawn(open))
        };
        let mut one = timeout(PATIENCE, first).await??;
        let mut two = timeout(PATIENCE, second).await??;
        one.write(b"ping").await?;
        assert_eq!(timeout(PATIENCE, two.read(4)).await??, b"ping");
    }
    let lonely = a.links.link(1, id(9));
    assert!(timeout(Duration::from_millis(300), lonely).await.is_err());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_serves_one_session_after_the_other() -> TestResult {
    let (a, b) = two().await?;
    for attempt in 0..3 {
        let (one, two) = linked(&a, &b, id(attempt)).await?;
        // No other connection can come from now on.
        b.accepting.abort();
        let (one, two) = (link(&a, 1, one)?, link(&b, 0, two)?);
        tokio::spawn(b.links.clone().finish(two, PATIENCE));
        timeout(PATIENCE, a.links.clone().finish(one, PATIENCE)).await?;
        assert_eq!(lock(&a.links.peer(1).idle).len(), 1);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_connection_is_not_used_again() -> TestResult {
    let (a, b) = two().await?;
    let (one, two) = linked(&a, &b, id(0)).await?;
    let (one, two) = (link(&a, 1, one)?, link(&b, 0, two)?);
    let ending = async { tokio::join!(a.links.clone().finish(one, PATIENCE), two.finish()).1 };
    let dead = timeout(PATIENCE, ending).await??;
    assert_eq!(lock(&a.links.peer(1).idle).len(), 1);
    drop(dead);
    linked(&a, &b, id(1)).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn with_another_key_nobody_is_let_in() -> TestResult {
    let (_a, b) = two().await?;
    // Who stole the word of the door still lacks the key.
    let thief = Party::start(0).await?;
    thief.meet(&b);
    let linking = async { tokio::join!(thief.links.link(1, id(0)), b.links.link(0, id(0))) };
    assert!(timeout(Duration::from_millis(700), linking).await.is_err());
    assert!(b.refused() > 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_dialed_who_has_another_key() -> TestResult {
    let (a, b) = two().await?;
    // Sits at the address of b, and knows what a is going to say.
    let thief = Party::start(1).await?;
    thief.meet(&a);
    let theirs = thief.links.introduction(0);
    let introduction = Introduction {
        key: b.links.introduction(0).key,
        ..theirs
    };
    a.links.meet(1, thief.address, introduction);
    let linking = async { tokio::join!(a.links.link(1, id(0)), thief.links.link(0, id(0))) };
    assert!(timeout(Duration::from_millis(700), linking).await.is_err());
    assert_eq!(b.refused(), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_starts_again_is_known_by_its_new_key() -> TestResult {
    let (a, b) = two().await?;
    drop(linked(&a, &b, id(0)).await?);
    let again = Party::start(0).await?;
    again.meet(&b);
    b.meet(&again);
    linked(&again, &b, id(1)).await?;
    let linking = async { tokio::join!(a.links.link(1, id(2)), b.links.link(0, id(2))) };
    assert!(timeout(Duration::from_millis(500), linking).await.is_err());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_at_the_door_keep_nobody_out() -> TestResult {
    let (a, b) = two().await?;
    let mut strangers = Vec::new();
    for number in 0..300u16 {
        let mut stranger = TcpStream::connect(b.address).await?;
        if number % 3 == 0 {
            // Whoever is turned away may notice while writing.
            let _ = stranger.write_all(&[7; 64]).await;
        }
        strangers.push(stranger);
    }
    linked(&a, &b, id(0)).await?;
    assert!(b.refused() >= 100, "{}", b.refused());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_peer_gets_only_so_many_connections() -> TestResult {
    let (a, b) = two().await?;
    let mut held = Vec::new();
    for _ in 0..CONNECTIONS {
        held.push(a.links.dial(1).await?);
    }
    assert!(a.links.dial(1).await.is_err(), "this side keeps to it");
    // The other side sees to it, too.
    a.links.peer(1).connections.add_permits(1);
    let named = match a.links.dial(1).await {
        Ok(mut connection) => name(&mut connection, id(0)).await,
        Err(error) => Err(error),
    };
    assert!(named.is_err());
    drop(held);
    linked(&a, &b, id(1)).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_without_a_proper_name_is_dropped() -> TestResult {
    let (a, b) = two().await?;
    for (count, name) in (1..).zip([vec![65; 66], vec![3, 1, 2, 3]]) {
        let mut connection = a.links.dial(1).await?;
        connection.write(&name).await?;
        assert!(timeout(PATIENCE, connection.read(1)).await?.is_err());
        assert_eq!(b.links.metrics().bad_frames[0].get(), count);
    }
    Ok(())
}

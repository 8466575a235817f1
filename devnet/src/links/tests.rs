use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{Instant, timeout},
};

use super::*;
use crate::ports::Ports;

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Long enough for bytes to get through if they could.
const MOMENT: Duration = Duration::from_millis(100);

/// The links of a cluster of which node 1 alone listens, and a connection from node 0 to it.
struct Pair {
    links: Links,
    listener: TcpListener,
    place: SocketAddr,
    _ports: Ports<8>,
}

impl Pair {
    async fn new() -> Self {
        let ports = Ports::<8>::free().unwrap();
        let numbers = ports.numbers();
        let nodes = std::array::from_fn(|node| Ears {
            listen: numbers[node],
            sessions: numbers[node + NODES],
        });
        Self {
            listener: TcpListener::bind(("127.0.0.1", numbers[1])).await.unwrap(),
            place: SocketAddr::from((address(0, 1), numbers[1])),
            links: Links::start(nodes, 7).unwrap(),
            _ports: ports,
        }
    }

    async fn connect(&self) -> [TcpStream; 2] {
        let near = TcpStream::connect(self.place).await.unwrap();
        let far = timeout(PATIENCE, self.listener.accept()).await.unwrap();
        [near, far.unwrap().0]
    }
}

async fn read(stream: &mut TcpStream, bytes: usize) -> Vec<u8> {
    let mut read = vec![0; bytes];
    let done = timeout(PATIENCE, stream.read_exact(&mut read)).await;
    done.expect("in time").unwrap();
    read
}

#[tokio::test]
async fn in_good_weather_bytes_and_ends_get_through() {
    let pair = Pair::new().await;
    let [mut near, mut far] = pair.connect().await;
    near.write_all(b"there").await.unwrap();
    assert_eq!(read(&mut far, 5).await, b"there");
    let long: Vec<u8> = (0..1_000_000u32).map(|i| i.to_be_bytes()[3]).collect();
    let (sent, received) = tokio::join!(far.write_all(&long), read(&mut near, long.len()));
    sent.unwrap();
    assert!(received == long);
    drop(near);
    let end = timeout(PATIENCE, far.read(&mut [0; 8])).await.unwrap();
    assert!(matches!(end, Ok(0) | Err(_)));
}

#[tokio::test]
async fn what_is_held_one_way_arrives_later_and_the_other_way_is_open() {
    let pair = Pair::new().await;
    let [mut near, mut far] = pair.connect().await;
    pair.links.set(0, 1, Weather::flow(Flow::Held)).unwrap();
    near.write_all(b"held").await.unwrap();
    far.write_all(b"open").await.unwrap();
    assert_eq!(read(&mut near, 4).await, b"open");
    assert!(
        timeout(MOMENT, far.read(&mut [0; 8])).await.is_err(),
        "nothing got through, and nobody was told"
    );
    pair.links.heal();
    assert_eq!(read(&mut far, 4).await, b"held");
}

#[tokio::test]
async fn a_cut_ends_connections_and_new_ones_until_it_is_healed() {
    let pair = Pair::new().await;
    let [mut near, mut far] = pair.connect().await;
    pair.links.part(&[1, 3], Weather::flow(Flow::Cut)).unwrap();
    for stream in [&mut near, &mut far] {
        let end = timeout(PATIENCE, stream.read(&mut [0; 8])).await.unwrap();
        assert!(matches!(end, Ok(0) | Err(_)));
    }
    let mut new = TcpStream::connect(pair.place).await.unwrap();
    let end = timeout(PATIENCE, new.read(&mut [0; 8])).await.unwrap();
    assert!(matches!(end, Ok(0) | Err(_)));
    pair.links.heal();
    let [mut near, mut far] = pair.connect().await;
    near.write_all(b"again").await.unwrap();
    assert_eq!(read(&mut far, 5).await, b"again");
    let error = pair.links.part(&[4], Weather::default()).unwrap_err();
    assert!(matches!(error, DevnetError::NoSuchNode(4)));
}

#[tokio::test]
async fn bytes_take_their_time_and_keep_their_order() {
    let pair = Pair::new().await;
    let weather = Weather {
        delay: MOMENT,
        lost_per_mille: 500,
        ..Weather::default()
    };
    pair.links.set_all(weather);
    let [mut near, mut far] = pair.connect().await;
    let begin = Instant::now();
    for number in 0..20 {
        near.write_all(&[number]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let received = read(&mut far, 20).await;
    assert_eq!(received, (0..20).collect::<Vec<u8>>());
    assert!(begin.elapsed() >= MOMENT, "no byte is faster than the link");
}

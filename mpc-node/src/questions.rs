//! Queues of what peers ask, one for each, so that nobody who floods this node keeps the others out.

use tokio::sync::mpsc;

/// What comes first in any of the queues, beginning with a random one.
pub(crate) async fn next_of<T>(queues: &mut [mpsc::Receiver<T>]) -> Option<T> {
    match queues {
        [q0, q1, q2, q3] => tokio::select! {
            Some(order) = q0.recv() => Some(order),
            Some(order) = q1.recv() => Some(order),
            Some(order) = q2.recv() => Some(order),
            Some(order) = q3.recv() => Some(order),
            else => None,
        },
        _ => None,
    }
}

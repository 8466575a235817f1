//! A whole Quartet on one machine: the embedded L1, a cluster of four real node processes and a
//! relayer process, built from source when they are missing or old.
//!
//! Owns the life of these processes: whatever it starts is stopped and reaped when its handle is
//! dropped, and ends by itself when this process dies, since each child watches its standard input.
//! It must not know what the cluster is used for. Read [`cluster`] first.

pub mod builds;
pub mod cluster;
pub mod contracts;
pub mod disk;
pub mod error;
mod folder;
pub mod l1;
pub mod links;
pub mod ports;
pub mod process;
pub mod relayer;

pub use self::{
    builds::{Builds, ContractModule},
    cluster::{Cluster, ClusterOptions, FaultTools, PreparedCluster},
    disk::FaultyDisk,
    error::DevnetError,
    l1::EmbeddedL1,
    links::{Flow, Links, Weather},
    relayer::RelayerProcess,
};

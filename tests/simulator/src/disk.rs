//! A node's disk, in memory: what is appended to a file is lost, kept or torn in a crash until it is
//! synced. Seeds, outputs and lots are whole files each, which are there or are not.

use std::collections::BTreeMap;

use alloy_primitives::{B256, keccak256};
use rand::{Rng as _, RngExt as _};
use rand_chacha::ChaCha20Rng;
use wire::limits::NODES;

/// Bytes of a record's length and checksum.
const PREFIX_BYTES: usize = 4 + 8;

/// The files of a node. A clone is a copy of the disk.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    /// Decided blocks.
    pub blocks: File,
    /// The write-ahead log of consensus.
    pub wal: File,
    /// Seeds of inputs, by input and component.
    pub seeds: BTreeMap<B256, [Option<[u8; 32]>; NODES]>,
    /// Sealing keys that were drawn, by key epoch.
    pub keys: BTreeMap<u64, [u8; 32]>,
    /// Keys of the epochs before this one are erased, that of epoch 0 among them.
    pub keys_from: u64,
    /// Components of inputs that were shared anew, with what proves them: by key epoch and tag of the
    /// sharing, then by input and component.
    pub shares: BTreeMap<(u64, B256), Shares>,
    /// What attempts computed and is not open yet, by job and attempt.
    pub outputs: BTreeMap<(B256, u32), Vec<u8>>,
    /// Components of lots, by lot and component.
    pub lots: BTreeMap<(u64, u8), Piece>,
}

/// Components of one sharing, with what proves them, by input and component.
pub type Shares = BTreeMap<B256, [Option<Vec<u8>>; NODES]>;

/// A component of a lot.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Number of the attempt that made it; none if it came from a peer.
    pub attempt: Option<u32>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Disk {
    /// The power fails.
    pub fn cut(&mut self, rng: &mut ChaCha20Rng) {
        self.blocks.cut(rng);
        self.wal.cut(rng);
    }
}

/// An append-only file of records with a checksum each.
#[derive(Clone, Debug, Default)]
pub struct File {
    bytes: Vec<u8>,
    synced: usize,
}

impl File {
    /// Writes a record, which is not safe yet.
    pub fn append(&mut self, record: &[u8]) {
        let length = u32::try_from(record.len()).unwrap();
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(&keccak256(record)[..8]);
        self.bytes.extend_from_slice(record);
    }

    /// Makes everything that was written safe.
    pub const fn sync(&mut self) {
        self.synced = self.bytes.len();
    }

    /// Empties the file.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.synced = 0;
    }

    /// Of what is not synced, a random part remains; its end may be rubbish.
    fn cut(&mut self, rng: &mut ChaCha20Rng) {
        let kept = rng.random_range(self.synced..=self.bytes.len());
        self.bytes.truncate(kept);
        if rng.random_bool(0.3) {
            let rubbish = rng.random_range(0..=(kept - self.synced));
            rng.fill_bytes(&mut self.bytes[kept - rubbish..]);
        }
        self.sync();
    }

    /// The good records from the beginning; what follows them is cut off.
    pub fn recover(&mut self) -> Vec<Vec<u8>> {
        let (mut records, mut at) = (Vec::new(), 0);
        while let Some((record, end)) = self.record(at) {
            records.push(record.to_vec());
            at = end;
        }
        self.bytes.truncate(at);
        self.sync();
        records
    }

    /// The record that begins there, if it is whole, and where it ends.
    fn record(&self, at: usize) -> Option<(&[u8], usize)> {
        let (prefix, rest) = self.bytes[at..].split_at_checked(PREFIX_BYTES)?;
        let length = u32::from_be_bytes(prefix[..4].try_into().ok()?) as usize;
        let record = rest.get(..length)?;
        let good = keccak256(record)[..8] == prefix[4..];
        good.then_some((record, at + PREFIX_BYTES + length))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn what_is_synced_survives_and_the_rest_is_a_prefix() {
        for seed in 0..500 {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let mut file = File::default();
            let written: Vec<Vec<u8>> = (0..6u8).map(|n| vec![n; usize::from(n) * 7]).collect();
            let safe = rng.random_range(0..=written.len());
            for (index, record) in written.iter().enumerate() {
                file.append(record);
                if index + 1 == safe {
                    file.sync();
                }
            }
            file.cut(&mut rng);
            let found = file.recover();
            assert!(found.len() >= safe && written.starts_with(&found), "{seed}");
            file.append(b"more");
            assert_eq!(file.recover().len(), found.len() + 1);
        }
    }
}

use std::error::Error;

use wire::{block::Header, sealed::Seed};
use zk_contract_runtime::SystemLog;

use super::*;

fn log(address: u8, topics: &[u8]) -> Log {
    Log {
        address: Address::repeat_byte(address),
        topics: topics.iter().map(|t| B256::repeat_byte(*t)).collect(),
        data: Bytes::from_static(b"data"),
    }
}

fn receipt(tx: u8, logs: Vec<Log>) -> Receipt {
    Receipt {
        tx_hash: B256::repeat_byte(tx),
        from: Address::ZERO,
        to: None,
        contract_address: None,
        status: true,
        gas_used: 1,
        cumulative_gas_used: 1,
        logs,
        output: Bytes::new(),
        revert_reason: None,
    }
}

fn block(number: u64, receipts: Vec<Receipt>, system_logs: Vec<SystemLog>) -> (Applied, Block) {
    let applied = Applied {
        hash: B256::from(alloy_primitives::U256::from(number)),
        number,
        receipts,
        system_logs,
        events: Vec::new(),
    };
    let header = Header {
        number,
        parent: B256::ZERO,
        time_ms: 0,
        proposer: Address::ZERO,
        state_root: B256::ZERO,
    };
    let block = Block {
        header,
        node_transactions: Vec::new(),
        transactions: Vec::new(),
    };
    (applied, block)
}

/// Keys beside a store.
fn epochs(folder: &Path) -> Result<EpochKeys, NodeError> {
    EpochKeys::open(&folder.with_extension("epochs"), &[1; 32], None)
}

fn store(folder: &Path) -> Result<Derived, NodeError> {
    Ok(Derived::open(folder, &epochs(folder)?)?.0)
}

fn filled(folder: &Path) -> Result<Derived, NodeError> {
    let derived = store(folder)?;
    let (applied, b) = block(
        1,
        vec![receipt(1, vec![log(5, &[1, 2])]), receipt(2, vec![])],
        vec![],
    );
    derived.index(&applied, &b, B256::repeat_byte(9))?;
    let (applied, b) = block(2, vec![], vec![]);
    derived.index(&applied, &b, B256::ZERO)?;
    let late = SystemLog {
        tx_hash: B256::repeat_byte(2),
        log: log(6, &[1]),
    };
    let (applied, b) = block(3, vec![receipt(3, vec![log(5, &[3])])], vec![late]);
    derived.index(&applied, &b, B256::ZERO)?;
    Ok(derived)
}

#[test]
fn transactions_blocks_and_logs_are_found() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let derived = filled(&folder.path().join("derived"))?;
    let place = derived.transaction(B256::repeat_byte(2));
    assert_eq!(place, Some(TransactionPlace { block: 1, index: 1 }));
    assert_eq!(derived.transaction(B256::repeat_byte(9)), None);
    let record = derived.block(1).ok_or("block")?;
    assert_eq!(
        (record.receipts.len(), record.state_root),
        (2, B256::repeat_byte(9))
    );
    assert_eq!(derived.number(record.hash), Some(1));
    assert!(derived.is_indexed(1, record.hash) && !derived.is_indexed(4, record.hash));

    let find = |from, to, addresses: &[u8], topics: &[&[u8]]| {
        let filter = LogFilter {
            from,
            to,
            addresses: addresses.iter().map(|a| Address::repeat_byte(*a)).collect(),
            topics: topics
                .iter()
                .map(|t| t.iter().map(|t| B256::repeat_byte(*t)).collect())
                .collect(),
        };
        let found = derived.logs(&filter, 10, 1 << 20).ok().and_then(Result::ok);
        let found = found.unwrap_or_default();
        found.iter().map(|f| (f.block, f.index)).collect::<Vec<_>>()
    };
    assert_eq!(find(0, 9, &[], &[]), [(1, 0), (3, 0), (3, 1)]);
    assert_eq!(find(2, 3, &[], &[]), [(3, 0), (3, 1)]);
    assert_eq!(find(0, 9, &[6], &[]), [(3, 1)]);
    assert_eq!(find(0, 9, &[], &[&[1]]), [(1, 0), (3, 1)]);
    assert_eq!(find(0, 9, &[], &[&[], &[2]]), [(1, 0)]);
    assert_eq!(find(0, 9, &[], &[&[3, 1]]), [(1, 0), (3, 0), (3, 1)]);
    let all = LogFilter {
        to: 9,
        ..LogFilter::default()
    };
    assert_eq!(derived.logs(&all, 3, 1 << 20)?.map(|f| f.len()), Ok(3));
    assert_eq!(derived.logs(&all, 2, 1 << 20)?, Err(TooMuch::Events));
    assert_eq!(derived.logs(&all, 9, 1000)?, Err(TooMuch::Bytes));
    Ok(())
}

#[test]
fn an_altered_record_counts_as_missing_and_is_rebuilt() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let derived = filled(folder.path())?;
    let key = 1u64.to_be_bytes();
    let mut value = derived.blocks.get(key)?.ok_or("record")?.to_vec();
    *value.last_mut().ok_or("empty")? ^= 1;
    derived.blocks.insert(key, value)?;
    assert_eq!(derived.block(1), None);
    derived.prepare()?;
    assert_eq!(
        derived.transaction(B256::repeat_byte(2)),
        None,
        "all indices are dropped"
    );
    Ok(())
}

#[test]
fn a_record_under_another_key_is_not_believed() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let derived = filled(folder.path())?;
    let value = derived.blocks.get(1u64.to_be_bytes())?.ok_or("record")?;
    derived.blocks.insert(2u64.to_be_bytes(), value)?;
    assert_eq!(derived.block(2), None);
    Ok(())
}

#[test]
fn seeds_are_kept_encrypted_and_damage_is_noticed() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let derived = store(folder.path())?;
    let input = B256::repeat_byte(3);
    let seeds = [
        None,
        Some(Seed::new([1; 32])),
        Some(Seed::new([2; 32])),
        Some(Seed::new([3; 32])),
    ];
    derived.keep_seeds(input, 0, &seeds)?;
    let found = derived.seeds(input).ok_or("kept")?;
    assert!(found[0].is_none());
    assert_eq!(found[3].as_ref().map(Seed::expose), Some(&[3; 32]));
    let mut record = derived.seeds.get(input)?.ok_or("record")?.to_vec();
    assert!(!record.windows(8).any(|w| w == [2; 8]));
    record[40] ^= 1;
    derived.seeds.insert(input, record)?;
    assert!(derived.seeds(input).is_none());
    assert!(derived.has_seeds(input));
    Ok(())
}

#[test]
fn seeds_of_an_epoch_that_is_over_are_forgotten() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let derived = store(&folder.path().join("derived"))?;
    let seeds = || [1, 2, 3, 4].map(|b| (b > 1).then(|| Seed::new([b; 32])));
    let id = |epoch: u64| B256::repeat_byte(epoch as u8);
    for epoch in 0..4u64 {
        derived.keep_seeds(id(epoch), epoch, &seeds())?;
    }
    derived.forget_before(2)?;
    let kept = [0, 1, 2, 3].map(|epoch| derived.has_seeds(id(epoch)));
    assert_eq!(kept, [false, false, true, true]);
    Ok(())
}

#[test]
fn a_store_that_cannot_be_opened_is_set_aside() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("derived");
    std::fs::write(&path, b"no folder")?;
    for content in [&b"no folder"[..], b"again no folder"] {
        let (derived, aside) = Derived::open(&path, &epochs(&path)?)?;
        assert!(aside.is_some_and(|aside| aside.exists()));
        assert_eq!(derived.block(1), None);
        drop(derived);
        std::fs::remove_dir_all(&path)?;
        std::fs::write(&path, content)?;
    }
    assert_eq!(std::fs::read_dir(folder.path())?.count(), 3, "one is kept");
    Ok(())
}

/// Whatever byte of its files is altered, and wherever they are cut: the store is opened, or a new
/// one is made.
#[test]
fn a_damaged_store_never_keeps_the_node_from_starting() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let whole = folder.path().join("whole");
    let keys = epochs(&whole)?;
    {
        let derived = filled(&whole)?;
        derived.flush()?;
    }
    for file in files(&whole)? {
        let bytes = std::fs::read(&file)?;
        let used = bytes.iter().rposition(|b| *b != 0).unwrap_or(0) + 1;
        let altered = (0..used).step_by(1 + used / 24).map(|at| {
            let mut altered = bytes.clone();
            altered[at] ^= 0x5a;
            altered
        });
        let cut = (0..used)
            .step_by(1 + used / 6)
            .map(|at| bytes[..at].to_vec());
        for altered in altered.chain(cut) {
            let store = folder.path().join("store");
            for from in files(&whole)? {
                let to = store.join(from.strip_prefix(&whole)?);
                std::fs::create_dir_all(to.parent().ok_or("no folder")?)?;
                std::fs::copy(&from, to)?;
            }
            std::fs::write(store.join(file.strip_prefix(&whole)?), altered)?;
            let derived = recovering(&store, || {
                let (derived, _) = Derived::open(&store, &keys)?;
                derived.prepare()?;
                for number in 1..4 {
                    let _ = derived.block(number);
                    let (applied, b) = block(number, vec![receipt(1, vec![])], vec![]);
                    derived.index(&applied, &b, B256::ZERO)?;
                }
                Ok(derived)
            })?;
            assert!(derived.block(3).is_some());
            drop(derived);
            std::fs::remove_dir_all(&store)?;
        }
    }
    Ok(())
}

/// sled may find damage, or panic, only when a record is read.
#[test]
fn a_store_that_fails_later_is_set_aside_once() -> Result<(), Box<dyn Error>> {
    let broken = || Err(NodeError::Derived(sled::Error::ReportableBug("x".into())));
    let panics = || panic!("as sled does");
    for first in [&broken as &dyn Fn() -> Result<(), NodeError>, &panics] {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("derived");
        let mut tries = 0;
        let derived = recovering(&path, || {
            let derived = filled(&path)?;
            tries += 1;
            if tries == 1 {
                first()?;
            }
            Ok(derived)
        })?;
        assert!(derived.block(3).is_some() && path.with_extension("damaged").exists());
    }
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("derived");
    filled(&path)?;
    let again: Result<(), _> = recovering(&path, broken);
    assert!(matches!(again, Err(NodeError::Derived(_))), "not for ever");
    let other: Result<(), _> = recovering(&path, || Err(NodeError::Ended("x")));
    assert!(matches!(other, Err(NodeError::Ended(_))));
    Ok(())
}

/// All files below a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}

//! Damaged modules and random calls: refused or contained, never a panic, never this machine's
//! fault.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

use super::*;
use crate::tests::{poll_code, seed};

const ENTRIES: [Entry; 7] = [
    Entry::Init,
    Entry::Action,
    Entry::Input(0),
    Entry::Compute,
    Entry::Encode,
    Entry::Attested,
    Entry::Failed,
];

#[test]
fn damaged_modules_are_refused_or_contained() {
    let mut rng = ChaCha20Rng::seed_from_u64(seed());
    let good = poll_code();
    let (mut refused, mut contained) = (0, 0);
    for _ in 0..400 {
        let mut code = good.to_vec();
        for _ in 0..rng.random_range(1..6) {
            let at = rng.random_range(0..code.len());
            match rng.random_range(0..4) {
                0 => code[at] = rng.random(),
                1 => code[at] ^= 1 << rng.random_range(0..8),
                2 => drop(code.remove(at)),
                _ => code.insert(at, rng.random()),
            }
        }
        match Compiled::new(&code.into()).unwrap() {
            Err(_) => refused += 1,
            Ok(guest) => {
                contained += 1;
                for entry in ENTRIES {
                    let outcome = run_as(&guest, entry, 300_000);
                    assert!(outcome.fuel_used <= 300_000);
                }
            }
        }
    }
    assert!(refused > 0 && contained > 0, "{refused} {contained}");
}

#[test]
fn what_is_behind_the_end_of_a_function_is_refused() {
    // One function of no arguments: `end`, then `i32.const 0`.
    const CODE: &[u8] =
        b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x06\x01\x04\0\x0b\x41\0";
    let compiled = Compiled::new(&Bytes::from_static(CODE)).unwrap();
    let Err(error) = compiled else {
        panic!("it was compiled");
    };
    assert!(matches!(error, crate::ModuleError::Invalid(_)), "{error}");
}

#[test]
fn random_host_calls_are_contained() {
    let mut rng = ChaCha20Rng::seed_from_u64(seed());
    let edges = [
        0,
        1,
        2,
        3,
        31,
        32,
        255,
        0x8000,
        65_535,
        65_536,
        -1,
        i32::MAX,
        i32::MIN,
    ];
    for _ in 0..150 {
        let mut body = String::new();
        for _ in 0..rng.random_range(1..8) {
            let (name, params, results) =
                imports::IMPORTS[rng.random_range(0..imports::IMPORTS.len())];
            let argument = |ty: &wasmi::ValType| {
                let number = match rng.random_range(0..3) {
                    0 => rng.random_range(0..4),
                    1 => edges[rng.random_range(0..edges.len())],
                    _ => rng.next_u32().cast_signed(),
                };
                format!("({}.const {number})", format!("{ty:?}").to_lowercase())
            };
            let arguments: String = params.iter().map(argument).collect();
            let call = format!("(call ${name} {arguments})");
            body += &match results {
                [] => call,
                _ => format!("(drop {call})"),
            };
        }
        let guest = guest(&format!("{body} (i32.const 0)"));
        for entry in ENTRIES {
            let first = run_as(&guest, entry, FUEL);
            let second = run_as(&guest, entry, FUEL);
            assert_eq!(first.ending, second.ending, "{body}");
            assert_eq!(first.fuel_used, second.fuel_used, "{body}");
        }
    }
}
